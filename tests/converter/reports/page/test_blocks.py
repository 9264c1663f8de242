"""Blocks of random graphs: each node is in one, of its kind, and blocks only read blocks in rows above."""

import cProfile
import random
import re

from hypothesis import given
from hypothesis import strategies as st

from fuzzing import fuzz
from qudnn.converter.reports.page.blocks import blocks_of
from qudnn.converter.reports.page.drawing import lanes, overview
from qudnn.converter.reports.placement import Place, Placed

KINDS = [(Place.ISLAND, 1), (Place.ISLAND, 2), (Place.ISLAND, 0), (Place.GPU, 0), (Place.CPU, 0)]


def graph(count: int, seed: int, near: int = 6) -> list[Placed]:
    """Nodes that read up to three of those before them, and are often of the kind of the last one."""
    choose = random.Random(seed)
    nodes: list[Placed] = []
    place, island = KINDS[0]
    for number in range(count):
        if choose.random() < 0.3:
            place, island = choose.choice(KINDS)
        before = range(max(0, number - near), number)
        reads = choose.sample(before, min(len(before), choose.randint(0, 3)))
        nodes.append(Placed(f"n{number}", "Op", place, island, tuple(reads), "", 0, ""))
    return nodes


@fuzz(60)
@given(count=st.integers(0, 60), seed=st.integers(0, 10**6))
def test_random_graphs(count: int, seed: int) -> None:
    nodes = graph(count, seed)
    found = blocks_of(nodes)
    where = {number: block for block in found.blocks for number in block.nodes}
    assert sorted(where) == list(range(count))
    assert sum(len(block.nodes) for block in found.blocks) == count
    for number, node in enumerate(nodes):
        assert (where[number].place, where[number].island) == (node.place, node.island)
        for before in node.reads:
            assert where[before] is where[number] or where[before].row < where[number].row
    edges: dict[tuple[int, int], set[int]] = {}
    for number, node in enumerate(nodes):
        for before in node.reads:
            if where[before] is not where[number]:
                edges.setdefault((where[before].number, where[number].number), set()).add(before)
    assert found.edges == {pair: len(tensors) for pair, tensors in edges.items()}
    assert [sorted(b.column for b in row) for row in found.rows] == [[*range(len(r))] for r in found.rows]
    text = overview(nodes, found)
    assert text.count("<rect") == len(found.blocks)
    assert text.count("<path") == len(edges)
    inside = sum(len({b for b in node.reads if where[b] is where[n]}) for n, node in enumerate(nodes))
    drawn = [lanes(nodes, block.nodes) for block in found.blocks]
    assert sum(svg.count("<circle") for svg in drawn) == count
    assert sum(svg.count("M") for svg in drawn) == inside


def test_lines_keep_clear_of_nodes() -> None:
    """Between a producer and a consumer no other node is in the producer's lane."""
    nodes = [node._replace(place=Place.GPU, island=0) for node in graph(60, 5, near=4)]
    svg = lanes(nodes, range(60))
    dots = [(int(x), int(y)) for x, y in re.findall(r'cx="(\d+)" cy="(\d+)"', svg)]
    assert len(dots) == 60
    for number, node in enumerate(nodes):
        for before in node.reads:
            x, start = dots[before]
            assert not [dot for dot in dots if dot[0] == x and start < dot[1] < dots[number][1]]


def test_work_is_linear() -> None:
    def calls(count: int) -> int:
        nodes = graph(count, 1)
        profile = cProfile.Profile()
        profile.enable()
        found = blocks_of(nodes)
        overview(nodes, found)
        for block in found.blocks:
            lanes(nodes, block.nodes)
        profile.disable()
        return sum(entry.callcount for entry in profile.getstats())

    assert calls(4000) < 2.4 * calls(2000)
