"""QTable(x), a table for each channel -> QAdd(., residual) => QChannelTableAdd(x, residual)"""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import add_initializer, replace_node, sole_consumer
from qudnn.converter.island.crossings import ints, is_qudnn
from qudnn.converter.island.sums import sum_attributes
from qudnn.converter.island.tables import function_of
from qudnn.converter.lowering.elementwise.binary import adds_one_shape
from qudnn.converter.passes.base import NodePass

_BINARY = ("QAdd", "QMul", "QFloatAdd", "QFloatMul")


class FuseChannelTableAdd(NodePass):
    """A function for each channel adds a tensor of its result's shape, if that addition is its sole consumer.

    So are a layer scale and its shortcut, in ConvNeXt for one: the tensor is passed over once, not twice. The
    function is a table, or a sum or product with a constant of each channel, which becomes one. Not one table
    for all channels, which the operator before it looks up. Comes after the passes that make an addition part
    of a matmul, a convolution or a normalization: the function then takes a pass of its own, but the addition
    takes none.
    """

    def matches(self, node: ir.Node) -> bool:
        return is_qudnn(node, "QAdd") and bool(_functions(node))

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        if not adds_one_shape(node):
            raise Refusal("it broadcasts an operand")
        reasons = []
        for index, function in _functions(node).items():
            try:
                inputs = self._inputs_of(function, node, graph)
            except Refusal as refusal:
                reasons.append(str(refusal))
                continue
            _fuse(node, index, *inputs)
            return
        raise Refusal("; ".join(dict.fromkeys(reasons)))

    def _inputs_of(self, function: ir.Node, add: ir.Node, graph: ir.Graph) -> tuple[ir.Value, ir.Value]:
        """What the function is of, and its table. Raises Refusal where the addition may not be part of it."""
        if sole_consumer(function.outputs[0], once=True) is not add:
            raise Refusal(f"the {function.op_type} before it has other consumers")
        if is_qudnn(function, "QTable"):
            return required_input(function, 0), required_input(function, 1)
        found = function_of(function)
        if found is None or found.table.ndim == 1:
            raise Refusal(f"the {function.op_type} before it has no constant of one value for each channel")
        name = self.context.names.value(f"{function.name}/table")
        return found.x, add_initializer(graph, name, found.table)


def _functions(add: ir.Node) -> dict[int, ir.Node]:
    """Those of several channels that produce the operands, by index."""
    producers = {index: required_input(add, index).producer() for index in (0, 1)}
    return {index: node for index, node in producers.items() if node is not None and _is_of_channels(node)}


def _is_of_channels(node: ir.Node) -> bool:
    if is_qudnn(node, "QTable"):
        table = required_input(node, 1).shape
        is_padded = "y_pads" in node.attributes and any(ints(node, "y_pads"))
        return table is not None and len(table) == 2 and not is_padded
    if not is_qudnn(node, *_BINARY):
        return False
    constants = [constant_or_none(required_input(node, index)) for index in (0, 1)]
    return any(constant is not None and constant.size > 1 for constant in constants)


def _fuse(add: ir.Node, index: int, x: ir.Value, table: ir.Value) -> None:
    fused = ir.node(
        "QChannelTableAdd",
        [x, add.inputs[1 - index], table],
        attributes=sum_attributes(add, index),
        domain=DOMAIN,
        name=add.name,
    )
    replace_node(add, fused, described=add)
