"""Heads of an attention that are in an island until the attention reads them: exits that move nothing."""

from collections.abc import Iterable
from typing import NamedTuple

import onnx_ir as ir

from qudnn.converter.context import Context
from qudnn.converter.errors import Refusal
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.permutations import after
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.crossings import ints, is_qudnn
from qudnn.converter.island.emitter import Attribute
from qudnn.converter.island.layout import ALL
from qudnn.converter.passes.fuse.attention_operands import COLUMNS, ROWS, Heads, Scale

_SIDE_BY_SIDE = [0, 1, 2, 3]


class _Left(NamedTuple):
    """What an exit makes of a tensor inside, `[B,S,heads,D]`."""

    source: ir.Value
    channels: int
    scale: float
    zero_point: int


class InsideHeads:
    """Finds the heads, and writes the exits once it is clear that an attention takes the place of all."""

    def __init__(self, graph: ir.Graph, context: Context) -> None:
        self._graph = graph
        self._context = context
        self._exits: dict[_Left, ir.Value] = {}

    def of_scores(self, scores: ir.Node) -> tuple[Heads, Heads]:
        """Queries and keys that a QBatchMatMulToFloat multiplies, less their zero points: whole numbers.

        Those are exact in TF32, too. The multiplier of the sums is left to scaled().
        """
        if ints(scores, "a_perm") != ROWS or ints(scores, "b_perm") != COLUMNS:
            raise Refusal("its queries and keys are not heads that lie side by side")
        if ints(scores, "y_perm") != _SIDE_BY_SIDE:
            raise Refusal("its scores are transposed")
        constants = [constant_or_none(required_input(scores, index)) for index in (2, 4, 5)]
        bias, b_zero_point, addend = constants
        if bias is None or b_zero_point is None or addend is None or bias.any() or addend.any():
            raise Refusal("its scores have a bias")
        if b_zero_point.size != 1:
            raise Refusal("its keys have several zero points")
        shape = self._context.facts.ranked(scores.outputs[0], len(ROWS))
        batch, number, queries, keys = shape
        zero_points = scores.attributes["a_zero_point"].as_int(), int(b_zero_point.reshape(()))
        found = [
            self._part(scores, index, (batch, length, number), zero_point)
            for index, (length, zero_point) in enumerate(zip((queries, keys), zero_points, strict=True))
        ]
        return found[0], found[1]

    def scaled(self, factor: Scale, scores: ir.Node) -> Scale:
        """The factor of the scores, times the multiplier of their sums."""
        multiplier = constant_or_none(required_input(scores, 3))
        if multiplier is None or multiplier.size != 1:
            raise Refusal("its scores have several multipliers")
        return factor._replace(number=float(multiplier.reshape(())) * factor.number)

    def of_values(self, value: ir.Value) -> Heads | None:
        """Values `[B,heads,N,C]` that leave an island, or are transposed in it before they do."""
        exit_, facts = value.producer(), self._context.facts
        if exit_ is None or not is_qudnn(exit_, "DequantizeFromIsland"):
            return None
        source, perm = required_input(exit_, 0), ints(exit_, "perm")
        while is_onnx(source.producer(), "Transpose"):
            transpose = source.producer()
            assert transpose is not None
            source, perm = required_input(transpose, 0), after(ints(transpose, "perm"), perm)
        if perm != ROWS:
            return None
        shape = facts.ranked(value, len(ROWS))
        if not isinstance(shape[1], int):
            raise Refusal("the number of heads of its values is unknown")
        attributes = exit_.attributes
        left = _Left(
            source,
            attributes["channels"].as_int(),
            attributes["scale"].as_float(),
            attributes["zero_point"].as_int(),
        )
        return self._heads(left, (shape[0], shape[2], shape[1], shape[3]), 0)

    def insert(self, values: Iterable[ir.Value], before: ir.Node) -> None:
        """Write the exits that make these values."""
        wanted = {*values}
        for left, value in self._exits.items():
            if value in wanted:
                attributes: dict[str, Attribute] = {
                    "perm": _SIDE_BY_SIDE,
                    "channels": left.channels,
                    "scale": left.scale,
                    "zero_point": left.zero_point,
                }
                name = self._context.names.node(f"{value.name}/exit")
                node = ir.Node(
                    DOMAIN,
                    "DequantizeFromIsland",
                    [left.source],
                    ir.convenience.convert_attributes(attributes),
                    outputs=[value],
                    name=name,
                )
                self._graph.insert_before(before, node)

    def _part(self, scores: ir.Node, index: int, shape: Shape, zero_point: int) -> Heads:
        operand = "ab"[index]
        starts, ends = ints(scores, f"{operand}_starts"), ints(scores, f"{operand}_ends")
        batch, length, number = shape
        first = starts[2]
        if not isinstance(number, int) or any(starts[:2] + starts[3:]):
            raise Refusal("its queries and keys are no heads of a known number")
        if ends[:2] != [ALL, ALL] or ends[2] not in (ALL, first + number):
            raise Refusal("its queries and keys are parts of a tensor that are not heads")
        left = _Left(required_input(scores, index), ends[3], 1.0, zero_point)
        return self._heads(left, (batch, length, number, ends[3]), first)

    def _heads(self, left: _Left, shape: Shape, first: int) -> Heads:
        if left not in self._exits:
            value = ir.Value(name=self._context.names.value(f"{left.source.name}/heads"))
            value.type = ir.TensorType(ir.DataType.FLOAT)
            self._context.facts.note_shape(value, ir.DataType.FLOAT, shape)
            self._exits[left] = value
        number = shape[2]
        assert isinstance(number, int)
        return Heads(self._exits[left], shape, number, Scale(), first)
