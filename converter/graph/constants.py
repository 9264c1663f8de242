"""Reading constants, attributes and quantization parameters off a node."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.errors import Refusal

EIGHT_BIT = {ir.DataType.UINT8, ir.DataType.INT8}
FOUR_BIT = {ir.DataType.UINT4: np.uint8, ir.DataType.INT4: np.int8}  # and what they are widened to
IN_BLOCKS = "quantize them per tensor or per channel"

# A sum of 2**31 products of two dequantized numbers stays below 2**128 then. Of larger ones float32 makes
# infinities, whose differences are no numbers, where integers go on.
_LARGEST_SCALE = 2**40

_SIXTEEN = "no runtime computes that in integers; choose 8 bits in the tool that quantizes"
_FLOAT32 = "choose float32 in the tool that quantizes"
_ADVICE = {  # by the beginning of a type's name
    "float8": "choose int8 instead of FP8 in the tool that quantizes",
    "float4": "choose int8 in the tool that quantizes",
    "int16": _SIXTEEN,
    "uint16": _SIXTEEN,
}


@dataclass(frozen=True)
class Quantization:
    """One scale (float32) and zero point for a whole tensor of dtype uint8 or int8."""

    scale: np.float32
    zero_point: int
    dtype: ir.DataType

    @property
    def island_zero_point(self) -> int:
        """The zero point of the tensor's int8 form inside an island."""
        return self.zero_point - 128 if self.dtype == ir.DataType.UINT8 else self.zero_point


def node_input(node: ir.Node, index: int) -> ir.Value | None:
    """The input, None where it is left out."""
    return node.inputs[index] if index < len(node.inputs) else None


def required_input(node: ir.Node, index: int) -> ir.Value:
    value = node_input(node, index)
    if value is None:
        raise Refusal(f"its input {index} is missing")
    return value


def constant_tensor(value: ir.Value) -> ir.TensorProtocol | None:
    """The tensor of an initializer or Constant node; None for anything else.

    An initializer that is a graph input as well is a default that a caller may override: no constant.
    """
    node = value.producer()
    if value.is_graph_input() or (node is not None and "sparse_value" in node.attributes):
        return None
    return ir.convenience.get_const_tensor(value)


def constant_or_none(value: ir.Value) -> NDArray[Any] | None:
    """The array of a constant_tensor."""
    tensor = constant_tensor(value)
    return None if tensor is None else tensor.numpy()


def widened(array: NDArray[Any]) -> NDArray[Any]:
    """An array of 4-bit numbers as one of 8 bits; others as they are."""
    wide = FOUR_BIT.get(ir.DataType.from_numpy(array.dtype))
    return array if wide is None else array.astype(wide)


def wrong_width(what: str, dtype: ir.DataType) -> Refusal:
    """Why a tensor of this type is not taken, and what to choose instead."""
    name = dtype.name.lower()
    advice = next((text for start, text in _ADVICE.items() if name.startswith(start)), "")
    verb = "are" if what.endswith("s") else "is"
    return Refusal(f"its {what} {verb} {name}, not 8 bits wide" + (f": {advice}" if advice else ""))


def constant(value: ir.Value | None, what: str) -> NDArray[Any]:
    if value is None:
        raise Refusal(f"it has no {what}")
    array = constant_or_none(value)
    if array is None and value.is_graph_input() and value.is_initializer():
        raise Refusal(
            f"its {what}, {value.name}, is an input with a default, which a caller may change: "
            "let it be an initializer alone, as --constant-defaults does"
        )
    if array is None:
        instead = ", not an input of the model: make it an initializer" if value.is_graph_input() else ""
        raise Refusal(f"its {what} must be constant{instead}")
    return array


def single(value: ir.Value | None, what: str) -> NDArray[Any]:
    """A constant of one element, as an array without dimensions."""
    array = constant(value, what)
    if array.size != 1:
        raise Refusal(f"its {what} has the shape {list(array.shape)}, not one element")
    return array.reshape(())


def scales(value: ir.Value | None, what: str) -> NDArray[np.float32]:
    """One scale or several, as a vector of positive float32."""
    array = scale_array(value, what)
    if array.ndim > 1:
        raise Refusal(f"its {what} has the shape {list(array.shape)}")
    return array.reshape(-1)


def scale_array(
    value: ir.Value | None, what: str, half: bool = False, any_sign: bool = False
) -> NDArray[np.float32]:
    """Scales of any shape as float32: positive, and none so large that sums overflow.

    half: whether they may be float16 in the model. any_sign: whether any finite number is let through.
    """
    array = constant(value, what)
    if array.dtype != np.float32 and not (half and array.dtype == np.float16):
        raise Refusal(f"its {what} must be float32, not {array.dtype}; {_FLOAT32}")
    if not array.size:
        raise Refusal(f"its {what} has the shape {list(array.shape)}")
    array = array.astype(np.float32)
    if not (np.isfinite(array) & (any_sign | (array > 0))).all():
        raise Refusal(f"its {what} must be positive and finite")
    if not any_sign and array.max() > _LARGEST_SCALE:
        raise Refusal(f"its {what} must be at most 2**40, not {array.max():.3g}")
    return array


def quantization(
    scale: ir.Value | None,
    zero_point: ir.Value | None,
    default: ir.DataType | None,
    what: str,
    half: bool = False,
    any_sign: bool = False,
) -> Quantization:
    """The quantization of tensor `what`; without a zero point it is 0 of dtype `default`.

    half: whether the scale may be float16 in the model. any_sign: whether it may be any finite number.
    """
    array = scale_array(scale, f"{what} scale", half, any_sign)
    if array.size != 1:
        raise Refusal(f"its {what} is not quantized per tensor")
    if zero_point is None:
        if default not in EIGHT_BIT:
            raise Refusal(f"its {what} has no zero point and no known 8-bit type")
        return Quantization(array.reshape(-1)[0], 0, default)
    zero_point_array = constant(zero_point, f"{what} zero point")
    dtype = ir.DataType.from_numpy(zero_point_array.dtype)
    if dtype not in EIGHT_BIT:
        raise wrong_width(what, dtype)
    if zero_point_array.size != 1:
        raise Refusal(f"its {what} is not quantized per tensor")
    return Quantization(array.reshape(-1)[0], int(zero_point_array.reshape(())), dtype)


def per_output(array: NDArray[Any] | None, rank: int, axis: int, outputs: int) -> NDArray[np.float32] | None:
    """float32 numbers as `[outputs]`, where they broadcast to a tensor of `rank` along this axis alone."""
    if array is None or array.dtype != np.float32 or array.ndim > rank:
        return None
    shape = [1] * (rank - array.ndim) + list(array.shape)
    if shape[axis] not in (1, outputs) or array.size != shape[axis]:
        return None
    return np.broadcast_to(array.reshape(-1), (outputs,))


def float_vector(value: ir.Value, outputs: int, what: str) -> NDArray[np.float32]:
    """One constant float32 number, or one for each output, as `[outputs]`."""
    array = constant(value, what)
    vector = per_output(array, max(array.ndim, 1), -1, outputs)
    if vector is None:
        raise Refusal(f"its {what} is {array.dtype} {list(array.shape)}, not float32 for {outputs} outputs")
    return vector
