"""DynamicQuantizeToIsland of one tensor, several => one, with biases and multipliers of all matmuls"""

import onnx_ir as ir

from qudnn.converter.graph.edit import equal_attributes, remove_orphans
from qudnn.converter.island.crossings import is_qudnn
from qudnn.converter.island.dynamic_matmuls import set_terms, terms_of
from qudnn.converter.passes.base import Pass


class ShareDynamicEntries(Pass):
    """Only if they have the same axes and padding, and only ops consume their results.

    The first one in the graph's order stays.
    """

    def run(self, model: ir.Model) -> None:
        alike: dict[object, list[ir.Node]] = {}
        for node in model.graph:
            if is_qudnn(node, "DynamicQuantizeToIsland") and _is_for_ops(node):
                alike.setdefault((node.inputs[0], equal_attributes(node)), []).append(node)
        groups = [group for group in alike.values() if len(group) > 1]
        for first, *others in groups:
            parts = terms_of(first)
            for entry in others:
                parts |= terms_of(entry)
                for output, kept in zip(entry.outputs, first.outputs, strict=True):
                    output.replace_all_uses_with(kept)
            remove_orphans(others)
            set_terms(first, parts, self.context.names)


def _is_for_ops(entry: ir.Node) -> bool:
    """Whether all that consumes the bias has a place to begin at; an operator of ONNX has none."""
    return all("first" in use.node.attributes for use in entry.outputs[-2].uses())
