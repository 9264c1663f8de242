"""ConvertFromIsland -> ConvertToIsland => nothing"""

import onnx_ir as ir

from qudnn.converter.graph.edit import remove_orphans
from qudnn.converter.island.crossings import ints, is_op
from qudnn.converter.island.layout import ALL, padded
from qudnn.converter.passes.base import Pass


class CancelCrossings(Pass):
    """Where a tensor leaves an island only to come back in the same layout, let it stay.

    Its padding channels hold anything afterwards, as they may. A ConvertToIsland that changes nothing,
    because its input lies like a tensor of an island already, goes as well.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        modified = False
        for node in model.graph:
            if not is_op(node, "ConvertToIsland"):
                continue
            x = node.inputs[0]
            assert x is not None
            leave = x.producer()
            if leave is not None and _cancel(leave, node):
                inside = leave.inputs[0]
            elif _changes_nothing(node):
                inside = x
            else:
                continue
            assert inside is not None
            node.outputs[0].replace_all_uses_with(inside)
            remove_orphans([node])
            modified = True
        return ir.passes.PassResult(model, modified)


def _cancel(leave: ir.Node, enter: ir.Node) -> bool:
    if not is_op(leave, "ConvertFromIsland"):
        return False
    perm_in, perm_out = ints(enter, "perm"), ints(leave, "perm")
    *pads, padding = ints(enter, "pads")
    channels = leave.attributes["channels"].as_int()
    return (
        [perm_out[axis] for axis in perm_in] == list(range(len(perm_in)))
        and leave.attributes["dtype"].as_int() == enter.attributes["dtype"].as_int()
        and not any(pads)
        and padding == (0 if channels == ALL else padded(channels) - channels)  # as the tensor inside has
    )


def _changes_nothing(enter: ir.Node) -> bool:
    perm = ints(enter, "perm")
    return (
        enter.attributes["dtype"].as_int() == ir.DataType.INT8
        and perm == list(range(len(perm)))
        and not any(ints(enter, "pads"))
    )
