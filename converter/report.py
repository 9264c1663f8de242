"""What a conversion did, and what it left and why."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import onnx_ir as ir

from converter.context import Context
from converter.crossings import ENTRIES, EXITS, is_crossing, is_op
from converter.frontends import RULES
from converter.functions import DOMAIN
from converter.version import qudnn_version

_NAMES_SHOWN = 3


class Left(NamedTuple):
    """A node that stays as it was."""

    name: str
    op_type: str
    reason: str


@dataclass(frozen=True)
class Report:
    """converted: how many of each op the model has now, crossings apart.

    islands: groups of ops that tensors join without leaving the island.
    entries, exits: how many times a tensor crosses into an island and out of one.
    left: every other node, with the reason. A node without a name is called after its first output.
    already: whether the model was converted before, and is described as it was found.
    """

    converted: dict[str, int] = field(default_factory=dict)
    islands: int = 0
    entries: int = 0
    exits: int = 0
    left: tuple[Left, ...] = ()
    already: bool = False

    def __str__(self) -> str:
        if self.converted:
            lines = [
                f"qudnn {qudnn_version()}: {'converted already, ' if self.already else ''}{_count(sum(self.converted.values()), 'op')} in "
                f"{_count(self.islands, 'island')} with {_count(self.entries, 'entry', 'entries')} and "
                f"{_count(self.exits, 'exit')}"
            ]
            lines += [f"  {count:5}  {op_type}" for op_type, count in self.converted.items()]
        else:
            lines = [f"qudnn {qudnn_version()}: nothing was converted"]
        if self.left:
            lines.append(f"left as {'it was' if len(self.left) == 1 else 'they were'}:")
        groups: dict[tuple[str, str], list[str]] = {}
        for name, op_type, reason in self.left:
            groups.setdefault((op_type, reason), []).append(name)
        for (op_type, reason), names in sorted(groups.items(), key=lambda group: -len(group[1])):
            more = ", ..." if len(names) > _NAMES_SHOWN else ""
            lines.append(f"  {len(names):5}  {op_type}: {reason} ({', '.join(names[:_NAMES_SHOWN])}{more})")
        return "\n".join(lines)


def describe(model: ir.Model, context: Context) -> Report:
    """The report on a model after the pipeline."""
    ops = [node for node in model.graph if node.domain == DOMAIN]
    inside = [node for node in model.graph if node in context.emitted and not is_crossing(node)]
    converted = Counter(node.op_type for node in inside)
    left = [_left(node, context) for node in model.graph if node not in context.emitted]
    left += [
        Left(_name(node), node.op_type, "it is in the body of another node")
        for node in ir.traversal.RecursiveGraphIterator(model.graph)
        if node.graph is not model.graph and (node.domain, node.op_type) in RULES
    ]
    return Report(
        converted=dict(converted.most_common()),
        islands=_islands(inside),
        entries=sum(is_op(node, *ENTRIES) for node in ops),
        exits=sum(is_op(node, *EXITS) for node in ops),
        left=tuple(entry for entry in left if entry is not None and entry.op_type != "Constant"),
    )


def describe_converted(model: ir.Model) -> Report:
    """The report on a model that was converted before; why nodes are left is not known any more."""
    report = describe(model, Context(emitted={node for node in model.graph if node.domain == DOMAIN}))
    return replace(report, left=(), already=True)


def _left(node: ir.Node, context: Context) -> Left:
    reason = context.refusals.get(node)
    if reason is None and node.op_type in ("QuantizeLinear", "DequantizeLinear"):
        reason = "no island begins or ends with it"
    return Left(_name(node), node.op_type, reason or "qudnn has no op for it")


def _name(node: ir.Node) -> str:
    return node.name or (node.outputs[0].name if node.outputs else "") or "?"


def _islands(nodes: list[ir.Node]) -> int:
    """How many groups the ops form that share a tensor: one that an op wrote, or that entered the island."""
    group: dict[object, object] = {}

    def root(item: object) -> object:
        while group.setdefault(item, item) is not item:
            item = group[item]
        return item

    for node in nodes:
        for value in (*node.inputs, *node.outputs):
            if value is not None and not value.is_initializer():
                group[root(value)] = root(node)
    return len({root(node) for node in nodes})


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
