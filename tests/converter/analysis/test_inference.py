"""Shape inference of whole models, whatever sizes follow."""

from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import helper, numpy_helper

from cases.builder import Array
from qudnn.converter.analysis.inference import infer

MAKERS: dict[str, tuple[dict[str, Array | None], dict[str, Any]]] = {
    "MaxPool": ({}, {"kernel_shape": [9, 9]}),
    "Conv": ({"w": np.ones((6, 6, 7, 7), np.float32)}, {}),
    "ConvTranspose": ({"w": np.ones((6, 6, 1, 1), np.float32)}, {"pads": [9] * 4}),
    "Pad": ({"pads": np.array([0, 0, -4, -4, 0, 0, 0, -4], np.int64)}, {}),
    "Resize": ({"": None, "scales": np.array([1, 1, -1, -1], np.float32)}, {"mode": "linear"}),
}


def shapes(op: str, constants: dict[str, Array | None], attributes: dict[str, Any], step: int) -> list[Any]:
    """What follows for the maker of odd sizes, for a Slice of its result, and for what reads that."""
    bounds = [0, 2] if step > 0 else [-1, -9]
    numbers = {"start": bounds[:1], "end": bounds[1:], "axis": [2], "step": [step]}
    arrays = {name: array for name, array in constants.items() if array is not None}
    arrays |= {name: np.array(value, np.int64) for name, value in numbers.items()}
    nodes = [
        helper.make_node(op, ["x", *constants], ["a"], **attributes),
        helper.make_node("Slice", ["a", *numbers], ["b"]),
        helper.make_node("Relu", ["b"], ["c"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 6, 3, 5])],
        [helper.make_tensor_value_info("c", onnx.TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    inferred = infer(ir.from_proto(model))
    assert [node.domain for node in inferred] == [""] * 3
    return [node.outputs[0].shape for node in inferred]


@pytest.mark.parametrize("step", [1, -1])
@pytest.mark.parametrize("op", MAKERS)
def test_sizes_below_one_are_not_sliced(op: str, step: int) -> None:
    """ONNX's rule would end the process."""
    made, sliced, read = shapes(op, *MAKERS[op], step)
    assert made is not None
    assert min(size for size in made if isinstance(size, int)) < 1
    for shape in (sliced, read):
        assert len(shape) == 4
        assert shape[1] == 6
        assert not isinstance(shape[2], int)


def test_slices_are_told_of() -> None:
    made, sliced, read = shapes("MaxPool", {}, {"kernel_shape": [1, 1]}, 1)
    assert made == ["n", 6, 3, 5]
    assert sliced == read == ["n", 6, 2, 5]
