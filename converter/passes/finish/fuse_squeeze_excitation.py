"""QGlobalAveragePool(x) -> QConv [-> QTable] -> QConv [-> QTable] -> QMul(x) => QSqueezeExcitation(x)"""

from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import add_initializer, replace_node, sole_consumer
from qudnn.converter.island.crossings import ints, is_qudnn
from qudnn.converter.passes.base import NodePass

_OF_MEAN = {"x_scale": "x_scale", "x_zero_point": "x_zero_point"}
_OF_MEAN |= {"mean_scale": "y_scale", "mean_zero_point": "y_zero_point"}
_OF_CONV = ("zero_point", "min", "max")  # of y
_STEPS = ("squeezed", "excited")


class _Step(NamedTuple):
    """A convolution and the table for its results, if there is one."""

    conv: ir.Node
    table: ir.Node | None

    @property
    def last(self) -> ir.Node:
        return self.table or self.conv

    @property
    def x(self) -> ir.Value:
        return required_input(self.conv, 0)


class FuseSqueezeExcitation(NodePass):
    """A block that multiplies channels with gates computed of their means is one kernel, which reads x once.

    The kernel of csrc/kernels/image/squeeze_excitation.h; what it does not take runs as the operators did,
    one after the other. It writes no padding for others, as QMul does not: what follows is a pointwise
    convolution.
    """

    def run(self, model: ir.Model) -> None:
        self._identity: ir.Value | None = None
        super().run(model)

    def matches(self, node: ir.Node) -> bool:
        return is_qudnn(node, "QMul") and _mean_of(node) is not None

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        found = _mean_of(node)
        assert found is not None
        gates, steps, mean = found
        x = required_input(mean, 0)
        if required_input(node, 1 - gates) is not x:
            raise Refusal("its other operand is not what the mean is of")
        chain = [mean, *(each for step in steps for each in step if each is not None)]
        if any(sole_consumer(each.outputs[0], once=True) is None for each in chain):
            raise Refusal("other operators read the means, or what is computed of them")
        for step in steps:
            _check(step)
        inputs: list[ir.Value | None] = [x]
        for step in steps:
            table = required_input(step.table, 1) if step.table else self._no_function(node, graph)
            inputs += [*step.conv.inputs[1:], table]
        fused = ir.node(
            "QSqueezeExcitation",
            inputs,
            attributes=_attributes(node, gates, steps, mean),
            domain=DOMAIN,
            name=node.name,
        )
        replace_node(node, fused, described=node)

    def _no_function(self, node: ir.Node, graph: ir.Graph) -> ir.Value:
        """The table that changes nothing; one for all."""
        if self._identity is None:
            name = self.context.names.value(f"{node.name}/identity")
            self._identity = add_initializer(graph, name, np.arange(-128, 128, dtype=np.int8))
        return self._identity


def _mean_of(mul: ir.Node) -> tuple[int, list[_Step], ir.Node] | None:
    """Which operand are gates, the steps that compute them, and the mean that these begin with."""
    for index in (0, 1):
        value, steps = required_input(mul, index), list[_Step]()
        while len(steps) < len(_STEPS) and (step := _step(value)) is not None:
            steps.insert(0, step)
            value = step.x
        mean = value.producer()
        if len(steps) == len(_STEPS) and mean is not None and is_qudnn(mean, "QGlobalAveragePool"):
            return index, steps, mean
    return None


def _step(y: ir.Value) -> _Step | None:
    node = y.producer()
    table = node if is_qudnn(node, "QTable") else None
    conv = required_input(table, 0).producer() if table else node
    return _Step(conv, table) if conv is not None and is_qudnn(conv, "QConv") else None


def _check(step: _Step) -> None:
    shape = required_input(step.conv, 1).shape
    if shape is None or len(shape) != 4 or shape[1:3] != (1, 1):
        raise Refusal("a convolution of the means is not a pointwise one")
    if step.conv.attributes["group"].as_int() != 1:
        raise Refusal("a convolution of the means has groups")
    if any(ints(step.conv, "pads")) or any(stride != 1 for stride in ints(step.conv, "strides")):
        raise Refusal("a convolution of the means has padding, or strides")
    for node in step:
        if node is not None and "y_pads" in node.attributes and any(ints(node, "y_pads")):
            raise Refusal("what is computed of the means has padding")
    if step.table is None:
        return
    table = required_input(step.table, 1).shape
    if table is None or len(table) != 1:
        raise Refusal("a table of the means' functions has a row for each channel")


def _attributes(mul: ir.Node, gates: int, steps: list[_Step], mean: ir.Node) -> dict[str, int | float]:
    """Those of all: QMul's operands come in one order, since its formula has the same bits in either."""
    attributes = {name: mean.attributes[own].value for name, own in _OF_MEAN.items()}
    for name, step in zip(_STEPS, steps, strict=True):
        attributes |= {f"{name}_{each}": step.conv.attributes[f"y_{each}"].value for each in _OF_CONV}
    a, b = "ab" if gates == 1 else "ba"
    for each in ("scale", "zero_point"):
        attributes[f"a_{each}"] = mul.attributes[f"{a}_{each}"].value
        attributes[f"b_{each}"] = mul.attributes[f"{b}_{each}"].value
        attributes[f"y_{each}"] = mul.attributes[f"y_{each}"].value
    attributes["dtype"] = mul.attributes["dtype"].value
    return attributes
