"""QLayerNormalization: the normalization over the channels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Attribute, Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.port import Quantized, Tensor, port


@dataclass(frozen=True)
class LayerNormalization:
    attributes: Mapping[str, Attribute]
    gamma: NDArray[np.float32]
    beta: NDArray[np.float32]

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = emitter.plain(tensors[0])
        attributes = {"channels": x.layout.channels, "pads": x.layout.pads_in, **self.attributes}
        constants = {"gamma": self.gamma, "beta": self.beta}
        return [emitter.op("QLayerNormalization", [x], x.layout, attributes, constants)]


def make_layer_normalization(
    covers: tuple[ir.Node, ...],
    x: Quantized,
    y: Quantized,
    gamma: NDArray[Any],
    beta: NDArray[Any] | None,
    epsilon: float,
    facts: Facts,
) -> Candidate:
    """The candidate for a normalization over the last axis; gamma and beta (0 by default): float32 `[C]`."""
    shape = facts.ranked(x.value)
    if len(shape) < 2:
        raise Refusal(f"its input has {len(shape)} dimensions")
    x_port = port(x.value, shape, len(shape) - 1, x.quantization.dtype)
    if beta is None:
        beta = np.zeros(x_port.channels, np.float32)
    for name, array in ("scale", gamma), ("bias", beta):
        if array.dtype != np.float32 or array.shape != (x_port.channels,):
            raise Refusal(f"its {name} is {array.dtype} {list(array.shape)}, not float32 [{x_port.channels}]")
    attributes: dict[str, Attribute] = {
        "x_scale": float(x.quantization.scale),
        "x_zero_point": x.quantization.island_zero_point,
        "y_scale": float(y.quantization.scale),
        "y_zero_point": y.quantization.island_zero_point,
        "epsilon": epsilon,
    }
    y_port = port(y.value, shape, len(shape) - 1, y.quantization.dtype)
    return Candidate(covers, LayerNormalization(attributes, gamma, beta), (x_port,), (y_port,))
