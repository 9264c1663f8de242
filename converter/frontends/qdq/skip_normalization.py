"""DequantizeLinear (2) -> com.microsoft SkipLayerNormalization -> QuantizeLinear

=> AddLayerNormalizationToIsland; of SkipSimplifiedLayerNormalization AddRMSNormalizationToIsland
"""

from dataclasses import replace

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.operand import read_operand
from qudnn.converter.frontends.qdq.result import IN_FLOAT, read_result
from qudnn.converter.graph.edit import is_needed
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.norm.add_normalization import (
    Sum,
    make_add_mean_square_normalization,
    make_add_normalization,
)
from qudnn.converter.qdq.skip_normalization import SkipNormalization, read_skip_normalization

MIN_OPSET = 17  # of LayerNormalization, which the function's body is written in


def skip_layer_normalization(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, skip, gamma, and as options beta and bias."""
    total, norm = _read(node, facts)
    if facts.opsets.get("", 0) < MIN_OPSET:
        raise Refusal(f"the model's opset is older than {MIN_OPSET}")
    candidate = make_add_normalization(total, norm.bias, norm.gamma, norm.beta, norm.epsilon, facts)
    return replace(candidate, note=note_of(norm))


def skip_mean_square_normalization(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, skip, gamma, and as an option bias."""
    total, norm = _read(node, facts)
    return make_add_mean_square_normalization(total, norm.bias, norm.gamma, norm.epsilon, facts)


def note_of(norm: SkipNormalization) -> str:
    """How the results of a SkipLayerNormalization may differ from those of onnxruntime's CPU provider."""
    adds_bias_last = norm.bias is not None and norm.total is not None and is_needed(norm.total)
    return f"{IN_FLOAT}, and its sum in the last bits" if adds_bias_last else IN_FLOAT


def _read(node: ir.Node, facts: Facts) -> tuple[Sum, SkipNormalization]:
    x, skip = read_operand(node, 0, facts), read_operand(node, 1, facts)
    y = read_result(node).unclamped()
    norm = read_skip_normalization(node)
    return Sum((node, *y.covers), x.quantized, skip.quantized, y.quantized, norm.total), norm
