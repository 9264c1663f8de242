"""What follows a float operator: possibly Relu or Clip, then QuantizeLinear."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.arithmetic import Arithmetic, common
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.operand import MOVED_IN_FLOAT, Operand
from qudnn.converter.graph.constants import Quantization, constant_or_none, node_input, required_input, single
from qudnn.converter.graph.marks import QUANTIZED_APART, STAYS_INT8
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.island.port import Quantized
from qudnn.converter.qdq.linear import quantizes, written_with

IN_FLOAT = "onnxruntime computes it in float32: results may differ by one quantum"
_ALL = (-128, 127)
# With which onnxruntime compares the bounds of Clip (1.30, clip_quantizelinear.cc, ClipQuantFusion).
_EPSILON = np.finfo(np.float32).eps


@dataclass(frozen=True)
class Result:
    """covers: the nodes after the operator, QuantizeLinear last. value: its output.

    clamp: the bounds to which Relu or Clip clips the result, in the int8 domain, where it remains.
    clamps: whether onnxruntime lets one remain, mostly as it clips more than quantizing the result does
    anyway; it then makes no quantized operator.
    apart: whether onnxruntime quantizes it several times, and makes no quantized operator for that reason.
    """

    covers: tuple[ir.Node, ...]
    value: ir.Value
    quantization: Quantization
    clamp: tuple[int, int] = _ALL
    clamps: bool = False
    is_int8: bool = False
    apart: bool = False

    @property
    def quantized(self) -> Quantized:
        return Quantized(self.value, self.quantization)

    def unclamped(self) -> "Result":
        """The same, for an operator that cannot clip its result."""
        if self.clamps and self.clamp != _ALL:
            raise Refusal("the activation after it clips more than its quantization does")
        return self

    def arithmetic(self, operands: Sequence[Operand]) -> Arithmetic:
        """How onnxruntime computes the operator, if these are its inputs. It is no matmul, no convolution."""
        if self.clamps or self.apart or any(operand.in_float for operand in operands):
            return Arithmetic.FLOAT32
        return common([self.is_int8, *(operand.is_int8 for operand in operands)])

    def note(self, operands: Sequence[Operand]) -> str:
        """Why an operator without an exact float32 form may differ from onnxruntime; empty where not."""
        if any(operand.in_float for operand in operands):
            return f"an activation before it is not quantized, so {IN_FLOAT}"
        if not self.clamps and not self.apart and self.arithmetic(operands) is Arithmetic.FLOAT32:
            return (
                "some of its int8 tensors have several consumers or are inputs or outputs of the model, "
                f"others not, so {IN_FLOAT}"
            )
        return self._float_note()

    def sums_note(self, operands: Sequence[Operand]) -> str:
        """Why a convolution or matmul may differ from onnxruntime; empty if it does not.

        onnxruntime has an integer form of neither for int8 tensors on x86-64 (onnxruntime 1.30,
        qdq_selectors.cc, ConvNodeGroupSelector and MatMulNodeGroupSelector: int8_allowed).
        """
        if any(operand.in_float for operand in operands):
            return f"{MOVED_IN_FLOAT}{IN_FLOAT}"
        if self.is_int8 or any(operand.is_int8 for operand in operands):
            return (
                "one of its int8 tensors has several consumers or is an input or output of the model, "
                f"so {IN_FLOAT}"
            )
        return self._float_note()

    def _float_note(self) -> str:
        if self.clamps and self.clamp == _ALL:
            return f"the scale of its result has a dimension, for which the activation remains, so {IN_FLOAT}"
        if self.clamps:
            return "the activation after it clips more than its quantization does, so " + IN_FLOAT
        if self.apart:
            return f"its result is quantized several times, so {IN_FLOAT}"
        return ""


def read_result(node: ir.Node) -> Result:
    """Follow the operator's output 0 to QuantizeLinear, which has to be its sole consumer."""
    covers: list[ir.Node] = []
    while True:
        node = _sole_consumer(node)
        covers.append(node)
        if quantizes(node):
            break
        if not has_trait(node, Trait.CLIPS | Trait.NO_EFFECT):
            raise Refusal(f"{node.op_type} consumes its result in floating point")
    value = node.outputs[0]
    parameters = written_with(node)
    bounds = [clip_bounds(each) for each in covers[:-1]]
    remaining = [
        each
        for activation, each in zip(covers, bounds, strict=False)
        if _remains(activation, each, node, parameters)
    ]
    low, high = -np.inf, np.inf
    for below, above in remaining:
        low, high = np.clip([low, high], below, above)
    clamp = quantized(low, parameters), quantized(high, parameters)
    shift = parameters.island_zero_point - parameters.zero_point
    return Result(
        tuple(covers),
        value,
        parameters,
        (clamp[0] + shift, clamp[1] + shift),
        bool(remaining),
        STAYS_INT8.is_on(value) or parameters.dtype == ir.DataType.INT8,
        QUANTIZED_APART.is_on(value),
    )


def _remains(
    activation: ir.Node, bounds: tuple[float, float], quantize: ir.Node, parameters: Quantization
) -> bool:
    """Whether onnxruntime leaves a Relu or Clip before the QuantizeLinear.

    (1.31, relu_quantizelinear.cc, ReluQuantFusion, and clip_quantizelinear.cc, ClipQuantFusion.) It removes a
    Relu by the zero point, and a Clip by its bounds, within a tolerance, beside a scale without dimensions.
    """
    scale = constant_or_none(required_input(quantize, 1))
    scalar = scale is not None and scale.ndim == 0
    if is_onnx(activation, "Relu"):
        least = np.iinfo(parameters.dtype.numpy()).min
        return parameters.zero_point != least or (node_input(quantize, 2) is None and not scalar)
    if not is_onnx(activation, "Clip"):
        return False
    lowest, highest = real_range(parameters)
    return not scalar or bool(bounds[0] - lowest > _EPSILON or highest - bounds[1] > _EPSILON)


def real_range(parameters: Quantization) -> tuple[np.float32, np.float32]:
    """The least and the greatest number that the quantized tensor can stand for."""
    bounds = np.iinfo(parameters.dtype.numpy())
    low, high = (np.float32(q - parameters.zero_point) * parameters.scale for q in (bounds.min, bounds.max))
    return low, high


def quantized(number: float, parameters: Quantization) -> int:
    """What QuantizeLinear makes of a number."""
    bounds = np.iinfo(parameters.dtype.numpy())
    least, greatest = (np.float32(q - parameters.zero_point) for q in (bounds.min, bounds.max))
    with np.errstate(over="ignore"):
        scaled = np.float32(number) / parameters.scale
    return int(np.rint(np.clip(scaled, least, greatest))) + parameters.zero_point


def _sole_consumer(node: ir.Node) -> ir.Node:
    y = node.outputs[0]
    consumers = [use.node for use in y.uses()]
    if not consumers or y.is_graph_output():
        raise Refusal("its result is not quantized")
    if len(consumers) > 1:
        raise Refusal("its result has consumers in floating point beside QuantizeLinear")
    if consumers[0].graph is not node.graph:
        raise Refusal("its result is consumed in the body of another node")
    return consumers[0]


def clip_bounds(node: ir.Node) -> tuple[float, float]:
    """The bounds to which the activation clips its input; it changes it in no other way."""
    if is_onnx(node, "Relu"):
        return 0.0, np.inf
    if not is_onnx(node, "Clip"):
        if any(output.uses() or output.is_graph_output() for output in node.outputs[1:]):
            raise Refusal(f"the {node.op_type} after it has more than one result")
        return -np.inf, np.inf
    bounds = []
    for index, default in (1, -np.inf), (2, np.inf):
        value = node_input(node, index)
        bounds.append(default if value is None else float(single(value, "Clip's bound")))
    if not bounds[0] <= bounds[1]:
        raise Refusal("the Clip after it has a lower bound above its upper bound")
    return bounds[0], bounds[1]
