"""Add (of a bias) -> Add -> Relu or Clip -> Div -> QuantizeToIsland => AddToIsland

Clip or Gelu, Sigmoid -> Mul -> QuantizeToIsland => MulToIsland

Before a QuantizeLinear that only a DequantizeLinear reads, too, which becomes a DequantizeFromIsland.
"""

from typing import NamedTuple

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.masked_softmax import NOTE
from qudnn.converter.frontends.qdq.result import clip_bounds
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import (
    add_initializer,
    remove_orphans,
    replace_node,
    sole_consumer,
    take_place,
)
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.graph.permutations import after
from qudnn.converter.island.crossings import ints, is_qudnn
from qudnn.converter.island.emitter import Attribute
from qudnn.converter.island.layout import ALL
from qudnn.converter.passes.base import NodePass
from qudnn.converter.passes.fuse.gelu_at_dynamic_entry import gelu_of
from qudnn.converter.qdq.linear import (
    dequantizes,
    dequantizes_for_integer_form,
    quantizes,
    quantizes_integer_form,
    read_with,
    written_with,
)

_ALL = (-np.inf, np.inf)


class _Found(NamedTuple):
    """node: the Add or Mul. constants: bias and divisor of an Add. low, high: as the op has them."""

    node: ir.Node
    op_type: str
    a: ir.Value
    b: ir.Value
    constants: tuple[NDArray[np.float32], ...]
    bounds: tuple[float, float]
    numbers: dict[str, int]


class BinaryAtEntry(NodePass):
    """What two float32 tensors make together is never written in float32.

    Where a Transpose makes an operand it is read as it lies, as after a convolution. What is dequantized at
    once has an operand that an op made: otherwise nothing of qudnn is near.
    """

    REPORTED = True

    def matches(self, node: ir.Node) -> bool:
        if is_qudnn(node, "QuantizeToIsland"):
            return _find(node) is not None
        if not quantizes(node) or not dequantizes(sole_consumer(node.outputs[0], once=True, inside=True)):
            return False
        found = _find(node)
        return found is not None and any(_is_made_by_op(value) for value in (found.a, found.b))

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        found = _find(node)
        assert found is not None
        try:
            self._fuse(found, self._entry(node, graph) if quantizes(node) else node, graph)
        except Refusal as refusal:
            self.context.refusals[found.node] = str(refusal)
            raise

    def _entry(self, quantize: ir.Node, graph: ir.Graph) -> ir.Node:
        """An entry in the place of the QuantizeLinear, an exit in that of the DequantizeLinear after it."""
        dequantize = sole_consumer(quantize.outputs[0])
        assert dequantize is not None
        x = required_input(quantize, 0)
        parameters = written_with(quantize)
        if read_with(dequantize, parameters.dtype) != parameters:
            raise Refusal("it is dequantized with other numbers than it is quantized with")
        if self.context.facts.dtype(x) != ir.DataType.FLOAT:
            raise Refusal("its result is not known to be float32")
        if quantizes_integer_form(quantize) or dequantizes_for_integer_form(dequantize):
            raise Refusal("onnxruntime makes a quantized operator of it and the one beside it")
        order = list(range(len(self.context.facts.ranked(x))))
        if not order:
            raise Refusal("its result has no dimensions")
        found = _find(quantize)
        assert found is not None
        for value in found.a, found.b:
            self._as_it_lies(value)  # raises Refusal before anything is changed
        scale, zero_point = float(parameters.scale), parameters.island_zero_point
        enter: dict[str, Attribute] = {"perm": order, "pads": [0] * (2 * len(order))}
        leave: dict[str, Attribute] = {"perm": order, "channels": ALL}
        given: dict[str, Attribute] = {"scale": scale, "zero_point": zero_point}
        name = self.context.names.node(f"{x.name}/entry")
        entry = ir.node("QuantizeToIsland", [x], enter | given, domain=DOMAIN, name=name)
        y = entry.outputs[0]
        y.name, y.type = self.context.names.value(f"{x.name}/entered"), ir.TensorType(ir.DataType.INT8)
        exit_ = ir.node("DequantizeFromIsland", [y], leave | given, domain=DOMAIN, name=dequantize.name)
        graph.insert_after(dequantize, [entry, exit_])
        take_place(dequantize.outputs[0], exit_.outputs[0])
        remove_orphans([dequantize])
        return entry

    def _fuse(self, found: _Found, entry: ir.Node, graph: ir.Graph) -> None:
        (a, a_perm), (b, b_perm) = self._as_it_lies(found.a), self._as_it_lies(found.b)
        low, high = found.bounds
        attributes: dict[str, Attribute] = {
            "a_perm": a_perm,
            "b_perm": b_perm,
            "perm": ints(entry, "perm"),
            "pads": ints(entry, "pads"),
            "low": low,
            "high": high,
            **found.numbers,
            "scale": entry.attributes["scale"].as_float(),
            "zero_point": entry.attributes["zero_point"].as_int(),
        }
        node = found.node
        name = node.name or self.context.names.node(f"{node.outputs[0].name}/entry")
        constants = [
            add_initializer(graph, self.context.names.value(f"{name}/{what}"), array)
            for what, array in zip(("bias", "divisor"), found.constants, strict=False)
        ]
        fused = ir.node(found.op_type, [a, b, *constants], attributes, domain=DOMAIN, name=name)
        replace_node(entry, fused, described=node)
        if found.numbers.get("gelu"):
            self.context.notes[fused] = NOTE

    def _as_it_lies(self, value: ir.Value) -> tuple[ir.Value, list[int]]:
        return _as_it_lies(value, self.context.facts)


def takes_sum(entry: ir.Node, facts: Facts) -> bool:
    """Whether the pass computes an Add, and what stands between it and this QuantizeToIsland, at once."""
    found = _find(entry)
    if found is None or found.op_type != "AddToIsland":
        return False
    try:
        for value in found.a, found.b:
            _as_it_lies(value, facts)
    except Refusal:
        return False
    return True


def _as_it_lies(value: ir.Value, facts: Facts) -> tuple[ir.Value, list[int]]:
    """What is transposed to it, and how."""
    perm: list[int] | None = None
    while is_onnx(value.producer(), "Transpose"):
        transpose = value.producer()
        assert transpose is not None
        if "perm" not in transpose.attributes:
            break
        step = ints(transpose, "perm")
        value, perm = required_input(transpose, 0), step if perm is None else after(step, perm)
    if perm is not None:
        return value, perm
    exit_ = value.producer()
    if exit_ is not None and is_qudnn(exit_, "DequantizeFromIsland"):
        return value, list(range(len(ints(exit_, "perm"))))
    array = constant_or_none(value)
    shape = facts.shape(value) if array is None else array.shape
    if shape is None:
        raise Refusal(f"the shape of {value.name} is unknown")
    if not shape:
        raise Refusal(f"{value.name} has no dimensions")
    return value, list(range(len(shape)))


def _is_made_by_op(value: ir.Value) -> bool:
    node = value.producer()
    return node is not None and node.domain == DOMAIN


def _find(entry: ir.Node) -> _Found | None:
    """entry: what quantizes."""
    y = required_input(entry, 0)
    divisor = np.ones(1, np.float32)
    node = _made_for(y, entry)
    consumer = entry
    if is_onnx(node, "Div"):
        array = _constant(required_input(node, 1))
        if array is None:
            return None
        consumer, divisor = node, array
        node = _made_for(required_input(node, 0), consumer)
    bounds = _ALL
    if has_trait(node, Trait.CLIPS):
        limits = _bounds(node)
        if limits is None:
            return None
        consumer, bounds = node, limits
        node = _made_for(required_input(node, 0), consumer)
    if is_onnx(node, "Add"):
        return _sum(node, bounds, divisor)
    return _product(node) if is_onnx(node, "Mul") and consumer is entry else None


def _made_for(value: ir.Value, consumer: ir.Node) -> ir.Node | None:
    """What makes the value, if only this node reads it, once."""
    return value.producer() if sole_consumer(value, once=True) is consumer else None


def _sum(add: ir.Node, bounds: tuple[float, float], divisor: NDArray[np.float32]) -> _Found | None:
    p, q = required_input(add, 0), required_input(add, 1)
    a, b, bias = p, q, np.full(1, -0.0, np.float32)
    for value, other in (p, q), (q, p):
        inner = _made_for(value, add)
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
    return _Found(add, "AddToIsland", a, b, (bias, divisor), bounds, {})


def _product(mul: ir.Node) -> _Found | None:
    a, b, sigmoid = required_input(mul, 0), required_input(mul, 1), 0
    if _constant(a) is not None or is_onnx(_made_for(a, mul), "Sigmoid"):
        a, b = b, a
    gate = _made_for(b, mul)
    if is_onnx(gate, "Sigmoid"):
        b, sigmoid = required_input(gate, 0), 1
    elif _constant(b) is None and (_is_function(b, mul) and not _is_function(a, mul)):
        a, b = b, a
    if constant_or_none(a) is not None:
        return None
    bounds, gelu = _ALL, 0
    source = gelu_of(a) if _made_for(a, mul) is not None else None
    if source is not None:
        a, gelu = source, 1
    elif has_trait(a.producer(), Trait.CLIPS):
        clip = a.producer()
        assert clip is not None
        limits = _bounds(clip)
        if limits is not None:
            a, bounds = required_input(clip, 0), limits
    return _Found(mul, "MulToIsland", a, b, (), bounds, {"gelu": gelu, "sigmoid": sigmoid})


def _is_function(value: ir.Value, consumer: ir.Node) -> bool:
    """Whether MulToIsland computes it of its operand a."""
    if has_trait(value.producer(), Trait.CLIPS):
        return True
    return _made_for(value, consumer) is not None and gelu_of(value) is not None


def _with_constant(node: ir.Node) -> tuple[ir.Value, NDArray[np.float32]] | None:
    a, b = required_input(node, 0), required_input(node, 1)
    for value, other in (a, b), (b, a):
        array = _constant(other)
        if array is not None and constant_or_none(value) is None:
            return value, array
    return None


def _constant(value: ir.Value) -> NDArray[np.float32] | None:
    """float32, with one dimension at least."""
    array = constant_or_none(value)
    return None if array is None or array.dtype != np.float32 else np.atleast_1d(array)


def _bounds(clip: ir.Node) -> tuple[float, float] | None:
    try:
        return clip_bounds(clip)
    except Refusal:
        return None
