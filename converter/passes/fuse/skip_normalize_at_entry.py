"""com.microsoft SkipLayerNormalization -> QuantizeToIsland => AddLayerNormalizationToIsland

And of SkipSimplifiedLayerNormalization AddRMSNormalizationToIsland.
"""

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.skip_normalization import MIN_OPSET, note_of
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import add_initializer
from qudnn.converter.passes.fuse.normalize_at_entry import (
    entry_attributes,
    leaves_as_it_lies,
    read_terms,
    sum_attributes,
)
from qudnn.converter.passes.fuse.normalize_before import Fused, NormalizeBefore
from qudnn.converter.qdq.skip_normalization import SKIP_LAYER, adds_and_normalizes, read_skip_normalization


class SkipNormalizeAtEntry(NormalizeBefore):
    """One of what it adds comes out of an island; the other is float32. It may have the sum as a result, too.

    Where both are quantized, and the result, the frontends take it.
    """

    ENTRY = "QuantizeToIsland"

    def normalizes(self, node: ir.Node) -> bool:
        return adds_and_normalizes(node)

    def fused(self, norm: ir.Node, entry: ir.Node, facts: Facts, graph: ir.Graph) -> Fused:
        is_layer = norm.op_type == SKIP_LAYER
        if is_layer and facts.opsets.get("", 0) < MIN_OPSET:
            raise Refusal(f"the model's opset is older than {MIN_OPSET}")
        found = read_skip_normalization(norm)
        leave, other = _terms(norm)
        channels = _channels(norm, facts)
        rows = {
            "no_bias" if found.bias is None else "bias": _filled(found.bias, -0.0, channels),
            "gamma": _filled(found.gamma, 1.0, channels),
        }
        if is_layer:
            rows["beta"] = _filled(found.beta, 0.0, channels)
        x, residual = read_terms(leave, other)
        bias, *weights = (
            add_initializer(graph, self.context.names.value(f"{norm.name}/{name}"), array)
            for name, array in rows.items()
        )
        return Fused(
            "AddLayerNormalizationToIsland" if is_layer else "AddRMSNormalizationToIsland",
            (x.value, bias, residual.value, *weights),
            entry_attributes(entry, found.epsilon) | sum_attributes(channels, x, residual),
            (found.total, norm.outputs[0]),
            note_of(found) if is_layer else "",
        )


def _terms(norm: ir.Node) -> tuple[ir.Node, ir.Value]:
    """The node that brings one of what it adds out of an island, and the other."""
    a, b = required_input(norm, 0), required_input(norm, 1)
    for value, other in (a, b), (b, a):
        leave = value.producer()
        if leave is not None and leaves_as_it_lies(leave):
            return leave, other
    raise Refusal("neither of the tensors that it adds comes out of an island as it lies there")


def _channels(norm: ir.Node, facts: Facts) -> int:
    """How many it normalizes over. Raises Refusal where it broadcasts, or does not work in float32."""
    x, skip = required_input(norm, 0), required_input(norm, 1)
    shape = facts.ranked(x, least=2)
    if shape != facts.shape(skip):
        raise Refusal("its inputs are not known to have one shape")
    if any(facts.dtype(value) != ir.DataType.FLOAT for value in (x, skip)):
        raise Refusal("it does not compute in float32")
    if not isinstance(shape[-1], int):
        raise Refusal("the size of its last axis is unknown")
    return shape[-1]


def _filled(array: NDArray[Any] | None, number: float, channels: int) -> NDArray[Any]:
    """The weights, or as many of the number. Raises Refusal where they do not fit."""
    row = np.full(channels, number, np.float32) if array is None else array
    if row.dtype != np.float32 or row.shape != (channels,):
        raise Refusal(f"its weights are not float32 [{channels}]")
    return row
