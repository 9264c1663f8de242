"""Which nodes of a converted model are inside of islands, at their borders or outside."""

from collections import Counter
from typing import NamedTuple

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.island.crossings import ENTRIES, EXITS, is_crossing, is_qudnn
from qudnn.converter.reports.report import Report

# Results of other types, which are still to be transposed.
_CHANNELS_LAST = (
    "DynamicQConv",
    "FloatAveragePool",
    "FloatGlobalAveragePool",
    "FloatMaxPool",
    "QConvToFloat",
    "QConvToInt32",
    "QTableGlobalAveragePoolToFloat",
)


class Nodes(NamedTuple):
    """The nodes of a model. left: those that are neither inside of islands nor crossings.

    islands: the number of each node's island, from 1.
    """

    crossings: list[ir.Node]
    inside: list[ir.Node]
    left: dict[ir.Node, None]
    islands: dict[ir.Node, int]

    @classmethod
    def of(cls, graph: ir.Graph, facts: Facts | None = None) -> "Nodes":
        crossings = [node for node in graph if _crosses(node)]
        inside = _inside(graph)
        ours = {*crossings, *inside}
        ours |= {node for node in graph if _begins(node, ours, facts)}
        ours |= _views_between(graph, ours)
        left = {node: None for node in graph if node not in ours and not is_onnx(node, "Constant")}
        return cls(crossings, inside, left, _islands(inside))

    def report(self) -> Report:
        """What can be said without knowing the original."""
        return Report(
            converted=dict(Counter(node.op_type for node in self.inside).most_common()),
            islands=max(self.islands.values(), default=0),
            entries=sum(is_qudnn(node, *ENTRIES) for node in self.crossings),
            exits=sum(is_qudnn(node, *EXITS) for node in self.crossings),
        )


def _crosses(node: ir.Node) -> bool:
    """Whether it is a crossing; an entry of what lies as inside already, as a pool's result, is none."""
    if not is_crossing(node):
        return False
    x = node.inputs[0] if is_qudnn(node, *ENTRIES) else None
    tensor = None if x is None else _before_views(x)
    return tensor is None or tensor.dtype == ir.DataType.INT8 or not _is_inside(tensor)


def _inside(graph: ir.Graph) -> list[ir.Node]:
    """The nodes that work on tensors of an island, standard operators among them."""
    inside: dict[ir.Node, None] = {}
    for node in graph:
        producers = [value.producer() for value in node.inputs if value is not None and _is_inside(value)]
        reads = any(producer in inside or is_qudnn(producer, *ENTRIES) for producer in producers)
        reads = reads and not _computes_in_float(node)
        if not _crosses(node) and (node.domain == DOMAIN or reads or _makes_vector(node)):
            inside[node] = None
    return list(inside)


def _computes_in_float(node: ir.Node) -> bool:
    """Whether it is an elementwise operator of ONNX on float32 results of ops, as they lie."""
    return has_trait(node, Trait.ELEMENTWISE) and node.outputs[0].dtype == ir.DataType.FLOAT


def _begins(node: ir.Node, ours: set[ir.Node], facts: Facts | None) -> bool:
    """Whether its result lies as in an island, which begins with it: an embedding, looked up in a table."""
    for output in node.outputs:
        dtype = output.dtype or (None if facts is None else facts.dtype(output))
        consumers = [use.node for use in output.uses()]
        if dtype == ir.DataType.INT8 and any(node in ours and not is_crossing(node) for node in consumers):
            return True
    return False


def _views_between(graph: ir.Graph, ours: set[ir.Node]) -> set[ir.Node]:
    """Nodes between ours, outside of islands, that give a tensor another shape: they move nothing.

    Not after exits: it is because of them that the tensor left the island.
    """
    found: dict[ir.Node, None] = {}
    for node in graph:
        source = node.inputs[0] if has_trait(node, Trait.VIEWS) else None
        producer = None if source is None else source.producer()
        if (producer in ours and not is_qudnn(producer, *EXITS)) or producer in found:
            found[node] = None
    for node in reversed(list(found)):
        y = node.outputs[0]
        consumers = [use.node for use in y.uses()]
        if y.is_graph_output() or not all(consumer in ours or consumer in found for consumer in consumers):
            del found[node]
    return {*found}


def _makes_vector(node: ir.Node) -> bool:
    """Whether the node takes the one row of a matrix-vector product, outside of the island."""
    source = node.inputs[0].producer() if is_onnx(node, "Squeeze") and node.inputs[0] else None
    return is_qudnn(source, "QBatchMatMulToFloat", "QBatchMatMulToInt32")


def _is_inside(value: ir.Value) -> bool:
    """Whether the value, of an op of the domain, lies in the island, or as in one still."""
    while True:
        node = value.producer()
        if value.dtype == ir.DataType.INT8 or is_qudnn(node, *_CHANNELS_LAST):
            return True
        if is_qudnn(node, "QLayerNormalizationToFloat"):
            return any(is_qudnn(use.node, "FloatGlobalAveragePool") for use in value.uses())
        if not is_onnx(node, "Slice", "Squeeze") or node.inputs[0] is None:
            return False
        value = node.inputs[0]


def _before_views(value: ir.Value) -> ir.Value:
    """The tensor that the value is, in another shape."""
    node = value.producer()
    while has_trait(node, Trait.VIEWS) and node.inputs[0] is not None:
        value = node.inputs[0]
        node = value.producer()
    return value


def _islands(nodes: list[ir.Node]) -> dict[ir.Node, int]:
    """The groups of ops that share a tensor: one that an op wrote, or that entered the island; their numbers.

    What an op of the domain reads in another shape is the same tensor.

    Attention in float32 reads and writes none.
    """
    group: dict[object, object] = {}

    def root(item: object) -> object:
        while (above := group.setdefault(item, item)) is not item:
            group[item] = group[above]  # half the way for the next one
            item = above
        return item

    for node in nodes:
        for value in (*node.inputs, *node.outputs):
            if value is None or value.is_initializer():
                continue
            tensor = _before_views(value) if node.domain == DOMAIN else value
            for each in {value, tensor}:
                if _is_inside(each):
                    group[root(each)] = root(node)
    numbers: dict[object, int] = {}
    return {node: numbers.setdefault(root(node), len(numbers) + 1) for node in nodes if node in group}
