"""AddLayerNormalizationToIsland of two tensors of an island."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
    """rows: bias, gamma and beta, `[C]`. keeps_sum: its second result is the sum in float32."""

    attributes: Mapping[str, Attribute]
    rows: tuple[Float32Array, Float32Array, Float32Array]
    keeps_sum: bool

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x, residual = map(emitter.plain, tensors)
        bias, gamma, beta = self.rows
        outside = unpadded(x.layout.rank), ir.DataType.FLOAT
        total, normalized, q = emitter.ops(
            "AddLayerNormalizationToIsland",
            [x, Tensor(emitter.constant("bias", bias), unpadded(1)), residual],
            [outside, outside, (x.layout, ir.DataType.INT8)],
            {"channels": x.layout.channels, "pads": x.layout.pads_in, **self.attributes},
            {"gamma": gamma, "beta": beta},
        )
        leave_out(normalized.value)
        if self.keeps_sum:
            return [q, total]
        leave_out(total.value)
        return [q]


def make_add_normalization(
    covers: tuple[ir.Node, ...],
    x: Quantized,
    residual: Quantized,
    y: Quantized,
    rows: tuple[Float32Array | None, Float32Array, Float32Array | None],
    epsilon: float,
    total: ir.Value | None,
    facts: Facts,
) -> Candidate:
    """The candidate for the normalization of `(x + bias) + residual` over the last axis.

    rows: bias, gamma and beta, float32 `[C]`; the first and the last may be left out. total: the sum, where
    the model has it as a value.
    """
    shape = facts.ranked(x.value)
    if len(shape) < 2 or shape != facts.shape(residual.value):
        raise Refusal("its inputs are not known to have one shape")
    last = len(shape) - 1
    x_port, residual_port = (port(q.value, shape, last, q.quantization.dtype) for q in (x, residual))
    bias, gamma, beta = rows
    bias = np.full(x_port.channels, -0.0, np.float32) if bias is None else bias
    beta = np.zeros(x_port.channels, np.float32) if beta is None else beta
    if any(array.dtype != np.float32 or array.shape != (x_port.channels,) for array in (bias, gamma, beta)):
        raise Refusal(f"its weights are not float32 [{x_port.channels}]")
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
    keeps_sum = total is not None and is_needed(total)
    if total is not None and keeps_sum:
        outputs.append(port_outside(total, shape, ir.DataType.FLOAT))
    op = AddNormalization(attributes, (bias, gamma, beta), keeps_sum)
    return Candidate(covers, op, (x_port, residual_port), tuple(outputs))
