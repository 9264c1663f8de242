"""Matmuls and convolutions of float32 with weights that are stored in 8 bits."""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant_or_none, node_input, required_input
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.qdq.stored_weights import StoredWeights, read_stored_weights


def why_not(node: ir.Node) -> str:
    """Why a node with stored weights has no integer form; empty where it has one."""
    if not is_onnx(node, "MatMul", "Gemm", "Conv"):
        return "only a MatMul, Gemm or Conv of 8-bit weights has an integer form"
    try:
        weights_of(node)
        bias_of(node)
    except Refusal as refusal:
        return str(refusal)
    return ""


def weights_of(node: ir.Node) -> StoredWeights:
    """Of a matmul `[C, K]`, of a convolution as they are; with vectors of scales and zero points."""
    if constant_or_none(required_input(node, 0)) is not None:
        raise Refusal("its left input is constant")
    weights = read_stored_weights(required_input(node, 1))
    if is_onnx(node, "Conv"):
        weights = weights.per_output(0)
        if weights.zero_points.size > 1:
            raise Refusal("it has zero points for each output, as no integer convolution has")
        return weights
    if weights.values.ndim != 2:
        raise Refusal(f"its weights have the shape {list(weights.values.shape)}, not two dimensions")
    if is_onnx(node, "Gemm"):
        if any(node.attributes.get_float(name, 1.0) != 1 for name in ("alpha", "beta")):
            raise Refusal("its alpha or beta is not 1")
        if node.attributes.get_int("transA", 0):
            raise Refusal("it transposes its left input")
        if node.attributes.get_int("transB", 0):
            weights = weights.transposed()
    return weights.per_output(1)


def bias_of(node: ir.Node) -> ir.Value | None:
    """What it adds, None where nothing; constant of a convolution."""
    bias = node_input(node, 2)
    if bias is not None and is_onnx(node, "Conv") and constant_or_none(bias) is None:
        raise Refusal("its bias must be constant")
    return bias
