"""Residual blocks of three convolutions, which one kernel may compute, with the addition of a residual.

That is behind the last one or before its results are rounded, or there is none. Windows are over all
channels, or over each by itself: a kernel for the first is in csrc/kernels/bottleneck/, one for the others in
csrc/kernels/inverted_residual/.
"""

from itertools import pairwise
from typing import NamedTuple

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import sole_consumer
from qudnn.converter.island.crossings import ints, is_qudnn
from qudnn.converter.island.layout import ALIGNMENT

_ADDING = ("QConvAdd", "QConvFloatAdd")  # these have a residual between x and w
_BETWEEN = (64, 128, 256, 512, 1024)  # channels that the kernel for all of them keeps between convolutions
_MOST_CHANNELS, _MOST_RESULTS = 4096, 320  # of the other kernel


class ResidualBlock(NamedTuple):
    """A pointwise convolution, one of 3x3 windows and another pointwise one, which may add a residual."""

    reduce: ir.Node
    window: ir.Node
    last: ir.Node

    @property
    def is_depthwise(self) -> bool:
        """Whether windows are over each channel by itself."""
        return self.window.attributes["group"].as_int() > 1

    @property
    def adds(self) -> bool:
        """Whether there is an addition."""
        return is_qudnn(self.last, *_ADDING)

    @property
    def adds_in_float(self) -> bool:
        """Whether results are not rounded before it."""
        return is_qudnn(self.last, "QConvFloatAdd")

    @property
    def pads(self) -> list[int]:
        """Of the windows: top, left, bottom, right, whoever writes them."""
        return _written(self.reduce) if any(_written(self.reduce)) else ints(self.window, "pads")

    @property
    def padding_zero_point(self) -> int:
        """The value of that padding."""
        if any(_written(self.reduce)):
            return self.reduce.attributes["y_zero_point"].as_int()
        return self.window.attributes["x_zero_point"].as_int()


def block_before(last: ir.Node) -> ResidualBlock | None:
    """The block that ends with a QConv, QConvAdd or QConvFloatAdd, if it is that of one."""
    window = _producer(last)
    reduce = None if window is None else _producer(window)
    if window is None or reduce is None or not (_is_whole(reduce) and _is_whole(last)):
        return None
    if not _is_whole(window) and not _is_depthwise(window):
        return None
    if [_weights(node)[1:3] for node in (reduce, window, last)] != [(1, 1), (3, 3), (1, 1)]:
        return None
    return ResidualBlock(reduce, window, last)


def require_kernel(block: ResidualBlock) -> None:
    """Raises Refusal where the kernel for its windows takes the block at no batch."""
    for node, consumer in pairwise(block):
        if sole_consumer(node.outputs[0], once=True) is not consumer:
            raise Refusal("other operators read what is between the convolutions of its block")
    if any(ints(node, "strides") != [1, 1] for node in (block.reduce, block.last)):
        raise Refusal("a pointwise convolution of its block has strides")
    if ints(block.window, "strides") not in ([1, 1], [2, 2]):
        raise Refusal("the windows of its block have strides other than 1 and 2")
    if ints(block.window, "dilations") != [1, 1]:
        raise Refusal("a convolution of its block has dilations")
    if any(_written(block.window)) or any(ints(block.reduce, "pads")) or any(ints(block.last, "pads")):
        raise Refusal("a pointwise convolution of its block has padding")
    if any(_written(block.reduce)) and any(ints(block.window, "pads")):
        raise Refusal("the windows of its block have padding around padding")
    if block.is_depthwise and block.adds_in_float:
        raise Refusal("the kernel for windows over each channel adds only to rounded results")
    if block.pads != [1, 1, 1, 1]:
        raise Refusal("the windows of its block have a padding other than 1")
    if any(_written(block.last)):
        raise Refusal("the last convolution of its block writes padding")
    (m, _, _, c), (between, *_), (k, *_) = map(_weights, block)
    channels = f"its block has {c}, {m}, {between} and {k} channels: the kernel takes"
    if m != between:
        raise Refusal(f"{channels} as many before its windows as after them")
    if not block.is_depthwise:
        if c % 64 != 0 or m not in _BETWEEN or k % m != 0:
            raise Refusal(
                f"{channels} a multiple of 64, then 64, 128, 256, 512 or 1024, and a multiple of those"
            )
    elif any(each % ALIGNMENT != 0 for each in (c, m, k)) or max(c, m) > _MOST_CHANNELS or k > _MOST_RESULTS:
        raise Refusal(
            f"{channels} multiples of {ALIGNMENT}, up to {_MOST_CHANNELS}, and up to {_MOST_RESULTS} results"
        )


def ends_block(conv: ir.Node) -> bool:
    """Whether the convolution ends a block that the kernel takes."""
    block = block_before(conv)
    if block is None:
        return False
    try:
        require_kernel(block)
    except Refusal:
        return False
    return True


def _producer(conv: ir.Node) -> ir.Node | None:
    producer = required_input(conv, 0).producer()
    return producer if producer is not None and is_qudnn(producer, "QConv") else None


def _weights(conv: ir.Node) -> tuple[int, ...]:
    """Their shape; empty where it is not known."""
    shape = required_input(conv, 2 if is_qudnn(conv, *_ADDING) else 1).shape
    sizes = () if shape is None else tuple(shape)
    return tuple(size for size in sizes if isinstance(size, int)) if len(sizes) == 4 else ()


def _is_whole(conv: ir.Node) -> bool:
    return len(_weights(conv)) == 4 and conv.attributes["group"].as_int() == 1


def _is_depthwise(conv: ir.Node) -> bool:
    return len(_weights(conv)) == 4 and _weights(conv)[3] == 1 and _weights(conv)[0] > 1


def _written(conv: ir.Node) -> list[int]:
    """The padding around its results, as an attribute pads has it."""
    y_pads = ints(conv, "y_pads") if "y_pads" in conv.attributes else [0] * 8
    return [*y_pads[1:3], *y_pads[5:7]]
