"""entry([N,H,W,16]) -> QConv(w [Kp,R,S,16]) => entry([N,H,W,4]) -> QConv(w [Kp,R,S,4])"""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.island.crossings import ENTRIES, ints, is_qudnn, set_ints
from qudnn.converter.island.layout import ALIGNMENT
from qudnn.converter.passes.base import NodePass

CHANNELS = 4  # a word per pixel
LARGEST = 8  # filter side and stride that the kernel for stems takes


class NarrowStem(NodePass):
    """An image enters with 4 channels, not 16, if all its consumers are convolutions with a kernel for that.

    With 16, most of what they read and multiply would be padding.
    """

    def matches(self, node: ir.Node) -> bool:
        return is_qudnn(node, *ENTRIES) and _is_image(node)

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        uses = node.outputs[0].uses()
        for use in uses:
            if use.idx != 0 or not is_qudnn(use.node, "QConv"):
                raise Refusal(f"{use.node.op_type} reads it too, not convolutions alone")
            _check_stem(use.node)
        if not uses:
            raise Refusal("nothing in the island reads it")
        _narrow(node, [use.node for use in uses])


def _is_image(entry: ir.Node) -> bool:
    return len(ints(entry, "perm")) == 4 and ints(entry, "pads")[-1] >= ALIGNMENT - CHANNELS


def _check_stem(conv: ir.Node) -> None:
    """Raises Refusal where the kernel for stems does not take the convolution."""
    weight = required_input(conv, 1)
    array = constant_or_none(weight)
    if conv.attributes["group"].as_int() != 1:
        raise Refusal("a convolution that reads it has groups")
    if array is None or len(weight.uses()) != 1 or array.shape[3] != ALIGNMENT:
        raise Refusal("a convolution that reads it has no weights of its own for 16 channels")
    if max(*array.shape[1:3], *ints(conv, "strides")) > LARGEST:
        raise Refusal(f"a convolution that reads it has a filter or stride larger than {LARGEST}")
    if ints(conv, "dilations") != [1, 1]:
        raise Refusal("a convolution that reads it has dilations")


def _narrow(entry: ir.Node, convs: list[ir.Node]) -> None:
    *pads, channels = ints(entry, "pads")
    set_ints(entry, "pads", [*pads, channels - (ALIGNMENT - CHANNELS)])
    inside = entry.outputs[0]
    if inside.shape is not None:
        inside.shape = ir.Shape([*inside.shape[:3], CHANNELS])
    for conv in convs:
        weight = required_input(conv, 1)
        array = constant_or_none(weight)
        assert array is not None
        narrow = array[..., :CHANNELS].copy()
        weight.const_value = ir.tensor(narrow, name=weight.name)
        weight.shape = ir.Shape(narrow.shape)
