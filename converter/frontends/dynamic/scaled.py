"""What follows an integer matmul or convolution: Cast -> Mul by two scales, multiplied -> (Add of a bias)

Older tools add the bias of a convolution before the Cast, as int32, which they make at run time:
`Div of the bias by the sums of the scales -> Floor -> Cast -> Reshape`.
"""

from typing import Any, NamedTuple

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qoperator.matmul_integer_to_float import SCALES_APART
from qudnn.converter.graph.constants import constant_or_none, per_output, required_input
from qudnn.converter.graph.edit import sole_consumer
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.island.packing import Float32Array

_OTHERWISE = "its result is multiplied by something other than the scale of its input and a constant"


class Scaled(NamedTuple):
    """y = (float(sums + int32(floor(bias / (x_scale * scale)))) * (x_scale * scale)) + addend, float32.

    covers: the nodes after the sums, to y. scale, addend, bias: `[outputs]`; the last two: None without.
    """

    covers: tuple[ir.Node, ...]
    y: ir.Value
    scale: Float32Array
    addend: Float32Array | None
    bias: Float32Array | None = None


def read_scaled(
    sums: ir.Value, x_scale: ir.Value, rank: int, axis: int, outputs: int, is_matmul: bool = False
) -> Scaled:
    """How the int32 tensor, of `rank` dimensions with its outputs along `axis`, is dequantized."""
    before: tuple[ir.Node, ...] = ()
    units = None if is_matmul else _in_units(sums, x_scale, rank, axis, outputs)
    if units is not None:
        before, sums = (units.add,), units.add.outputs[0]
    result = read_factor(sums)
    factor = _beside(x_scale, result.factor)
    if is_matmul and factor.shape not in ((), (1,), (outputs,), (1, outputs)):
        raise Refusal(SCALES_APART)  # of the MatMulIntegerToFloat that it makes of the nodes
    scale = per_output(factor, rank, axis, outputs)
    if scale is None:
        raise Refusal("its scale is neither one for the tensor nor one for each output")
    bias = None if units is None else units.bias
    if units is not None and not np.array_equal(units.scale, scale):
        raise Refusal("its bias is divided by another scale than its result is multiplied by")
    covers, y = (*before, *result.covers), result.y
    add = sole_consumer(y, once=True, inside=True)
    if is_onnx(add, "Add"):
        array = _constant(_other(add, y))
        addend = per_output(array, rank, axis, outputs)
        if addend is None and is_matmul and array is not None and array.ndim > rank:
            raise Refusal("its bias has more dimensions than its result, which onnxruntime gives it or not")
        if addend is not None:
            return Scaled((*covers, add), add.outputs[0], scale, addend, bias)
    return Scaled(covers, y, scale, None, bias)


class Product(NamedTuple):
    """y = float(sums) * factor, float32; covers: the nodes after the sums, to y."""

    covers: tuple[ir.Node, ...]
    y: ir.Value
    factor: ir.Value


def read_factor(sums: ir.Value) -> Product:
    """The Cast to float32 and the Mul after the int32 tensor."""
    cast = sole_consumer(sums, once=True, inside=True)
    if not is_onnx(cast, "Cast") or cast.attributes["to"].as_int() != ir.DataType.FLOAT:
        raise Refusal("its result is not just cast to float32")
    multiply = sole_consumer(cast.outputs[0], once=True, inside=True)
    if not is_onnx(multiply, "Mul"):
        raise Refusal("its result is not just multiplied by its scale")
    return Product((cast, multiply), multiply.outputs[0], _other(multiply, cast.outputs[0]))


class _InUnits(NamedTuple):
    """The Add of a bias that is made int32 at run time: `floor(bias / (x_scale * scale))`, of `[outputs]`."""

    add: ir.Node
    bias: Float32Array
    scale: Float32Array


def _in_units(sums: ir.Value, x_scale: ir.Value, rank: int, axis: int, outputs: int) -> _InUnits | None:
    add = sole_consumer(sums, once=True, inside=True)
    if not is_onnx(add, "Add"):
        return None
    reshape = _other(add, sums).producer()
    if not is_onnx(reshape, "Reshape"):
        raise Refusal("an Add after it is not that of a bias")
    shape = constant_or_none(required_input(reshape, 1))
    along = [{1} for _ in range(rank)]
    along[axis] = {-1, outputs}
    sizes = [] if shape is None else shape.reshape(-1).tolist()
    if len(sizes) != rank or any(size not in allowed for size, allowed in zip(sizes, along, strict=True)):
        raise Refusal("an Add after it is not that of one number for each output")
    value = required_input(reshape, 0)
    for op_type in "Cast", "Floor", "Div":
        node = value.producer()
        if not is_onnx(node, op_type):
            raise Refusal("an Add after it is not that of a bias divided by the scales, and rounded down")
        if op_type == "Cast" and node.attributes["to"].as_int() != ir.DataType.INT32:
            raise Refusal("its bias is not cast to int32")
        value = required_input(node, 0)
    assert node is not None
    scale = per_output(_beside(x_scale, required_input(node, 1)), 1, 0, outputs)
    bias = constant_or_none(value)
    if scale is None or bias is None or bias.dtype != np.float32 or bias.shape != (outputs,):
        raise Refusal(f"its bias is no float32 constant [{outputs}]")
    return _InUnits(add, bias, scale)


def beside(scale: ir.Value, factor: ir.Value) -> ir.Value | None:
    """What the scale was multiplied by to give the factor, itself as well; None where it is the factor."""
    if factor is scale:
        return None
    multiply = factor.producer()
    if is_onnx(multiply, "Mul") and scale in multiply.inputs:
        return _other(multiply, scale)
    raise Refusal(_OTHERWISE)


def _beside(x_scale: ir.Value, factor: ir.Value) -> NDArray[Any]:
    """The constant that x_scale was multiplied by to give the factor."""
    other = beside(x_scale, factor)
    array = np.ones(1, np.float32) if other is None else _constant(other)
    if array is None:
        raise Refusal(_OTHERWISE)
    return array


def _constant(value: ir.Value) -> NDArray[Any] | None:
    """The array of a constant, which may have been reshaped as the bias of a convolution is."""
    reshape = value.producer()
    if not is_onnx(reshape, "Reshape"):
        return constant_or_none(value)
    data, shape = (constant_or_none(required_input(reshape, index)) for index in range(2))
    if data is None or shape is None or shape.ndim != 1 or not shape.all():
        return None
    try:
        return data.reshape(shape)
    except ValueError:  # of another size
        return None


def _other(node: ir.Node, value: ir.Value) -> ir.Value:
    """The operand of a node of two that is not the value; the value itself where it is both."""
    first, second = required_input(node, 0), required_input(node, 1)
    return second if first is value else first
