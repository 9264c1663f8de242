"""ONNX's inference of single nodes, whatever sizes are known."""

import numpy as np
import onnx_ir as ir
import pytest

from qudnn.converter.analysis.node_shapes import inferred
from qudnn.converter.graph.sizes import Shape, Unknown, unknown


def sliced(shape: Shape, start: int, end: int, step: int) -> Shape:
    """The shape of a Slice along the second axis."""
    x = ir.Value(name="x", type=ir.TensorType(ir.DataType.FLOAT))
    parameters = [
        ir.Value(name=name, const_value=ir.tensor(np.array([number], np.int64), name=name))
        for name, number in (("start", start), ("end", end), ("axis", 1), ("step", step))
    ]
    for value in parameters:
        value.dtype = ir.DataType.INT64
    node = ir.node("Slice", [x, *parameters])
    node.outputs[0].name = "y"
    shapes: dict[str | None, Shape] = {value.name: (1,) for value in parameters}
    shapes["x"] = shape
    ((_, dtype, found),) = inferred(
        node, 17, lambda value: value.dtype, lambda value: shapes[value.name], lambda _: None
    )
    assert dtype == ir.DataType.FLOAT
    return found


@pytest.mark.parametrize("size", [-3, -1, 0])
@pytest.mark.parametrize("step", [1, -1])
def test_a_slice_of_nothing(size: int, step: int) -> None:
    """What is known of it is that it is unknown: ONNX's rule would end the process."""
    found = sliced((2, size, unknown("n")), 0 if step > 0 else -1, 9 if step > 0 else -9, step)
    assert (found[0], found[2]) == (2, unknown("n"))
    assert isinstance(found[1], Unknown)


def test_a_slice() -> None:
    assert sliced((2, 7, unknown("n")), 1, 9, 2) == (2, 3, unknown("n"))
