"""QuantizeLinear -> ConvertToIsland => QuantizeToIsland"""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import remove_orphans, take_place
from qudnn.converter.island.crossings import ints, is_qudnn
from qudnn.converter.passes.base import NodePass
from qudnn.converter.qdq.linear import quantizes, quantizes_integer_form, written_with


class QuantizeAtEntry(NodePass):
    """The QuantizeLinear stays if it has consumers outside of the island."""

    def matches(self, node: ir.Node) -> bool:
        return is_qudnn(node, "ConvertToIsland") and quantizes(required_input(node, 0).producer())

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        quantize = required_input(node, 0).producer()
        assert quantize is not None
        try:
            self._fuse(quantize, node)
        except Refusal as refusal:
            self.context.refusals[quantize] = str(refusal)
            raise

    def _fuse(self, quantize: ir.Node, enter: ir.Node) -> None:
        x = required_input(quantize, 0)
        if self.context.facts.dtype(x) != ir.DataType.FLOAT:
            raise Refusal("its input is not known to be float32")
        if quantizes_integer_form(quantize):
            raise Refusal("onnxruntime makes a quantized operator of it and the one before it")
        parameters = written_with(quantize)
        fused = ir.node(
            "QuantizeToIsland",
            [x],
            attributes={
                "perm": ints(enter, "perm"),
                "pads": ints(enter, "pads"),
                "scale": float(parameters.scale),
                "zero_point": parameters.island_zero_point,
            },
            domain=enter.domain,
            name=enter.name,
        )
        assert enter.graph is not None
        enter.graph.insert_after(enter, fused)
        take_place(enter.outputs[0], fused.outputs[0])
        remove_orphans([enter])
        if quantize.graph is None and quantize.name:  # gone, so that the name is free
            fused.name = quantize.name
