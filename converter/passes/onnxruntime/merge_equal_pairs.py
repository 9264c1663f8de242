"""QuantizeLinear (several) of one tensor with numbers that are the same => one of them"""

from collections.abc import Hashable

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import remove_orphans
from qudnn.converter.graph.marks import QUANTIZED_APART, STAYS_INT8
from qudnn.converter.passes.base import EarlyPass
from qudnn.converter.qdq.linear import quantizes, written_with


class MergeEqualPairs(EarlyPass):
    """Those that onnxruntime leaves apart, for each has constants of its own: see MergeEqualQuantizers.

    It makes no integer operator of what several QuantizeLinear consume (NodeGroupSelector::CheckQDQNodes,
    qdq_selectors.cc, 1.31), which quantized_apart remembers of the tensor that is left.
    """

    def run(self, model: ir.Model) -> None:
        written: dict[Hashable, ir.Node] = {}
        merged: list[ir.Node] = []
        for node in model.graph:
            if not quantizes(node):
                continue
            y = node.outputs[0]
            try:
                key = required_input(node, 0), written_with(node), STAYS_INT8.is_on(y)
            except Refusal:
                continue
            first = written.setdefault(key, node)
            if first is node or constant_or_none(key[0]) is not None:
                continue
            if y.is_graph_output():
                self.decline(node, "its result is an output of the graph")
                continue
            y.replace_all_uses_with(first.outputs[0])
            QUANTIZED_APART.put_on(first.outputs[0])
            merged.append(node)
        remove_orphans(merged)
