"""Put each candidate's op in the place of its nodes, with crossings around it."""

import onnx_ir as ir

from converter.candidate import Candidate, Port
from converter.functions import DOMAIN
from converter.graph_edit import remove_orphans, take_place
from converter.layout import Layout, padded
from converter.passes.base import Pass


class Lower(Pass):
    """Every op gets crossings of its own around it; the passes behind this one remove those that cancel."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Lower the candidates in the order of the graph."""
        self._now: dict[ir.Value, ir.Value] = {}  # what candidates call a value -> what stands in its place
        for candidate in self.context.candidates:
            self._lower(candidate, model.graph)
        return ir.passes.PassResult(model, modified=bool(self.context.candidates))

    def _lower(self, candidate: Candidate, graph: ir.Graph) -> None:
        first, last = candidate.covers[0], candidate.covers[-1]
        y = candidate.output
        entries = [self._entry(port) for port in candidate.inputs]
        name = first.name or self.context.new_node_name(y.value.name or candidate.op_type)
        constants = [
            ir.Value(
                name=tensor.name,
                type=ir.TensorType(tensor.dtype),
                shape=ir.Shape(array.shape),
                const_value=tensor,
            )
            for what, array in candidate.constants.items()
            for tensor in [ir.tensor(array, name=self.context.new_value_name(f"{name}/{what}"))]
        ]
        for constant in constants:
            graph.initializers.add(constant)
        op = ir.node(
            candidate.op_type,
            [*(entry.outputs[0] for entry in entries), *constants],
            attributes=dict(candidate.attributes),
            domain=candidate.domain,
            name=name,
            doc_string=first.doc_string,
            metadata_props=dict(first.metadata_props),
        )
        self._describe(op.outputs[0], f"{y.value.name}/island", y.layout)
        exit_ = ir.node(
            "ConvertFromIsland",
            [op.outputs[0]],
            attributes={"perm": y.layout.perm_out, "channels": y.layout.channels, "dtype": int(y.dtype)},
            domain=DOMAIN,
            name=self.context.new_node_name(f"{y.value.name}/from_island"),
        )
        graph.insert_after(last, [*entries, op, exit_])
        self._now[y.value] = exit_.outputs[0]
        take_place(y.value, exit_.outputs[0])
        remove_orphans(reversed(candidate.covers))

    def _entry(self, port: Port) -> ir.Node:
        entry = ir.node(
            "ConvertToIsland",
            [self._now.get(port.value, port.value)],
            attributes={
                "perm": port.layout.perm_in,
                "pads": port.layout.pads_in,
                "zero_point": 0,
                "dtype": int(port.dtype),
            },
            domain=DOMAIN,
            name=self.context.new_node_name(f"{port.value.name}/to_island"),
        )
        self._describe(entry.outputs[0], f"{port.value.name}/entered", port.layout)
        return entry

    def _describe(self, value: ir.Value, name: str, layout: Layout) -> None:
        """Name a tensor of an island, and type it: not every body lets ONNX infer its type."""
        value.name = self.context.new_value_name(name)
        value.type = ir.TensorType(ir.DataType.INT8)
        value.shape = ir.Shape([None] * (layout.rank - 1) + [padded(layout.channels)])
