"""QAdd -> QLayerNormalization => QAddLayerNormalization, and so with QFloatAdd"""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import describe_as, is_needed, leave_out, remove_orphans, take_place
from qudnn.converter.island.crossings import is_qudnn
from qudnn.converter.lowering.elementwise.binary import adds_one_shape
from qudnn.converter.passes.base import NodePass


class FuseAddLayerNormalization(NodePass):
    """The sum is written only if it has other consumers. Only for tensors of one shape."""

    SORTS = True  # others may have read a sum before

    def matches(self, node: ir.Node) -> bool:
        return is_qudnn(node, "QLayerNormalization") and is_qudnn(
            required_input(node, 0).producer(), "QAdd", "QFloatAdd"
        )

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        add = required_input(node, 0).producer()
        assert add is not None
        _check(add, node)
        _fuse(add, node, graph)


def _check(add: ir.Node, norm: ir.Node) -> None:
    """Raises Refusal where the normalization does not read what the addition wrote, as it wrote it."""
    if not adds_one_shape(add):
        raise Refusal("the addition before it broadcasts an operand, or one is constant")
    if (add.attributes.get_int("y_min", -128), add.attributes.get_int("y_max", 127)) != (-128, 127):
        raise Refusal("an activation clips the sum")
    is_uint8 = add.attributes.get_int("dtype", ir.DataType.INT8) == ir.DataType.UINT8
    written = (
        add.attributes["y_scale"].as_float(),
        add.attributes["y_zero_point"].as_int() - (128 if is_uint8 else 0),
    )
    if written != (norm.attributes["x_scale"].as_float(), norm.attributes["x_zero_point"].as_int()):
        raise Refusal("it reads the sum with another scale or zero point than the sum is written with")


def _fuse(add: ir.Node, norm: ir.Node, graph: ir.Graph) -> None:
    kept = ("channels", "pads", "y_scale", "y_zero_point", "epsilon")
    attributes = {name: norm.attributes[name].value for name in kept}
    for name in ("a_scale", "a_zero_point", "b_scale", "b_zero_point", "dtype"):
        if name in add.attributes:
            attributes[name] = add.attributes[name].value
    for name in ("scale", "zero_point"):
        attributes[f"sum_{name}"] = add.attributes[f"y_{name}"].value
    fused = ir.node(
        f"{add.op_type}LayerNormalization",
        [*add.inputs, *norm.inputs[1:]],
        attributes=attributes,
        domain=DOMAIN,
        name=norm.name,
        num_outputs=2,
    )
    describe_as(fused, norm)
    graph.insert_after(norm, fused)
    total, y = fused.outputs
    take_place(norm.outputs[0], y)
    remove_orphans([norm])
    if is_needed(add.outputs[0]):
        take_place(add.outputs[0], total)
        remove_orphans([add])
    else:
        leave_out(total)
