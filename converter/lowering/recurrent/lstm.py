"""DynamicQLSTM: an LSTM layer whose inputs and states are quantized at run time"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Attribute, Emitter
from qudnn.converter.island.layout import Layout, padded, unpadded
from qudnn.converter.island.packing import Float32Array, Int8Array
from qudnn.converter.island.port import Port, Tensor

# As DynamicQLSTM counts them: by name, and whether each takes an alpha and a beta, with their defaults.
ACTIVATIONS: dict[str, tuple[float | None, float | None]] = {
    "sigmoid": (None, None),
    "tanh": (None, None),
    "relu": (None, None),
    "affine": (0.0, 0.0),
    "leakyrelu": (0.01, None),
    "thresholdedrelu": (0.0, None),
    "hardsigmoid": (0.2, 0.5),
    "softsign": (None, None),
    "scaledtanh": (0.0, 0.0),
    "elu": (1.0, None),
    "softplus": (None, None),
}
MOST_STATES = 4096  # of a direction: its kernel has no more

KINDS = {name: kind for kind, name in enumerate(ACTIVATIONS)}


class LSTMWeights(NamedTuple):
    """values `[D,C,4H]` of 8 bits; scale float32 and zero_point, of the values' type: `[D]` or `[D,4H]`."""

    values: NDArray[Any]
    scale: Float32Array
    zero_point: NDArray[Any]


@dataclass(frozen=True)
class LSTM:
    """w `[D,C,4H]`, r `[D,H,4H]`; inputs: whether it has each of the optional ones; outputs: which it has."""

    w: LSTMWeights
    r: LSTMWeights
    attributes: Mapping[str, Attribute]
    inputs: tuple[bool, ...]
    outputs: tuple[int, ...]

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x, *given = tensors
        constants: dict[str, NDArray[Any]] = {"w": _packed(self.w.values), "r": _packed(self.r.values)}
        for what, weights in (("w", self.w), ("r", self.r)):
            constants[f"{what}_scale"] = weights.scale
            constants[f"{what}_zero_point"] = _as_int8(weights.zero_point)
        required = [x, *(Tensor(emitter.constant(k, v), unpadded(v.ndim)) for k, v in constants.items())]
        options = [given.pop(0) if has else None for has in self.inputs]
        while options and options[-1] is None:
            options.pop()
        results = [(unpadded(rank), ir.DataType.FLOAT) for rank in (4, 3, 3)]
        written = emitter.ops("DynamicQLSTM", [*required, *options], results, self.attributes)
        return [written[index] for index in self.outputs]


def make_lstm(
    node: ir.Node,
    w: LSTMWeights,
    r: LSTMWeights,
    attributes: Mapping[str, Attribute],
    inputs: Sequence[Port | None],
    outputs: Mapping[int, Port],
    note: str,
) -> Candidate:
    """The candidate for com.microsoft's DynamicQuantizeLSTM.

    inputs: x, then b, sequence_lens, initial_h, initial_c and p, None for those that are left out.
    outputs: those that are needed, by number: y, y_h and y_c.
    """
    op = LSTM(w, r, attributes, tuple(port is not None for port in inputs[1:]), tuple(outputs))
    ports = tuple(port for port in inputs if port is not None)
    return Candidate((node,), op, ports, tuple(outputs.values()), note)


def _as_int8(values: NDArray[Any]) -> Int8Array:
    """uint8 less 128."""
    return values if values.dtype == np.int8 else (values ^ np.uint8(128)).view(np.int8)


def _packed(values: NDArray[Any]) -> Int8Array:
    """`[D,C,4H]` -> `[D,4H,Cp]`"""
    rest = padded(values.shape[1]) - values.shape[1]
    return np.pad(_as_int8(values).transpose(0, 2, 1), ((0, 0), (0, 0), (0, rest)))
