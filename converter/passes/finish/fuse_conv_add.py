"""QConv -> QAdd => QConvAdd"""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import replace_node, sole_consumer
from qudnn.converter.island.crossings import ints, is_qudnn
from qudnn.converter.island.layout import ALIGNMENT
from qudnn.converter.island.residual_block import ends_block
from qudnn.converter.island.sums import require_moderate, sum_attributes
from qudnn.converter.lowering.elementwise.binary import adds_one_shape
from qudnn.converter.passes.base import NodePass

_OF_CONV = ("pads", "strides", "dilations", "group", "x_zero_point", "y_zero_point", "y_min", "y_max")


class FuseConvAdd(NodePass):
    """A convolution adds in its epilogue if an addition of two tensors of one shape is its sole consumer.

    Where both operands are such results, the one does that ends a residual block, which may be one kernel
    then; else the later one, so that less has to wait. Not of groups and stems, whose kernels add nothing:
    two passes would take as long as before.
    """

    def run(self, model: ir.Model) -> None:
        self._place = {node: number for number, node in enumerate(model.graph)}
        super().run(model)

    def matches(self, node: ir.Node) -> bool:
        return is_qudnn(node, "QAdd") and bool(_convs(node))

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        if not adds_one_shape(node):
            raise Refusal("it broadcasts an operand, or one is constant")
        require_moderate(node)
        convs, reasons = [], []
        for index, conv in _convs(node).items():
            try:
                _check(conv, node, index)
                convs.append((ends_block(conv), self._place[conv], index))
            except Refusal as refusal:
                reasons.append(str(refusal))
        if not convs:
            raise Refusal("; ".join(dict.fromkeys(reasons)))
        _fuse(node, max(convs)[-1])


def _convs(add: ir.Node) -> dict[int, ir.Node]:
    """The convolutions that produce the operands, by index."""
    producers = {index: required_input(add, index).producer() for index in (0, 1)}
    return {index: conv for index, conv in producers.items() if conv is not None and is_qudnn(conv, "QConv")}


def _check(conv: ir.Node, add: ir.Node, index: int) -> None:
    """Raises Refusal where the convolution that produces operand `index` may not add the other one."""
    if sole_consumer(conv.outputs[0], once=True) is not add:
        raise Refusal(f"the convolution before {'ab'[index]} has other consumers")
    shape = required_input(conv, 1).shape
    if shape is None or not isinstance(shape[3], int) or shape[3] % ALIGNMENT != 0:
        raise Refusal("the kernels for stems and for groups add nothing")
    if "y_pads" in conv.attributes and any(ints(conv, "y_pads")):
        raise Refusal("the convolution writes padding as well")
    if conv.attributes["group"].as_int() != 1:
        raise Refusal("the kernels for stems and for groups add nothing")


def _fuse(add: ir.Node, index: int) -> None:
    conv = required_input(add, index).producer()
    assert conv is not None
    attributes = {name: conv.attributes[name].value for name in _OF_CONV}
    fused = ir.node(
        "QConvAdd",
        [conv.inputs[0], add.inputs[1 - index], *conv.inputs[1:]],
        attributes={**attributes, **sum_attributes(add, index)},
        domain=DOMAIN,
        name=conv.name,
    )
    replace_node(add, fused, described=conv)
