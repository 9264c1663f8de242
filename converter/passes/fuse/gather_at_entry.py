"""Gather of a constant table -> ConvertToIsland => Gather or Slice of the table as it lies in an island"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.lookups import first_rows
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import add_initializer, remove_orphans, take_place
from qudnn.converter.island.crossings import ints, is_op
from qudnn.converter.lowering.binary import island_array
from qudnn.converter.passes.base import Pass


class GatherAtEntry(Pass):
    """Embeddings: they are looked up outside, and enter the island without a pass over memory."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        modified = False
        for enter in list(model.graph):
            if is_op(enter, "ConvertToIsland"):
                modified |= self._fuse(enter, model.graph)
        return ir.passes.PassResult(model, modified)

    def _fuse(self, enter: ir.Node, graph: ir.Graph) -> bool:
        y = required_input(enter, 0)
        gather = y.producer()
        if gather is None or gather.domain or gather.op_type != "Gather":
            return False
        table = required_input(gather, 0)
        array = constant_or_none(table)
        *before, last = ints(enter, "pads")
        perm = ints(enter, "perm")
        if (
            array is None
            or gather.attributes.get_int("axis", 0) % array.ndim == array.ndim - 1
            or perm != list(range(len(perm)))
            or any(before)
            or any(len(value.uses()) > 1 or value.is_graph_output() for value in (y, table))
        ):
            return False
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
        return True
