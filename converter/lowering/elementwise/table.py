"""QTable: any function of one 8-bit tensor, computed at conversion for all 256 values."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnx_ir as ir
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.evaluate import runtime
from qudnn.converter.graph.constants import EIGHT_BIT, Quantization, constant
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.packing import Int8Array, scattered
from qudnn.converter.island.port import Tensor, port
from qudnn.converter.lowering.each import Each


def make_table(
    covers: tuple[ir.Node, ...],
    x: ir.Value,
    y: ir.Value,
    x_dtype: ir.DataType,
    values: NDArray[Any],
    facts: Facts,
) -> Candidate:
    """The candidate for `y = values[x - smallest x]`; values: `[256]`, of y's type."""
    shape = facts.ranked(x)
    axis = facts.channel_axis_of(x)
    return Candidate(
        covers,
        Each("QTable", {}, {"table": island_table(values)}),
        (port(x, shape, axis, x_dtype),),
        (port(y, shape, axis, ir.DataType.from_numpy(values.dtype)),),
    )


@dataclass(frozen=True)
class ChannelTable:
    """values: `[C, 256]`, as they are inside an island."""

    values: Int8Array

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = emitter.dense(tensors[0])
        table = scattered(self.values, 0, x.layout.positions, x.layout.width)
        return [emitter.op("QTable", [x], x.layout, {}, {"table": table})]


def make_channel_table(
    covers: tuple[ir.Node, ...],
    x: ir.Value,
    y: ir.Value,
    x_dtype: ir.DataType,
    values: NDArray[Any],
    axis: int,
    facts: Facts,
) -> Candidate:
    """The candidate for `y = values[c, x - smallest x]`, c along axis; values: `[C, 256]`, of y's type."""
    shape = facts.ranked(x)
    return Candidate(
        covers,
        ChannelTable(np.stack([island_table(row) for row in values])),
        (port(x, shape, axis, x_dtype),),
        (port(y, shape, axis, ir.DataType.from_numpy(values.dtype)),),
    )


def island_table(values: NDArray[Any]) -> Int8Array:
    """Values `[256]` of an 8-bit type, as they are inside an island."""
    assert values.shape == (256,) and ir.DataType.from_numpy(values.dtype) in EIGHT_BIT
    return values if values.dtype == np.int8 else (values ^ np.uint8(128)).view(np.int8)


def requantizing(x: Quantization, y: Quantization) -> Int8Array:
    """The table `[256]` that QuantizeLinear after DequantizeLinear is, inside an island."""
    real = np.arange(-128 - x.island_zero_point, 128 - x.island_zero_point).astype(np.float32) * x.scale
    low, high = -128 - y.island_zero_point, 127 - y.island_zero_point
    with np.errstate(over="ignore"):
        steps = np.rint(np.clip(real / y.scale, np.float32(low), np.float32(high)))
    table: Int8Array = (steps.astype(np.int32) + y.island_zero_point).astype(np.int8)
    return table


def all_values(dtype: ir.DataType) -> NDArray[Any]:
    """All 256 of an 8-bit type, ascending: the order of tables."""
    bounds = np.iinfo(dtype.numpy())
    return np.arange(bounds.min, bounds.max + 1).astype(dtype.numpy())


def compute_table(node: ir.Node, x: ir.Value, dtype: ir.DataType, opsets: Mapping[str, int]) -> NDArray[Any]:
    """What onnxruntime's CPU provider makes of all values of x (8 bits wide) at a node's input.

    Its other inputs have to be constants.
    """
    proto = ir.to_proto(node)
    assert isinstance(proto, onnx.NodeProto)
    constants = {
        value.name or "": constant(value, f"input {index}")
        for index, value in enumerate(node.inputs)
        if value is not None and value is not x
    }
    if len(node.outputs) != 1:
        raise Refusal("it has several outputs")
    return run_chain([proto], x.name or "", dtype, node.outputs[0].name or "", constants, opsets)


class Channels(NamedTuple):
    """The number of channels that a tensor has along an axis; `rank` is 2 or more."""

    rank: int
    axis: int
    number: int

    @property
    def values_axis(self) -> int:
        """An axis for values, of a tensor that has nothing but them and the channels."""
        return self.rank - 1 if self.axis != self.rank - 1 else self.rank - 2

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(
            {self.axis: self.number, self.values_axis: 256}.get(axis, 1) for axis in range(self.rank)
        )


def run_chain(
    nodes: list[onnx.NodeProto],
    x: str,
    dtype: ir.DataType,
    y: str,
    constants: Mapping[str, NDArray[Any]],
    opsets: Mapping[str, int],
    channels: Channels | None = None,
    y_dtypes: Collection[ir.DataType] = EIGHT_BIT,
) -> NDArray[Any]:
    """The values y `[256]` that nodes make of all values of x, on onnxruntime's CPU provider.

    opsets: version by domain. The nodes have to be functions of each element alone, or, where channels
    are given, of it and its channel: y is `[C, 256]` then. y_dtypes: of which y has one.
    """
    shape, axis = ((256,), 0) if channels is None else (channels.shape, channels.values_axis)
    graph = helper.make_graph(
        nodes,
        "table",
        [helper.make_tensor_value_info(x, int(dtype), shape)],
        [helper.make_empty_tensor_value_info(y)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    model = helper.make_model(graph, opset_imports=imports, ir_version=8)
    values = _run(model.SerializeToString(deterministic=True), dtype, shape, axis)
    if values.shape != shape or ir.DataType.from_numpy(values.dtype) not in y_dtypes:
        types = " or ".join(sorted(dtype.name.lower() for dtype in y_dtypes))
        raise Refusal(f"it does not map each 8-bit value to one number in {types}")
    return values if channels is None else np.moveaxis(values, axis, -1).reshape(-1, 256)


@cache
def _run(model: bytes, dtype: ir.DataType, shape: tuple[int, ...], axis: int) -> NDArray[Any]:
    """What the model makes of a tensor of this shape that holds all values along the axis."""
    onnxruntime = runtime()
    x = np.broadcast_to(np.expand_dims(all_values(dtype), [a for a in range(len(shape)) if a != axis]), shape)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        (values,) = session.run(None, {session.get_inputs()[0].name: np.ascontiguousarray(x)})
    except Exception as error:  # onnxruntime has no common type of error
        raise Refusal(f"onnxruntime does not run it on all 8-bit values: {error}") from error
    result: NDArray[Any] = values
    result.flags.writeable = False
    return result
