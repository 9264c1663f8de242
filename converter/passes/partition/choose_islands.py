"""Keep the ops inside islands that are worth their crossings."""

from collections.abc import Container, Iterable
from math import inf, prod

import onnx_ir as ir

from qudnn.converter.analysis.gpu_kernels import runs_on_gpu
from qudnn.converter.graph.op_traits import is_quantized_operator
from qudnn.converter.graph.sizes import GUESS, guessed
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.min_cut import SINK, SOURCE, Graph
from qudnn.converter.island.port import Joint, Port
from qudnn.converter.passes.base import PartitionPass
from qudnn.converter.qdq.linear import dequantizes, quantizes

_CROSSING = 3  # per element: read and written once more, and often in four bytes instead of one
_WHERE_IT_IS = 0.5  # per element: what is moved less where both ways would cost the same
_IN_FLOAT = 9  # per element: dequantized, read and written in four bytes, quantized
_WITHOUT_KERNEL = 40  # per element: to the host, through a loop there, and back

_NOT_WORTH_IT = "carrying its tensors into an island and back would cost more than its int8 kernel saves"


class ChooseIslands(PartitionPass):
    """Each candidate goes inside or stays outside, so that the sum of these costs is least:

    - an element of a tensor that crosses the border costs 3: crossings are passes over memory, no more;
    - an op left outside costs 40 for each element it reads and writes if onnxruntime has no CUDA kernel
      for it (QLinear*, DepthToSpace of 8 bits), for it runs on the CPU then and its tensors go there and
      back; 9 if it is a float operator between DequantizeLinear and QuantizeLinear, or was one and has no
      kernel for 8 bits, or is only after a DequantizeLinear; and next to nothing if it is an operator of
      ONNX that runs on 8 bits where it is (MaxPool, Reshape, Concat);
    - an op that onnxruntime's CUDA provider computes wrongly goes inside at any cost.

    Inputs and outputs of an op that are outside of the island do not cross.

    The cheapest choice is a minimal cut of the graph of values: exact, and independent of any order. It
    follows that a cheap operator alone never causes a round trip, in or out: it comes along where its
    neighbours are inside, and stays where they are not.
    """

    def run(self, model: ir.Model) -> None:
        inside = choice(self.context.candidates, self.context.without_pairs)
        for number, candidate in enumerate(self.context.candidates):
            if number not in inside:
                for node in candidate.covers:
                    self.context.refusals[node] = _NOT_WORTH_IT
        for candidate in (c for number, c in enumerate(self.context.candidates) if number in inside):
            for node in candidate.covers:
                self.context.refusals.pop(node, None)  # what one rule refused, another may have covered
        self.context.candidates = [c for n, c in enumerate(self.context.candidates) if n in inside]


def choice(candidates: list[Candidate], moved: Container[ir.Node] = ()) -> set[int]:
    """The numbers of the candidates that go inside. moved: nodes that worked on float32 at first."""
    graph = Graph()
    producer: dict[ir.Value, int] = {}
    entering: dict[Joint, Port] = {}
    consumers: dict[Joint, set[int]] = {}
    for number, candidate in enumerate(candidates):
        producer |= {port.value: number for port in candidate.outputs}
        for port in _crossing(candidate.inputs):
            entering[port.joint] = port
            consumers.setdefault(port.joint, set()).add(number)
        graph.edge(SOURCE, number, _cost_outside(candidate, moved))
    covered = {node: number for number, candidate in enumerate(candidates) for node in candidate.covers}
    ports = {port.value: port for candidate in candidates for port in _crossing(candidate.outputs)}
    for joint, port in entering.items():
        # An entry, if the producer is outside and any consumer inside.
        value, numbers = port.value, consumers[joint]
        direct = value in ports and ports[value].joint == joint
        cost = _CROSSING * _elements(port)
        entry = ("entry", joint)
        for number in numbers:
            graph.edge(number, entry, inf)
        graph.edge(entry, producer[value] if direct else SINK, cost)
    for value, port in ports.items():
        # An exit, if the producer is inside and any consumer outside.
        exit_ = ("exit", value)
        graph.edge(producer[value], exit_, _CROSSING * _elements(port))
        inside = consumers.get(port.joint, set())
        for number in inside:
            graph.edge(exit_, number, inf)
        if _is_read_outside(value, inside, covered):
            graph.edge(exit_, SINK, inf)
    return {node for node in graph.source_side() if isinstance(node, int)}


def _crossing(ports: Iterable[Port]) -> list[Port]:
    return [port for port in ports if not port.outside]


def _is_read_outside(value: ir.Value, inside: set[int], covered: dict[ir.Node, int]) -> bool:
    """Whether the value has a consumer outside in any case. inside: the candidates that consume it inside.

    A node of a candidate that consumes it through a DequantizeLinear is a consumer of the value.
    """
    waiting = [value]
    for reached in waiting:
        if reached.is_graph_output():
            return True
        for node in (use.node for use in reached.uses()):
            if dequantizes(node) and node not in covered:
                waiting.append(node.outputs[0])
            elif covered.get(node) not in inside:
                return True
    return False


def _cost_outside(candidate: Candidate, moved: Container[ir.Node]) -> float:
    cost: float
    if candidate.only_inside:
        return inf
    if any(map(is_quantized_operator, candidate.covers)):
        cost = _WITHOUT_KERNEL
    elif any(map(quantizes, candidate.covers)) or any(port.outside for port in candidate.outputs):
        cost = _IN_FLOAT
    elif not all(runs_on_gpu(node, candidate.inputs[0].dtype) for node in candidate.covers):
        cost = _IN_FLOAT if any(node in moved for node in candidate.covers) else _WITHOUT_KERNEL
    else:
        cost = _WHERE_IT_IS
    return cost * sum(map(_elements, (*candidate.inputs, *candidate.outputs)))


def _elements(port: Port) -> int:
    """How many, or likely many; a batch of unknown size counts as one, its windows as many as they are."""
    batch, *rest = port.shape
    return prod(map(guessed, rest)) * (batch if isinstance(batch, int) else max(batch.guess // GUESS, 1))
