"""The cheapest way to part a graph's nodes in two (max-flow min-cut, by Dinic's algorithm)."""

from collections import deque
from collections.abc import Hashable
from itertools import pairwise

SOURCE = "source"
SINK = "sink"


class Graph:
    """Nodes are any hashable things; SOURCE and SINK are the two that have to be parted."""

    def __init__(self) -> None:
        self._left: dict[Hashable, dict[Hashable, float]] = {SOURCE: {}, SINK: {}}  # capacity not used yet

    def edge(self, start: Hashable, end: Hashable, cost: float) -> None:
        """Parting start, on the source's side, from end, on the sink's, costs `cost` more."""
        edges = self._left.setdefault(start, {})
        edges[end] = edges.get(end, 0.0) + cost
        self._left.setdefault(end, {}).setdefault(start, 0.0)

    def source_side(self) -> set[Hashable]:
        """The nodes on the source's side of the cheapest cut, the smallest such set."""
        levels = self._levels()
        while SINK in levels:
            while self._augment(levels):
                pass
            levels = self._levels()
        return set(levels)

    def _levels(self) -> dict[Hashable, int]:
        """How many edges with capacity left each node is away from the source."""
        levels: dict[Hashable, int] = {SOURCE: 0}
        waiting = deque([SOURCE])
        while waiting:
            node: Hashable = waiting.popleft()
            for end, capacity in self._left[node].items():
                if capacity > 0 and end not in levels:
                    levels[end] = levels[node] + 1
                    waiting.append(end)  # type: ignore[arg-type]
        return levels

    def _augment(self, levels: dict[Hashable, int]) -> bool:
        """Fill one path along the levels; those that lead nowhere are struck off."""
        path: list[Hashable] = [SOURCE]
        while path and path[-1] != SINK:
            node = path[-1]
            step = next(
                (
                    end
                    for end, capacity in self._left[node].items()
                    if capacity > 0 and levels.get(end) == levels[node] + 1
                ),
                None,
            )
            if step is None:
                levels.pop(path.pop(), None)
            else:
                path.append(step)
        edges = list(pairwise(path))
        if not edges:
            return False
        amount = min(self._left[start][end] for start, end in edges)
        for start, end in edges:
            self._left[start][end] -= amount
            self._left[end][start] += amount
        return True
