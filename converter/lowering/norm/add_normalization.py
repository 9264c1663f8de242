"""AddLayerNormalizationToIsland and AddRMSNormalizationToIsland of tensors of an island."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.edit import is_needed, leave_out
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Attribute, Emitter
from qudnn.converter.island.layout import Layout, unpadded
from qudnn.converter.island.packing import Float32Array
from qudnn.converter.island.port import Quantized, Tensor, port, port_outside

# onnxruntime 1.30, skip_layer_norm_fusion.cc, SkipLayerNormFusion.
OTHERWISE = (
    "onnxruntime's CPU provider fuses the addition and the LayerNormalization, and rounds differently; "
    "a GPU's results are those of the two apart: they may differ by one quantum"
)


@dataclass(frozen=True)
class AddNormalization:
    """rows: bias, gamma and, of a LayerNormalization, beta, `[C]`.

    keeps_sum: its second result is the sum in float32.
    """

    op_type: str
    attributes: Mapping[str, Attribute]
    rows: Mapping[str, Float32Array]
    keeps_sum: bool

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x, residual = map(emitter.plain, tensors)
        bias, *others = self.rows
        outside = unpadded(x.layout.rank), ir.DataType.FLOAT
        total, normalized, q = emitter.ops(
            self.op_type,
            [x, Tensor(emitter.constant(bias, self.rows[bias]), unpadded(1)), residual],
            [outside, outside, (x.layout, ir.DataType.INT8)],
            {"channels": x.layout.channels, "pads": x.layout.pads_in, **self.attributes},
            {name: self.rows[name] for name in others},
        )
        leave_out(normalized.value)
        if self.keeps_sum:
            return [q, total]
        leave_out(total.value)
        return [q]


class Sum(NamedTuple):
    """`(x + bias) + residual`, or with the bias last, that is normalized: by nodes `covers`, to y.

    value: the sum, where the model has it as a value.
    """

    covers: tuple[ir.Node, ...]
    x: Quantized
    residual: Quantized
    y: Quantized
    value: ir.Value | None

    def candidate(
        self,
        op_type: str,
        bias: Float32Array | None,
        weights: Mapping[str, Float32Array | None],
        epsilon: float,
        facts: Facts,
    ) -> Candidate:
        """weights: gamma, and what else the op has, float32 `[C]`. All but gamma may be left out."""
        x, residual, y = self.x, self.residual, self.y
        shape = facts.ranked(x.value)
        if len(shape) < 2 or shape != facts.shape(residual.value):
            raise Refusal("its inputs are not known to have one shape")
        last = len(shape) - 1
        x_port, residual_port = (port(q.value, shape, last, q.quantization.dtype) for q in (x, residual))
        c = x_port.channels
        rows = {"bias": np.full(c, -0.0, np.float32) if bias is None else bias}
        rows |= {name: np.zeros(c, np.float32) if array is None else array for name, array in weights.items()}
        if any(array.dtype != np.float32 or array.shape != (c,) for array in rows.values()):
            raise Refusal(f"its weights are not float32 [{c}]")
        attributes: dict[str, Attribute] = {
            "x_scale": float(x.quantization.scale),
            "x_zero_point": x.quantization.island_zero_point,
            "residual_scale": float(residual.quantization.scale),
            "residual_zero_point": residual.quantization.island_zero_point,
            "q_scale": float(y.quantization.scale),
            "q_zero_point": y.quantization.island_zero_point,
            "epsilon": epsilon,
        }
        outputs = [port(y.value, shape, last, y.quantization.dtype)]
        keeps_sum = self.value is not None and is_needed(self.value)
        if self.value is not None and keeps_sum:
            outputs.append(port_outside(self.value, shape, ir.DataType.FLOAT))
        op = AddNormalization(op_type, attributes, rows, keeps_sum)
        return Candidate(self.covers, op, (x_port, residual_port), tuple(outputs))


def make_add_normalization(
    total: Sum,
    bias: Float32Array | None,
    gamma: Float32Array,
    beta: Float32Array | None,
    epsilon: float,
    facts: Facts,
) -> Candidate:
    """The candidate for the LayerNormalization of `(x + bias) + residual` over the last axis."""
    weights = {"gamma": gamma, "beta": beta}
    return total.candidate("AddLayerNormalizationToIsland", bias, weights, epsilon, facts)


def make_add_mean_square_normalization(
    total: Sum, bias: Float32Array | None, gamma: Float32Array, epsilon: float, facts: Facts
) -> Candidate:
    """The candidate for `s / sqrt(mean(s * s) + epsilon) * gamma` of `s = (x + residual) + bias`."""
    return total.candidate("AddRMSNormalizationToIsland", bias, {"gamma": gamma}, epsilon, facts)
