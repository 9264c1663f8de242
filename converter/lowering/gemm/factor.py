"""The operands of a matmul: two 8-bit tensors, computed or constant."""

from dataclasses import dataclass, replace
from typing import Any

import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.sizes import Shape, Size
from qudnn.converter.island.packing import Float32Array, Int8Array
from qudnn.converter.island.port import Port, port
from qudnn.converter.lowering.elementwise.binary import island_array


@dataclass(frozen=True)
class Factor:
    """One operand of a matmul, in its layout outside of the island.

    array: its elements, where they are constant. contracted: the axis that is summed over, one of the last
    two. scales, zero_points: vectors of one element, or of one for each index along the free axis, the other
    one of the last two.
    """

    value: ir.Value
    array: NDArray[Any] | None
    shape: Shape
    dtype: ir.DataType
    contracted: int
    scales: Float32Array
    zero_points: NDArray[Any]

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def free(self) -> int:
        """The one of the last two axes that is not summed over; a vector has none."""
        return 2 * self.rank - 3 - self.contracted

    @property
    def depth(self) -> Size:
        return self.shape[self.contracted]

    @property
    def is_per_tensor(self) -> bool:
        return self.scales.size == self.zero_points.size == 1

    @property
    def island_zero_points(self) -> Int8Array:
        return island_array(self.zero_points)

    def port(self, channel_axis: int) -> Port:
        """Of a computed factor, with this axis last inside."""
        return port(self.value, self.shape, channel_axis, self.dtype)

    def last_axis(self, facts: Facts) -> int:
        """Which of the last two axes is last inside: that which whoever writes the factor has there."""
        known = facts.channel_axis(self.value)
        return known if known in (self.contracted, self.free) else self.rank - 1

    def with_depth(self, depth: Size) -> "Factor":
        """With the number of columns or rows that the other factor has, where reading this one needs it."""
        if isinstance(self.depth, int) or not isinstance(depth, int) or self.contracted == self.rank - 1:
            return self
        shape = (*self.shape[: self.contracted], depth, *self.shape[self.contracted + 1 :])
        return replace(self, shape=shape)

    def as_row(self) -> "Factor":
        """A vector as a matrix of one row; a matrix as it is."""
        if self.rank > 1:
            return self
        array = None if self.array is None else self.array.reshape(1, -1)
        return replace(self, array=array, shape=(1, *self.shape), contracted=1)


def make_factor(
    value: ir.Value,
    array: NDArray[Any] | None,
    shape: Shape,
    dtype: ir.DataType,
    contracted: int,
    scales: Float32Array,
    zero_points: NDArray[Any],
) -> Factor:
    """A Factor; contracted counts from the end where negative.

    scales and zero_points: one element, a vector along the free axis, or such a vector with the other
    dimensions of the tensor, which are 1.
    """
    if not shape:
        raise Refusal(f"{value.name} is a single number")
    if array is not None and not array.size:
        raise Refusal(f"{value.name} is empty")
    if zero_points.size and (zero_points == zero_points.reshape(-1)[0]).all():
        zero_points = zero_points.reshape(-1)[:1]
    made = Factor(
        value, array, shape, dtype, contracted % len(shape), scales.reshape(-1), zero_points.reshape(-1)
    )
    for what, given in ("scales", scales), ("zero points", zero_points):
        if given.size != 1:
            _check(made, what, given)
    return made


def _check(made: Factor, what: str, given: NDArray[Any]) -> None:
    outputs = made.shape[made.free] if made.rank > 1 else 1
    along = given.size if given.ndim == 1 else given.shape[made.free - made.rank]
    if along != given.size:
        raise Refusal(f"the {what} of {made.value.name} differ in more than its rows or columns")
    if isinstance(outputs, int) and along != outputs:
        raise Refusal(f"it has {along} {what} for {outputs} rows or columns of {made.value.name}")
