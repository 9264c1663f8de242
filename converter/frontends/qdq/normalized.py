"""BatchNormalization with constants: a factor and a term for each channel."""

from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from qudnn.converter.graph.constants import constant_or_none, node_input
from qudnn.converter.graph.edit import sole_consumer
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.island.packing import Float32Array

_EPSILON = 1e-5  # where the node gives none


class Affine(NamedTuple):
    """`x * factor + term`, both float32 `[C]`."""

    factor: Float32Array
    term: Float32Array


def normalization_after(value: ir.Value) -> tuple[ir.Node, Affine] | None:
    """The BatchNormalization that is the value's sole consumer, and what it computes.

    In the steps of onnxruntime's BatchNorm (core/providers/cpu/nn/batch_norm.h, 1.31):

        factor = scale / sqrt(variance + epsilon)          term = bias - mean * factor
    """
    node = sole_consumer(value, once=True, inside=True)
    if not is_onnx(node, "BatchNormalization") or node.inputs[0] is not value:
        return None
    if node.attributes.get_int("training_mode", 0) or any(output.uses() for output in node.outputs[1:]):
        return None
    found = [node_input(node, index) for index in range(1, 5)]
    arrays = [None if given is None else constant_or_none(given) for given in found]
    scale, bias, mean, variance = arrays
    if scale is None or bias is None or mean is None or variance is None:
        return None
    if any(
        array.dtype != np.float32 or array.shape != scale.shape for array in (scale, bias, mean, variance)
    ):
        return None
    epsilon = np.float32(node.attributes.get_float("epsilon", _EPSILON))
    with np.errstate(all="ignore"):
        factor: Float32Array = np.divide(scale, np.sqrt(variance + epsilon), dtype=np.float32)
        term: Float32Array = bias - mean * factor
    if not (np.isfinite(factor).all() and np.isfinite(term).all()):
        return None
    return node, Affine(factor, term)
