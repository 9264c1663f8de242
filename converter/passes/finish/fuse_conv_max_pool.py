"""QConv(w [Kp,R,S,4]) -> QMaxPool => QConvMaxPool"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import replace_node, sole_consumer
from qudnn.converter.island.crossings import ENTRIES, ints, is_qudnn
from qudnn.converter.passes.base import NodePass
from qudnn.converter.passes.finish.narrow_stem import CHANNELS

_OF_CONV = ("pads", "strides", "dilations", "group", "x_zero_point", "y_zero_point", "y_min", "y_max")


class FuseConvMaxPool(NodePass):
    """The first convolution of an image network takes the maximum of its sums before it rounds them.

    Its results, four times as many as the pool's, are neither rounded nor written. Only what the kernel of
    csrc/kernels/conv/stem_pool.h takes is fused; other GPUs run the two one after the other, as before. The
    kernel pads at no cost, so that this comes before producers write padding.
    """

    def matches(self, node: ir.Node) -> bool:
        return is_qudnn(node, "QMaxPool") and _conv(node) is not None

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        conv = _conv(node)
        assert conv is not None
        _check_pool(node)
        _check_conv(conv, node)
        attributes = {name: conv.attributes[name].value for name in _OF_CONV}
        attributes["kernel_shape"] = node.attributes["kernel_shape"].value
        for name in ("pads", "strides"):
            attributes[f"pool_{name}"] = node.attributes[name].value
        fused = ir.node("QConvMaxPool", conv.inputs, attributes=attributes, domain=DOMAIN, name=conv.name)
        replace_node(node, fused, described=conv)


def _conv(pool: ir.Node) -> ir.Node | None:
    """The convolution of 4 channels before the pool, if there is one."""
    conv = required_input(pool, 0).producer()
    if conv is None or not is_qudnn(conv, "QConv"):
        return None
    shape = required_input(conv, 1).shape
    return conv if shape is not None and shape[3] == CHANNELS else None


def _width(conv: ir.Node) -> int | None:
    """The pixels of a row of the image, where they are known."""
    entry = required_input(conv, 0).producer()
    if entry is None or not is_qudnn(entry, *ENTRIES):
        return None
    shape, axis = required_input(entry, 0).shape, ints(entry, "perm")[2]
    size = None if shape is None else shape[axis]
    pads = ints(entry, "pads")
    return size + pads[2] + pads[6] if isinstance(size, int) else None


def _check_pool(pool: ir.Node) -> None:
    if ints(pool, "kernel_shape") != [3, 3] or ints(pool, "strides") != [2, 2]:
        raise Refusal("the pool's windows are not 3 x 3 with strides of 2")
    if ints(pool, "pads")[:2] != [1, 1] or ints(pool, "dilations") != [1, 1]:
        raise Refusal("the pool does not begin with a padding of 1, or has dilations")
    if pool.attributes["ceil_mode"].as_int() != 0:
        raise Refusal("the pool rounds its size up")


def _check_conv(conv: ir.Node, pool: ir.Node) -> None:
    if sole_consumer(conv.outputs[0], once=True) is not pool:
        raise Refusal("the convolution before it has other consumers")
    if ints(conv, "strides") != [2, 2] or ints(conv, "dilations") != [1, 1]:
        raise Refusal("the convolution before it has strides other than 2, or dilations")
    shape = required_input(conv, 1).shape
    assert shape is not None
    k, r, s, _ = shape.numpy()
    if k % 64 != 0 or r > 7 or s > 8:
        raise Refusal("the convolution has output channels not in 64s, or a filter larger than 7 x 8")
    width = _width(conv)
    if width is not None and width % 4 != 0:
        raise Refusal("its rows are not whole fours of pixels")
    multiplier = constant_or_none(required_input(conv, 3))
    if multiplier is None or not np.all(np.isfinite(multiplier) & (multiplier >= 0)):
        raise Refusal("the convolution's multipliers are not all known, finite and not negative")
