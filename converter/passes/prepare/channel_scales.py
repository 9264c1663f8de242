"""pair with a scale for each channel -> depthwise Conv => Div -> pair of scale 1 -> Mul -> depthwise Conv"""

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import (
    EIGHT_BIT,
    constant,
    constant_or_none,
    node_input,
    required_input,
    scales,
)
from qudnn.converter.graph.edit import add_initializer
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.passes.base import EarlyNodePass
from qudnn.converter.qdq.linear import dequantizes, quantizes


class ChannelScales(EarlyNodePass):
    """So that the tensor between is quantized per tensor; no bit changes.

    QuantizeLinear divides by the scale, DequantizeLinear multiplies by it last: both are exact where it is 1.
    All channels have one zero point. Tools write this for depthwise convolutions, which have a place for
    the scales: see qudnn.converter.frontends.qdq.channels.
    """

    def matches(self, node: ir.Node) -> bool:
        scale = node_input(node, 1) if quantizes(node) else None
        array = None if scale is None else constant_or_none(scale)
        return array is not None and array.size != 1

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        quantize, array = node, scales(node_input(node, 1), "scale")
        consumers = [use.node for use in quantize.outputs[0].uses()]
        rank = _rank_of_depthwise(consumers, array.size)
        zero_point = _one_zero_point(quantize)
        nodes = [quantize, *consumers]
        same = [np.array_equal(scales(node_input(node, 1), "scale"), array) for node in consumers]
        same += [_one_zero_point(node) == zero_point for node in consumers]
        if not all(same) or any(node.attributes.get_int("axis", 1) % rank != 1 for node in nodes):
            raise Refusal("its channels are quantized in another way than they are dequantized")
        name = self.context.names.value(f"{quantize.outputs[0].name}/scales")
        factors = add_initializer(graph, name, array.reshape(-1, *[1] * (rank - 2)))
        one = self._constant(quantize, graph, "scale", np.array(1, np.float32))
        zero = self._constant(quantize, graph, "zero_point", zero_point)
        divide = self._binary("Div", required_input(quantize, 0), factors)
        graph.insert_before(quantize, divide)
        quantize.replace_input_with(0, divide.outputs[0])
        for node in nodes:
            node.resize_inputs(3)
            node.replace_input_with(1, one)
            node.replace_input_with(2, zero)
            node.attributes.pop("axis", None)
        for node in consumers:
            y = node.outputs[0]
            uses = list(y.uses())
            multiply = self._binary("Mul", y, factors)
            graph.insert_after(node, multiply)
            for use in uses:
                use.node.replace_input_with(use.idx, multiply.outputs[0])

    def _binary(self, op_type: str, x: ir.Value, factors: ir.Value) -> ir.Node:
        node = ir.node(op_type, [x, factors], name=self.context.names.node(f"{x.name}/{op_type}"))
        node.outputs[0].name = self.context.names.value(f"{x.name}/{op_type}")
        return node

    def _constant(self, quantize: ir.Node, graph: ir.Graph, what: str, array: NDArray[Any]) -> ir.Value:
        return add_initializer(graph, self.context.names.value(f"{quantize.outputs[0].name}/{what}"), array)


def _one_zero_point(node: ir.Node) -> NDArray[Any]:
    array = constant(node_input(node, 2), "zero point").reshape(-1)
    if ir.DataType.from_numpy(array.dtype) not in EIGHT_BIT or not array.size or (array != array[0]).any():
        raise Refusal("its channels have zero points that differ, or not of 8 bits")
    return np.array(array[0])


def _rank_of_depthwise(consumers: list[ir.Node], channels: int) -> int:
    """The rank of the tensor, if only depthwise convolutions read it dequantized."""
    ranks = set()
    for dequantize in consumers:
        uses = list(dequantize.outputs[0].uses()) if dequantizes(dequantize) else []
        if not uses or dequantize.outputs[0].is_graph_output():
            raise Refusal("something other than a convolution consumes its channels")
        for use in uses:
            conv, weights = use.node, node_input(use.node, 1)
            source = None if weights is None else weights.producer()
            w = required_input(source, 0) if dequantizes(source) else None
            depthwise = is_onnx(conv, "Conv") and conv.attributes.get_int("group", 1) == channels
            if use.idx or not depthwise or w is None or w.shape is None or w.shape[1] != 1:
                raise Refusal("something other than a depthwise convolution consumes its channels")
            ranks.add(len(w.shape))
    if len(ranks) != 1:
        raise Refusal("nothing consumes its channels")
    return ranks.pop()
