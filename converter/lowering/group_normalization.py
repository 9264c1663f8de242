"""QGroupNormalization: of groups of channels over an image, or of the channels of each pixel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Attribute, Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.packing import Float32Array
from qudnn.converter.island.port import Quantized, Tensor, port


@dataclass(frozen=True)
class GroupNormalization:
    attributes: Mapping[str, Attribute]
    gamma: Float32Array
    beta: Float32Array

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = emitter.plain(tensors[0])
        attributes = {"channels": x.layout.channels, "pads": x.layout.pads_in, **self.attributes}
        constants = {"gamma": self.gamma, "beta": self.beta}
        return [emitter.op("QGroupNormalization", [x], x.layout, attributes, constants)]


def make_group_normalization(
    covers: tuple[ir.Node, ...],
    x: Quantized,
    y: Quantized,
    gamma: Float32Array,
    beta: Float32Array | None,
    groups: int | None,
    epsilon: float,
    facts: Facts,
) -> Candidate:
    """The candidate for `[N, C, spatial...]` in groups of channels, all of each image together.

    groups: None where each channel is one. gamma and beta (0 by default): `[C]`, or `[groups]`.
    """
    shape = facts.ranked(x.value)
    if len(shape) < 3:
        raise Refusal(f"its input has {len(shape)} dimensions")
    channels = port(x.value, shape, 1, x.quantization.dtype).channels
    groups = channels if groups is None else groups
    if groups < 1 or channels % groups:
        raise Refusal(f"its {channels} channels are not divisible by {groups} groups")
    if gamma.shape == (groups,):
        gamma = np.repeat(gamma, channels // groups)
        beta = None if beta is None else np.repeat(beta, channels // groups)
    view = [0, -1, groups, channels // groups]
    return _candidate(covers, x, y, 1, gamma, beta, view, True, epsilon, facts)


def make_mean_square_normalization(
    covers: tuple[ir.Node, ...],
    x: Quantized,
    y: Quantized,
    gamma: Float32Array,
    epsilon: float,
    facts: Facts,
) -> Candidate:
    """The candidate for `x / sqrt(mean(x * x) + epsilon) * gamma` over the last axis; gamma: `[C]`."""
    shape = facts.ranked(x.value)
    if len(shape) < 2:
        raise Refusal(f"its input has {len(shape)} dimensions")
    last = len(shape) - 1
    channels = port(x.value, shape, last, x.quantization.dtype).channels
    return _candidate(covers, x, y, last, gamma, None, [-1, 1, 1, channels], False, epsilon, facts)


def _candidate(
    covers: tuple[ir.Node, ...],
    x: Quantized,
    y: Quantized,
    channel_axis: int,
    gamma: Float32Array,
    beta: Float32Array | None,
    view: list[int],
    centered: bool,
    epsilon: float,
    facts: Facts,
) -> Candidate:
    shape = facts.ranked(x.value)
    x_port = port(x.value, shape, channel_axis, x.quantization.dtype)
    if beta is None:
        beta = np.zeros(x_port.channels, np.float32)
    for name, array in ("scale", gamma), ("bias", beta):
        if array.dtype != np.float32 or array.shape != (x_port.channels,):
            raise Refusal(f"its {name} is {array.dtype} {list(array.shape)}, not float32 [{x_port.channels}]")
    attributes: dict[str, Attribute] = {
        "view": view,
        "centered": int(centered),
        "x_scale": float(x.quantization.scale),
        "x_zero_point": x.quantization.island_zero_point,
        "y_scale": float(y.quantization.scale),
        "y_zero_point": y.quantization.island_zero_point,
        "epsilon": epsilon,
    }
    y_port = port(y.value, shape, channel_axis, y.quantization.dtype)
    return Candidate(covers, GroupNormalization(attributes, gamma, beta), (x_port,), (y_port,))
