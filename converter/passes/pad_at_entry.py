"""QConv(pads) o entry -> QConv o entry(pads)"""

import onnx_ir as ir

from converter.crossings import ENTRIES, ints, is_op
from converter.passes.base import Pass


class PadAtEntry(Pass):
    """An entry writes the padding of the convolution behind it, where no one else reads its result.

    A kernel with a non-zero zero point needs a padded input in any case, and the entry writes one for
    the price of its additional elements.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        modified = False
        for entry in model.graph:
            if not is_op(entry, *ENTRIES):
                continue
            uses = list(entry.outputs[0].uses())
            if len(uses) == 1 and is_op(uses[0].node, "QConv") and uses[0].idx == 0:
                modified |= _move_pads(entry, uses[0].node)
        return ir.passes.PassResult(model, modified)


def _move_pads(entry: ir.Node, conv: ir.Node) -> bool:
    top, left, bottom, right = ints(conv, "pads")
    zero_point = conv.attributes["x_zero_point"]
    if not any((top, left, bottom, right)):
        return False
    if entry.op_type == "QuantizeToIsland" and entry.attributes["zero_point"].as_int() != zero_point.as_int():
        return False  # the model reads a tensor with another zero point than it wrote it with
    channels = ints(entry, "pads")[-1]
    entry.attributes["pads"] = ir.AttrInt64s("pads", [0, top, left, 0, 0, bottom, right, channels])
    entry.attributes["zero_point"] = ir.AttrInt64("zero_point", zero_point.as_int())
    conv.attributes["pads"] = ir.AttrInt64s("pads", [0, 0, 0, 0])
    return True
