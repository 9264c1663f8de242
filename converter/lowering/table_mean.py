"""QTableGlobalAveragePool: the mean of a function of each image in float32."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx_ir as ir

from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Attribute, Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.packing import Float32Array, scattered
from qudnn.converter.island.port import Quantized, Tensor, port
from qudnn.converter.lowering.rows import as_before, as_image
from qudnn.converter.lowering.table_binary import Looked


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
