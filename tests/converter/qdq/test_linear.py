"""Constants that are dequantized."""

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import helper, numpy_helper

from cases.builder import Array
from qudnn.converter.errors import Refusal
from qudnn.converter.qdq.linear import float_constant
from session import open_session, outputs

Q = np.arange(-42, 42).reshape(14, 6).astype(np.int8)


def model(q: Array, scale: Array, zero_point: Array | None, axis: int) -> onnx.ModelProto:
    constants = {"q": q, "s": scale} | ({} if zero_point is None else {"z": zero_point})
    graph = helper.make_graph(
        [helper.make_node("DequantizeLinear", list(constants), ["y"], axis=axis)],
        "g",
        [],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, q.shape)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def scales(size: int) -> Array:
    return np.linspace(0.3, 0.7, size, dtype=np.float32)


@pytest.mark.parametrize(
    ("q", "scale", "zero_point", "axis"),
    [
        (Q, scales(14), np.arange(14, dtype=np.int8), 0),
        (Q, scales(6), None, -1),
        (Q, np.float32(0.3), np.int8(5), 1),
        (Q[0].astype(np.int32), scales(6), None, 0),
    ],
)
def test_as_onnxruntime_dequantizes(q: Array, scale: Array, zero_point: Array | None, axis: int) -> None:
    written = model(q, np.asarray(scale), None if zero_point is None else np.asarray(zero_point), axis)
    want = outputs(open_session(written), {})["y"]
    found = float_constant(ir.from_proto(written).graph.outputs[0], "bias")
    assert found.dtype == want.dtype
    assert np.array_equal(found, want)


@pytest.mark.parametrize(
    ("scale", "zero_point", "axis"),
    [
        (scales(4), None, 0),
        (scales(14), np.zeros(4, np.int8), 0),
        (scales(14), None, 1),
        (scales(1), np.zeros(6, np.int8), 1),
    ],
)
def test_scales_of_another_length_are_refused(scale: Array, zero_point: Array | None, axis: int) -> None:
    with pytest.raises(Refusal, match=r"its bias has \d+ scales and \d+ zero points for an axis of"):
        float_constant(ir.from_proto(model(Q, scale, zero_point, axis)).graph.outputs[0], "bias")
