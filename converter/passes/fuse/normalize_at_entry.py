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
from qudnn.converter.passes.fuse.normalize_before import Fused, NormalizeBefore, keeps_axes, sum_note


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
        attributes = entry_attributes(entry, epsilon_of(norm))
        add = total.producer()
        terms = _terms(add, channels, facts)
        if add is None or terms is None:
            return Fused("LayerNormalizationToIsland", (total, gamma, beta), attributes, norm.outputs[:1])
        inside, residual = terms
        bias = inside.bias or row(graph, self.context, f"{norm.name}/no_bias", -0.0, channels)
        x, y = read_terms(inside.leave, residual)
        return Fused(
            "AddLayerNormalizationToIsland",
            (x.value, bias, y.value, gamma, beta),
            attributes | sum_attributes(channels, x, y),
            (total, norm.outputs[0]),
            sum_note(total, norm, entry),
        )


def entry_attributes(entry: ir.Node, epsilon: float) -> dict[str, Attribute]:
    """Those that the op has of the entry and of the normalization."""
    return {
        "pads": ints(entry, "pads"),
        "q_scale": entry.attributes["scale"].as_float(),
        "q_zero_point": entry.attributes["zero_point"].as_int(),
        "epsilon": epsilon,
    }


class Term(NamedTuple):
    """What is added: int8 of an island, or float32 with a scale of 1."""

    value: ir.Value
    scale: float
    zero_point: int


def read_terms(leave: ir.Node, residual: ir.Value) -> tuple[Term, Term]:
    """What `leave` brings out of an island, and the residual: as it is inside of one, if it comes out."""
    inside = residual.producer()
    if inside is None or not leaves_as_it_lies(inside):
        return _inside_of(leave), Term(residual, 1.0, 0)
    return _inside_of(leave), _inside_of(inside)


def _inside_of(leave: ir.Node) -> Term:
    attributes = leave.attributes
    scale, zero_point = attributes["scale"].as_float(), attributes["zero_point"].as_int()
    return Term(required_input(leave, 0), scale, zero_point)


def sum_attributes(channels: int, x: Term, residual: Term) -> dict[str, Attribute]:
    return {
        "channels": channels,
        "x_scale": x.scale,
        "x_zero_point": x.zero_point,
        "residual_scale": residual.scale,
        "residual_zero_point": residual.zero_point,
    }


def leaves_as_it_lies(node: ir.Node | None) -> bool:
    """Whether it brings a tensor out of an island in float32, with its axes in the same order."""
    return node is not None and is_qudnn(node, "DequantizeFromIsland") and keeps_axes(node)


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
    if leaves_as_it_lies(node):
        return _Inside(node, None)
    if not is_onnx(node, "Add"):
        return None
    a, b = required_input(node, 0), required_input(node, 1)
    for x, bias in (a, b), (b, a):
        leave = x.producer()
        if leave is not None and leaves_as_it_lies(leave) and is_row(bias, channels):
            return _Inside(leave, bias)
    return None
