"""How many problems there are to tune: estimated from a converted model, counted while it runs."""

from collections.abc import Callable, Mapping

import onnx

from qudnn.converter.domain import graphs_within
from qudnn.converter.functions import DOMAIN

# The ops that need plans, and which of their inputs are the weights.
_WEIGHTS = {
    **dict.fromkeys(("QConv", "QConvTable", "QConv3D", "QMatMul", "QMatMulTable", "QProjections"), 1),
    **dict.fromkeys(("QConvAdd", "QMatMulAdd", "QMatMulAddTable"), 2),
}

Statistics = Callable[[], Mapping[str, float]]


def count_problems(model: onnx.ModelProto) -> int:
    """How many different problems one run has, at least, and mostly just that many.

    Ops with the same weights' shape and attributes are taken for one problem. Those that work on tensors
    of different sizes are not: this shows when the model runs.
    """
    graphs = list(graphs_within(model.graph))
    shapes = {tensor.name: tuple(tensor.dims) for graph in graphs for tensor in graph.initializer}
    return len(
        {
            _key(node, shapes.get(node.input[_WEIGHTS[node.op_type]]))
            for graph in graphs
            for node in graph.node
            if node.domain == DOMAIN and node.op_type in _WEIGHTS
        }
    )


def _key(node: onnx.NodeProto, weights: tuple[int, ...] | None) -> tuple[object, ...]:
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    geometry = (tuple(attributes.get(name, ())) for name in ("pads", "strides", "dilations"))
    # Of the numbers, problems keep whether padding is other than 0 and whether the result is clamped.
    numbers = attributes.get("x_zero_point", 0) != 0, attributes.get("y_max", 127) < 127
    return node.op_type, len(node.input), weights, *geometry, attributes.get("group", 1), *numbers


class Work:
    """Counts problems over several runs, from the plan cache's statistics."""

    def __init__(self, problems: int, runs: int, statistics: Statistics) -> None:
        """problems: the estimate for one run."""
        self._problems = problems
        self._runs = runs
        self._statistics = statistics
        self._before = dict(statistics())
        self._finished: list[int] = []

    def grown(self, name: str) -> float:
        return self._statistics()[name] - self._before[name]

    def done(self) -> int:
        """Problems that have a plan now."""
        return int(self.grown("builds") + self.grown("disk_hits"))

    def expected(self) -> int:
        """Problems of all runs, as far as can be told now: later runs have as many as those that are over."""
        known = sum(self._finished)
        one = max(self._finished, default=self._problems)
        rest = self._runs - len(self._finished)
        return known + (max(one, self.done() - known) + (rest - 1) * one if rest else 0)

    def finish_run(self) -> None:
        self._finished.append(self.done() - sum(self._finished))
