"""LayerNormalization -> QuantizeToIsland => LayerNormalizationToIsland

Add(DequantizeFromIsland, residual) -> LayerNormalization -> QuantizeToIsland => AddLayerNormalizationToIsland
"""

from typing import NamedTuple

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.island.crossings import ints, is_qudnn
from qudnn.converter.island.emitter import Attribute
from qudnn.converter.passes.fuse.normalization import channels_of, epsilon_of, is_row, row, rows_of
from qudnn.converter.passes.fuse.normalize_before import Fused, NormalizeBefore, keeps_axes


class _Inside(NamedTuple):
    """A tensor that leaves the island, float32 then, with a bias for each channel added or None."""

    leave: ir.Node
    bias: ir.Value | None


class NormalizeAtEntry(NormalizeBefore):
    """Residuals may be float32, or leave an island as well. Nothing is broadcast but a bias."""

    ENTRY = "QuantizeToIsland"

    def fused(self, norm: ir.Node, entry: ir.Node, facts: Facts, graph: ir.Graph) -> Fused:
        total = required_input(norm, 0)
        channels = channels_of(norm, facts)
        gamma, beta = rows_of(norm, channels, graph, self.context)
        attributes: dict[str, Attribute] = {
            "pads": ints(entry, "pads"),
            "q_scale": entry.attributes["scale"].as_float(),
            "q_zero_point": entry.attributes["zero_point"].as_int(),
            "epsilon": epsilon_of(norm),
        }
        add = total.producer()
        terms = _terms(add, channels, facts)
        if terms is None:
            return Fused("LayerNormalizationToIsland", (total, gamma, beta), attributes, None)
        inside, residual = terms
        bias = inside.bias or row(graph, self.context, f"{norm.name}/no_bias", -0.0, channels)
        residual, residual_scale, residual_zero_point = _residual(residual)
        attributes |= {
            "channels": channels,
            "x_scale": inside.leave.attributes["scale"].as_float(),
            "x_zero_point": inside.leave.attributes["zero_point"].as_int(),
            "residual_scale": residual_scale,
            "residual_zero_point": residual_zero_point,
        }
        x = required_input(inside.leave, 0)
        return Fused("AddLayerNormalizationToIsland", (x, bias, residual, gamma, beta), attributes, add)


def _terms(add: ir.Node | None, channels: int, facts: Facts) -> tuple[_Inside, ir.Value] | None:
    """What an Add adds: a tensor that comes from inside, another one of its shape. None: something else."""
    if not is_onnx(add, "Add"):
        return None
    a, b = required_input(add, 0), required_input(add, 1)
    shape = facts.shape(a)
    if shape is None or shape != facts.shape(b):
        return None
    for value, other in (a, b), (b, a):
        inside = _inside(value, channels)
        if inside is not None:
            return inside, other
    return None


def _inside(value: ir.Value, channels: int) -> _Inside | None:
    node = value.producer()
    if node is None:
        return None
    if is_qudnn(node, "DequantizeFromIsland") and keeps_axes(node):
        return _Inside(node, None)
    if not is_onnx(node, "Add"):
        return None
    a, b = required_input(node, 0), required_input(node, 1)
    for x, bias in (a, b), (b, a):
        leave = x.producer()
        if is_qudnn(leave, "DequantizeFromIsland") and is_row(bias, channels):
            assert leave is not None
            return _Inside(leave, bias) if keeps_axes(leave) else None
    return None


def _residual(value: ir.Value) -> tuple[ir.Value, float, int]:
    """The residual with its scale and zero point: where it leaves an island, as it is inside."""
    leave = value.producer()
    if leave is None or not is_qudnn(leave, "DequantizeFromIsland") or not keeps_axes(leave):
        return value, 1.0, 0
    attributes = leave.attributes
    return required_input(leave, 0), attributes["scale"].as_float(), attributes["zero_point"].as_int()
