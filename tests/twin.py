"""A QDQ model with its int8 activations in uint8."""

import numpy as np
import onnx
from onnx import numpy_helper

INT8 = onnx.TensorProto.INT8


def as_uint8(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same numbers, with zero points 128 higher; weights stay as they are.

    onnxruntime's CPU provider computes int8 tensors that have several readers in float32, and all of
    the uint8 model in integers. So this, not the original, is what the converted model equals in each bit.
    """
    twin = onnx.ModelProto()
    twin.CopyFrom(model)
    del twin.graph.value_info[:]
    constants = {tensor.name: tensor for tensor in twin.graph.initializer}
    shifted: dict[str, onnx.TensorProto] = {}
    quantized = {n.output[0] for n in twin.graph.node if _quantizes(n) and n.input[0] not in constants}
    for node in twin.graph.node:
        activation = node.output[0] in quantized or (_dequantizes(node) and node.input[0] in quantized)
        if activation and constants[node.input[2]].data_type == INT8:
            name = f"{node.input[2]} + 128"
            zero_point = numpy_helper.to_array(constants[node.input[2]]).astype(np.int32) + 128
            shifted[name] = numpy_helper.from_array(zero_point.astype(np.uint8), name)
            node.input[2] = name
    assert shifted
    twin.graph.initializer.extend(shifted.values())
    return twin


def _quantizes(node: onnx.NodeProto) -> bool:
    return bool(node.op_type == "QuantizeLinear")


def _dequantizes(node: onnx.NodeProto) -> bool:
    return bool(node.op_type == "DequantizeLinear")
