"""Slices of a tensor: some of its channels, which costs nothing by itself, or some of its pixels."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.sizes import Shape, Size, Unknown, guessed, plus, times, unknown
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.port import Port, Tensor, port

_END = 2**31 - 1  # as the end of a Slice: the last element, of however many


@dataclass(frozen=True)
class Slice:
    """What is taken of each axis: start, stop and step as Slice has them."""

    slices: dict[int, slice]

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        """Of channels a view: whoever needs them by themselves has them moved."""
        (x,) = tensors
        channel_axis = x.layout.channel_axis
        view = self.slices.get(channel_axis)
        layout = x.layout if view is None else x.layout.taking(range(x.layout.channels)[view])
        rest = {axis: part for axis, part in self.slices.items() if axis != channel_axis}
        if not rest:
            return [Tensor(x.value, layout)]
        bounds = {
            "starts": [part.start for part in rest.values()],
            "ends": [part.stop for part in rest.values()],
            "axes": [layout.inside(axis) for axis in rest],
            "steps": [part.step for part in rest.values()],
        }
        constants = {what: np.array(numbers, np.int64) for what, numbers in bounds.items()}
        return [emitter.op("Slice", [x], layout, {}, constants, domain="")]


@dataclass(frozen=True)
class Several:
    """Several ops on one tensor, with an output each."""

    parts: tuple[Slice, ...]

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        return [tensor for part in self.parts for tensor in part.emit(emitter, tensors, None)]


@dataclass(frozen=True)
class Channels:
    """Output channel i is input channel channels[i]."""

    channels: tuple[int, ...]

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        (x,) = tensors
        view = Tensor(x.value, x.layout.taking(list(self.channels)))
        repeats = len(set(self.channels)) < len(self.channels)  # no layout: weights go to one place each
        return [emitter.plain(view) if repeats else view]


def make_slices(
    covers: tuple[ir.Node, ...],
    x: ir.Value,
    y: ir.Value,
    dtype: ir.DataType,
    parts: dict[int, slice],
    facts: Facts,
) -> Candidate:
    """The candidate for a Slice; parts by axis, all bounds numbers."""
    shape = facts.ranked(x)
    parts = {axis: part for axis, part in parts.items() if not _is_all(shape[axis], part)}
    x_port = _sliceable(port(x, shape, facts.channel_axis_of(x), dtype), parts)
    y_port = port(y, _sliced(shape, parts), x_port.channel_axis, dtype)
    return Candidate(covers, Slice(parts), (x_port,), (y_port,))


def make_split(
    covers: tuple[ir.Node, ...],
    x: ir.Value,
    outputs: Sequence[ir.Value],
    dtype: ir.DataType,
    axis: int,
    sizes: Sequence[int],
    facts: Facts,
) -> Candidate:
    """The candidate for a Split along `axis` into parts of `sizes`."""
    shape = facts.ranked(x)
    x_port = _sliceable(port(x, shape, facts.channel_axis_of(x), dtype), [axis % len(shape)])
    stops = np.cumsum(sizes).tolist()
    parts = [
        {axis % len(shape): slice(stop - size, stop, 1)} for size, stop in zip(sizes, stops, strict=True)
    ]
    y_ports = tuple(
        port(y, _sliced(shape, part), x_port.channel_axis, dtype)
        for y, part in zip(outputs, parts, strict=True)
    )
    return Candidate(covers, Several(tuple(Slice(part) for part in parts)), (x_port,), y_ports)


def make_channels(
    covers: tuple[ir.Node, ...],
    x: ir.Value,
    y: ir.Value,
    dtype: ir.DataType,
    order: Sequence[int],
    axis: int,
    facts: Facts,
) -> Candidate:
    """The candidate for y whose channel i is channel order[i] of x, along axis: a shuffle or a Gather."""
    shape = facts.ranked(x)
    x_port = port(x, shape, axis, dtype)
    if not all(0 <= channel < x_port.channels for channel in order):
        raise Refusal("it takes channels that its input does not have")
    y_shape = list(shape)
    y_shape[x_port.channel_axis] = len(order)
    y_port = port(y, tuple(y_shape), x_port.channel_axis, dtype)
    return Candidate(covers, Channels(tuple(order)), (x_port,), (y_port,))


def _sliceable(x: Port, axes: Collection[int]) -> Port:
    """x, of which parts along these axes are taken; of channels only where their number is known."""
    if x.layout.is_unpadded and x.channel_axis in axes:
        raise Refusal(f"the number of channels of {x.value.name} is unknown")
    return x


def _is_all(size: Size, part: slice) -> bool:
    """Whether the part is the whole axis, as where a window ends that was padded by nothing."""
    if isinstance(size, int):
        return range(size)[part] == range(size)
    return part == slice(0, part.stop, 1) and part.stop >= _END


def _sliced(shape: Shape, parts: dict[int, slice]) -> Shape:
    sizes: list[Size] = list(shape)
    for axis, part in parts.items():
        size = shape[axis]
        sizes[axis] = len(range(size)[part]) if isinstance(size, int) else _part_of(size, part)
    return tuple(sizes)


def _part_of(size: Unknown, part: slice) -> Size:
    """The two parts of an axis that is divided somewhere have its size together, which rolling relies on."""
    start, stop = part.start, part.stop
    if part.step == 1:
        if start == 0 and stop > 0:
            return size if stop >= _END else _least(size, stop)
        if start < 0 and stop >= _END:
            return _least(size, -start)
        if start > 0 and stop >= _END:
            return plus(size, times(-1, _least(size, start)))
        if start == 0 and stop < 0:
            return plus(size, times(-1, _least(size, -stop)))
    return unknown(f"{size}[{start}:{stop}:{part.step}]")


def _least(size: Unknown, number: int) -> Unknown:
    return unknown(f"least({size}, {number})", min(guessed(size), number))
