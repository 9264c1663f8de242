"""The graph in blocks: neighbours of one kind, in rows from the inputs down, so that it can be drawn."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from qudnn.converter.reports.placement import Place, Placed

_QUDNN = (Place.ISLAND, Place.ENTRY, Place.EXIT)


@dataclass
class Block:
    """Nodes that are connected, of one island or all outside of islands on one device.

    row: one more than those of the blocks that it reads. column: its place in the row. continues: whether an
    earlier block is of the same island; what lies between has left it, and comes back.
    """

    number: int
    place: Place
    island: int
    row: int
    nodes: list[int] = field(default_factory=list)
    column: int = 0
    continues: bool = False

    @property
    def title(self) -> str:
        if self.place == Place.ISLAND:
            name = f"Island {self.island}" if self.island else "qudnn, in float32"
            return f"{name}, continued" if self.continues else name
        return "On the CPU" if self.place == Place.CPU else "Left, on the GPU"


@dataclass(frozen=True)
class Blocks:
    """blocks: from the inputs down. edges: how many tensors go from one block to another one, by numbers."""

    blocks: list[Block]
    edges: dict[tuple[int, int], int]

    @property
    def rows(self) -> list[list[Block]]:
        """The blocks of each row, from left to right."""
        rows: list[list[Block]] = [[] for _ in range(max((b.row for b in self.blocks), default=-1) + 1)]
        for block in self.blocks:
            rows[block.row].append(block)
        return [sorted(row, key=lambda block: block.column) for row in rows]


def blocks_of(nodes: Sequence[Placed]) -> Blocks:
    """The blocks of a model's nodes.

    A node is in the row of the node before it that is farthest down, or one below where that is of another
    kind. So connected nodes of one kind and one row are a block, and blocks only read blocks of rows above.
    """
    kinds = [_kind(node) for node in nodes]
    depths: list[int] = []
    group = list(range(len(nodes)))
    for number, node in enumerate(nodes):
        before = [other for other in node.reads if other < number]
        depths.append(max((depths[b] + (kinds[b] != kinds[number]) for b in before), default=0))
        for other in before:
            if (kinds[other], depths[other]) == (kinds[number], depths[number]):
                group[_root(group, number)] = _root(group, other)
    found: dict[object, Block] = {}
    seen: set[int] = set()
    numbers = []
    for number in range(len(nodes)):
        place, island = kinds[number]
        # An island's ops that share a row are one block: what connects them may be an entry.
        key: object = ("island", island, depths[number]) if island else _root(group, number)
        if key not in found:
            found[key] = Block(len(found), place, island, depths[number], continues=island in seen)
            seen |= {island} - {0}
        found[key].nodes.append(number)
        numbers.append(found[key].number)
    blocks = list(found.values())
    carried = {(b, numbers[number]) for number, node in enumerate(nodes) for b in node.reads}
    pairs = ((numbers[before], after) for before, after in sorted(carried))
    edges = Counter((before, after) for before, after in pairs if before != after)
    _lower_sources(blocks, edges)
    _order(blocks, edges)
    return Blocks(blocks, dict(edges))


def _kind(node: Placed) -> tuple[Place, int]:
    return (Place.ISLAND, node.island) if node.place in _QUDNN else (node.place, 0)


def _root(group: list[int], number: int) -> int:
    while group[number] != number:
        group[number] = group[group[number]]  # half the way for the next one
        number = group[number]
    return number


def _lower_sources(blocks: list[Block], edges: Iterable[tuple[int, int]]) -> None:
    """What reads no other block stands right above its first consumer."""
    consumers: dict[int, int] = {}
    reading = set()
    for before, after in edges:
        reading.add(after)
        consumers[before] = min(consumers.get(before, len(blocks)), blocks[after].row)
    for block in blocks:
        if block.number not in reading and block.number in consumers:
            block.row = max(block.row, consumers[block.number] - 1)


def _order(blocks: list[Block], edges: Iterable[tuple[int, int]]) -> None:
    """The columns: each block is where the blocks that it reads are on average."""
    before: dict[int, list[int]] = {}
    for source, target in edges:
        before.setdefault(target, []).append(source)
    rows: dict[int, list[Block]] = {}
    for block in blocks:
        rows.setdefault(block.row, []).append(block)
    for _, row in sorted(rows.items()):
        where = {}
        for block in row:
            columns = [blocks[source].column for source in before.get(block.number, ())]
            where[block.number] = sum(columns) / len(columns) if columns else len(blocks)
        for column, block in enumerate(sorted(row, key=lambda block: where[block.number])):
            block.column = column
