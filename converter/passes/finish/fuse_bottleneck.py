"""QConv -> QConv -> QConvAdd => QBottleneckAdd, QConv -> QConv -> QConvFloatAdd => QBottleneckFloatAdd,
QConv -> QConv -> QConv => QBottleneck

with w [Mp,1,1,Cp], then [Mp,3,3,Mp] or [Mp,3,3,1], then [Kp,1,1,Mp]; without an addition only [Mp,3,3,1],
with one in float32 only [Mp,3,3,Mp].
"""

import onnx_ir as ir

from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.edit import replace_node
from qudnn.converter.island.crossings import is_qudnn
from qudnn.converter.island.residual_block import ResidualBlock, block_before, require_kernel
from qudnn.converter.passes.base import NodePass

_OF_RESULT = ("zero_point", "min", "max")  # of each convolution
_OF_WINDOWS = ("strides", "dilations", "group")
_OF_SUM = (
    *("a_scale", "a_zero_point", "b_scale", "b_zero_point"),
    *("sum_scale", "sum_zero_point", "dtype", "result_first"),
)
_OF_ADDITION = {  # the last convolution's attributes
    "QConv": (),
    "QConvAdd": _OF_SUM,
    "QConvFloatAdd": ("r_scale", "r_zero_point", "y_scale"),
}
_FUSED = {"QConv": "QBottleneck", "QConvAdd": "QBottleneckAdd", "QConvFloatAdd": "QBottleneckFloatAdd"}


class FuseBottleneck(NodePass):
    """The convolutions of a residual block are one operator, where one kernel takes them at some batch.

    The kernel of csrc/kernels/bottleneck/bottleneck.h always adds; it pays most at batches so small that a
    convolution alone has too little to do for a GPU. Where windows are over each channel by itself that of
    csrc/kernels/inverted_residual/inverted_residual.h, which adds or does not: what is between the
    convolutions, the largest tensors of a network, never leaves a multiprocessor. The tuner compares it with
    the three one after the other, which run where there is no kernel; the first writes the padding of the
    second where it did before: this comes after producers write padding.
    """

    def matches(self, node: ir.Node) -> bool:
        if not is_qudnn(node, *_FUSED):
            return False
        block = block_before(node)
        return block is not None and (block.adds or block.is_depthwise)

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        block = block_before(node)
        assert block is not None
        require_kernel(block)
        residuals = node.inputs[1:2] if block.adds else ()
        weights = [
            *block.reduce.inputs[1:],
            *block.window.inputs[1:],
            *node.inputs[1 + len(residuals) :],
        ]
        fused = ir.node(
            _FUSED[node.op_type],
            [block.reduce.inputs[0], *residuals, *weights],
            attributes=_attributes(block),
            domain=DOMAIN,
            name=node.name,
        )
        replace_node(node, fused, described=node)


def _attributes(block: ResidualBlock) -> dict[str, int | float | list[int]]:
    addition = _OF_ADDITION[block.last.op_type]
    attributes = {name: block.last.attributes[name].value for name in addition}
    attributes |= {name: block.window.attributes[name].value for name in _OF_WINDOWS}
    for step, conv in zip(("reduced", "window", "y"), block, strict=True):
        attributes |= {f"{step}_{each}": conv.attributes[f"y_{each}"].value for each in _OF_RESULT}
    return {**attributes, "pads": block.pads, "padding_zero_point": block.padding_zero_point}
