"""producer -> QConv(pads) => producer(y_pads) -> QConv, and so for QConv3D after an entry"""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import required_input
from qudnn.converter.island.crossings import ENTRIES, ints, is_qudnn, set_ints
from qudnn.converter.island.layout import ALIGNMENT
from qudnn.converter.passes.base import NodePass
from qudnn.converter.passes.finish.narrow_stem import CHANNELS as STEM_CHANNELS

_QUANTIZING = ("QuantizeToIsland", "AddToIsland", "MulToIsland")  # entries
_CONVS_WITH_POOL = ("QConvMaxPool", "ConvMaxPoolToIsland")
_CONVS_OF_IMAGES = ("QConv", "QConvTable")
_CONVS = (*_CONVS_OF_IMAGES, "QConv3D")


class PadAtProducer(NodePass):
    """The producer of a convolution's input writes the padding too, if there are no other consumers.

    cuDNN pads with 0 only: for another zero point, the convolution would begin with a pass over its input,
    while the producer has some more pixels to write. An entry does so for any zero point; in an island,
    those do whose kernels can: pointwise convolutions and stems, tables for all channels, max pools. Other
    convolutions run in cuDNN, which writes dense results, so that nothing would be gained, unless a kernel
    behind it looks them up; and the kernels for groups write none. No QAdd: what it adds is read by the next
    QAdd as well.
    """

    def matches(self, node: ir.Node) -> bool:
        """Whether a convolution with padding reads its result."""
        if node.domain != DOMAIN:
            return False
        consumers = [use.node for use in node.outputs[0].uses() if use.idx == 0]
        return any(is_qudnn(conv, *_CONVS) and any(ints(conv, "pads")) for conv in consumers)

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        if is_qudnn(node, *ENTRIES, "StepsToIsland", *_QUANTIZING):
            _pad_entry(node)
        else:
            _pad_output(node)


def _pad_entry(entry: ir.Node) -> None:
    convs = _consumers(entry, *_CONVS)
    zero_point = convs[0].attributes["x_zero_point"].as_int()
    if is_qudnn(entry, *_QUANTIZING) and entry.attributes["zero_point"].as_int() != zero_point:
        raise Refusal("the convolution reads it with another zero point than it is written with")
    channels = ints(entry, "pads")[-1]
    pads = _take_pads(entry, convs)
    set_ints(entry, "pads", [*pads[:-1], channels])
    entry.attributes["zero_point"] = ir.AttrInt64("zero_point", zero_point)


def _writes_padding(node: ir.Node) -> bool:
    """Whether there is a kernel of the op that does, and has nothing to write around images yet."""
    if "y_pads" in node.attributes and any(ints(node, "y_pads")):
        return False
    if is_qudnn(node, "QConv"):
        shape = required_input(node, 1).shape
        assert shape is not None
        pointwise = shape[1:3] == (1, 1) and not any(ints(node, "pads"))
        return node.attributes["group"].as_int() == 1 and (pointwise or shape[3] == STEM_CHANNELS)
    if is_qudnn(node, "QConvTable"):
        return node.attributes["group"].as_int() == 1
    if is_qudnn(node, "QTable"):
        table = required_input(node, 1).shape
        return table is not None and len(table) == 1
    return is_qudnn(node, "QMaxPool", *_CONVS_WITH_POOL)


def _pad_output(producer: ir.Node) -> None:
    if not _writes_padding(producer):
        raise Refusal("its kernels write no padding")
    convs = _consumers(producer, *_CONVS_OF_IMAGES)
    if not all(_padded_by_a_pass(conv) for conv in convs):
        raise Refusal("the convolution pads at no cost: with 0, or in a kernel for groups")
    zero_point = convs[0].attributes["x_zero_point"].as_int()
    if is_qudnn(producer, "QConv", *_CONVS_WITH_POOL):
        if producer.attributes["y_zero_point"].as_int() != zero_point:
            raise Refusal("the convolution reads it with another zero point than it is written with")
    else:
        name = "table_zero_point" if is_qudnn(producer, "QConvTable") else "y_zero_point"
        producer.attributes[name] = ir.AttrInt64(name, zero_point)
    set_ints(producer, "y_pads", _take_pads(producer, convs))


def _padded_by_a_pass(conv: ir.Node) -> bool:
    """Groups of fewer channels run on kernels that pad with any value."""
    shape = required_input(conv, 1).shape
    assert shape is not None
    return conv.attributes["x_zero_point"].as_int() != 0 and shape.numpy()[-1] % ALIGNMENT == 0


def _consumers(producer: ir.Node, *op_types: str) -> list[ir.Node]:
    """All consumers of the result, which have to be convolutions with one padding."""
    inside = producer.outputs[0]
    convs = [use.node for use in inside.uses() if use.idx == 0 and is_qudnn(use.node, *op_types)]
    if inside.is_graph_output() or len(convs) != len(inside.uses()):
        raise Refusal(f"it has consumers that are no {' or '.join(op_types)}")
    if len({(*ints(conv, "pads"), conv.attributes["x_zero_point"].as_int()) for conv in convs}) > 1:
        raise Refusal("the convolutions that read it have different padding")
    return convs


def _take_pads(producer: ir.Node, convs: list[ir.Node]) -> list[int]:
    """The padding of the convolutions, which lose it, in ONNX Pad's form over the producer's result."""
    pads = ints(convs[0], "pads")
    for conv in convs:
        set_ints(conv, "pads", [0] * len(pads))
    before, after = [0, *pads[: len(pads) // 2], 0], [0, *pads[len(pads) // 2 :], 0]
    inside = producer.outputs[0]
    if inside.shape is not None:
        sizes = zip(inside.shape, before, after, strict=True)
        inside.shape = ir.Shape([_padded(size, first + last) for size, first, last in sizes])
    return [*before, *after]


def _padded(size: int | ir.SymbolicDim, more: int) -> int | ir.SymbolicDim | None:
    if more == 0:
        return size
    return size + more if isinstance(size, int) else None
