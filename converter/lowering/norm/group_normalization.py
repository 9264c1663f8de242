"""QGroupNormalization: of groups of channels over an image, or of the channels of each pixel."""

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Attribute
from qudnn.converter.island.packing import Float32Array
from qudnn.converter.island.port import Quantized, port
from qudnn.converter.lowering.norm.layer_normalization import Normalized


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
    shape = facts.ranked(x.value, least=3)
    channels = port(x.value, shape, 1, x.quantization.dtype).channels
    groups = channels if groups is None else groups
    if groups < 1 or channels % groups:
        raise Refusal(f"its {channels} channels are not divisible by {groups} groups")
    if gamma.shape == (groups,):
        gamma = np.repeat(gamma, channels // groups)
        beta = None if beta is None else np.repeat(beta, channels // groups)
    view = [0, -1, groups, channels // groups]
    attributes: dict[str, Attribute] = {"view": view, "centered": 1, "epsilon": epsilon}
    return Normalized(covers, x, y, 1).candidate("QGroupNormalization", gamma, beta, attributes, facts)


def make_mean_square_normalization(
    covers: tuple[ir.Node, ...],
    x: Quantized,
    y: Quantized,
    gamma: Float32Array,
    epsilon: float,
    facts: Facts,
) -> Candidate:
    """The candidate for `x / sqrt(mean(x * x) + epsilon) * gamma` over the last axis; gamma: `[C]`."""
    shape = facts.ranked(x.value, least=2)
    last = len(shape) - 1
    channels = port(x.value, shape, last, x.quantization.dtype).channels
    attributes: dict[str, Attribute] = {"view": [-1, 1, 1, channels], "centered": 0, "epsilon": epsilon}
    return Normalized(covers, x, y, last).candidate("QGroupNormalization", gamma, None, attributes, facts)
