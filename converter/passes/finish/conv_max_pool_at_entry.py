"""QuantizeToIsland -> QConvMaxPool => ConvMaxPoolToIsland"""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import consumed_only_by, replace_node, sole_consumer
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.island.crossings import ints, is_qudnn
from qudnn.converter.passes.base import NodePass
from qudnn.converter.passes.finish.narrow_stem import CHANNELS

_CHANNELS_OUTSIDE = 3


class ConvMaxPoolAtEntry(NodePass):
    """The kernel of csrc/kernels/conv/stem_pool.h quantizes the image itself, which is read once then.

    Where it does not run, the op runs the entry and the others one after the other, as before. An image in
    float16 is read as it is, without a Cast of its own, and so is one in float32 that is rounded to float16.
    """

    def matches(self, node: ir.Node) -> bool:
        return is_qudnn(node, "QConvMaxPool") and is_qudnn(
            required_input(node, 0).producer(), "QuantizeToIsland"
        )

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        entry = required_input(node, 0).producer()
        assert entry is not None
        _check(entry, node)
        attributes = {name: attribute.value for name, attribute in node.attributes.items()}
        attributes["x_scale"] = entry.attributes["scale"].as_float()
        image, dtype = self._as_it_is(entry)
        if dtype != ir.DataType.FLOAT:
            attributes["x_dtype"] = int(dtype)
        fused = ir.node(
            "ConvMaxPoolToIsland",
            [image, *node.inputs[1:]],
            attributes=attributes,
            domain=DOMAIN,
            name=node.name,
        )
        replace_node(node, fused, described=node)

    def _as_it_is(self, entry: ir.Node) -> tuple[ir.Value, ir.DataType]:
        """The image before Casts that the kernel does, and the type that it is rounded to there.

        float16 is all in float32. What others read in float16 is made anyway, and smaller.
        """
        x = required_input(entry, 0)
        half = self._before_cast(x, ir.DataType.FLOAT16)
        if half is None:
            return x, ir.DataType.FLOAT
        whole = self._before_cast(half, ir.DataType.FLOAT)
        widening = sole_consumer(half)
        if whole is None or widening is None or not consumed_only_by(widening, entry):
            return half, ir.DataType.FLOAT
        return whole, ir.DataType.FLOAT16

    def _before_cast(self, value: ir.Value, dtype: ir.DataType) -> ir.Value | None:
        """What a Cast makes the value of, if that has this type."""
        cast = value.producer()
        if cast is None or not is_onnx(cast, "Cast"):
            return None
        source = required_input(cast, 0)
        return source if self.context.facts.dtype(source) == dtype else None


def _check(entry: ir.Node, pool: ir.Node) -> None:
    if not consumed_only_by(entry, pool):
        raise Refusal("others read the quantized image, too")
    rows = ints(entry, "perm") == [0, 2, 3, 1]
    if not rows or ints(entry, "pads") != [0] * 7 + [CHANNELS - _CHANNELS_OUTSIDE]:
        raise Refusal("the image is not one of 3 channels, which come first, without padding around it")
    if entry.attributes["zero_point"].as_int() != pool.attributes["x_zero_point"].as_int():
        raise Refusal("the convolution reads it with another zero point than it is written with")
