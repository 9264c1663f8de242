"""Gather of a constant table -> ConvertToIsland => Gather or Slice of the table as it lies in an island"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.lookups import first_rows
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import add_initializer, remove_orphans, take_place
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.island.crossings import ints, is_qudnn
from qudnn.converter.lowering.elementwise.binary import island_array
from qudnn.converter.passes.base import NodePass


class GatherAtEntry(NodePass):
    """Embeddings: they are looked up outside, and enter the island without a pass over memory."""

    def matches(self, node: ir.Node) -> bool:
        return is_qudnn(node, "ConvertToIsland") and is_onnx(required_input(node, 0).producer(), "Gather")

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        enter, y = node, required_input(node, 0)
        gather = y.producer()
        assert gather is not None
        table = required_input(gather, 0)
        array = constant_or_none(table)
        *before, last = ints(enter, "pads")
        perm = ints(enter, "perm")
        if array is None:
            raise Refusal("the table before it is not constant")
        if gather.attributes.get_int("axis", 0) % array.ndim == array.ndim - 1:
            raise Refusal("the lookup before it is along the last axis of the table")
        if perm != list(range(len(perm))) or any(before):
            raise Refusal("it moves axes, or pads others than that of the channels")
        if any(len(value.uses()) > 1 or value.is_graph_output() for value in (y, table)):
            raise Refusal("the table before it, or what is looked up in it, has other consumers")
        padded = np.pad(
            island_array(array),
            [(0, 0)] * (array.ndim - 1) + [(0, last)],
            constant_values=enter.attributes["zero_point"].as_int(),
        )
        name = self.context.names.value(f"{table.name}/island")
        rows = first_rows(required_input(gather, 1), len(padded))
        if rows is not None and array.ndim == 2:
            values = [add_initializer(graph, name, padded[None]), *rows.inputs[1:]]
            fused = ir.node("Slice", values, name=gather.name)
        else:
            values = [add_initializer(graph, name, padded), required_input(gather, 1)]
            fused = ir.node("Gather", values, attributes=gather.attributes, name=gather.name)
        graph.insert_after(gather, fused)
        take_place(enter.outputs[0], fused.outputs[0])
        remove_orphans([enter])
