"""QConv(pads) o entry -> QConv o entry(pads), and so for QConv3D"""

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
            if len(uses) == 1 and is_op(uses[0].node, "QConv", "QConv3D") and uses[0].idx == 0:
                modified |= _move_pads(entry, uses[0].node)
        return ir.passes.PassResult(model, modified)


def _move_pads(entry: ir.Node, conv: ir.Node) -> bool:
    pads = ints(conv, "pads")
    zero_point = conv.attributes["x_zero_point"]
    if not any(pads):
        return False
    if entry.op_type == "QuantizeToIsland" and entry.attributes["zero_point"].as_int() != zero_point.as_int():
        return False  # the model reads a tensor with another zero point than it wrote it with
    channels = ints(entry, "pads")[-1]
    before, behind = pads[: len(pads) // 2], pads[len(pads) // 2 :]
    entry.attributes["pads"] = ir.AttrInt64s("pads", [0, *before, 0, 0, *behind, channels])
    entry.attributes["zero_point"] = ir.AttrInt64("zero_point", zero_point.as_int())
    conv.attributes["pads"] = ir.AttrInt64s("pads", [0] * len(pads))
    return True
