"""The inputs and outputs of an op of an island, as they are outside."""

from dataclasses import dataclass
from typing import NamedTuple

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import Quantization
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.layout import Layout, plain, unpadded

_MOST_CHANNELS = 2**20  # a layout lists them


class Quantized(NamedTuple):
    """An 8-bit value of the model and its quantization."""

    value: ir.Value
    quantization: Quantization


class Tensor(NamedTuple):
    """A value that an op reads or writes, and how it lies: outside of an island, as it is."""

    value: ir.Value
    layout: Layout


class Joint(NamedTuple):
    """How a value lies between two ops: it passes unchanged between two ports whose joints are equal."""

    value: ir.Value
    channel_axis: int
    is_unpadded: bool


@dataclass(frozen=True)
class Port:
    """A value that an op reads or writes: its shape outside, and which axis of it is last inside.

    Inside a value has 8 bits. outside: it stays outside of the island and may have any type; nothing crosses
    for it. wish: of an input, the layout that would save the op a step. Who writes the value may grant it.
    """

    value: ir.Value
    shape: Shape
    channel_axis: int
    dtype: ir.DataType
    wish: Layout | None = None
    outside: bool = False

    @property
    def channels(self) -> int:
        """Their number, of an op that has to know it."""
        channels = self.shape[self.channel_axis]
        if not isinstance(channels, int):
            raise Refusal(f"the number of channels of {self.value.name} is unknown")
        return channels

    @property
    def layout(self) -> Layout:
        """How the value lies where it enters the island, or outside of it."""
        channels = None if self.outside else self.shape[self.channel_axis]
        if not isinstance(channels, int):
            return unpadded(len(self.shape))
        return plain(len(self.shape), self.channel_axis, channels)

    @property
    def joint(self) -> Joint:
        return Joint(self.value, self.channel_axis, self.layout.is_unpadded)


def port(
    value: ir.Value, shape: Shape, channel_axis: int, dtype: ir.DataType, wish: Layout | None = None
) -> Port:
    """A Port inside. The value has to have channels; they are its last axis where their number is unknown."""
    if not -len(shape) <= channel_axis < len(shape):
        raise Refusal(f"{value.name} has {len(shape)} dimensions, none of them channels")
    channel_axis %= len(shape)
    channels = shape[channel_axis]
    if not isinstance(channels, int) and channel_axis != len(shape) - 1:
        raise Refusal(f"the number of channels of {value.name} is unknown")
    if not channels:
        raise Refusal(f"{value.name} has no channels")
    if isinstance(channels, int) and channels > _MOST_CHANNELS:
        raise Refusal(f"{value.name} has {channels} channels, more than {_MOST_CHANNELS}")
    return Port(value, shape, channel_axis, dtype, wish)


def port_outside(value: ir.Value, shape: Shape, dtype: ir.DataType) -> Port:
    """A Port of a value that is read or written outside of the island."""
    return Port(value, shape, len(shape) - 1, dtype, outside=True)
