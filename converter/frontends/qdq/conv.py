"""(Pad ->) DequantizeLinear -> Conv => QConv, QConv3D, QConvFloatAdd or QConvToFloat

Quantized, with BatchNormalization, Relu or Clip before QuantizeLinear; added to a residual before that; or
as it is, in float32, where something else consumes it.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.analysis.geometry import Geometry, read_geometry
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.bias import bias_note, in_units, read_bias
from qudnn.converter.frontends.qdq.channels import PER_CHANNEL, channel_operand, read_channel_result, scaled
from qudnn.converter.frontends.qdq.float_result import LAST_BITS
from qudnn.converter.frontends.qdq.normalized import Affine, normalization_after
from qudnn.converter.frontends.qdq.operand import Operand, read_operand
from qudnn.converter.frontends.qdq.result import IN_FLOAT, read_result
from qudnn.converter.frontends.qdq.weights import read_weights, weights_note
from qudnn.converter.frontends.qoperator.pad import read_padding_before
from qudnn.converter.graph.constants import node_input, required_input
from qudnn.converter.graph.edit import sole_consumer
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.packing import Float32Array, Int32Array
from qudnn.converter.island.port import Quantized
from qudnn.converter.lowering.conv.conv import make_conv
from qudnn.converter.lowering.matmul_result import Added, InFloat, Requantized
from qudnn.converter.lowering.weights import Filters, Weights
from qudnn.converter.qdq.linear import float_constant


def conv(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, w, bias (optional)."""
    of = _read(node, facts)
    try:
        return _quantized(of)
    except Refusal:
        if len(of.window.kernel) > 2:
            raise
        after = sole_consumer(of.last.outputs[0], once=True, inside=True)
        if is_onnx(after, "Add"):
            try:
                return _added(of, after, facts)
            except Refusal:
                pass
        return _in_float(of)


_ADDED = f"its result is added to a tensor before it is quantized, so {IN_FLOAT}"


class _Conv(NamedTuple):
    """A convolution, with the Pad before it and the BatchNormalization after it."""

    node: ir.Node
    covers: tuple[ir.Node, ...]
    last: ir.Node
    x: Operand
    source: ir.Value  # what it convolves, and its shape
    shape: Shape
    weights: Weights  # times the scales of the channels of x where it has some
    per_channel: bool  # x has some, or the result
    group: int
    normalization: Affine | None
    window: Geometry

    @property
    def outputs(self) -> int:
        return int(self.weights.values.shape[0])

    @property
    def scales(self) -> Float32Array:
        """Of the weights, times the factors of the normalization."""
        if self.normalization is None:
            return self.weights.scales
        return self.weights.scales * self.normalization.factor

    def bias(self) -> Int32Array | None:
        """In units of the scales of x and weights."""
        value = node_input(self.node, 2)
        if self.normalization is None:
            return read_bias(value, self.x.quantization.scale, self.weights.scales, self.outputs)
        return in_units(self.addend(), self.x.quantization.scale * self.scales, self.outputs)

    def addend(self) -> Float32Array:
        """The bias in float32, and what the normalization adds."""
        value = node_input(self.node, 2)
        real = np.full(self.outputs, -0.0, np.float32) if value is None else float_constant(value, "bias")
        if real.dtype != np.float32 or real.shape != (self.outputs,):
            raise Refusal(f"its bias is {real.dtype} {list(real.shape)}, not float32 [{self.outputs}]")
        if self.normalization is None:
            return real
        return real * self.normalization.factor + self.normalization.term

    def note(self) -> str:
        """Why onnxruntime makes no quantized operator of it and what follows; empty if it does.

        As ConvNodeGroupSelector (qdq_selectors.cc, 1.30) and WeightBiasQuantization have it.
        """
        if self.normalization is not None:
            return f"it is normalized before its result is quantized, so {IN_FLOAT}"
        in_float = (
            bias_note(node_input(self.node, 2), self.x.quantization.scale, self.weights.scales)
            or weights_note(required_input(self.node, 1))
            or (PER_CHANNEL if self.per_channel else "")
        )
        return f"{in_float}{IN_FLOAT}" if in_float else ""

    def candidate(
        self,
        more: tuple[ir.Node, ...],
        epilogue: Requantized | InFloat | Added,
        int_bias: Int32Array | None,
        note: str,
    ) -> Candidate:
        """more: the nodes after it that are covered, too."""
        candidate = make_conv(
            (*self.covers, *more),
            Quantized(self.source, self.x.quantization),
            self.shape,
            Filters(self.weights._replace(scales=self.scales), self.window, self.group),
            int_bias,
            epilogue,
        )
        return replace(candidate, note=note)


def _read(node: ir.Node, facts: Facts) -> _Conv:
    weights = read_weights(required_input(node, 1), output_axis=0)
    x, factors = channel_operand(node, weights.values.ndim, facts)
    group = node.attributes.get_int("group", 1)
    w = scaled(weights, factors, group)
    kernel = w.values.shape[2:]
    if tuple(node.attributes.get_ints("kernel_shape", kernel)) != kernel:
        raise Refusal("its kernel_shape is not that of its weights")
    shape = facts.shape_of_rank(x.value, w.values.ndim)
    window = read_geometry(node, kernel, shape, most=3)
    covers: tuple[ir.Node, ...] = (node,)
    source, last = x.value, node
    padding = read_padding_before(x.value, x.quantization, facts)
    if padding is not None:
        pad, source, more = padding
        covers, shape = (node, pad), facts.ranked(source)
        window = window.padded(more)
    normalized, normalization = normalization_after(node.outputs[0]), None
    if normalized is not None and normalized[1].factor.shape == w.values.shape[:1]:
        last, normalization = normalized
        covers = (*covers, last)
    return _Conv(node, covers, last, x, source, shape, w, factors is not None, group, normalization, window)


def _quantized(of: _Conv) -> Candidate:
    y, divisors = read_channel_result(of.last, of.weights.values.ndim, of.outputs)
    bias = of.bias()
    if divisors is not None:
        of = of._replace(weights=of.weights._replace(scales=of.weights.scales / divisors), per_channel=True)
    note = y.sums_note([of.x]) or of.note()
    return of.candidate(y.covers, Requantized(y.value, y.quantization, y.clamp), bias, note)


def _added(of: _Conv, add: ir.Node, facts: Facts) -> Candidate:
    """With the Add of it and of a tensor that is dequantized, and is of its shape."""
    (index,) = (i for i, value in enumerate(add.inputs) if value is not of.last.outputs[0])
    residual = read_operand(add, index, facts)
    y = read_result(add)
    sum_ = Added(Requantized(y.value, y.quantization, y.clamp), residual.quantized)
    candidate = of.candidate((add, *y.covers), sum_, of.bias(), _ADDED)
    if facts.ranked(residual.value) != candidate.outputs[0].shape:
        raise Refusal("it is added to a tensor of another shape")
    return candidate


def _in_float(of: _Conv) -> Candidate:
    return of.candidate((), InFloat(of.last.outputs[0], of.addend()), None, LAST_BITS)
