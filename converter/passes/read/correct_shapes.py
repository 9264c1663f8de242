"""Shapes that a model declares of its values and that cannot be true => those that follow from its inputs"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.graph.sizes import Shape, Size
from qudnn.converter.passes.base import ReadPass


class CorrectShapes(ReadPass):
    """Tools change models and leave outdated shapes declared; onnxruntime overrides them.

    (MergeShapeInfo in graph.cc, 1.31.) What follows through arithmetic on sizes, which onnxruntime does not
    infer, overrides them, too: it computes by the sizes that tensors have when it runs. Sizes of which
    nothing follows stay as declared.
    """

    def run(self, model: ir.Model) -> None:
        values = [output for node in model.graph for output in node.outputs if not output.is_graph_output()]
        declared = {value for value in values if value.shape is not None}
        if not declared:
            return
        facts = Facts(model, declared=False)
        for node in model.graph:
            facts.pass_on(node)
            for value in declared.intersection(node.outputs):
                shape = _corrected(value.shape, facts.shape(value), facts)
                if shape != value.shape:
                    value.shape = shape


def _corrected(declared: ir.Shape | None, found: Shape | None, facts: Facts) -> ir.Shape | None:
    """The shape found, with declared sizes in the places of those that follow from no input.

    A size that is computed of those of inputs has no name, and none is declared then.
    """
    if declared is None or found is None:
        return declared
    others = list(declared) if len(declared) == len(found) else [None] * len(found)
    return ir.Shape(
        [_size(new, facts) if facts.can_compute(new) else old for new, old in zip(found, others, strict=True)]
    )


def _size(size: Size, facts: Facts) -> int | str | None:
    if isinstance(size, int):
        return size
    return str(size) if str(size) in facts.size_places else None
