"""Equal crossings of one tensor => one of them"""

import onnx_ir as ir

from qudnn.converter.graph.edit import equal_attributes, is_needed, remove_orphans
from qudnn.converter.island.crossings import is_crossing
from qudnn.converter.passes.base import Pass


class ShareCrossings(Pass):
    """The first one in the graph's order stays. An output of the graph keeps the crossing that names it."""

    def run(self, model: ir.Model) -> None:
        first: dict[object, ir.Node] = {}
        for node in model.graph:
            if not is_crossing(node) or not is_needed(node.outputs[0]):
                continue
            key = node.op_type, node.inputs[0], equal_attributes(node)
            shared = first.setdefault(key, node)
            if shared is node or any(output.is_graph_output() for output in node.outputs):
                continue
            for output, kept in zip(node.outputs, shared.outputs, strict=True):
                output.replace_all_uses_with(kept)
            remove_orphans([node])
