"""What a conversion did, and what it left and why."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from qudnn.converter.errors import Decline
from qudnn.converter.reports.placement import Placed
from qudnn.converter.version import qudnn_version

NAMES_SHOWN = 3  # of nodes in one line


class Left(NamedTuple):
    """A node that stays as it was. quantized: as qudnn.converter.analysis.quantized says it."""

    name: str
    op_type: str
    reason: str
    quantized: bool = False


class Crossing(NamedTuple):
    """A tensor that enters an island or leaves it ("entry", "exit"), and why it has to."""

    value: str
    kind: str
    reason: str


@dataclass(frozen=True)
class Report:
    """converted: how many of each op the model has now, crossings apart.

    islands: connected groups of ops.
    entries, exits: how many times a tensor enters an island, and leaves one.
    crossings: the same, one by one.
    left: every other node of the original model, with the reason; quantized ones first. A node without a
        name is called after its first output.
    approximate: converted nodes that onnxruntime's CPU provider computes in floating point, with what
        that means for their results.
    already: whether the model was converted before, and is described as it was found.
    quantized_nodes: how many the original model has; see qudnn.converter.analysis.quantized.
    converted_nodes: how many of them are not left.
    remarks: sentences about the model as a whole.
    declined: the rewrites that passes did not do, one by one, where convert was asked to explain.
    nodes: where each node of the converted model is; of the model as passes left it where nothing converted.
    """

    converted: dict[str, int] = field(default_factory=dict)
    islands: int = 0
    entries: int = 0
    exits: int = 0
    left: tuple[Left, ...] = ()
    approximate: tuple[Left, ...] = ()
    already: bool = False
    crossings: tuple[Crossing, ...] = ()
    quantized_nodes: int = 0
    converted_nodes: int = 0
    remarks: tuple[str, ...] = ()
    declined: tuple[Decline, ...] = ()
    nodes: tuple[Placed, ...] = field(default=(), repr=False, compare=False)

    @property
    def left_quantized(self) -> int:
        """How many quantized nodes are left."""
        return self.quantized_nodes - self.converted_nodes

    def document(self) -> dict[str, Any]:
        """The report as what JSON can hold: the fields of the class by their names, but for nodes."""
        lists = ("left", "approximate", "crossings", "declined")
        fields = {name: value for name, value in vars(self).items() if name not in (*lists, "nodes")}
        listed = {name: [entry._asdict() for entry in getattr(self, name)] for name in lists}
        return {**fields, "remarks": list(self.remarks), **listed}

    def __str__(self) -> str:
        return self.text()

    def text(self, most: int | None = NAMES_SHOWN) -> str:
        """For people. most: how many names to show of nodes that share a line; None for all."""
        if self.already:
            lines = [f"qudnn {qudnn_version()}: the model was converted already"]
        else:
            lines = [
                f"qudnn {qudnn_version()}: {self.converted_nodes} of {self.quantized_nodes} quantized nodes "
                "converted"
            ]
        lines += self.remarks
        if self.converted:
            lines.append(
                f"{_count(sum(self.converted.values()), 'op')} in {_count(self.islands, 'island')} with "
                f"{_count(self.entries, 'entry', 'entries')} and {_count(self.exits, 'exit')}:"
            )
            lines += [f"  {count:5}  {op_type}" for op_type, count in self.converted.items()]
        elif not self.already:
            why = "" if self.quantized_nodes else ": the model has no quantized nodes"
            lines.append(f"nothing was converted{why}")
        if self.crossings:
            lines.append("tensors that enter or leave an island:")
            lines += _grouped(self.crossings, most)
        if self.approximate:
            lines.append("converted, but not bit for bit what onnxruntime's CPU provider computes:")
            lines += _grouped((node[:3] for node in self.approximate), most)
        for quantized, what in (True, "quantized nodes"), (False, "other nodes"):
            nodes = [node for node in self.left if node.quantized == quantized]
            if nodes:
                lines.append(f"{what} that were left as they were:")
                lines += _grouped((node[:3] for node in nodes), most)
        if self.declined:
            lines.append("rewrites that were not done:")
            lines += _grouped(
                ((each.name, f"{each.step} of {each.op_type}", each.reason) for each in self.declined), most
            )
        return "\n".join(lines)


def _grouped(entries: Iterable[tuple[str, str, str]], most: int | None) -> list[str]:
    """Entries are name, type, reason. A line for those that share the last two, the longest list first."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name, op_type, reason in entries:
        groups.setdefault((op_type, reason), []).append(name)
    lines = []
    for (op_type, reason), names in sorted(groups.items(), key=lambda group: -len(group[1])):
        more = ", ..." if most is not None and len(names) > most else ""
        lines.append(f"  {len(names):5}  {op_type}: {reason} ({', '.join(names[:most])}{more})")
    return lines


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
