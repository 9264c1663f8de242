"""Shape inference of whole models, whatever sizes follow."""

from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import helper, numpy_helper
from onnx_ir.passes.common import ShapeInferencePass

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


@pytest.mark.parametrize(("with_body", "times"), [(False, 1), (True, 2)])
def test_slices_take_no_second_inference(
    with_body: bool, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for what the rules of single nodes do not know: bodies that read a Slice."""
    calls: list[object] = []
    run = ShapeInferencePass.call

    def counted(self: ShapeInferencePass, model: ir.Model) -> Any:
        calls.append(model)
        return run(self, model)

    monkeypatch.setattr(ShapeInferencePass, "call", counted)
    one, two = (
        numpy_helper.from_array(np.array([n], np.int64), name) for n, name in ((0, "one"), (2, "two"))
    )
    nodes = [helper.make_node("Slice", ["x", "one", "two"], ["b"])]
    if with_body:
        unknown = helper.make_empty_tensor_value_info
        branches = [
            helper.make_graph([helper.make_node(op, ["b"], [op])], op, [], [unknown(op)])
            for op in ("Abs", "Neg")
        ]
        nodes.append(helper.make_node("If", ["c"], ["z"], then_branch=branches[0], else_branch=branches[1]))
    nodes.append(helper.make_node("Relu", ["z" if with_body else "b"], ["y"]))
    graph = helper.make_graph(
        nodes,
        "g",
        [
            helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [6, 3]),
            helper.make_tensor_value_info("c", onnx.TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
        [one, two],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    inferred = infer(ir.from_proto(model))
    assert [node.outputs[0].shape for node in inferred][-1] == [2, 3]
    assert len(calls) == times
