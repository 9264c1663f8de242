"""The nodes of the user's model, which reports are about; passes change, add and remove nodes."""

from typing import NamedTuple

import onnx_ir as ir

from qudnn.converter.analysis.quantized import Body, has_stored_weights, quantized_nodes
from qudnn.converter.domain import DOMAIN
from qudnn.converter.failures import node_name
from qudnn.converter.graph.op_traits import Trait, has_trait


class Original(NamedTuple):
    """A node as the user knows it: one without a name is called after its first output.

    converts: whether it quantizes or dequantizes, no more.
    """

    name: str
    op_type: str
    quantized: bool
    stored_weights: bool
    converts: bool


class Originals:
    """graph: the nodes of the model's graph. functions: those of functions and of graphs inside of these.

    known: the names and operators of all nodes, those of bodies included.
    """

    def __init__(self, model: ir.Model, is_body: bool = False) -> None:
        """is_body: whether the model is a body of a node; functions are then those of the whole model."""
        self.graph = originals_of(model.graph)
        self._numbers = {node: number for number, node in enumerate(model.graph)}
        self.functions: list[Original] = []
        functions = [function for function in model.functions.values() if function.domain != DOMAIN]
        bodies: list[Body] = [] if is_body else [*functions]
        bodies += [graph for function in bodies for graph in function.subgraphs()]
        for body in bodies:
            self.functions += originals_of(body)
        inside = (node for graph in model.graph.subgraphs() for node in graph)
        self.known = [(node.name, node.op_type) for node in (*self.graph, *self.functions)]
        self.known += [(node_name(node), node.op_type) for node in inside]

    def number_of(self, node: ir.Node) -> int | None:
        """Which of the graph's nodes it is; None where a pass has made it."""
        return self._numbers.get(node)

    def replace(self, old: ir.Node, new: ir.Node) -> None:
        """Let a new node stand for what an old one stands for, if that is anything."""
        number = self._numbers.get(old)
        if number is not None:
            self._numbers[new] = number

    def follow(self, graph: ir.Graph) -> None:
        """Let new nodes with the name of an old one, or of one of its outputs, stand for it."""
        names: dict[str, int | None] = {}  # None: several have it
        outputs: dict[str, int] = {}
        for old, number in self._numbers.items():
            if old.name:
                names[old.name] = None if old.name in names else number
            outputs.update((output.name, number) for output in old.outputs if output.name)
        for new in graph:
            found = [names.get(new.name or ""), *(outputs.get(output.name or "") for output in new.outputs)]
            known = [each for each in found if each is not None]
            if known:
                self._numbers.setdefault(new, known[0])


def originals_of(body: Body) -> list[Original]:
    """The nodes of one graph."""
    quantized = quantized_nodes(body)
    return [_original(node, quantized) for node in body]


def _original(node: ir.Node, quantized: set[ir.Node]) -> Original:
    converts = has_trait(node, Trait.CONVERTS)
    return Original(node_name(node), node.op_type, node in quantized, has_stored_weights(node), converts)
