"""The two drawings of a graph, as SVG: its blocks, and the nodes of one block."""

from collections.abc import Sequence
from heapq import heappop, heappush

from qudnn.converter.reports.page.blocks import Block, Blocks
from qudnn.converter.reports.page.text import counted, escaped
from qudnn.converter.reports.placement import Place, Placed

_WIDTH, _HEIGHT, _GAP, _ROW_GAP = 196, 50, 14, 34  # of blocks, in pixels
_GUTTER = 9  # between two lanes of edges that pass rows
_MOST_LANES = 14
ROW = 22  # the height of a node's row, as in the style
_LANE = 12
_CHARACTERS, _LONG_TITLE = 26, 19  # what fits into a block


def overview(nodes: Sequence[Placed], graph: Blocks) -> str:
    """The blocks and what goes from one to another. Edges that pass rows run in lanes on the right."""
    rows = graph.rows
    widest = max((len(row) for row in rows), default=0)
    right = widest * (_WIDTH + _GAP)
    corners: dict[int, tuple[float, float]] = {}
    for number, row in enumerate(rows):
        shift = (right - len(row) * (_WIDTH + _GAP)) / 2
        for block in row:
            x = shift + block.column * (_WIDTH + _GAP) + _GAP / 2
            corners[block.number] = (x, number * (_HEIGHT + _ROW_GAP) + 6)
    lanes = _lanes_of([(graph.blocks[a].row, graph.blocks[b].row) for a, b in graph.edges])
    width = right + (max(lanes, default=-1) + 2) * _GUTTER
    height = len(rows) * (_HEIGHT + _ROW_GAP) - _ROW_GAP + 12
    parts = [
        f'<svg class=overview width="{width:.0f}" height="{height}" role=img '
        'aria-label="The graph in blocks">'
    ]
    for ((before, after), count), lane in zip(graph.edges.items(), lanes, strict=True):
        parts.append(_edge(graph, corners, before, after, count, right + (lane + 1) * _GUTTER, lane < 0))
    parts += [_box(nodes, block, *corners[block.number]) for block in graph.blocks]
    return "".join([*parts, "</svg>"])


def lanes(nodes: Sequence[Placed], members: Sequence[int]) -> str:
    """The nodes of a block, a row each, with lines from producers to consumers.

    A tensor keeps its lane as far as its last consumer in the block.
    """
    rows = {number: row for row, number in enumerate(members)}
    last = {number: rows[number] for number in members}
    for number in members:
        for before in nodes[number].reads:
            if before in rows:
                last[before] = max(last[before], rows[number])
    lane: dict[int, int] = {}
    free: list[int] = []
    ends: dict[int, list[int]] = {}
    used = 0
    lines, dots = [], []
    for row, number in enumerate(members):
        for done in ends.pop(row, ()):
            heappush(free, lane[done])
        if free:
            lane[number] = heappop(free)
        else:
            lane[number], used = used, used + 1
        x, y = _x(lane[number]), row * ROW + ROW / 2
        for before in nodes[number].reads:
            if before in rows and rows[before] < row:
                lines.append(_line(_x(lane[before]), rows[before] * ROW + ROW / 2, x, y))
        dots.append(_dot(nodes[number], x, y))
        ends.setdefault(max(last[number], row + (last[number] == row)), []).append(number)
    width, height = _x(min(used, _MOST_LANES + 1)), len(members) * ROW
    path = f'<path d="{"".join(lines)}"/>' if lines else ""
    return f'<svg class=lanes width="{width}" height="{height}" aria-hidden=true>{path}{"".join(dots)}</svg>'


def _lanes_of(spans: Sequence[tuple[int, int]]) -> list[int]:
    """A lane for each span of more than a row: those that overlap have different ones; -1 for others."""
    found = [-1] * len(spans)
    free: list[int] = []
    busy: list[tuple[int, int]] = []
    used = 0
    for number in sorted(range(len(spans)), key=spans.__getitem__):
        start, end = spans[number]
        if end - start < 2:
            continue
        while busy and busy[0][0] <= start:
            heappush(free, heappop(busy)[1])
        if free:
            lane = heappop(free)
        else:
            lane, used = used, used + 1
        heappush(busy, (end, lane))
        found[number] = min(lane, _MOST_LANES)
    return found


def _edge(
    graph: Blocks,
    corners: dict[int, tuple[float, float]],
    before: int,
    after: int,
    count: int,
    far: float,
    direct: bool,
) -> str:
    source, target = graph.blocks[before], graph.blocks[after]
    (x1, y1), (x2, y2) = corners[before], corners[after]
    x1, y1, x2 = x1 + _WIDTH / 2, y1 + _HEIGHT, x2 + _WIDTH / 2
    kind = "crossing" if Place.ISLAND in (source.place, target.place) else "plain"
    if direct:
        bend = (y2 - y1) / 2
        path = f"M{x1:.0f} {y1:.0f}C{x1:.0f} {y1 + bend:.0f} {x2:.0f} {y2 - bend:.0f} {x2:.0f} {y2:.0f}"
    else:
        down, up = y1 + _ROW_GAP / 2, y2 - _ROW_GAP / 2
        path = (
            f"M{x1:.0f} {y1:.0f}C{x1:.0f} {down:.0f} {far:.0f} {y1:.0f} {far:.0f} {down + 8:.0f}"
            f"V{up - 8:.0f}C{far:.0f} {y2:.0f} {x2:.0f} {up:.0f} {x2:.0f} {y2:.0f}"
        )
    what = f"{counted(count, 'tensor')} from {source.title} to {target.title}"
    return f'<path class={kind} d="{path}"><title>{escaped(what)}</title></path>'


def _box(nodes: Sequence[Placed], block: Block, x: float, y: float) -> str:
    names: dict[str, int] = {}
    for number in block.nodes:
        if nodes[number].place not in (Place.ENTRY, Place.EXIT):
            names[nodes[number].op_type] = names.get(nodes[number].op_type, 0) + 1
    common = sorted(names.items(), key=lambda item: -item[1])
    most = ", ".join(f"{count} {name}" if count > 1 else name for name, count in common)
    shown = most if len(most) <= _CHARACTERS else most[: _CHARACTERS - 1] + "…"
    title = block.title if len(block.title) > _LONG_TITLE else f"{block.title} · {len(block.nodes)}"
    told = escaped(f"{block.title}, {counted(len(block.nodes), 'node')}: {most}")
    return (
        f'<a href="#b{block.number}" class="{_kind(block.place)}"><title>{told}</title>'
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{_WIDTH}" height="{_HEIGHT}" rx="8"/>'
        f'<text x="{x + 12:.0f}" y="{y + 20:.0f}" class=t>{escaped(title)}</text>'
        f'<text x="{x + 12:.0f}" y="{y + 38:.0f}">{escaped(shown)}</text></a>'
    )


def _kind(place: Place) -> str:
    return {Place.GPU: "gpu", Place.CPU: "cpu"}.get(place, str(place))


def _x(lane: int) -> int:
    return min(lane, _MOST_LANES) * _LANE + 10


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    """Down the producer's lane, and over to the consumer in the last row."""
    if x1 == x2:
        return f"M{x1} {y1:.0f}V{y2:.0f}"
    turn = y2 - ROW
    return f"M{x1} {y1:.0f}V{turn:.0f}C{x1} {y2 - ROW / 3:.0f} {x2} {turn + ROW / 3:.0f} {x2} {y2:.0f}"


def _dot(node: Placed, x: float, y: float) -> str:
    if node.place in (Place.ENTRY, Place.EXIT):
        return f'<rect class=crossing x="{x - 4:.0f}" y="{y - 4:.0f}" width="8" height="8"/>'
    return f'<circle class={_kind(node.place)} cx="{x}" cy="{y:.0f}" r="4.5"/>'
