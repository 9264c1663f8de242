"""How many problems there are to tune: estimated from a converted model, counted while it runs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import onnx

from qudnn.converter.domain import graphs_within
from qudnn.converter.functions import DOMAIN

# The ops that need plans, and which of their inputs are the weights.
_WEIGHTS = {
    **dict.fromkeys(("QConv", "QConvTable", "QConv3D", "QMatMul", "QMatMulTable", "QProjections"), 1),
    **dict.fromkeys(("QConvAdd", "QConvFloatAdd", "QMatMulAdd", "QMatMulAddTable"), 2),
}
_BLOCKS = {  # of convolutions, and the last of these
    "QBottleneck": "QConv",
    "QBottleneckAdd": "QConvAdd",
    "QBottleneckFloatAdd": "QConvFloatAdd",
}

Statistics = Callable[[], Mapping[str, float]]


def count_problems(model: onnx.ModelProto) -> int:
    """How many different problems one run has, at least, and mostly just that many.

    Ops with the same weights' shape and attributes are taken for one problem. Those that work on tensors
    of different sizes are not: this shows when the model runs. A residual block counts as itself and its
    convolutions: where a kernel may do all of it, it is compared with those.
    """
    graphs = list(graphs_within(model.graph))
    shapes = {tensor.name: tuple(tensor.dims) for graph in graphs for tensor in graph.initializer}
    return len(
        {
            key
            for graph in graphs
            for node in graph.node
            if node.domain == DOMAIN
            for key in _keys(node, shapes)
        }
    )


def _keys(node: onnx.NodeProto, shapes: Mapping[str, tuple[int, ...]]) -> set[tuple[object, ...]]:
    steps = [_key(step, shapes) for step in _steps(node)]
    return {*steps, tuple(steps)} if len(steps) > 1 else set(steps)


class _Step(NamedTuple):
    """What has a problem: an op, and the inputs and attributes that it has or would have."""

    op_type: str
    inputs: Sequence[str]
    attributes: Mapping[str, Any]


def _steps(node: onnx.NodeProto) -> Iterator[_Step]:
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type in _WEIGHTS:
        yield _Step(node.op_type, node.input, attributes)
    elif node.op_type in _BLOCKS:
        x, *others = node.input
        residuals, weights = others[:-9], others[-9:]
        pointwise = {"pads": [0] * 4, "strides": [1, 1], "dilations": [1, 1]}
        yield _Step("QConv", [x, *weights[:3]], {**pointwise, "y_max": attributes["reduced_max"]})
        window = {"x_zero_point": attributes["padding_zero_point"], "y_max": attributes["window_max"]}
        yield _Step("QConv", [x, *weights[3:6]], {**attributes, **window})
        last = [x, *residuals, *weights[6:]]
        yield _Step(_BLOCKS[node.op_type], last, {**pointwise, "y_max": attributes["y_max"]})


def _key(step: _Step, shapes: Mapping[str, tuple[int, ...]]) -> tuple[object, ...]:
    weights = shapes.get(step.inputs[_WEIGHTS[step.op_type]])
    geometry = [tuple(step.attributes.get(name, ())) for name in ("pads", "strides", "dilations")]
    # Of the numbers, problems keep whether padding is other than 0 and whether the result is clamped.
    pads_with_value = any(geometry[0]) and step.attributes.get("x_zero_point", 0) != 0
    numbers = pads_with_value, step.attributes.get("y_max", 127) < 127
    return step.op_type, len(step.inputs), weights, *geometry, step.attributes.get("group", 1), *numbers


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
