"""Mul -> Div -> Add of a mask -> Softmax -> QuantizeToIsland => SoftmaxToIsland"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.masked_softmax import NOTE
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import add_initializer, replace_node, sole_consumer
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.sizes import broadcast
from qudnn.converter.island.crossings import ints, is_qudnn
from qudnn.converter.island.emitter import Attribute
from qudnn.converter.passes.base import NodePass
from qudnn.converter.passes.fuse.attention_operands import scaled_by_number
from qudnn.converter.passes.fuse.normalize_before import keeps_axes


class SoftmaxAtEntry(NodePass):
    """Scores in float32 are read once, and their softmax is never written in float32."""

    REPORTED = True

    def matches(self, node: ir.Node) -> bool:
        return is_onnx(node, "Softmax") and is_qudnn(sole_consumer(node.outputs[0]), "QuantizeToIsland")

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        entry = sole_consumer(node.outputs[0])
        assert entry is not None
        last = len(ints(entry, "perm")) - 1
        if not keeps_axes(entry) or any(ints(entry, "pads")[:-1]):
            raise Refusal("its result is transposed where it is quantized")
        if node.attributes.get_int("axis", -1) not in (-1, last):
            raise Refusal("its axis is not the last one")
        x, mask = self._masked(required_input(node, 0), node)
        x, divisor = self._scaled(x, "Div")
        x, factor = self._scaled(x, "Mul")
        name = node.name or self.context.names.node(f"{node.outputs[0].name}/softmax")
        if mask is None:
            mask = add_initializer(graph, self.context.names.value(f"{name}/mask"), np.zeros(1, np.float32))
        attributes: dict[str, Attribute] = {
            "pads": ints(entry, "pads"),
            "factor": factor,
            "divisor": divisor,
            "y_scale": entry.attributes["scale"].as_float(),
            "y_zero_point": entry.attributes["zero_point"].as_int(),
        }
        fused = ir.node("SoftmaxToIsland", [x, mask], attributes, domain=DOMAIN, name=name)
        replace_node(entry, fused, described=node)
        self.context.notes[fused] = NOTE

    def _scaled(self, x: ir.Value, op_type: str) -> tuple[ir.Value, float]:
        """What is multiplied by one number, or divided, and the number."""
        scaled = scaled_by_number(x, self.context.facts, op_type) if _is_read_once(x) else None
        return (x, 1.0) if scaled is None else (scaled[0], scaled[1].number)

    def _masked(self, scores: ir.Value, softmax: ir.Node) -> tuple[ir.Value, ir.Value | None]:
        """What a mask is added to, of which the other one is of the scores' shape, and the mask."""
        add, facts = scores.producer(), self.context.facts
        if not is_onnx(add, "Add") or not _is_read_once(scores):
            return scores, None
        shape = facts.shape(scores)
        a, b = required_input(add, 0), required_input(add, 1)
        for x, mask in (a, b), (b, a):
            mask_shape = facts.shape(mask)
            if shape is None or mask_shape is None or facts.shape(x) != shape:
                continue
            if len(mask_shape) <= len(shape) and broadcast(shape, mask_shape) == shape:
                return x, mask
        return scores, None


def _is_read_once(value: ir.Value) -> bool:
    return sole_consumer(value, once=True) is not None
