"""DequantizeLinear -> a normalization of channels -> QuantizeLinear => QGroupNormalization

InstanceNormalization, GroupNormalization, RMSNormalization and onnxruntime's SimplifiedLayerNormalization.
"""

from dataclasses import replace

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.operand import read_operand
from qudnn.converter.frontends.qdq.result import IN_FLOAT, read_result
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import is_needed
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.norm.group_normalization import (
    make_group_normalization,
    make_mean_square_normalization,
)
from qudnn.converter.qdq.linear import float_constant

_EPSILON = 1e-5  # by default


def group_normalization(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, scale, bias."""
    x = read_operand(node, 0, facts)
    y = read_result(node).unclamped()
    _check_type(node)
    is_instance = is_onnx(node, "InstanceNormalization")
    candidate = make_group_normalization(
        (node, *y.covers),
        x.quantized,
        y.quantized,
        float_constant(required_input(node, 1), "scale"),
        float_constant(required_input(node, 2), "bias"),
        None if is_instance else node.attributes.get_int("num_groups", 0),
        node.attributes.get_float("epsilon", _EPSILON),
        facts,
    )
    return replace(candidate, note=IN_FLOAT)


def mean_square_normalization(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, scale."""
    x = read_operand(node, 0, facts)
    rank = len(facts.ranked(x.value))
    axis = node.attributes.get_int("axis", -1)
    if axis not in (-1, rank - 1):
        raise Refusal(f"its axis {axis} is not the last one")
    _check_type(node)
    if any(map(is_needed, node.outputs[1:])):
        raise Refusal("its output for the deviation is used")
    y = read_result(node).unclamped()
    candidate = make_mean_square_normalization(
        (node, *y.covers),
        x.quantized,
        y.quantized,
        float_constant(required_input(node, 1), "scale"),
        node.attributes.get_float("epsilon", _EPSILON),
        facts,
    )
    return replace(candidate, note=IN_FLOAT)


def _check_type(node: ir.Node) -> None:
    if node.attributes.get_int("stash_type", 1) != ir.DataType.FLOAT:
        raise Refusal("it does not compute in float32")
