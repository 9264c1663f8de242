"""QConv(w [Mp,1,1,Cp]) -> QConv(w [Mp,3,3,Mp]) -> QConvAdd(w [Kp,1,1,Mp]) => QBottleneckAdd"""

import onnx_ir as ir

from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.edit import replace_node
from qudnn.converter.island.crossings import is_qudnn
from qudnn.converter.island.residual_block import ResidualBlock, block_before, require_kernel
from qudnn.converter.passes.base import NodePass

_OF_RESULT = ("zero_point", "min", "max")  # of y
_OF_WINDOWS = ("strides", "dilations", "group")
_OF_LAST = (
    *("y_zero_point", "y_min", "y_max", "a_scale", "a_zero_point", "b_scale", "b_zero_point"),
    *("sum_scale", "sum_zero_point", "dtype", "result_first"),
)


class FuseBottleneck(NodePass):
    """The convolutions of a residual block are one operator, where one kernel takes them at some batch.

    The kernel of csrc/kernels/bottleneck/bottleneck.h, for batches so small that a convolution alone has too
    little to do for a GPU. Elsewhere the operator runs the three one after the other, and the first writes
    the padding of the second where it did before: this comes after producers write padding.
    """

    def matches(self, node: ir.Node) -> bool:
        return is_qudnn(node, "QConvAdd") and block_before(node) is not None

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        block = block_before(node)
        assert block is not None
        require_kernel(block)
        x, residual = block.reduce.inputs[0], node.inputs[1]
        weights = [*block.reduce.inputs[1:], *block.window.inputs[1:], *node.inputs[2:]]
        fused = ir.node(
            "QBottleneckAdd",
            [x, residual, *weights],
            attributes=_attributes(block),
            domain=DOMAIN,
            name=node.name,
        )
        replace_node(node, fused, described=node)


def _attributes(block: ResidualBlock) -> dict[str, int | float | list[int]]:
    attributes = {name: block.last.attributes[name].value for name in _OF_LAST}
    attributes |= {name: block.window.attributes[name].value for name in _OF_WINDOWS}
    for step, conv in (("reduced", block.reduce), ("window", block.window)):
        attributes |= {f"{step}_{each}": conv.attributes[f"y_{each}"].value for each in _OF_RESULT}
    return {**attributes, "pads": block.pads, "padding_zero_point": block.padding_zero_point}
