"""QuantizeLinear -> DequantizeLinear => QuantizeToIsland -> DequantizeFromIsland, where that exists"""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import remove_orphans, take_place
from qudnn.converter.island.crossings import ints, is_qudnn
from qudnn.converter.island.layout import ALL
from qudnn.converter.passes.base import NodePass
from qudnn.converter.qdq.linear import (
    dequantizes,
    dequantizes_for_integer_form,
    quantizes,
    read_with,
    written_with,
)


class DequantizeEntered(NodePass):
    """A residual that is consumed rounded to 8 bits, as by the matmul beside it: from the same tensor."""

    SORTS = True

    def matches(self, node: ir.Node) -> bool:
        return is_qudnn(node, "QuantizeToIsland") and bool(_same(node))

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        channels = self._channels(node)
        for dequantize in _same(node):
            _fuse(node, dequantize, channels)

    def _channels(self, enter: ir.Node) -> int:
        """How many of the tensor's channels come from outside."""
        *pads, padding = ints(enter, "pads")
        shape = self.context.facts.shape(required_input(enter, 0))
        if any(pads):
            raise Refusal("it pads other axes than that of the channels")
        size = None if shape is None else shape[ints(enter, "perm")[-1]]
        if isinstance(size, int):
            return size
        if padding or shape is None:
            raise Refusal("the number of its channels is unknown")
        return ALL


def _same(enter: ir.Node) -> list[ir.Node]:
    """The DequantizeLinear nodes whose input is quantized as the tensor is that enters."""
    found = []
    for quantize in [use.node for use in required_input(enter, 0).uses()]:
        if not quantizes(quantize) or quantize.graph is not enter.graph:
            continue
        consumers = [use.node for use in quantize.outputs[0].uses()]
        for consumer in consumers:
            if not dequantizes(consumer) or consumer.graph is not enter.graph:
                continue
            if dequantizes_for_integer_form(consumer):
                continue
            try:
                written = written_with(quantize)
                read = read_with(consumer, written.dtype)
            except Refusal:
                continue
            attributes = (enter.attributes["scale"].as_float(), enter.attributes["zero_point"].as_int())
            if read == written and (float(read.scale), read.island_zero_point) == attributes:
                found.append(consumer)
    return found


def _fuse(enter: ir.Node, dequantize: ir.Node, channels: int) -> None:
    perm = ints(enter, "perm")
    fused = ir.node(
        "DequantizeFromIsland",
        [enter.outputs[0]],
        attributes={
            "perm": [perm.index(axis) for axis in range(len(perm))],
            "channels": channels,
            "scale": enter.attributes["scale"].as_float(),
            "zero_point": enter.attributes["zero_point"].as_int(),
        },
        domain=DOMAIN,
        name=dequantize.name,
    )
    assert enter.graph is not None
    enter.graph.insert_after(enter, fused)
    take_place(dequantize.outputs[0], fused.outputs[0])
    remove_orphans([dequantize])
