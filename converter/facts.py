"""What is known of the values of a model's graph before it runs: types, shapes, layouts."""

import onnx_ir as ir
from onnx_ir.passes.common import ShapeInferencePass

from converter.constants import EIGHT_BIT
from converter.errors import Refusal
from converter.layout import Layout
from converter.sizes import Shape, Unknown


class Facts:
    """ONNX's shape inference, and what the frontends add where it knows nothing.

    It has no rules for com.microsoft's operators and gives every dynamic size a new name, so that the
    two branches of a residual could not be told to have one shape. What frontends learn comes first.
    """

    def __init__(self, model: ir.Model) -> None:
        inferred = ShapeInferencePass(check_type=False, strict_mode=False)(model.clone()).model
        self._dtypes: dict[str, ir.DataType] = {}
        self._shapes: dict[str, Shape] = {}
        self._layouts: dict[ir.Value, Layout] = {}
        for name, value in ir.convenience.create_value_mapping(
            inferred.graph, include_subgraphs=False
        ).items():
            if value.dtype is not None:
                self._dtypes[name] = value.dtype
            if value.shape is not None:
                self._shapes[name] = tuple(
                    size if isinstance(size, int) else Unknown(size.value or f"{name}[{axis}]")
                    for axis, size in enumerate(value.shape)
                )

    def dtype(self, value: ir.Value) -> ir.DataType | None:
        return self._dtypes.get(value.name or "")

    def shape(self, value: ir.Value) -> Shape | None:
        return self._shapes.get(value.name or "")

    def layout(self, value: ir.Value) -> Layout | None:
        """How the value lies inside the island that produces it, None where none does."""
        return self._layouts.get(value)

    def learn(self, value: ir.Value, dtype: ir.DataType, shape: Shape, layout: Layout) -> None:
        """Note what a frontend found out about a value that comes out of an island's op."""
        name = value.name or ""
        self._dtypes[name] = dtype
        self._shapes[name] = shape
        self._layouts[value] = layout

    def eight_bit(self, value: ir.Value) -> ir.DataType:
        dtype = self.dtype(value)
        if dtype is None:
            raise Refusal(f"the type of {value.name} is unknown")
        if dtype not in EIGHT_BIT:
            raise Refusal(f"it works on {dtype.name.lower()}, not on 8 bits")
        return dtype

    def shape_of_rank(self, value: ir.Value, rank: int) -> Shape:
        """The shape of value, of which the operator that reads it tells the rank at least."""
        if self.shape(value) is None:
            return tuple(Unknown(f"{value.name}[{axis}]") for axis in range(rank))
        return self.ranked(value, rank)

    def ranked(self, value: ir.Value, rank: int | None = None) -> Shape:
        """The shape of value, which has to be known, and to have `rank` dimensions."""
        shape = self.shape(value)
        if shape is None:
            raise Refusal(f"the shape of {value.name} is unknown")
        if rank is not None and len(shape) != rank:
            raise Refusal(f"its input has {len(shape)} dimensions, not {rank}")
        return shape
