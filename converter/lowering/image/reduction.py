"""Means, sums and extremes over any axes: QGlobalAveragePool or QMaxPool of a tensor laid out for them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from math import isqrt

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.sizes import Shape, Size, product
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Attribute, Emitter
from qudnn.converter.island.layout import Layout, plain, unpadded
from qudnn.converter.island.packing import Int8Array
from qudnn.converter.island.port import Port, Quantized, Tensor, port
from qudnn.converter.island.tables import VALUES, composed
from qudnn.converter.lowering.elementwise.table import requantizing
from qudnn.converter.lowering.image.average_pool import average_attributes

_MOST_ELEMENTS = 2**23  # of a sum, so that it has 31 bits
_FEW = 32  # elements that one thread takes the maximum of


class Reduction(Enum):
    """What is made of elements."""

    MEAN = auto()
    SUM = auto()
    MAX = auto()
    MIN = auto()


@dataclass(frozen=True)
class Reduced:
    """perm: inside, brings the axes that are kept to the front. flat: the sizes of both, `[K, R]`.

    Inside, images are `[K, R, 1, Cp]`; where the channels are reduced too, `[K, R * C, 1, 1]`.
    target: the sizes of the result inside, without its last one where that is padded. layout: of the result.
    tables: before an extreme and after it. attributes: of a mean.
    """

    perm: tuple[int, ...]
    flat: tuple[int, int]
    along_channels: bool
    target: tuple[int, ...]
    layout: Layout
    tables: tuple[Int8Array | None, Int8Array | None]
    attributes: dict[str, Attribute] | None

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        before, after = self.tables
        x = self._image(emitter, self._looked_up(emitter, emitter.dense(tensors[0]), before))
        if self.attributes is not None:
            x = emitter.op("QGlobalAveragePool", [x], x.layout, self.attributes)
        else:
            x = self._maximum(emitter, x)
        return [self._looked_up(emitter, self._placed(emitter, x), after)]

    def _looked_up(self, emitter: Emitter, x: Tensor, table: Int8Array | None) -> Tensor:
        return x if table is None else emitter.op("QTable", [x], x.layout, {}, {"table": table})

    def _image(self, emitter: Emitter, x: Tensor) -> Tensor:
        rank = x.layout.rank
        if self.along_channels and not x.layout.is_unpadded:
            x = emitter.plain(x)
            if x.layout.width != x.layout.channels:
                bounds = {"start": 0, "end": x.layout.channels, "axis": -1}
                constants = {what: np.array([number], np.int64) for what, number in bounds.items()}
                x = emitter.standard("Slice", x, unpadded(rank), constants)
        if self.perm != tuple(range(rank)):
            x = emitter.standard("Transpose", x, x.layout, perm=self.perm)
        width = 1 if self.along_channels else x.layout.width
        sizes = [self.flat[0], *(self._steps if self.attributes is None else (self.flat[1], 1)), width]
        layout = unpadded(4) if self.along_channels else x.layout.seen_as(4, 1)
        return emitter.standard("Reshape", x, layout, {"image": np.array(sizes, np.int64)})

    @property
    def _steps(self) -> tuple[int, int]:
        """Elements that a maximum is taken of, first and then: where there are many, by more threads."""
        many = self.flat[1]
        few = 1 if many <= _FEW else max(n for n in range(1, isqrt(many) + 1) if many % n == 0)
        return many // few, few

    def _maximum(self, emitter: Emitter, x: Tensor) -> Tensor:
        for kernel in [self._steps[0], 1], [1, self._steps[1]]:
            if kernel != [1, 1]:
                attributes: dict[str, Attribute] = {
                    "kernel_shape": kernel,
                    "pads": [0] * 4,
                    "strides": [1, 1],
                    "dilations": [1, 1],
                    "ceil_mode": 0,
                }
                x = emitter.op("QMaxPool", [x], x.layout, attributes)
        return x

    def _placed(self, emitter: Emitter, x: Tensor) -> Tensor:
        """The result in its own shape and layout."""
        layout = self.layout
        if not self.along_channels:
            layout = Layout(layout.rank, layout.channel_axis, x.layout.positions, x.layout.width)
            shape = np.array([*self.target, layout.width], np.int64)
            return emitter.op("Reshape", [x], layout, {}, {"shape": shape}, domain="")
        shape = np.array(self.target, np.int64)
        x = emitter.op("Reshape", [x], unpadded(layout.rank), {}, {"shape": shape}, domain="")
        if layout.is_unpadded:
            return Tensor(x.value, layout)
        indices = np.zeros(layout.width, np.int64)
        indices[: layout.channels] = range(layout.channels)
        return emitter.standard("Gather", x, layout, {"channels": indices}, axis=-1)


def make_reduction(
    reduction: Reduction,
    covers: tuple[ir.Node, ...],
    x: Quantized,
    y: Quantized,
    axes: Iterable[int],
    keeps: bool,
    facts: Facts,
    clamp: tuple[int, int] = (-128, 127),
) -> Candidate:
    """The candidate for a mean, sum or extreme over these axes of x, from the front; keeps: as 1.

    clamp: into which interval extremes go, in the int8 domain.
    """
    shape = facts.ranked(x.value)
    reduced = set(axes)
    x_port = port(x.value, shape, facts.channel_axis_of(x.value), x.quantization.dtype)
    axis = x_port.channel_axis
    if x_port.layout.is_unpadded and axis not in reduced:
        raise Refusal(f"the number of channels of {x.value.name} is unknown")
    y_port = _result_port(y, shape, reduced, keeps, axis)
    kept = [a for a in range(len(shape)) if a not in reduced and a != axis]
    over = [a for a in range(len(shape)) if a in reduced and a != axis]
    order = (*kept, *over, axis)
    sizes = [shape[a] for a in over] + ([shape[axis]] if axis in reduced else [])
    elements = product(sizes)
    extreme = reduction in (Reduction.MAX, Reduction.MIN)
    if not isinstance(elements, int) and reduction is not Reduction.MEAN:
        raise Refusal("the number of elements that it reduces is unknown")
    if isinstance(elements, int) and not (0 < elements <= _MOST_ELEMENTS or (extreme and elements)):
        raise Refusal(f"it reduces {elements} elements")
    inside = [y_port.shape[a] for a in y_port.layout.perm_in]
    padded = axis not in reduced
    op = Reduced(
        tuple(x_port.layout.perm_in.index(a) for a in order),
        (_in_reshape([shape[a] for a in kept], is_first=True), _in_reshape(sizes)),
        axis in reduced,
        _target(inside[:-1] if padded else inside),
        plain(len(y_port.shape), y_port.channel_axis, y_port.layout.channels),
        _tables(reduction, x, y, clamp) if extreme else (None, None),
        None if extreme else average_attributes(x, y, elements, is_sum=reduction is Reduction.SUM),
    )
    if op.flat == (-1, -1):
        raise Refusal("several of its sizes are unknown")
    return Candidate(covers, op, (x_port,), (y_port,))


def _result_port(y: Quantized, shape: Shape, reduced: set[int], keeps: bool, axis: int) -> Port:
    kept = [a for a in range(len(shape)) if keeps or a not in reduced]
    if not kept:
        raise Refusal("its result is a single number without dimensions")
    y_shape = tuple(1 if a in reduced else shape[a] for a in kept)
    channels = kept.index(axis) if axis in kept else len(kept) - 1
    return port(y.value, y_shape, channels, y.quantization.dtype)


def _in_reshape(sizes: Sequence[Size], is_first: bool = False) -> int:
    """All of them as one size of a Reshape, -1 where it is unknown. is_first: the first sizes are these."""
    whole = product(sizes)
    return whole if isinstance(whole, int) else 0 if is_first and len(sizes) == 1 else -1


def _target(sizes: Sequence[Size]) -> tuple[int, ...]:
    target = tuple(size if isinstance(size, int) else -1 for size in sizes)
    if target.count(-1) > 1:
        raise Refusal("several of its sizes are unknown")
    return target


def _tables(
    reduction: Reduction, x: Quantized, y: Quantized, clamp: tuple[int, int]
) -> tuple[Int8Array | None, Int8Array | None]:
    """What is looked up before and after a maximum. A minimum is the maximum of all bits inverted."""
    after = np.clip(requantizing(x.quantization, y.quantization), *clamp).astype(np.int8)
    if reduction is Reduction.MIN:
        return ~VALUES, composed(after, ~VALUES)
    return None, None if (after == VALUES).all() else after
