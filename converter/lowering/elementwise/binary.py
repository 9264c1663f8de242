"""QAdd, QMul, QFloatAdd and QFloatMul: the elementwise binary operators, with broadcasting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import product
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.arithmetic import Arithmetic
from qudnn.converter.analysis.facts import Facts
from qudnn.converter.analysis.lookups import repeated_row
from qudnn.converter.analysis.uniform import uniform_8_bit
from qudnn.converter.errors import Refusal
from qudnn.converter.evaluate import result_of
from qudnn.converter.graph.constants import EIGHT_BIT, constant_or_none
from qudnn.converter.graph.marks import OF_ONE_SHAPE
from qudnn.converter.graph.sizes import Shape, Unknown, broadcast
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Attribute, Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.packing import Int8Array, scattered
from qudnn.converter.island.port import Port, Quantized, Tensor, port
from qudnn.converter.lowering.elementwise.table import island_table


class Function(Enum):
    """The ops that compute it: in integers, in float32."""

    ADD = "QAdd", "QFloatAdd"
    MUL = "QMul", "QFloatMul"


@dataclass(frozen=True)
class Binary:
    """operands: two, in the order in which the op takes them: which of the tensors, or a constant.

    A constant has the dimensions that the tensors have outside the island. usual: the plain layout.
    of_one_shape: whether both are tensors and nothing is broadcast.
    """

    op_type: str
    operands: tuple["int | Int8Array", ...]
    usual: Layout
    attributes: Mapping[str, Attribute]
    of_one_shape: bool

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        dense = [emitter.dense(tensor) for tensor in tensors]
        layout = common_layout(dense, self.usual)
        inputs = [
            emitter.moved(dense[operand], layout)
            if isinstance(operand, int)
            else Tensor(emitter.constant("constant", self._packed(operand, layout)), layout)
            for operand in self.operands
        ]
        result = emitter.op(self.op_type, inputs, layout, self.attributes)
        if self.of_one_shape:
            OF_ONE_SHAPE.put_on(result.value)
        return [result]

    def _packed(self, array: Int8Array, layout: Layout) -> Int8Array:
        """The constant, laid out as a tensor of the island."""
        if layout.is_unpadded:
            return array
        shape = list(array.shape)
        shape[layout.channel_axis] = layout.channels
        full = np.broadcast_to(array, shape).transpose(layout.perm_in)
        return np.ascontiguousarray(scattered(full, -1, layout.positions, layout.width))


def common_layout(tensors: Sequence[Tensor], usual: Layout) -> Layout:
    """How the result of a binary op lies: as an operand with all of its channels, as usual if one does."""
    layouts = [tensor.layout for tensor in tensors if tensor.layout.channels == usual.channels]
    return usual if usual in layouts or not layouts else layouts[0]


def result_port(
    y: Quantized, shapes: Sequence[Shape], values: Sequence[ir.Value], axis: int, facts: Facts
) -> Port:
    """That of the result of a binary op. shapes: of both operands. values: those that are tensors."""
    y_shape = broadcast(*shapes)
    if any(len(facts.ranked(value)) != len(y_shape) for value in values):
        raise Refusal("its inputs have different numbers of dimensions")
    found = port(y.value, y_shape, axis, y.quantization.dtype)
    if found.layout.is_unpadded and any(facts.ranked(value)[-1] == 1 for value in values):
        raise Refusal("one of its inputs is broadcast along its last axis, of which the size is unknown")
    return found


def adds_one_shape(node: ir.Node) -> bool:
    """Whether the op is of two computed tensors of one shape."""
    return OF_ONE_SHAPE.is_on(node.outputs[0])


def make_binary(
    function: Function,
    covers: tuple[ir.Node, ...],
    operands: tuple[Quantized, Quantized],
    y: Quantized,
    arithmetic: Arithmetic,
    facts: Facts,
    clamp: tuple[int, int] = (-128, 127),
) -> Candidate:
    """The candidate for a + b or a * b, of which one may be constant, broadcast as ONNX does.

    clamp: into which interval results go that are computed in float32, in the int8 domain.
    """
    a, b = operands
    op_type = function.value[arithmetic is Arithmetic.FLOAT32]
    dtypes = {operand.value: operand.quantization.dtype for operand in (*operands, y)}
    constants = [_constant(operand.value) for operand in operands]
    if all(array is None for array in constants):
        constants = [_row(a.value, b.value, facts), _row(b.value, a.value, facts)]
    values = [operand.value for operand, array in zip(operands, constants, strict=True) if array is None]
    if not values:
        raise Refusal("both of its inputs are constant")
    shapes = [
        facts.ranked(operand.value) if array is None else array.shape
        for operand, array in zip(operands, constants, strict=True)
    ]
    axis = facts.channel_axis_of(*values)
    y_port = result_port(y, shapes, values, axis, facts)
    rank = len(y_port.shape)
    inputs = [
        values.index(operand.value)
        if array is None
        else island_array(array).reshape((1,) * (rank - array.ndim) + array.shape)
        for operand, array in zip(operands, constants, strict=True)
    ]
    attributes, reversed_attributes = (_attributes(order, y, arithmetic, clamp) for order in ((a, b), (b, a)))
    if op_type == "QAdd" and _reverses(shapes, inputs, attributes, reversed_attributes):
        inputs.reverse()
        attributes = reversed_attributes
    return Candidate(
        covers,
        Binary(
            op_type, tuple(inputs), y_port.layout, attributes, len(values) == 2 and shapes[0] == shapes[1]
        ),
        tuple(port(value, facts.ranked(value), axis, dtypes[value]) for value in values),
        (y_port,),
    )


def _attributes(
    operands: Sequence[Quantized], y: Quantized, arithmetic: Arithmetic, clamp: tuple[int, int]
) -> dict[str, Attribute]:
    attributes: dict[str, Attribute] = {}
    for name, quantized in zip("aby", (*operands, y), strict=True):
        attributes[f"{name}_scale"] = float(quantized.quantization.scale)
        attributes[f"{name}_zero_point"] = arithmetic.zero_point(quantized.quantization)
    if arithmetic is Arithmetic.FLOAT32:
        attributes["y_min"], attributes["y_max"] = clamp
    else:
        attributes["dtype"] = int(arithmetic.integers)
    return attributes


def _reverses(
    shapes: Sequence[Shape],
    operands: Sequence["int | Int8Array"],
    attributes: Mapping[str, Attribute],
    reversed_attributes: Mapping[str, Attribute],
) -> bool:
    """Whether QAdd has to take its operands in the other order. Of a constant number it may not matter."""
    found = first_is_scalar(*shapes)
    if found is not None:
        return found
    numbers = [operand for operand in operands if not isinstance(operand, int) and operand.size == 1]
    if numbers:
        pair = [np.arange(-128, 128).astype(np.int8), np.repeat(numbers[0].reshape(1), 256)]
        if isinstance(operands[1], int):
            pair.reverse()
        sums = [
            result_of("QAdd", attributes, *pair),
            result_of("QAdd", reversed_attributes, *reversed(pair)),
        ]
        if (sums[0] == sums[1]).all():
            return False
    raise Refusal("how its inputs broadcast depends on unknown sizes: fix them in the model")


def _row(value: ir.Value, other: ir.Value, facts: Facts) -> NDArray[Any] | None:
    """The row that stands at each place of the other tensor, which then needs not be looked up or made."""
    shape, whole = facts.shape(value), facts.shape(other)
    if shape is None or whole is None or broadcast(shape, whole) != whole:
        return None
    number = uniform_8_bit(value)
    if number is not None and uniform_8_bit(other) is None and shape[-1:] == whole[-1:]:
        return np.repeat(number, whole[-1]) if isinstance(whole[-1], int) else None
    return repeated_row(value) if repeated_row(other) is None else None


def _constant(value: ir.Value) -> NDArray[Any] | None:
    array = constant_or_none(value)
    if array is not None and ir.DataType.from_numpy(array.dtype) not in EIGHT_BIT:
        raise Refusal(f"its constant is {array.dtype}, not 8 bits wide")
    return array


def island_array(array: NDArray[Any]) -> Int8Array:
    """8-bit values as they are inside an island."""
    smallest = np.iinfo(array.dtype).min
    identity = np.arange(smallest, smallest + 256).astype(array.dtype)
    return island_table(identity)[array.astype(np.int32) - smallest]


def first_is_scalar(a: Shape, b: Shape) -> bool | None:
    """Whether onnxruntime takes a for a scalar in the innermost loop of a + b, None where it depends.

    Its QLinearAdd then adds in the other order, which float32 tells apart (onnxruntime 1.30,
    qlinear_binary_op.cc, QLinearAdd::Compute). It looks at the last dimension
    of which not both sizes are 1. It depends where unknown sizes that are 1 or more give other answers.
    """
    unknown = list(dict.fromkeys(size for size in (*a, *b) if isinstance(size, Unknown)))
    answers = set()
    for sizes in product((1, 2), repeat=len(unknown)):
        known = dict(zip(unknown, sizes, strict=True))
        shapes = [[known[size] if isinstance(size, Unknown) else size for size in shape] for shape in (a, b)]
        if any(size > 1 for shape in shapes for size in shape):  # with one element, both orders are the same
            answers.add(_first_is_scalar(*shapes))
    return None if len(answers) > 1 else False not in answers and bool(answers)


def _first_is_scalar(a: list[int], b: list[int]) -> bool:
    if not a or not b:
        return not a or a[-1] == 1
    common = min(len(a), len(b))
    for axis in range(1, common + 1):
        if max(a[-axis], b[-axis]) > 1:
            return a[-axis] == 1
    return a[-common] == 1
