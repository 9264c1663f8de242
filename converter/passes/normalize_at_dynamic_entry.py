"""DynamicQuantizeToIsland o LayerNormalization -> DynamicLayerNormalizationToIsland

DynamicQuantizeToIsland o LayerNormalization o Add -> DynamicAddLayerNormalizationToIsland
"""

import onnx_ir as ir

from converter.constants import required_input
from converter.crossings import ints, is_op
from converter.errors import Refusal
from converter.facts import Facts
from converter.functions import DOMAIN
from converter.normalization import OTHERWISE, channels_of, epsilon_of, hand_over, normalizes, rows_of
from converter.passes.base import Pass


class NormalizeAtDynamicEntry(Pass):
    """The float32 results stay outputs of the op where others read them, the sum and the normalized tensor.

    An addition is taken in where both of its operands have the shape of the sum.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        modified = False
        for norm in list(model.graph):
            entry = _entry_behind(norm)
            if entry is None:
                continue
            try:
                self._fuse(norm, entry, model.graph)
                modified = True
            except Refusal as refusal:
                self.context.refusals[norm] = str(refusal)
        if modified:
            model.graph.sort()  # others may read results of the op before the entry that it becomes
        return ir.passes.PassResult(model, modified)

    def _fuse(self, norm: ir.Node, entry: ir.Node, graph: ir.Graph) -> None:
        facts = self.context.facts
        assert facts is not None
        gamma, beta = rows_of(norm, channels_of(norm, facts), graph, self.context)
        x = required_input(norm, 0)
        add = x.producer()
        if add is not None and _adds_one_shape(add, facts):
            op_type, inputs = "DynamicAddLayerNormalizationToIsland", [*add.inputs, gamma, beta]
        else:
            op_type, inputs, add = "DynamicLayerNormalizationToIsland", [x, gamma, beta], None
        fused = ir.node(
            op_type,
            [*inputs, *entry.inputs[1:]],
            {"pads": ints(entry, "pads"), "epsilon": epsilon_of(norm)},
            domain=DOMAIN,
            name=norm.name,
            num_outputs=len(entry.outputs) + (1 if add is None else 2),
        )
        hand_over(norm, add, fused, entry)
        if add is not None and not fused.outputs[0].name and len(ints(entry, "perm")) == 3:
            self.context.notes[fused] = OTHERWISE


def _entry_behind(norm: ir.Node) -> ir.Node | None:
    """The first entry that quantizes the result of a LayerNormalization as it lies."""
    if not normalizes(norm):
        return None
    for entry in [use.node for use in norm.outputs[0].uses()]:
        if not is_op(entry, "DynamicQuantizeToIsland"):
            continue
        perm, (*others, _) = ints(entry, "perm"), ints(entry, "pads")
        if perm == list(range(len(perm))) and not any(others):
            return entry
    return None


def _adds_one_shape(node: ir.Node, facts: Facts) -> bool:
    if node.domain or node.op_type != "Add":
        return False
    a, b = (facts.shape(required_input(node, index)) for index in range(2))
    return a is not None and a == b
