"""entry([N,H,W,16]) -> QConv(w [Kp,R,S,16]) => entry([N,H,W,4]) -> QConv(w [Kp,R,S,4])"""

import onnx_ir as ir

from qudnn.converter.graph.constants import constant_or_none
from qudnn.converter.island.crossings import ENTRIES, ints, is_op, set_ints
from qudnn.converter.island.layout import ALIGNMENT
from qudnn.converter.passes.base import Pass

CHANNELS = 4  # a word per pixel
LARGEST = 8  # filter side and stride that the kernel for stems takes


class NarrowStem(Pass):
    """An image enters with 4 channels, not 16, if all its consumers are convolutions with a kernel for that.

    With 16, most of what they read and multiply would be padding.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        modified = False
        for entry in model.graph:
            if not is_op(entry, *ENTRIES):
                continue
            inside = entry.outputs[0]
            consumers = [use.node for use in inside.uses() if use.idx == 0 and _is_stem(use.node)]
            if _is_image(entry) and consumers and len(consumers) == len(inside.uses()):
                _narrow(entry, consumers)
                modified = True
        return ir.passes.PassResult(model, modified)


def _is_image(entry: ir.Node) -> bool:
    return len(ints(entry, "perm")) == 4 and ints(entry, "pads")[-1] >= ALIGNMENT - CHANNELS


def _is_stem(conv: ir.Node) -> bool:
    if not is_op(conv, "QConv") or conv.attributes["group"].as_int() != 1:
        return False
    weight = conv.inputs[1]
    assert weight is not None
    array = constant_or_none(weight)
    if array is None or len(weight.uses()) != 1 or array.shape[3] != ALIGNMENT:
        return False
    return max(*array.shape[1:3], *ints(conv, "strides")) <= LARGEST and ints(conv, "dilations") == [1, 1]


def _narrow(entry: ir.Node, convs: list[ir.Node]) -> None:
    *pads, channels = ints(entry, "pads")
    set_ints(entry, "pads", [*pads, channels - (ALIGNMENT - CHANNELS)])
    inside = entry.outputs[0]
    if inside.shape is not None:
        inside.shape = ir.Shape([*inside.shape[:3], CHANNELS])
    for conv in convs:
        weight = conv.inputs[1]
        assert weight is not None
        array = constant_or_none(weight)
        assert array is not None
        narrow = array[..., :CHANNELS].copy()
        weight.const_value = ir.tensor(narrow, name=weight.name)
        weight.shape = ir.Shape(narrow.shape)
