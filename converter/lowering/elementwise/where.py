"""QWhere: an elementwise choice between two tensors, requantized to one scale by tables."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant_or_none
from qudnn.converter.graph.sizes import Shape, broadcast
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import Layout, unpadded
from qudnn.converter.island.packing import Int8Array
from qudnn.converter.island.port import Quantized, Tensor, port, port_outside
from qudnn.converter.lowering.elementwise.binary import island_array
from qudnn.converter.lowering.layout.concat import requantizing_table


@dataclass(frozen=True)
class Where:
    """branches: two; each an index into the tensors after the condition, or a constant of one element.

    tables: what brings each tensor to the result's quantization, None where it has it.
    """

    branches: tuple["int | Int8Array", ...]
    tables: tuple[Int8Array | None, ...]

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        condition, *values = tensors
        values = [emitter.plain(value) for value in values]
        layout = values[0].layout
        values = [
            value if table is None else emitter.op("QTable", [value], value.layout, {}, {"table": table})
            for value, table in zip(values, self.tables, strict=True)
        ]
        if layout.perm_in != sorted(layout.perm_in):
            condition = emitter.standard("Transpose", condition, condition.layout, perm=layout.perm_in)
        chosen = [
            values[branch]
            if isinstance(branch, int)
            else Tensor(emitter.constant("constant", branch), unpadded(1))
            for branch in self.branches
        ]
        return [emitter.op("QWhere", [condition, *chosen], layout, {})]


def make_where(
    covers: tuple[ir.Node, ...], condition: ir.Value, x: Quantized, y: Quantized, z: Quantized, facts: Facts
) -> Candidate:
    """The candidate for x where the condition holds and y elsewhere, into z's quantization."""
    constants = [constant_or_none(branch.value) for branch in (x, y)]
    if any(array is not None and array.size != 1 for array in constants):
        raise Refusal("it has a constant of more than one element")
    branches = [branch for branch, array in zip((x, y), constants, strict=True) if array is None]
    if not branches:
        raise Refusal("both of its branches are constant")
    shapes = [facts.ranked(branch.value) for branch in branches]
    axis = facts.channel_axis_of(*(branch.value for branch in branches))
    ports = [
        port(branch.value, shape, axis, branch.quantization.dtype)
        for branch, shape in zip(branches, shapes, strict=True)
    ]
    z_port = port(z.value, shapes[0], axis, z.quantization.dtype)
    if any(shape != shapes[0] for shape in shapes):
        raise Refusal(
            "its branches are not known to have one shape: "
            "fix their sizes in the model, or give equal sizes one name"
        )
    tables = tuple(requantizing_table(branch, z) for branch in branches)
    chosen: list[int | Int8Array] = []
    for branch, array in zip((x, y), constants, strict=True):
        if array is None:
            chosen.append(branches.index(branch))
        else:
            table = requantizing_table(branch, z)
            value = island_array(array).reshape(1)
            chosen.append(value if table is None else table[value.astype(np.int32) + 128])
    condition_port = port_outside(
        condition, _condition(condition, z_port.layout, shapes[0], facts), ir.DataType.BOOL
    )
    return Candidate(covers, Where(tuple(chosen), tables), (condition_port, *ports), (z_port,))


def _condition(condition: ir.Value, layout: Layout, shape: Shape, facts: Facts) -> Shape:
    """The shape of the condition, which has to be broadcast to the tensors inside of the island too."""
    found = facts.ranked(condition)
    if broadcast(shape, found) != shape:
        raise Refusal("its condition broadcasts it to a larger shape")
    if layout.perm_in != sorted(layout.perm_in) and (
        len(found) != len(shape) or condition.dtype != ir.DataType.BOOL
    ):
        raise Refusal("its condition must be transposed, and its shape or its type is not known")
    padded = not layout.is_unpadded and layout.width != layout.channels
    position = layout.channel_axis - len(shape)
    if padded and len(found) >= -position and found[position] != 1:
        raise Refusal("its condition differs by channel, and the island has padded channels")
    return found
