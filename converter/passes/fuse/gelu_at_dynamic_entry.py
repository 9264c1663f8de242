"""Gelu -> DynamicQuantizeToIsland => DynamicGeluToIsland

Gelu may be in parts: 0.5 * x * (1 + erf(x / sqrt(2))).
"""

from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import describe_as, remove_orphans, sole_consumer, take_place
from qudnn.converter.graph.op_traits import is_known, is_onnx
from qudnn.converter.island.crossings import ints, is_qudnn
from qudnn.converter.passes.base import NodePass

_ROOT = float(np.sqrt(np.float32(2)))
_INVERSE = float(np.sqrt(np.float32(0.5)))
_NOTE = "it is computed in float32: results on a GPU may differ by one quantum"
_READ = "its result has consumers beside its quantization"


class _Gelu(NamedTuple):
    """0.5 * x * (1 + erf(x / divisor * factor))"""

    x: ir.Value
    divisor: float
    factor: float


class GeluAtDynamicEntry(NodePass):
    """Without other consumers, the result is never written in float32."""

    def matches(self, node: ir.Node) -> bool:
        return is_qudnn(node, "DynamicQuantizeToIsland") and _gelu(required_input(node, 0)) is not None

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        y = required_input(node, 0)
        gelu, producer = _gelu(y), y.producer()
        assert gelu is not None and producer is not None
        if sole_consumer(y) is not node:
            self.context.refusals[producer] = _READ
            raise Refusal(_READ)
        self.context.notes[_fused(gelu, node)] = _NOTE


def _fused(gelu: _Gelu, entry: ir.Node) -> ir.Node:
    node = required_input(entry, 0).producer()
    assert node is not None and entry.graph is not None
    attributes: dict[str, list[int] | float] = {name: ints(entry, name) for name in ("perm", "pads")}
    attributes |= {"divisor": gelu.divisor, "factor": gelu.factor}
    fused = ir.node(
        "DynamicGeluToIsland",
        [gelu.x, *entry.inputs[1:]],
        attributes,
        domain=DOMAIN,
        name=node.name,
        num_outputs=3,
    )
    describe_as(fused, node)
    entry.graph.insert_after(entry, fused)
    for old, new in zip(entry.outputs, fused.outputs, strict=True):
        take_place(old, new)
    remove_orphans([entry])
    return fused


def gelu_of(y: ir.Value) -> ir.Value | None:
    """What y is the exact Gelu of, in one operator or in parts."""
    gelu = _gelu(y)
    return None if gelu is None else gelu.x


def _gelu(y: ir.Value) -> _Gelu | None:
    node = y.producer()
    if node is None:
        return None
    if is_known(node, "Gelu"):
        exact = node.attributes.get_string("approximate", "none") == "none"
        return _Gelu(required_input(node, 0), 1.0, _INVERSE) if exact else None
    return _in_parts(node)


def _in_parts(node: ir.Node) -> _Gelu | None:
    """The three factors may be multiplied in any order."""
    outer = _operands(node, "Mul")
    for inner, third in (outer, outer[::-1]) if outer else ():
        factors = [*(_operands(inner.producer(), "Mul") or ()), third]
        halves = [value for value in factors if _number(value) == 0.5]
        if len(factors) != 3 or len(halves) != 1:
            continue
        factors.remove(halves[0])
        for x, doubled in factors, factors[::-1]:
            scale = _scale_in_error(x, doubled)
            if scale is None:
                continue
            divisor, factor = scale
            if divisor != 1 and third is x:
                # onnxruntime makes no Gelu of x * (0.5 * (1 + erf(x / sqrt(2)))), which would have other
                # bits, nor of the body with these numbers (1.30, gelu_fusion.cc, GeluFusion).
                divisor, factor = -divisor, -factor
            return _Gelu(x, divisor, factor)
    return None


def _scale_in_error(x: ir.Value, doubled: ir.Value) -> tuple[float, float] | None:
    """Divisor and factor, where `doubled` is 1 + erf(x / divisor * factor)."""
    for one, error in _operands_in_both_orders(doubled.producer(), "Add"):
        erf = error.producer()
        if _number(one) != 1 or not is_onnx(erf, "Erf"):
            continue
        scaled = required_input(erf, 0).producer()
        for operand, scale in _operands_in_both_orders(scaled, "Mul"):
            if operand is x and _is_near(_number(scale), _INVERSE):
                return 1.0, _number(scale)
        quotient = _operands(scaled, "Div")
        if quotient and quotient[0] is x and _is_near(_number(quotient[1]), _ROOT):
            return _number(quotient[1]), 1.0
    return None


def _operands(node: ir.Node | None, op_type: str) -> tuple[ir.Value, ir.Value] | None:
    if not is_onnx(node, op_type):
        return None
    return required_input(node, 0), required_input(node, 1)


def _operands_in_both_orders(node: ir.Node | None, op_type: str) -> list[tuple[ir.Value, ir.Value]]:
    """The operands in both orders."""
    operands = _operands(node, op_type)
    return [operands, operands[::-1]] if operands else []


def _number(value: ir.Value) -> float:
    """The constant number, NaN where it is none or may add dimensions to what it is multiplied by."""
    array = constant_or_none(value)
    if array is None or array.size != 1 or array.ndim > 1:
        return float("nan")
    return float(array.reshape(()))


def _is_near(number: float, wanted: float) -> bool:
    return bool(np.isclose(number, wanted, rtol=1e-6, atol=0))
