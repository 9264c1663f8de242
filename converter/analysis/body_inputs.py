"""What the inputs of a body of Loop or Scan are, in each iteration."""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.analysis.inference import infer
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.sizes import Shape

_MOST_ROUNDS = 4  # of asking which sizes an iteration keeps


def tell_inputs(node: ir.Node, model: ir.Model, facts: Facts) -> None:
    """Let the inputs of the body have the types that follow, and the shapes that hold in each iteration."""
    graph = model.graph
    if is_onnx(node, "Loop"):
        numbers = range(2, min(len(node.inputs), len(graph.inputs)))
        starts = {graph.inputs[index]: node.inputs[index] for index in numbers}
        _tell_states(starts, dict(zip(starts, graph.outputs[1:], strict=False)), model, facts)
    elif is_onnx(node, "Scan"):
        sequences = node.attributes.get_int("num_scan_inputs", 0)
        states = len(node.inputs) - sequences
        axes = node.attributes.get_ints("scan_input_axes", [0] * sequences)
        for index, (inner, outer) in enumerate(zip(graph.inputs, node.inputs, strict=False)):
            shape = None if outer is None else facts.shape(outer)
            if outer is None or not shape:
                continue
            if index >= states:
                axis = axes[index - states] % len(shape)
                shape = (*shape[:axis], *shape[axis + 1 :])
            declare(inner, inner.dtype or facts.dtype(outer), shape)


def _tell_states(
    starts: dict[ir.Value, ir.Value | None], ends: dict[ir.Value, ir.Value], model: ir.Model, facts: Facts
) -> None:
    """A state of a Loop has the sizes that it starts with where an iteration keeps them: by induction.

    Otherwise only what the body declares is known; names of sizes there may stand for others outside.
    """
    declared = {value: _anonymous(value, value.shape) for value in starts}
    assumed: dict[ir.Value, ir.Shape] = {}
    for value, start in starts.items():
        shape = None if start is None else facts.shape(start)
        declare(value, value.dtype or (None if start is None else facts.dtype(start)), shape)
        if shape is not None and value.shape is not None:
            assumed[value] = value.shape
    for _ in range(_MOST_ROUNDS):
        for value in starts:
            value.shape = assumed.get(value, declared[value])
        ended = infer(model).outputs
        found = {output: end.shape for output, end in zip(model.graph.outputs, ended, strict=True)}
        kept = {value: _kept(value, shape, found[ends[value]]) for value, shape in assumed.items()}
        if kept == assumed:
            return
        assumed = {value: shape for value, shape in kept.items() if shape is not None}
    for value in starts:
        value.shape = declared[value]


def _kept(value: ir.Value, before: ir.Shape, after: ir.Shape | None) -> ir.Shape | None:
    """What is known of both shapes: of sizes that differ nothing; None where there is no common rank."""
    if after is None or len(before) != len(after):
        return None
    sizes = [
        a if a == b else f"{value.name}[{axis}]"
        for axis, (a, b) in enumerate(zip(before, after, strict=True))
    ]
    return ir.Shape(sizes)


def _anonymous(value: ir.Value, shape: ir.Shape | None) -> ir.Shape | None:
    """The shape with names of the value's own for unknown sizes."""
    if shape is None:
        return None
    return ir.Shape(
        [size if isinstance(size, int) else f"{value.name}[{axis}]" for axis, size in enumerate(shape)]
    )


def declare(value: ir.Value, dtype: ir.DataType | None, shape: Shape | None) -> None:
    if dtype is not None:
        value.type = ir.TensorType(dtype)
    if shape is not None:
        value.shape = ir.Shape([size if isinstance(size, int) else str(size) for size in shape])
