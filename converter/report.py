"""What a conversion did, and what it left and why."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import onnx_ir as ir

from converter.constants import EIGHT_BIT, required_input
from converter.context import Context
from converter.crossings import ENTRIES, EXITS, is_crossing, is_op
from converter.frontends import QUANTIZED
from converter.functions import DOMAIN
from converter.linear import dequantizes, has_integer_form, quantizes, stays_int8
from converter.version import qudnn_version

_NAMES_SHOWN = 3
_CONVERSIONS = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")
_CHANNELS_LAST = ("DynamicQConv", "QConvToInt32")  # results of other types, which are still to be transposed
_KEEP_CHANNELS_LAST = ("Slice", "Squeeze")
_FLOATS = {ir.DataType.FLOAT, ir.DataType.FLOAT16, ir.DataType.BFLOAT16, ir.DataType.DOUBLE}
_REWRITTEN = (
    "it stays, but an int8 tensor of it has several readers or is the model's own and became uint8, with "
    "which onnxruntime computes it in integers: results may differ by one quantum"
)


class Left(NamedTuple):
    """A node that stays as it was."""

    name: str
    op_type: str
    reason: str


class Crossing(NamedTuple):
    """A tensor that enters an island or leaves it ("entry", "exit"), and why it has to."""

    value: str
    kind: str
    reason: str


@dataclass(frozen=True)
class Report:
    """converted: how many of each op the model has now, crossings apart.

    islands: groups of ops that tensors join without leaving the island.
    entries, exits: how many times a tensor crosses into an island and out of one.
    crossings: the same, one by one.
    left: every other node, with the reason. A node without a name is called after its first output.
    approximate: converted nodes that onnxruntime's CPU provider computes in floating point, with what
        that means for their results.
    already: whether the model was converted before, and is described as it was found.
    """

    converted: dict[str, int] = field(default_factory=dict)
    islands: int = 0
    entries: int = 0
    exits: int = 0
    left: tuple[Left, ...] = ()
    approximate: tuple[Left, ...] = ()
    already: bool = False
    crossings: tuple[Crossing, ...] = ()

    def __str__(self) -> str:
        if self.converted:
            ops = _count(sum(self.converted.values()), "op")
            lines = [
                f"qudnn {qudnn_version()}: {'converted already, ' if self.already else ''}{ops} in "
                f"{_count(self.islands, 'island')} with {_count(self.entries, 'entry', 'entries')} and "
                f"{_count(self.exits, 'exit')}"
            ]
            lines += [f"  {count:5}  {op_type}" for op_type, count in self.converted.items()]
            if self.crossings:
                lines.append("tensors that cross into an island or out of one:")
                lines += _grouped(self.crossings)
        else:
            lines = [f"qudnn {qudnn_version()}: nothing was converted"]
        if self.approximate:
            lines.append("converted, but not bit for bit what onnxruntime's CPU provider computes:")
            lines += _grouped(self.approximate)
        if self.left:
            lines.append(f"left as {'it was' if len(self.left) == 1 else 'they were'}:")
            lines += _grouped(self.left)
        return "\n".join(lines)


def _grouped(entries: Iterable[tuple[str, str, str]]) -> list[str]:
    """Entries are name, type, reason. A line for those that share the last two, the longest list first."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name, op_type, reason in entries:
        groups.setdefault((op_type, reason), []).append(name)
    lines = []
    for (op_type, reason), names in sorted(groups.items(), key=lambda group: -len(group[1])):
        more = ", ..." if len(names) > _NAMES_SHOWN else ""
        lines.append(f"  {len(names):5}  {op_type}: {reason} ({', '.join(names[:_NAMES_SHOWN])}{more})")
    return lines


def describe(model: ir.Model, context: Context) -> Report:
    """The report on a model after the pipeline."""
    crossings = [node for node in model.graph if is_crossing(node)]
    inside = _inside(model.graph)
    converted = Counter(node.op_type for node in inside)
    ours = {*crossings, *inside}
    left_nodes = [node for node in model.graph if node not in ours and node.op_type != "Constant"]
    left = [_left(node, context) for node in left_nodes]
    bodies: list[ir.Graph | ir.Function] = [
        model.graph,
        *(f for f in model.functions.values() if f.domain != DOMAIN),
    ]
    left += [
        Left(_name(node), node.op_type, "it is in the body of another node or of a function")
        for body in bodies
        for node in ir.traversal.RecursiveGraphIterator(body)
        if node.graph is not model.graph and (node.domain, node.op_type) in QUANTIZED
    ]
    return Report(
        converted=dict(converted.most_common()),
        islands=_islands(inside),
        entries=sum(is_op(node, *ENTRIES) for node in crossings),
        exits=sum(is_op(node, *EXITS) for node in crossings),
        crossings=tuple(_crossing(node, {*left_nodes}, context) for node in crossings),
        left=tuple(left),
        approximate=(
            *(
                Left(_name(candidate.covers[0]), candidate.covers[0].op_type, candidate.note)
                for candidate in context.candidates
                if candidate.note
            ),
            *(Left(_name(node), node.op_type, note) for node, note in context.notes.items()),
            *(Left(_name(node), node.op_type, _REWRITTEN) for node in left_nodes if _is_rewritten(node)),
        ),
    )


def _is_rewritten(node: ir.Node) -> bool:
    """Whether it reads or writes an int8 tensor that became uint8."""
    if not has_integer_form(node):
        return False
    quantized = [value.producer() for value in node.inputs if value is not None]
    tensors = [required_input(dq, 0) for dq in quantized if dq is not None and dequantizes(dq)]
    tensors += [use.node.outputs[0] for use in node.outputs[0].uses() if quantizes(use.node)]
    return any(stays_int8(tensor) for tensor in tensors)


def describe_converted(model: ir.Model) -> Report:
    """The report on a model that was converted before; why nodes are left is not known any more."""
    return replace(describe(model, Context()), left=(), crossings=(), already=True)


def _inside(graph: ir.Graph) -> list[ir.Node]:
    """The nodes that work on tensors of an island, standard operators among them."""
    inside: dict[ir.Node, None] = {}
    for node in graph:
        producers = [value.producer() for value in node.inputs if value is not None and _is_inside(value)]
        reads = any(producer in inside or is_op(producer, *ENTRIES) for producer in producers)
        if not is_crossing(node) and (node.domain == DOMAIN or reads or _makes_vector(node)):
            inside[node] = None
    return list(inside)


def _makes_vector(node: ir.Node) -> bool:
    """Whether the node takes the one row of a product with a vector, outside of the island."""
    source = node.inputs[0].producer() if node.op_type == "Squeeze" and node.inputs[0] else None
    return is_op(source, "QBatchMatMulToFloat", "QBatchMatMulToInt32")


def _is_inside(value: ir.Value) -> bool:
    """Whether the value, of an op of the domain, lies in the island, or as in one still."""
    node = value.producer()
    if value.dtype == ir.DataType.INT8 or is_op(node, *_CHANNELS_LAST):
        return True
    if node is None or node.op_type not in _KEEP_CHANNELS_LAST or node.inputs[0] is None:
        return False
    return _is_inside(node.inputs[0])


def _left(node: ir.Node, context: Context) -> Left:
    reason = context.refusals.get(node)
    if reason is None and node.op_type in _CONVERSIONS:
        reason = "no island begins or ends with it"
    if reason is None and context.facts is not None:
        types = {context.facts.dtype(value) for value in (*node.inputs, *node.outputs) if value is not None}
        if types & _FLOATS and not types & EIGHT_BIT:
            reason = "it works in floating point"
    return Left(_name(node), node.op_type, reason or "qudnn has no op for it")


def _crossing(node: ir.Node, left: set[ir.Node], context: Context) -> Crossing:
    kind = "entry" if is_op(node, *ENTRIES) else "exit"
    value = node.inputs[0] if kind == "entry" else node.outputs[0]
    assert value is not None
    producer = value.producer()
    others = [use.node for use in value.uses()] if kind == "exit" else [producer] if producer else []
    reasons = []
    if value.is_graph_output() and kind == "exit":
        reasons.append("an output of the graph")
    if value.is_graph_input():
        reasons.append("an input of the graph")
    for other in dict.fromkeys(others):
        if is_crossing(other):
            reasons.append("the ops before and behind want another axis last")
        elif other in left:
            _, op_type, reason = _left(other, context)
            reasons.append(f"{'written' if kind == 'entry' else 'read'} by {op_type}, which stays: {reason}")
        else:
            reasons.append(f"{'written' if kind == 'entry' else 'read'} by {other.op_type}")
    return Crossing(value.name or "?", kind, "; ".join(dict.fromkeys(reasons)) or "a constant")


def _name(node: ir.Node) -> str:
    return node.name or (node.outputs[0].name if node.outputs else "") or "?"


def _islands(nodes: list[ir.Node]) -> int:
    """How many groups the ops form that share a tensor: one that an op wrote, or that entered the island.

    Attention in float32 reads and writes none.
    """
    group: dict[object, object] = {}

    def root(item: object) -> object:
        while group.setdefault(item, item) is not item:
            item = group[item]
        return item

    for node in nodes:
        for value in (*node.inputs, *node.outputs):
            if value is not None and not value.is_initializer() and _is_inside(value):
                group[root(value)] = root(node)
    return len({root(node) for node in nodes if node in group})


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
