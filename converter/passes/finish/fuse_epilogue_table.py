"""QConv -> QTable => QConvTable; the same of QMatMul and QMatMulAdd"""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import replace_node, sole_consumer
from qudnn.converter.island.crossings import ints, is_qudnn
from qudnn.converter.passes.base import NodePass

_FUSED = {"QConv": "QConvTable", "QMatMul": "QMatMulTable", "QMatMulAdd": "QMatMulAddTable"}
_PADDING = "y_pads"


class FuseEpilogueTable(NodePass):
    """A convolution or matmul looks up its results while it has them, if a table is their sole consumer.

    One table for all channels: the epilogue has room for no more. Other passes know tables and convolutions
    by themselves, so that this comes after all but those that move padding to producers: what is fused writes
    it with the table's zero point.
    """

    def matches(self, node: ir.Node) -> bool:
        return is_qudnn(node, "QTable") and _producer(node) is not None

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        producer = _producer(node)
        assert producer is not None
        if sole_consumer(producer.outputs[0], once=True) is not node:
            raise Refusal(f"the {producer.op_type} before it has other consumers")
        table = required_input(node, 1)
        if table.shape is None or table.shape != (256,):
            raise Refusal("it has a table for each channel")
        if any(_PADDING in each.attributes and any(ints(each, _PADDING)) for each in (producer, node)):
            raise Refusal("one of them writes padding")
        fused = ir.node(
            _FUSED[producer.op_type],
            [*producer.inputs, table],
            attributes={
                name: attribute.value for name, attribute in producer.attributes.items() if name != _PADDING
            },
            domain=DOMAIN,
            name=producer.name,
        )
        replace_node(node, fused, described=producer)


def _producer(table: ir.Node) -> ir.Node | None:
    """The convolution or matmul whose results are looked up, if there is one."""
    producer = required_input(table, 0).producer()
    return producer if producer is not None and is_qudnn(producer, *_FUSED) else None
