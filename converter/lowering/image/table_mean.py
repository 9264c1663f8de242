"""QTableGlobalAveragePool: the mean of a function of each image in float32; also left in float32."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Attribute, Emitter
from qudnn.converter.island.layout import Layout, unpadded
from qudnn.converter.island.packing import Float32Array, scattered
from qudnn.converter.island.port import Quantized, Tensor, port, port_outside
from qudnn.converter.lowering.elementwise.table_binary import Looked
from qudnn.converter.lowering.layout.rows import as_before, as_image


@dataclass(frozen=True)
class TableMean:
    """table: `[256]`, or `[C, 256]` of a row for each channel."""

    table: Float32Array
    attributes: Mapping[str, Attribute]

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = as_image(emitter, emitter.dense(tensors[0]))
        table = self.table
        if table.ndim > 1 and not x.layout.is_unpadded:
            table = scattered(table, 0, x.layout.positions, x.layout.width)
        y = emitter.op("QTableGlobalAveragePool", [x], x.layout, self.attributes, {"table": table})
        return [as_before(emitter, y, tensors[0].layout)]


@dataclass(frozen=True)
class TableMeanToFloat:
    """table: `[256]`, or `[C, 256]`. shape: of the result, -1 for the first size, which is the batch's."""

    table: Float32Array
    shape: tuple[int, ...]
    channels: int

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = as_image(emitter, emitter.plain(tensors[0]))
        table = self.table
        if table.ndim > 1 and not x.layout.is_unpadded:
            table = scattered(table, 0, x.layout.positions, x.layout.width)
        y = emitter.op(
            "QTableGlobalAveragePoolToFloat",
            [x],
            unpadded(x.layout.rank),
            {},
            {"table": table},
            dtype=ir.DataType.FLOAT,
        )
        if x.layout.width != self.channels and not x.layout.is_unpadded:
            bounds = {"start": 0, "end": self.channels, "axis": -1}
            constants = {what: np.array([number], np.int64) for what, number in bounds.items()}
            y = emitter.standard("Slice", y, unpadded(x.layout.rank), constants)
        shape = {"shape": np.array(self.shape, np.int64)}
        return [emitter.standard("Reshape", y, unpadded(len(self.shape)), shape)]


def make_table_mean_to_float(
    covers: tuple[ir.Node, ...], x: Looked, y: ir.Value, keeps: bool, shape: Shape, channel_axis: int
) -> Candidate:
    """As make_table_mean, of the mean y in float32. keeps: whether it has the axes of x."""
    x_port = port(x.x, shape, channel_axis, x.dtype)
    kept = (0, channel_axis)
    axes = range(len(shape)) if keeps else kept
    y_shape = tuple(shape[axis] if axis in kept else 1 for axis in axes)
    sizes = tuple(-1 if axis == 0 else x_port.channels if axis in kept else 1 for axis in axes)
    return Candidate(
        covers,
        TableMeanToFloat(x.values, sizes, x_port.channels),
        (x_port,),
        (port_outside(y, y_shape, ir.DataType.FLOAT),),
    )


def make_table_mean(
    covers: tuple[ir.Node, ...], x: Looked, y: Quantized, shape: Shape, channel_axis: int
) -> Candidate:
    """The candidate for the mean over all axes of x but the first and that of the channels, which stay as 1.

    shape: of x, `[N, C, spatial...]` or, with another channel_axis, `[N, spatial..., C]`.
    """
    kept = (0, channel_axis)
    y_shape = tuple(size if axis in kept else 1 for axis, size in enumerate(shape))
    attributes: dict[str, Attribute] = {
        "y_scale": float(y.quantization.scale),
        "y_zero_point": y.quantization.island_zero_point,
    }
    return Candidate(
        covers,
        TableMean(x.values, attributes),
        (port(x.x, shape, channel_axis, x.dtype),),
        (port(y.value, y_shape, channel_axis, y.quantization.dtype),),
    )
