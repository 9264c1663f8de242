"""QConv -> QAdd => QConvAdd"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import remove_orphans, sole_consumer, take_place
from qudnn.converter.island.crossings import ints, is_op
from qudnn.converter.island.layout import ALIGNMENT
from qudnn.converter.lowering.binary import adds_one_shape
from qudnn.converter.passes.base import Pass

_MODERATE = 2.0**21  # sums below are rounded as floats
_OF_CONV = ("pads", "strides", "dilations", "group", "x_zero_point", "y_zero_point", "y_min", "y_max")
_OF_ADD = ("a_scale", "a_zero_point", "b_scale", "b_zero_point", "dtype")


class FuseConvAdd(Pass):
    """A convolution adds in its epilogue if an addition of two tensors of one shape is its sole consumer.

    Where both operands are such results, the later one does, so that less has to wait. Not of groups and
    stems, whose kernels add nothing: two passes would take as long as before.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        modified = False
        place = {node: i for i, node in enumerate(model.graph)}
        for add in list(model.graph):
            if not is_op(add, "QAdd") or not adds_one_shape(add) or not _moderate(add):
                continue
            convs = [(place[conv], index) for index in (0, 1) if (conv := _conv(add, index)) is not None]
            if convs:
                _fuse(add, max(convs)[1], model.graph)
                modified = True
        return ir.passes.PassResult(model, modified)


def _conv(add: ir.Node, index: int) -> ir.Node | None:
    """The convolution that produces operand `index`, if it may add the other one."""
    inside = required_input(add, index)
    conv = inside.producer()
    if conv is None or not is_op(conv, "QConv") or sole_consumer(inside, once=True) is not add:
        return None
    shape = required_input(conv, 1).shape
    if shape is None or not isinstance(shape[3], int) or shape[3] % ALIGNMENT != 0:
        return None
    padded = "y_pads" in conv.attributes and any(ints(conv, "y_pads"))
    return None if padded or conv.attributes["group"].as_int() != 1 else conv


def _moderate(add: ir.Node) -> bool:
    """Whether no sum is large before it is rounded; see sums_are_moderate() in
    csrc/kernels/elementwise/add.h."""
    a, b, y = (np.float32(add.attributes[f"{name}_scale"].as_float()) for name in "aby")
    zero_points = [add.attributes[f"{name}_zero_point"].as_int() for name in "aby"]
    with np.errstate(all="ignore"):
        ra, rb = np.abs(a / y), np.abs(b / y)
        fixed = abs(zero_points[2]) + abs(zero_points[0]) * float(ra) + abs(zero_points[1]) * float(rb)
    return 255 * float(ra) + 255 * float(rb) + fixed < _MODERATE


def _fuse(add: ir.Node, index: int, graph: ir.Graph) -> None:
    conv = required_input(add, index).producer()
    assert conv is not None
    attributes = {name: conv.attributes[name].value for name in _OF_CONV}
    attributes |= {name: add.attributes[name].value for name in _OF_ADD}
    for name in ("scale", "zero_point"):
        attributes[f"sum_{name}"] = add.attributes[f"y_{name}"].value
    attributes["result_first"] = int(index == 0)
    fused = ir.node(
        "QConvAdd",
        [conv.inputs[0], add.inputs[1 - index], *conv.inputs[1:]],
        attributes=attributes,
        domain=DOMAIN,
        name=conv.name,
    )
    fused.doc_string = conv.doc_string
    fused.metadata_props.update(conv.metadata_props)
    graph.insert_after(add, fused)
    take_place(add.outputs[0], fused.outputs[0])
    remove_orphans([add])
