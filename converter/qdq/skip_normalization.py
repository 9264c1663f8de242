"""com.microsoft's SkipLayerNormalization and SkipSimplifiedLayerNormalization: what they read besides x, skip

The former is `gamma * (s - mean(s)) / sqrt(variance(s) + epsilon) + beta` of `s = x + skip + bias`. The other
one has no beta, and divides s by the root of the mean of squares (onnxruntime 1.31, skip_layer_norm.cc).
"""

from typing import Any, NamedTuple

import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import node_input, required_input
from qudnn.converter.graph.edit import is_needed
from qudnn.converter.graph.op_traits import CONTRIB
from qudnn.converter.qdq.linear import float_constant

SKIP_LAYER = "SkipLayerNormalization"
SKIP_MEAN_SQUARE = "SkipSimplifiedLayerNormalization"
_BETA, _BIAS = 3, {SKIP_LAYER: 4, SKIP_MEAN_SQUARE: 3}  # the inputs
_SUM = 3  # the output
_EPSILON = 1e-12  # by default


class SkipNormalization(NamedTuple):
    """Constants, of any type and shape, and the value that is the sum, if the node has that output."""

    bias: NDArray[Any] | None
    gamma: NDArray[Any]
    beta: NDArray[Any] | None
    epsilon: float
    total: ir.Value | None


def adds_and_normalizes(node: ir.Node) -> bool:
    return node.domain == CONTRIB and node.op_type in _BIAS


def read_skip_normalization(node: ir.Node) -> SkipNormalization:
    """Raises Refusal where something else is needed of the node, or a weight is no constant."""
    if any(map(is_needed, node.outputs[1:_SUM])):
        raise Refusal("its outputs for mean and deviation are used")
    return SkipNormalization(
        bias=_row(node, _BIAS[node.op_type], "bias"),
        gamma=float_constant(required_input(node, 2), "gamma"),
        beta=_row(node, _BETA, "beta") if node.op_type == SKIP_LAYER else None,
        epsilon=node.attributes.get_float("epsilon", _EPSILON),
        total=node.outputs[_SUM] if len(node.outputs) > _SUM else None,
    )


def _row(node: ir.Node, index: int, what: str) -> NDArray[Any] | None:
    value = node_input(node, index)
    return None if value is None else float_constant(value, what)
