"""The cheapest cut, against all cuts."""

from itertools import chain, combinations, product

import numpy as np
import pytest

from qudnn.converter.island.min_cut import SINK, SOURCE, Graph


def test_one_path_is_cut_where_it_is_cheapest() -> None:
    graph = Graph()
    for start, end, cost in ((SOURCE, "a", 5.0), ("a", "b", 2.0), ("b", SINK, 3.0)):
        graph.edge(start, end, cost)
    assert graph.source_side() == {SOURCE, "a"}


def test_nodes_that_are_not_parted_from_the_sink_at_a_cost_are_not_on_the_side_of_the_source() -> None:
    graph = Graph()
    graph.edge("a", SINK, 1.0)
    assert graph.source_side() == {SOURCE}


@pytest.mark.parametrize("seed", range(30))
def test_random_graphs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = [SOURCE, SINK, *range(6)]
    edges = {
        (start, end): float(rng.integers(1, 9))
        for start, end in product(names, names)
        if start != end and start != SINK and end != SOURCE and rng.random() < 0.4
    }
    graph = Graph()
    for (start, end), cost in edges.items():
        graph.edge(start, end, cost)

    def cost_of(side: set[object]) -> float:
        return sum(cost for (start, end), cost in edges.items() if start in side and end not in side)

    inner = range(6)
    sides = chain.from_iterable(combinations(inner, count) for count in range(7))
    cheapest = min(cost_of({SOURCE, *side}) for side in sides)
    found = graph.source_side()
    assert SINK not in found
    assert cost_of(set(found)) == cheapest
