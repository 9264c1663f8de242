"""ConvertFromIsland -> DequantizeLinear => DequantizeFromIsland"""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import Quantization
from qudnn.converter.graph.edit import is_needed, remove_orphans, take_place
from qudnn.converter.island.crossings import ints, is_qudnn
from qudnn.converter.passes.base import NodePass
from qudnn.converter.qdq.linear import dequantizes, dequantizes_for_integer_form, read_with


class DequantizeAtExit(NodePass):
    """Only if all consumers of the 8-bit tensor are DequantizeLinear, so that it leaves the island once."""

    def matches(self, node: ir.Node) -> bool:
        return is_qudnn(node, "ConvertFromIsland") and is_needed(node.outputs[0])

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        consumers = list(dict.fromkeys(use.node for use in node.outputs[0].uses()))
        try:
            parameters = _parameters(node, consumers)
        except Refusal as refusal:
            self.context.refusals.update(
                {consumer: str(refusal) for consumer in consumers if dequantizes(consumer)}
            )
            raise
        for consumer in consumers:
            _fuse(node, consumer, parameters)
        remove_orphans(consumers)


def _fuse(leave: ir.Node, consumer: ir.Node, parameters: Quantization) -> None:
    fused = ir.node(
        "DequantizeFromIsland",
        leave.inputs,
        attributes={
            "perm": ints(leave, "perm"),
            "channels": leave.attributes["channels"].as_int(),
            "scale": float(parameters.scale),
            "zero_point": parameters.island_zero_point,
        },
        domain=leave.domain,
        name=consumer.name or leave.name,
    )
    assert consumer.graph is not None
    consumer.graph.insert_after(consumer, fused)
    take_place(consumer.outputs[0], fused.outputs[0])


def _parameters(leave: ir.Node, consumers: list[ir.Node]) -> Quantization:
    """The one quantization with which all consumers dequantize."""
    if leave.outputs[0].is_graph_output() or not all(map(dequantizes, consumers)):
        raise Refusal("its input leaves the island in 8 bits, for other consumers")
    if any(consumer.graph is not leave.graph for consumer in consumers):
        raise Refusal("its input leaves the island in 8 bits, for the body of another node")
    if any(map(dequantizes_for_integer_form, consumers)):
        raise Refusal("onnxruntime makes a quantized operator of it and the one after it")
    dtype = ir.DataType(leave.attributes["dtype"].as_int())
    found = {read_with(consumer, dtype) for consumer in consumers}
    if len(found) > 1:
        raise Refusal("its input is dequantized with several scales")
    return found.pop()
