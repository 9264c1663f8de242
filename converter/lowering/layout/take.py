"""Slices of a tensor: some of its channels, which costs nothing by itself, or some of its pixels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.sizes import Shape, Size
from qudnn.converter.graph.slices import is_all, part_of
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.port import Port, Tensor, port


@dataclass(frozen=True)
class Slice:
    """What is taken of each axis: start, stop and step as Slice has them; sizes, of channels numbers."""

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
            "starts": tuple(part.start for part in rest.values()),
            "ends": tuple(part.stop for part in rest.values()),
            "axes": tuple(layout.inside(axis) for axis in rest),
            "steps": tuple(part.step for part in rest.values()),
        }
        return [emitter.op("Slice", [x], layout, {}, bounds, domain="")]


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
    """The candidate for a Slice; parts by axis, their bounds numbers or sizes that can be computed."""
    shape = facts.ranked(x)
    parts = {axis: part for axis, part in parts.items() if not _is_all(shape[axis], part)}
    facts.check_computable(*(bound for part in parts.values() for bound in (part.start, part.stop)))
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
    stops = np.cumsum(sizes).tolist()
    parts = [
        {axis % len(shape): slice(stop - size, stop, 1)} for size, stop in zip(sizes, stops, strict=True)
    ]
    x_port = _sliceable(port(x, shape, facts.channel_axis_of(x), dtype), parts[0])
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


def _sliceable(x: Port, parts: Mapping[int, slice]) -> Port:
    """x, of which parts along these axes are taken; of channels only where their number is known."""
    if x.layout.is_unpadded and x.channel_axis in parts:
        raise Refusal(f"the number of channels of {x.value.name} is unknown")
    part = parts.get(x.channel_axis)
    if part is not None and not (isinstance(part.start, int) and isinstance(part.stop, int)):
        raise Refusal("how many channels it takes is known only at run time")
    return x


def _is_all(size: Size, part: slice) -> bool:
    return is_all(size, part.start, part.stop, part.step)


def _sliced(shape: Shape, parts: dict[int, slice]) -> Shape:
    sizes = list(shape)
    for axis, part in parts.items():
        sizes[axis] = part_of(shape[axis], part.start, part.stop, part.step)
    return tuple(sizes)
