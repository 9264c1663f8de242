"""Shapes that a model declares of its values and that cannot be true => those that follow from its inputs"""

import onnx_ir as ir

from qudnn.converter.analysis.inference import infer
from qudnn.converter.passes.base import ReadPass


class CorrectShapes(ReadPass):
    """Tools change models and leave outdated shapes declared; onnxruntime overrides them.

    (MergeShapeInfo in graph.cc, 1.31.) Sizes of which nothing follows stay as declared.
    """

    def run(self, model: ir.Model) -> None:
        values = [output for node in model.graph for output in node.outputs if not output.is_graph_output()]
        declared = {value.name: value for value in values if value.shape is not None}
        if not declared:
            return
        given = {name for value in model.graph.inputs for name in _names(value.shape)}
        for node in infer(model, declared=False):
            for output in node.outputs:
                value = declared.get(output.name)
                shape = None if value is None else _corrected(value.shape, output.shape, given)
                if value is not None and shape is not None and shape != value.shape:
                    value.shape = shape


def _corrected(declared: ir.Shape | None, inferred: ir.Shape | None, given: set[str]) -> ir.Shape | None:
    """The inferred shape, with declared sizes in the places of those that follow from no input."""
    if declared is None or inferred is None:
        return declared
    others = declared if len(declared) == len(inferred) else [None] * len(inferred)
    follows = (isinstance(size, int) or size.value in given for size in inferred)
    return ir.Shape(
        [new if first else old for first, new, old in zip(follows, inferred, others, strict=True)]
    )


def _names(shape: ir.Shape | None) -> list[str]:
    return [size.value for size in shape or () if isinstance(size, ir.SymbolicDim) and size.value]
