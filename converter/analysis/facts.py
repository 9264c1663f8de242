"""What is known of the values of a model's graph before it runs: types, shapes, axes of channels."""

from collections.abc import Callable, Sequence
from typing import Any

import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.channel_axes import wanted_axis
from qudnn.converter.analysis.dropped_dimensions import drops_dimensions
from qudnn.converter.analysis.inference import infer, shape_of
from qudnn.converter.analysis.node_shapes import inferred
from qudnn.converter.analysis.outside_shapes import outside_shape
from qudnn.converter.analysis.shape_values import Numbers, ShapeValues
from qudnn.converter.errors import IN_FLOAT, Refusal
from qudnn.converter.graph.constants import EIGHT_BIT
from qudnn.converter.graph.sizes import Computed, Shape, Size, Unknown, names_of, unknown
from qudnn.converter.island.port import Port


class Facts:
    """ONNX's shape inference, and what the frontends add where it knows nothing.

    It has no rules for com.microsoft's operators and gives every dynamic size a new name, so that the
    two branches of a residual could not be told to have one shape. What frontends learn comes first.
    """

    def __init__(self, model: ir.Model, declared: bool = True) -> None:
        """declared: whether shapes that the model declares of values count, see infer."""
        self.opsets = dict(model.opset_imports)
        self._dtypes: dict[str, ir.DataType] = {}
        self._shapes: dict[str, Shape] = {}
        self._learned: set[str] = set()  # names of values
        self._refined: set[str] = set()  # names of those of which ONNX's inference knows less
        self._doubtful: set[str] = set()  # names of those whose shapes nobody knows
        self._values = ShapeValues(self.shape)
        self._channel_axes: dict[ir.Value, int] = {}
        self._wanted_axes: dict[tuple[ir.Value, int, bool], int] = {}
        graph = infer(model, declared)
        for name, value in ir.convenience.create_value_mapping(graph, include_subgraphs=False).items():
            if value.dtype is not None:
                self._dtypes[name] = value.dtype
            shape = shape_of(value)
            if shape is not None:
                self._shapes[name] = shape
        self._computable: dict[str, bool] = {}  # by names of sizes
        self.size_places = _size_places(model.graph.inputs, self.shape)

    def can_compute(self, size: Size) -> bool:
        """Whether the size is known, or follows from the sizes of the model's inputs."""
        return all(map(self._can_compute_name, names_of(size)))

    def check_computable(self, *sizes: Size) -> None:
        """Raises Refusal where one of the sizes, which an op needs when it runs, cannot be computed."""
        for size in sizes:
            if not self.can_compute(size):
                raise Refusal(f"it needs {size}, which does not follow from the sizes of the model's inputs")

    def _can_compute_name(self, name: str) -> bool:
        if name not in self._computable:
            self._computable[name] = (
                all(map(self.can_compute, name.operands))
                if isinstance(name, Computed)
                else name in self.size_places
            )
        return self._computable[name]

    def dtype(self, value: ir.Value) -> ir.DataType | None:
        return self._dtypes.get(value.name or "")

    def shape(self, value: ir.Value) -> Shape | None:
        return self._shapes.get(value.name or "")

    def numbers(self, value: ir.Value) -> Shape | None:
        """The elements of a scalar or short vector of integers, as far as sizes known by name tell them."""
        found = self._values.of(value)
        return None if found is None or found.rank > 1 else found.elements

    def sizes_in(self, value: ir.Value) -> Numbers | None:
        """The same, with type and dimensions."""
        return self._values.of(value)

    def integers(self, value: ir.Value) -> NDArray[Any] | None:
        """The short integer tensor that the value is in any case; None where it may be another."""
        found = self._values.of(value)
        if found is None or not all(isinstance(number, int) for number in found.elements):
            return None
        return found.array.astype(found.dtype.numpy())

    def channel_axis(self, value: ir.Value) -> int | None:
        """The axis that is last inside of the island that produces the value, None where none does."""
        return self._channel_axes.get(value)

    def channel_axis_of(self, *values: ir.Value) -> int:
        """The axis of the first value that an island produces; if none is, the one that consumers want."""
        known = (self.channel_axis(value) for value in values)
        found = next((axis for axis in known if axis is not None), None)
        if found is not None:
            return found
        shape = self.shape(values[0])
        if shape is None:
            return 1
        # Asked once: a tensor with many consumers is asked for by each of them.
        asked = values[0], len(shape), len(shape) > 1 and isinstance(shape[1], int)
        if asked not in self._wanted_axes:
            self._wanted_axes[asked] = wanted_axis(values[0], shape)
        return self._wanted_axes[asked]

    def learn(self, port: Port) -> None:
        """Note what a frontend found out about a value that comes out of an island's op."""
        self.note_shape(port.value, port.dtype, port.shape)
        if not port.outside:
            self._channel_axes[port.value] = port.channel_axis

    def note_shape(self, value: ir.Value, dtype: ir.DataType, shape: Shape) -> None:
        """Note what a value is, whoever produces it."""
        before = self.shape(value)
        self._dtypes[value.name or ""] = dtype
        self._shapes[value.name or ""] = shape
        if before != shape:
            self._values.forget(value)
        if _count(before) < _count(shape):
            self._refined.add(value.name or "")
        self._learned.add(value.name or "")
        self._doubtful.discard(value.name or "")

    def pass_on(self, node: ir.Node) -> None:
        """Note what follows for the results of a node outside of islands."""
        if drops_dimensions(node, self.shape) or any(
            value is not None and value.name in self._doubtful for value in node.inputs
        ):
            self._doubt(node.outputs)
            return
        found = outside_shape(node, self)
        if found is not None:
            self._refine(node.outputs[0], found)
        elif any(value is not None and self._may_tell(value) for value in node.inputs):
            opset = self.opsets.get("", 0)
            for output, dtype, shape in inferred(node, opset, self.dtype, self.shape, self.numbers):
                self._dtypes.setdefault(output.name or "", dtype)
                self._refine(output, shape)

    def _doubt(self, values: Sequence[ir.Value]) -> None:
        """Forget the shapes of the values, and with each node those of what is computed from them."""
        for value in values:
            self._doubtful.add(value.name or "")
            self._shapes.pop(value.name or "", None)
            self._values.forget(value)

    def _may_tell(self, value: ir.Value) -> bool:
        """Whether more is known of the operand here than ONNX's inference has seen."""
        return value.name in self._refined or (not value.is_initializer() and self.numbers(value) is not None)

    def _refine(self, value: ir.Value, found: Shape) -> None:
        """Note a shape that follows from the operands; where it lacks a number, one that is known stays."""
        name = value.name or ""
        before = self.shape(value)
        if name in self._learned:
            return
        others = found if before is None or len(before) != len(found) else before
        merged = tuple(
            new if isinstance(new, int) or not isinstance(old, int) else old
            for old, new in zip(others, found, strict=True)
        )
        if _count(merged) > _count(before):
            self._refined.add(name)
        if merged != before:
            self._shapes[name] = merged
            self._values.forget(value)

    def eight_bit(self, value: ir.Value) -> ir.DataType:
        dtype = self.dtype(value)
        if dtype is None:
            raise Refusal(f"the type of {value.name} is unknown")
        if dtype.is_floating_point():
            raise Refusal(IN_FLOAT)
        if dtype not in EIGHT_BIT:
            raise Refusal(f"it works on {dtype.name.lower()}, not on 8 bits")
        return dtype

    def shape_of_rank(self, value: ir.Value, rank: int) -> Shape:
        """The shape of value, of which the operator that reads it tells the rank at least."""
        if self.shape(value) is None:
            return tuple(unknown(f"{value.name}[{axis}]") for axis in range(rank))
        return self.ranked(value, rank)

    def ranked(self, value: ir.Value, *ranks: int, least: int = 0) -> Shape:
        """The shape of value, which has to be known, and to have one of these numbers of dimensions.

        least: and no fewer than these.
        """
        shape = self.shape(value)
        if shape is None:
            raise Refusal(f"the shape of {value.name} is unknown")
        if ranks and len(shape) not in ranks:
            raise Refusal(f"its input has {len(shape)} dimensions, not {' or '.join(map(str, ranks))}")
        if len(shape) < least:
            raise Refusal(f"its input has {len(shape)} dimensions")
        return shape


def _size_places(
    inputs: Sequence[ir.Value], shape_of: Callable[[ir.Value], Shape | None]
) -> dict[str, tuple[ir.Value, int]]:
    """Which axes of inputs have the sizes of these names."""
    places: dict[str, tuple[ir.Value, int]] = {}
    for value in inputs:
        for axis, size in enumerate(shape_of(value) or ()):
            if isinstance(size, Unknown) and size == unknown(names_of(size)[0]):
                places.setdefault(names_of(size)[0], (value, axis))
    return places


def _count(shape: Shape | None) -> int:
    """How much is known: the number of dimensions, and sizes."""
    return -1 if shape is None else sum(isinstance(size, int) for size in shape)
