"""ConvertFromIsland -> ConvertToIsland => nothing"""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import remove_orphans
from qudnn.converter.island.crossings import ints, is_qudnn
from qudnn.converter.island.layout import ALL, padded
from qudnn.converter.passes.base import NodePass


class CancelCrossings(NodePass):
    """Where a tensor leaves an island only to come back in the same layout, let it stay.

    Its padding channels hold anything afterwards, as they may. A ConvertToIsland that changes nothing,
    because its input lies like a tensor of an island already, goes as well.
    """

    def matches(self, node: ir.Node) -> bool:
        if not is_qudnn(node, "ConvertToIsland"):
            return False
        return is_qudnn(required_input(node, 0).producer(), "ConvertFromIsland") or _changes_nothing(node)

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        inside = required_input(node, 0)
        leave = inside.producer()
        if leave is not None and is_qudnn(leave, "ConvertFromIsland") and _cancel(leave, node):
            inside = required_input(leave, 0)
        elif not _changes_nothing(node):
            raise Refusal("the operators before and after it need different layouts")
        node.outputs[0].replace_all_uses_with(inside)
        remove_orphans([node])


def _cancel(leave: ir.Node, enter: ir.Node) -> bool:
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
