"""LayerNormalization -> DynamicQuantizeToIsland => DynamicLayerNormalizationToIsland

Add -> LayerNormalization -> DynamicQuantizeToIsland => DynamicAddLayerNormalizationToIsland
"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.island.crossings import ints
from qudnn.converter.island.emitter import Attribute
from qudnn.converter.passes.fuse.normalization import channels_of, epsilon_of, rows_of
from qudnn.converter.passes.fuse.normalize_before import Fused, NormalizeBefore, sum_note


class NormalizeAtDynamicEntry(NormalizeBefore):
    """An addition is taken in where both of its operands have the shape of the sum."""

    ENTRY = "DynamicQuantizeToIsland"

    def fused(self, norm: ir.Node, entry: ir.Node, facts: Facts, graph: ir.Graph) -> Fused:
        rows = rows_of(norm, channels_of(norm, facts), graph, self.context)
        after = (*rows, *entry.inputs[1:])
        attributes: dict[str, Attribute] = {"pads": ints(entry, "pads"), "epsilon": epsilon_of(norm)}
        x = required_input(norm, 0)
        add = x.producer()
        if add is None or not _adds_one_shape(add, facts):
            return Fused("DynamicLayerNormalizationToIsland", (x, *after), attributes, norm.outputs[:1])
        total = add.outputs[0]
        return Fused(
            "DynamicAddLayerNormalizationToIsland",
            (*add.inputs, *after),
            attributes,
            (total, norm.outputs[0]),
            sum_note(total, norm, entry),
        )


def _adds_one_shape(node: ir.Node, facts: Facts) -> bool:
    if not is_onnx(node, "Add"):
        return False
    a, b = (facts.shape(required_input(node, index)) for index in range(2))
    return a is not None and a == b
