"""What an entry quantizes, as a sum or product of two float32 tensors with what stands before and after it.

As AddToIsland and MulToIsland have it.
"""

from typing import NamedTuple

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.result import clip_bounds
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import sole_consumer
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.passes.fuse.gelu_at_dynamic_entry import gelu_of

_ALL = (-np.inf, np.inf)
_SIGMOID, _HARD_SIGMOID = 1, 2  # gates
_HARD_SWISH = (1 / 6, 0.5)
_HARD_SIGMOID_DEFAULTS = (0.2, 0.5)
Float32 = NDArray[np.float32]


class BinaryOfFloats(NamedTuple):
    """node: the Add, Mul or HardSwish; what clips a, or divides it, where that is all.

    b: None where that is all. constants: the op's other inputs, by name. bounds, numbers: its attributes.
    """

    node: ir.Node
    op_type: str
    a: ir.Value
    b: ir.Value | None
    constants: dict[str, Float32]
    bounds: tuple[float, float]
    numbers: dict[str, int | float]

    @property
    def tensors(self) -> tuple[ir.Value, ...]:
        """a, b"""
        return (self.a,) if self.b is None else (self.a, self.b)


def find_binary(entry: ir.Node) -> BinaryOfFloats | None:
    """entry: what quantizes."""
    y = required_input(entry, 0)
    divisor = np.ones(1, np.float32)
    consumer = entry
    node = made_for(y, entry)
    if is_onnx(node, "Div"):
        array = _constant(required_input(node, 1))
        if array is None:
            return None
        consumer, divisor, y = node, array, required_input(node, 0)
        node = made_for(y, consumer)
    product = _product(node, divisor)
    if product is not None:
        return product
    bounds = _ALL
    if has_trait(node, Trait.CLIPS):
        limits = _bounds(node)
        if limits is None:
            return None
        consumer, bounds, y = node, limits, required_input(node, 0)
        node = made_for(y, consumer)
    if is_onnx(node, "Add"):
        return _sum(node, bounds, divisor)
    if divisor.size == 1 or not _is_moved_result(y):
        return None
    constants = {"bias": _no_bias(), "divisor": divisor}
    return BinaryOfFloats(consumer, "AddToIsland", y, None, constants, bounds, {})


def made_for(value: ir.Value, consumer: ir.Node) -> ir.Node | None:
    """What makes the value, if only this node reads it, once."""
    return value.producer() if sole_consumer(value, once=True) is consumer else None


def _is_moved_result(value: ir.Value) -> bool:
    """Whether an op made it, channels last."""
    transpose = value.producer()
    source = required_input(transpose, 0).producer() if is_onnx(transpose, "Transpose") else None
    return source is not None and source.domain == DOMAIN


def _no_bias() -> Float32:
    return np.full(1, -0.0, np.float32)


def _sum(add: ir.Node, bounds: tuple[float, float], divisor: Float32) -> BinaryOfFloats | None:
    p, q = required_input(add, 0), required_input(add, 1)
    a, b, bias = p, q, _no_bias()
    for value, other in (p, q), (q, p):
        inner = made_for(value, add)
        if not is_onnx(inner, "Add"):
            continue
        found = _with_constant(inner)
        if found is not None:
            a, b, bias = found[0], other, found[1]
            break
    if constant_or_none(a) is not None:
        a, b = b, a
    if constant_or_none(a) is not None:
        return None
    return BinaryOfFloats(add, "AddToIsland", a, b, {"bias": bias, "divisor": divisor}, bounds, {})


def _product(node: ir.Node | None, divisor: Float32) -> BinaryOfFloats | None:
    if is_onnx(node, "HardSwish"):
        x = required_input(node, 0)
        a, b, gate = x, x, (_HARD_SIGMOID, *_HARD_SWISH)
    elif is_onnx(node, "Mul"):
        a, b, gate = _factors(node)
    else:
        return None
    if constant_or_none(a) is not None:
        return None
    bounds, gelu = _ALL, 0
    source = gelu_of(a) if made_for(a, node) is not None else None
    if source is not None:
        a, gelu = source, 1
    elif has_trait(a.producer(), Trait.CLIPS):
        clip = a.producer()
        assert clip is not None
        limits = _bounds(clip)
        if limits is not None:
            a, bounds = required_input(clip, 0), limits
    numbers = {"gelu": gelu, "gate": gate[0], "alpha": gate[1], "beta": gate[2]}
    return BinaryOfFloats(node, "MulToIsland", a, b, {"divisor": divisor}, bounds, numbers)


def _factors(mul: ir.Node) -> tuple[ir.Value, ir.Value, tuple[int, float, float]]:
    """a, b, and what b is before it is a factor: the attributes gate, alpha and beta."""
    a, b = required_input(mul, 0), required_input(mul, 1)
    if _constant(a) is not None or _gate(made_for(a, mul)) is not None:
        a, b = b, a
    node = made_for(b, mul)
    gate = _gate(node)
    if node is not None and gate is not None:
        return a, required_input(node, 0), gate
    if _constant(b) is None and (_is_function(b, mul) and not _is_function(a, mul)):
        a, b = b, a
    return a, b, (0, 0.0, 0.0)


def _gate(node: ir.Node | None) -> tuple[int, float, float] | None:
    if is_onnx(node, "Sigmoid"):
        return _SIGMOID, 0.0, 0.0
    if not is_onnx(node, "HardSigmoid"):
        return None
    alpha, beta = _HARD_SIGMOID_DEFAULTS
    return _HARD_SIGMOID, node.attributes.get_float("alpha", alpha), node.attributes.get_float("beta", beta)


def _is_function(value: ir.Value, consumer: ir.Node) -> bool:
    """Whether MulToIsland computes it of its operand a."""
    if has_trait(value.producer(), Trait.CLIPS):
        return True
    return made_for(value, consumer) is not None and gelu_of(value) is not None


def _with_constant(node: ir.Node) -> tuple[ir.Value, Float32] | None:
    a, b = required_input(node, 0), required_input(node, 1)
    for value, other in (a, b), (b, a):
        array = _constant(other)
        if array is not None and constant_or_none(value) is None:
            return value, array
    return None


def _constant(value: ir.Value) -> Float32 | None:
    """float32, with one dimension at least."""
    array = constant_or_none(value)
    return None if array is None or array.dtype != np.float32 else np.atleast_1d(array)


def _bounds(clip: ir.Node) -> tuple[float, float] | None:
    try:
        return clip_bounds(clip)
    except Refusal:
        return None
