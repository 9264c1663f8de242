"""An activation before or after a float32 operator, as the attributes of an op have it."""

from typing import NamedTuple, TypeGuard

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.result import clip_bounds
from qudnn.converter.graph.constants import node_input, required_input
from qudnn.converter.graph.edit import sole_consumer
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx


class Activation(NamedTuple):
    """value: what it is of, or its result. It clips to [low, high], or is x * sigmoid(x)."""

    value: ir.Value
    low: float = float("-inf")
    high: float = float("inf")
    silu: int = 0

    @property
    def clip(self) -> dict[str, float]:
        return {"low": self.low, "high": self.high}

    @property
    def attributes(self) -> dict[str, float | int]:
        return {**self.clip, "silu": self.silu}


def activation_before(y: ir.Value) -> Activation:
    """That whose result y is; one that does nothing where y is none's."""
    node = y.producer()
    if _clips(node):
        low, high = clip_bounds(node)
        return Activation(required_input(node, 0), low, high)
    if is_onnx(node, "Mul"):
        for x, gate in zip(node.inputs, reversed(node.inputs), strict=True):
            sigmoid = None if gate is None else gate.producer()
            if x is not None and is_onnx(sigmoid, "Sigmoid") and sigmoid.inputs[0] is x:
                return Activation(x, silu=1)
    return Activation(y)


def activation_after(y: ir.Value) -> Activation:
    """That of which nothing but its result is read; one that does nothing where there is none."""
    consumer = sole_consumer(y, once=True, inside=True)
    if _clips(consumer):
        low, high = clip_bounds(consumer)
        return Activation(consumer.outputs[0], low, high)
    consumers = {use.node for use in y.uses()}
    if len(consumers) == 2 and not y.is_graph_output():
        mul = next((node for node in consumers if is_onnx(node, "Mul")), None)
        sigmoid = next((node for node in consumers if is_onnx(node, "Sigmoid")), None)
        if mul is not None and sigmoid is not None and sole_consumer(sigmoid.outputs[0], once=True) is mul:
            found = activation_before(mul.outputs[0])
            if found.silu and found.value is y and mul.graph is not None:
                return Activation(mul.outputs[0], silu=1)
    return Activation(y)


def _clips(node: ir.Node | None) -> TypeGuard[ir.Node]:
    """Whether it is a Relu or Clip with constant bounds in order, its first output alone being read."""
    if node is None or not has_trait(node, Trait.CLIPS) or node_input(node, 0) is None:
        return False
    try:
        clip_bounds(node)
    except Refusal:
        return False
    return True
