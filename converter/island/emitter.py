"""Writing the nodes of an op into the model."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.edit import describe_as
from qudnn.converter.graph.names import Names
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.dynamic_matmuls import WeightTerms
from qudnn.converter.island.layout import ALIGNMENT, Layout, padded, plain, unpadded
from qudnn.converter.island.port import Tensor
from qudnn.converter.island.size_nodes import SizeNodes

Constant = NDArray[Any] | Shape  # a Shape: an int64 vector of sizes that may be known only at run time
Attribute = int | float | str | Sequence[int] | Sequence[float] | Sequence[str]


class Emitter:
    """Collects the nodes of one op; `name` is that of the node they stand for, and the first op's.

    moved_before: tensors that were brought into other layouts, shared by the ops of a model; so are sizes.
    """

    def __init__(
        self,
        graph: ir.Graph,
        names: Names,
        name: str,
        source: ir.Node,
        moved_before: dict[Tensor, dict[Layout, Tensor]],
        sizes: SizeNodes,
    ) -> None:
        self.nodes: list[ir.Node] = []
        self._graph = graph
        self._names = names
        self._name = name
        self._source = source
        self._named = False
        self._moved = moved_before
        self._sizes = sizes

    def op(
        self,
        op_type: str,
        tensors: Iterable[Tensor],
        layout: Layout,
        attributes: Mapping[str, Attribute],
        constants: Mapping[str, Constant] | None = None,
        domain: str = DOMAIN,
        dtype: ir.DataType = ir.DataType.INT8,
    ) -> Tensor:
        """The node that does the work; its inputs are the tensors followed by the constants.

        dtype: of the result; results of other types than int8 are outside of the island.
        """
        return self.ops(op_type, tensors, [(layout, dtype)], attributes, constants, domain)[0]

    def ops(
        self,
        op_type: str,
        tensors: Iterable[Tensor | None],
        results: Sequence[tuple[Layout, ir.DataType]],
        attributes: Mapping[str, Attribute],
        constants: Mapping[str, Constant] | None = None,
        domain: str = DOMAIN,
    ) -> list[Tensor]:
        """As op, of a node with several results. None: an input that it leaves out."""
        name = self._names.node(f"{self._name}/{op_type.lower()}") if self._named else self._name
        inputs = [None if tensor is None else tensor.value for tensor in tensors]
        inputs += [self.numbers(what, given) for what, given in (constants or {}).items()]
        node = ir.node(
            op_type,
            inputs,
            attributes=dict(attributes),
            domain=domain,
            name=name,
            num_outputs=len(results),
        )
        if not self._named:
            describe_as(node, self._source)
        self._named = True
        self.nodes.append(node)
        return [
            self._result(value, layout, name + ("/island" if dtype == ir.DataType.INT8 else "/result"), dtype)
            for value, (layout, dtype) in zip(node.outputs, results, strict=True)
        ]

    def standard(
        self,
        op_type: str,
        tensor: Tensor,
        layout: Layout,
        constants: Mapping[str, Constant] | None = None,
        rank: int | None = None,
        **attributes: Attribute,
    ) -> Tensor:
        """A step on the way: an operator of ONNX that moves the elements of one tensor.

        rank: of the result inside the island, where that is not the layout's.
        """
        inputs = [tensor.value, *(self.numbers(what, given) for what, given in (constants or {}).items())]
        name = self._names.node(f"{self._name}/{op_type.lower()}")
        node = ir.node(op_type, inputs, attributes=attributes, name=name)
        self.nodes.append(node)
        dtype = tensor.value.dtype or ir.DataType.INT8
        return self._result(node.outputs[0], layout, f"{name}/{_place(dtype)}", dtype, rank)

    def vector(
        self,
        op_type: str,
        inputs: Sequence[ir.Value],
        dtype: ir.DataType = ir.DataType.FLOAT,
        **attributes: Attribute,
    ) -> Tensor:
        """An operator of ONNX on vectors outside of the island; its result has this type."""
        name = self._names.node(f"{self._name}/{op_type.lower()}")
        node = ir.node(op_type, inputs, attributes=attributes, name=name)
        self.nodes.append(node)
        return self._result(node.outputs[0], unpadded(1), f"{name}/result", dtype)

    def numbers(self, what: str, given: Constant) -> ir.Value:
        """An initializer; of sizes of which some are not known, what computes them."""
        if isinstance(given, np.ndarray):
            return self.constant(what, given)
        if all(isinstance(size, int) for size in given):
            return self.constant(what, np.array(given, np.int64))
        return self._sizes.vector(given)

    def constant(self, what: str, array: NDArray[Any]) -> ir.Value:
        """An initializer, named after the op and its role."""
        tensor = ir.tensor(array, name=self._names.value(f"{self._name}/{what}"))
        value = ir.Value(
            name=tensor.name,
            type=ir.TensorType(tensor.dtype),
            shape=ir.Shape(array.shape),
            const_value=tensor,
        )
        self._graph.initializers.add(value)
        return value

    def moved(self, tensor: Tensor, layout: Layout) -> Tensor:
        """The tensor in another layout; a single channel may become several."""
        if tensor.layout == layout:
            return tensor
        done = self._moved.setdefault(tensor, {})
        if layout not in done:
            done[layout] = self._move(tensor, layout)
        return done[layout]

    def plain(self, tensor: Tensor) -> Tensor:
        """The tensor in the plain layout."""
        layout = tensor.layout
        return self.moved(tensor, plain(layout.rank, layout.channel_axis, layout.channels))

    def dense(self, tensor: Tensor) -> Tensor:
        """The tensor, without its gaps where these make at least half of it."""
        return self.plain(tensor) if tensor.layout.is_sparse else tensor

    def repeated(self, tensor: Tensor, channels: Sequence[int]) -> Tensor:
        """A tensor of these channels of the given one, of which some may come several times."""
        layout = plain(tensor.layout.rank, tensor.layout.channel_axis, len(channels))
        if list(channels) == list(range(tensor.layout.channels)):
            return tensor
        indices = np.zeros(layout.width, np.int64)
        indices[: len(channels)] = np.array(tensor.layout.positions)[channels]
        return self.standard("Gather", tensor, layout, {"channels": indices}, axis=-1)

    def _move(self, tensor: Tensor, layout: Layout) -> Tensor:
        source = tensor.layout.positions
        first = source[0]
        stop = first + padded(layout.channels)
        contiguous = source == tuple(range(first, first + layout.channels))
        if layout.is_plain and contiguous and first % ALIGNMENT == 0 and stop <= tensor.layout.width:
            bounds = {"start": first, "end": stop, "axis": -1}
            constants = {what: np.array([number], np.int64) for what, number in bounds.items()}
            return self.standard("Slice", tensor, layout, constants)
        if len(source) == 1:
            source *= layout.channels
        indices = np.full(layout.width, first, np.int64)
        indices[list(layout.positions)] = source
        return self.standard("Gather", tensor, layout, {"channels": indices}, axis=-1)

    def quantized(
        self,
        x: Tensor,
        layout: Layout,
        part: WeightTerms,
        pads: Sequence[int] = (),
        aligned: bool = True,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """A float32 tensor, quantized with the range it has, for a matmul of it with weights.

        Results: the tensor inside the island, bias and multiplier of the matmul.
        pads: of all of its axes inside, in ONNX Pad's form; by default those of the channels.
        aligned: whether the parts of other matmuls may follow this one's.
        """
        terms = part.aligned() if aligned else part
        constants = [self.constant(what, array) for what, array in terms._asdict().items()]
        node = ir.node(
            "DynamicQuantizeToIsland",
            [x.value, *constants],
            attributes={"perm": layout.perm_in, "pads": pads or layout.pads_in},
            domain=DOMAIN,
            name=self._names.node(f"{x.value.name}/to_island"),
            num_outputs=3,
        )
        self.nodes.append(node)
        y, bias, multiplier = node.outputs
        results = (
            self._result(y, layout, f"{x.value.name}/entered"),
            self._result(bias, unpadded(1), f"{x.value.name}/bias", ir.DataType.INT32),
            self._result(multiplier, unpadded(1), f"{x.value.name}/multiplier", ir.DataType.FLOAT),
        )
        bias.shape = multiplier.shape = ir.Shape(terms.weight_sum.shape)
        return results

    def written(self, node: ir.Node, layout: Layout, name: str, rank: int | None = None) -> Tensor:
        """Add a node with a result in the island."""
        self.nodes.append(node)
        return self._result(node.outputs[0], layout, name, rank=rank)

    def _result(
        self,
        value: ir.Value,
        layout: Layout,
        name: str,
        dtype: ir.DataType = ir.DataType.INT8,
        rank: int | None = None,
    ) -> Tensor:
        """Name and type a result: not every body lets ONNX infer its type."""
        rank = layout.rank if rank is None else rank
        value.name = self._names.value(name)
        value.type = ir.TensorType(dtype)
        value.shape = ir.Shape(([None] * (rank - 1) + [layout.width or None]) if rank else [])
        return Tensor(value, layout)


def _place(dtype: ir.DataType) -> str:
    """Where a result of this type lies, for names."""
    return "island" if dtype == ir.DataType.INT8 else "result"
