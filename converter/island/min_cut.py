"""The cheapest partition of a graph's nodes in two (max-flow min-cut, by Dinic's algorithm)."""

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
            self._fill(levels)
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

    def _fill(self, levels: dict[Hashable, int]) -> None:
        """Fill all paths along the levels. What leads nowhere is not tried again."""
        waiting: dict[Hashable, list[Hashable]] = {}  # the ends that may lead on still, by node
        path: list[Hashable] = [SOURCE]
        while path:
            node = path[-1]
            if node == SINK:
                path = self._augmented(path)
                continue
            ends = waiting.get(node)
            if ends is None:
                ends = waiting[node] = [e for e in self._left[node] if levels.get(e) == levels[node] + 1]
            while ends and self._left[node][ends[-1]] <= 0:
                ends.pop()
            if ends:
                path.append(ends[-1])
            else:
                path.pop()
                if path:
                    waiting[path[-1]].pop()

    def _augmented(self, path: list[Hashable]) -> list[Hashable]:
        """Let as much as it takes go along the path; give it up to its first edge that is full then."""
        edges = list(pairwise(path))
        amount = min(self._left[start][end] for start, end in edges)
        for start, end in edges:
            self._left[start][end] -= amount
            self._left[end][start] += amount
        full = next(place for place, (start, end) in enumerate(edges) if self._left[start][end] <= 0)
        return path[: full + 1]
