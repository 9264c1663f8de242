"""DynamicQuantizeLinear -> MatMulInteger -> Cast -> Mul by the scales -> (Add of a bias) => DynamicQMatMul

And what onnxruntime makes of them: com.microsoft's MatMulIntegerToFloat and DynamicQuantizeMatMul.
"""

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.dynamic import two_tensors
from qudnn.converter.frontends.dynamic.operand import is_dynamic, read_float_operand, read_operand
from qudnn.converter.frontends.dynamic.scaled import read_scaled
from qudnn.converter.frontends.qoperator.matmul_integer_to_float import SCALES_APART, is_one_factor
from qudnn.converter.graph.constants import (
    EIGHT_BIT,
    constant,
    constant_or_none,
    float_vector,
    node_input,
    required_input,
)
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.packing import Float32Array
from qudnn.converter.lowering.gemm.dynamic_matmul import make_dynamic_matmul
from qudnn.converter.lowering.weights import Weights


def matmul_integer(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: a, b, and as options a_zero_point, b_zero_point."""
    if not _has_weights(node):
        return two_tensors.matmul_integer(node, facts)
    x = read_operand(node, 2, facts)
    w, zero_points = _matrix(node, 1, 3)
    outputs = w.shape[1]
    result = read_scaled(node.outputs[0], x.scale, len(x.shape), -1, outputs, is_matmul=True)
    return make_dynamic_matmul(
        (node, *result.covers),
        x.value,
        x.shape,
        Weights(w, result.scale, zero_points),
        result.addend,
        result.y,
    )


def matmul_integer_to_float(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: a, b, a_scale, b_scale, and as options a_zero_point, b_zero_point, bias."""
    if not _has_weights(node):
        return two_tensors.matmul_integer_to_float(node, facts)
    x = read_operand(node, 4, facts)
    if node_input(node, 2) is not x.scale:
        raise Refusal("its input has another scale than DynamicQuantizeLinear gave it")
    w, zero_points = _matrix(node, 1, 5)
    return make_dynamic_matmul(
        (node,),
        x.value,
        x.shape,
        Weights(w, _scale(node, 3, w.shape), zero_points),
        _bias(node, 6, w.shape[1]),
        node.outputs[0],
    )


def dynamic_quantize_matmul(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: a, b, b_scale, and as options b_zero_point, bias."""
    if not _is_matrix(node):
        return two_tensors.dynamic_quantize_matmul(node, facts)
    x, shape = read_float_operand(node, facts)
    w, zero_points = _matrix(node, 1, 3)
    return make_dynamic_matmul(
        (node,),
        x,
        shape,
        Weights(w, _scale(node, 2, w.shape), zero_points),
        _bias(node, 4, w.shape[1]),
        node.outputs[0],
    )


def _has_weights(node: ir.Node) -> bool:
    """Whether it multiplies a tensor of DynamicQuantizeLinear by a constant matrix."""
    return is_dynamic(node_input(node, 0)) and _is_matrix(node)


def _is_matrix(node: ir.Node) -> bool:
    array = constant_or_none(required_input(node, 1))
    return array is not None and array.ndim == 2


def _matrix(node: ir.Node, index: int, zero_point: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """The constant `[C, K]` and its zero points, `[1]` or `[K]`."""
    array = constant(node_input(node, index), "weight")
    if ir.DataType.from_numpy(array.dtype) not in EIGHT_BIT:
        raise Refusal(f"its weights are {array.dtype}, not 8 bits wide")
    if array.ndim != 2 or not array.size:
        raise Refusal(f"its weights have the shape {list(array.shape)}, not two dimensions")
    value = node_input(node, zero_point)
    zero_points = np.zeros(1, array.dtype) if value is None else constant(value, "weight zero point")
    if zero_points.size not in (1, array.shape[1]):
        raise Refusal(f"it has {zero_points.size} weight zero points for {array.shape[1]} outputs")
    return array, zero_points.reshape(-1)


def _scale(node: ir.Node, index: int, shape: tuple[int, ...]) -> Float32Array:
    value = required_input(node, index)
    if not is_one_factor(value, shape):
        raise Refusal(SCALES_APART)
    return float_vector(value, shape[1], "weight scale")


def _bias(node: ir.Node, index: int, outputs: int) -> Float32Array | None:
    value = node_input(node, index)
    return None if value is None else float_vector(value, outputs, "bias")
