"""Replace each candidate's nodes by its op, with crossings where tensors enter and leave."""

from collections import Counter

import onnx_ir as ir

from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.edit import remove_orphans, take_place
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.port import Port, Tensor
from qudnn.converter.island.size_nodes import SizeNodes
from qudnn.converter.passes.base import PartitionPass


class Lower(PartitionPass):
    """A tensor enters and leaves an island in the plain layout; between ops it has its producer's layout.

    Only what is needed outside leaves. A tensor of which two ops want different axes last goes out and in,
    and so does one of which the number of channels is known to one of them only.
    """

    def run(self, model: ir.Model) -> None:
        """Lower the candidates in the order of the graph."""
        self._inside: dict[ir.Value, Tensor] = {}  # by what candidates call the value
        self._outside: dict[ir.Value, ir.Value] = {}  # what stands in its place there
        self._moved: dict[Tensor, dict[Layout, Tensor]] = {}
        self._sizes = SizeNodes(model.graph, self.context.names, self.context.facts.size_places)
        self._wishes = _wishes(self.context.candidates)
        nodes: list[ir.Node] = []
        for candidate in self.context.candidates:
            nodes += self._lower(candidate, model.graph)
        told = {
            candidate.covers[0]: candidate.note for candidate in self.context.candidates if candidate.note
        }
        for node, note in told.items():
            self.context.notes[node] = note
        # Not before all is lowered: later ops may use what was moved for earlier ones.
        remove_orphans(reversed([node for candidate in self.context.candidates for node in candidate.covers]))
        remove_orphans(reversed(nodes))
        if nodes:
            model.graph.sort()  # candidates may interleave where one covers several nodes

    def _lower(self, candidate: Candidate, graph: ir.Graph) -> list[ir.Node]:
        first, last = candidate.covers[0], candidate.covers[-1]
        name = self._name(candidate)
        emitter = Emitter(graph, self.context.names, name, first, self._moved, self._sizes)
        tensors = [self._tensor(port, emitter) for port in candidate.inputs]
        wish = self._wishes.get(candidate.outputs[0].value)
        results = candidate.op.emit(emitter, tensors, wish)
        for port, result in zip(candidate.outputs, results, strict=True):
            if port.outside:
                self._outside[port.value] = result.value
                continue
            self._inside[port.value] = result
            self._outside[port.value] = self._leave(port, emitter.plain(result), emitter)
        graph.insert_after(last, emitter.nodes)
        for port in candidate.outputs:
            port.value.type = ir.TensorType(port.dtype)
            take_place(port.value, self._outside[port.value])
        return emitter.nodes

    def _name(self, candidate: Candidate) -> str:
        """That of the first node it covers; another where that node stays, for others that read it."""
        first = candidate.covers[0]
        if not first.name:
            return self.context.names.node(candidate.outputs[0].value.name or first.op_type)
        replaced = {port.value for port in candidate.outputs}
        inner = [output for output in first.outputs if output not in replaced]
        stays = any(
            output.is_graph_output() or any(use.node not in candidate.covers for use in output.uses())
            for output in inner
        )
        return self.context.names.node(first.name) if stays else first.name

    def _tensor(self, port: Port, emitter: Emitter) -> Tensor:
        layout = port.layout
        outside = self._outside.get(port.value, port.value)
        if port.outside:
            return Tensor(outside, layout)
        inside = self._inside.get(port.value)
        if inside is not None and _agree(inside.layout, layout):
            return inside
        entry = ir.node(
            "ConvertToIsland",
            [outside],
            attributes={
                "perm": layout.perm_in,
                "pads": layout.pads_in,
                "zero_point": 0,
                "dtype": int(port.dtype),
            },
            domain=DOMAIN,
            name=self.context.names.node(f"{port.value.name}/to_island"),
        )
        return emitter.written(entry, layout, f"{port.value.name}/entered")

    def _leave(self, port: Port, tensor: Tensor, emitter: Emitter) -> ir.Value:
        layout = tensor.layout
        leave = ir.node(
            "ConvertFromIsland",
            [tensor.value],
            attributes={
                "perm": layout.perm_out,
                "channels": layout.channels,
                "dtype": int(port.dtype),
            },
            domain=DOMAIN,
            name=self.context.names.node(f"{port.value.name}/from_island"),
        )
        emitter.nodes.append(leave)
        return leave.outputs[0]


def _agree(written: Layout, wanted: Layout) -> bool:
    """Whether a tensor can stay inside, on the way from one op to another."""
    return (written.channel_axis, written.is_unpadded) == (wanted.channel_axis, wanted.is_unpadded)


def _wishes(candidates: list[Candidate]) -> dict[ir.Value, Layout]:
    """The layouts that the sole consumers of values prefer, or those of what they pass on."""
    consumers = Counter(port.value for candidate in candidates for port in candidate.inputs)
    wishes: dict[ir.Value, Layout] = {}
    for candidate in reversed(candidates):
        passed = wishes.get(candidate.outputs[0].value) if candidate.passes_wish else None
        for port in candidate.inputs:
            wish = port.wish
            if wish is None and passed is not None:
                wish = passed.seen_as(len(port.shape), port.channel_axis)
            if wish is not None and consumers[port.value] == 1 and not port.value.is_graph_output():
                wishes[port.value] = wish
    return wishes
