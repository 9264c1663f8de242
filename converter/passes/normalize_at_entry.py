"""QuantizeToIsland o LayerNormalization -> LayerNormalizationToIsland

QuantizeToIsland o LayerNormalization o Add(DequantizeFromIsland, residual) -> AddLayerNormalizationToIsland
"""

from typing import NamedTuple

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from converter.constants import constant_or_none, node_input, required_input
from converter.crossings import ints, is_op
from converter.emitter import Attribute
from converter.errors import Refusal
from converter.facts import Facts
from converter.functions import DOMAIN
from converter.graph_edit import add_initializer, is_needed, leave_out, remove_orphans, take_place
from converter.passes.base import Pass

_OTHERWISE = (
    "onnxruntime adds and normalizes at once, in floating point, and rounds otherwise than its "
    "LayerNormalization, which a GPU's results follow: they may differ by one quantum"
)


class _Inside(NamedTuple):
    """A tensor that leaves the island, float32 then, with a bias for each channel added or None."""

    leave: ir.Node
    bias: ir.Value | None


class NormalizeAtEntry(Pass):
    """The float32 results stay outputs of the op where others read them, the sum and the normalized tensor.

    Residuals may be float32, or leave an island as well. Nothing is broadcast but a bias.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        modified = False
        for norm in list(model.graph):
            entry = _entry_behind(norm)
            if entry is None:
                continue
            try:
                self._fuse(norm, entry, model.graph)
                modified = True
            except Refusal as refusal:
                self.context.refusals[norm] = str(refusal)
        if modified:
            model.graph.sort()  # others may read results of the op before the entry that it becomes
        return ir.passes.PassResult(model, modified)

    def _fuse(self, norm: ir.Node, entry: ir.Node, graph: ir.Graph) -> None:
        facts = self.context.facts
        assert facts is not None
        total = required_input(norm, 0)
        channels = _channels(norm, total, facts)
        gamma, beta = (node_input(norm, index) for index in (1, 2))
        for name, value in ("scale", gamma), ("bias", beta):
            if value is not None and not _is_row(value, channels):
                raise Refusal(f"its {name} is no constant of {channels} numbers in float32")
        if beta is None:
            beta = self._row(graph, f"{norm.name}/beta", np.zeros(channels, np.float32))
        attributes: dict[str, Attribute] = {
            "pads": ints(entry, "pads"),
            "q_scale": entry.attributes["scale"].as_float(),
            "q_zero_point": entry.attributes["zero_point"].as_int(),
            "epsilon": norm.attributes.get_float("epsilon", 1e-5),
        }
        add = total.producer()
        terms = _terms(add, channels, facts)
        if terms is None:
            fused = ir.node(
                "LayerNormalizationToIsland", [total, gamma, beta], attributes=attributes, num_outputs=2
            )
        else:
            inside, residual = terms
            none = np.full(channels, -0.0, np.float32)
            bias = inside.bias or self._row(graph, f"{norm.name}/no_bias", none)
            residual, residual_scale, residual_zero_point = _residual(residual)
            attributes |= {
                "channels": channels,
                "x_scale": inside.leave.attributes["scale"].as_float(),
                "x_zero_point": inside.leave.attributes["zero_point"].as_int(),
                "residual_scale": residual_scale,
                "residual_zero_point": residual_zero_point,
            }
            inputs = [inside.leave.inputs[0], bias, residual, gamma, beta]
            fused = ir.node("AddLayerNormalizationToIsland", inputs, attributes=attributes, num_outputs=3)
        fused.domain, fused.name, fused.doc_string = DOMAIN, norm.name, norm.doc_string
        fused.metadata_props.update(norm.metadata_props)
        graph.insert_after(entry, fused)
        take_place(entry.outputs[0], fused.outputs[-1])
        nodes = [norm] if terms is None or add is None else [norm, add]
        _hand_over(nodes, fused, entry)
        if len(nodes) > 1 and not fused.outputs[0].name and len(ints(entry, "perm")) == 3:
            self.context.notes[fused] = _OTHERWISE

    def _row(self, graph: ir.Graph, name: str, array: NDArray[np.float32]) -> ir.Value:
        return add_initializer(graph, self.context.new_value_name(name), array)


def _entry_behind(norm: ir.Node) -> ir.Node | None:
    """The first entry that quantizes the result of a LayerNormalization, as it lies."""
    if norm.domain or norm.op_type != "LayerNormalization":
        return None
    for entry in [use.node for use in norm.outputs[0].uses()]:
        if is_op(entry, "QuantizeToIsland") and _keeps_axes(entry) and not any(ints(entry, "pads")[:-1]):
            return entry
    return None


def _keeps_axes(crossing: ir.Node) -> bool:
    perm = ints(crossing, "perm")
    return perm == list(range(len(perm)))


def _channels(norm: ir.Node, x: ir.Value, facts: Facts) -> int:
    shape = facts.ranked(x)
    if facts.dtype(x) != ir.DataType.FLOAT or norm.attributes.get_int("stash_type", 1) != ir.DataType.FLOAT:
        raise Refusal("it does not compute in float32")
    if norm.attributes.get_int("axis", -1) not in (-1, len(shape) - 1):
        raise Refusal("its axis is not the last one")
    if any(output.uses() or output.is_graph_output() for output in norm.outputs[1:]):
        raise Refusal("its mean or its deviation is needed too")
    if not isinstance(shape[-1], int):
        raise Refusal("the size of its last axis is unknown")
    return shape[-1]


def _is_row(value: ir.Value, channels: int) -> bool:
    array = constant_or_none(value)
    return array is not None and array.dtype == np.float32 and array.shape == (channels,)


def _terms(add: ir.Node | None, channels: int, facts: Facts) -> tuple[_Inside, ir.Value] | None:
    """What an Add adds: a tensor that comes from inside, another one of its shape. None: something else."""
    if add is None or add.domain or add.op_type != "Add":
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
    if is_op(node, "DequantizeFromIsland") and _keeps_axes(node):
        return _Inside(node, None)
    if node.domain or node.op_type != "Add":
        return None
    a, b = required_input(node, 0), required_input(node, 1)
    for x, bias in (a, b), (b, a):
        leave = x.producer()
        if is_op(leave, "DequantizeFromIsland") and _is_row(bias, channels):
            assert leave is not None
            return _Inside(leave, bias) if _keeps_axes(leave) else None
    return None


def _residual(value: ir.Value) -> tuple[ir.Value, float, int]:
    """The residual with its scale and zero point: where it leaves an island, as it is inside."""
    leave = value.producer()
    if leave is None or not is_op(leave, "DequantizeFromIsland") or not _keeps_axes(leave):
        return value, 1.0, 0
    attributes = leave.attributes
    return required_input(leave, 0), attributes["scale"].as_float(), attributes["zero_point"].as_int()


def _hand_over(nodes: list[ir.Node], fused: ir.Node, entry: ir.Node) -> None:
    """Let the op's float32 results stand where those of the nodes are needed; remove what is not."""
    remove_orphans([entry])
    for node, result in zip(nodes, reversed(fused.outputs[:-1]), strict=True):
        if is_needed(node.outputs[0]):
            take_place(node.outputs[0], result)
        else:
            leave_out(result)
        remove_orphans([node])
