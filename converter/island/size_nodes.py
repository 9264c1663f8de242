"""Nodes that compute sizes when the model runs, of those of its inputs."""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx_ir as ir

from qudnn.converter.graph.bounds import is_never_negative
from qudnn.converter.graph.edit import add_initializer
from qudnn.converter.graph.names import Names
from qudnn.converter.graph.sizes import Computed, Size


class SizeNodes:
    """Each size is computed once, before all other nodes of the graph; each is a vector of one number.

    places: inputs of the graph, and the axis, that have the sizes of these names.
    """

    def __init__(self, graph: ir.Graph, names: Names, places: Mapping[str, tuple[ir.Value, int]]) -> None:
        self._graph, self._names, self._places = graph, names, places
        self._made: dict[object, ir.Value] = {}
        self._last: ir.Node | None = None

    def vector(self, sizes: Sequence[Size]) -> ir.Value:
        """The int64 vector of these sizes, which follow from those of the inputs."""
        key = ("vector", *sizes)
        if not self._has(key):
            parts: list[ir.Value] = []
            numbers: list[int] = []
            for size in sizes:
                if isinstance(size, int):
                    numbers.append(size)
                    continue
                if numbers:
                    parts.append(self._constant(numbers))
                numbers = []
                parts.append(self._size(size))
            if numbers or not parts:
                parts.append(self._constant(numbers))
            whole = parts[0] if len(parts) == 1 else self._node("Concat", parts, len(sizes), axis=0)
            self._made[key] = whole
        return self._made[key]

    def scalar(self, size: Size) -> ir.Value:
        """The size as an int64 without dimensions."""
        key = ("scalar", size)
        if not self._has(key):
            self._made[key] = self._node("Squeeze", [self.vector([size])], None)
        return self._made[key]

    def _has(self, key: object) -> bool:
        """Whether it was made, and nobody has removed it since."""
        found = self._made.get(key)
        return found is not None and found.graph is self._graph

    def _size(self, size: Size) -> ir.Value:
        if isinstance(size, int):
            return self._constant([size])
        if not self._has(size):
            first, *others = sorted(size.terms, key=lambda term: term[1] < 0)  # to subtract from
            total = self._product(*first)
            for names, factor in others:
                operator = "Sub" if factor < 0 else "Add"
                total = self._node(operator, [total, self._product(names, abs(factor))])
            self._made[size] = total
        return self._made[size]

    def _product(self, names: Sequence[str], factor: int) -> ir.Value:
        key = (tuple(names), factor)
        if not self._has(key):
            if factor != 1 or not names:
                number = self._constant([factor])
                found = self._node("Mul", [self._product(names, 1), number]) if names else number
            elif len(names) > 1:
                found = self._node("Mul", [self._product(names[:-1], 1), self._named(names[-1])])
            else:
                found = self._named(names[0])
            self._made[key] = found
        return self._made[key]

    def _named(self, name: str) -> ir.Value:
        if not self._has(name):
            if isinstance(name, Computed):
                found = self._computed(name)
            else:
                value, axis = self._places[name]
                found = self._node("Gather", [self._shape(value), self._constant([axis])])
            self._made[name] = found
        return self._made[name]

    def _computed(self, name: Computed) -> ir.Value:
        a, b = map(self._size, name.operands)
        if name.operator == "Div" and not is_never_negative(name.operands[0]):
            # ONNX's Div rounds towards 0, its Mod has the sign of the divisor.
            a = self._node("Sub", [a, self._node("Mod", [a, b])])
        return self._node(name.operator, [a, b])

    def _shape(self, value: ir.Value) -> ir.Value:
        key = ("shape", value)
        if not self._has(key):
            rank = None if value.shape is None else len(value.shape)
            self._made[key] = self._node("Shape", [value], rank)
        return self._made[key]

    def _constant(self, numbers: Sequence[int]) -> ir.Value:
        key = ("numbers", *numbers)
        if not self._has(key):
            array = np.array(numbers, np.int64)
            self._made[key] = add_initializer(self._graph, self._names.value("sizes/numbers"), array)
        return self._made[key]

    def _node(
        self, op_type: str, inputs: Sequence[ir.Value], length: int | None = 1, **attributes: int
    ) -> ir.Value:
        """A node's result, of so many numbers; None: it has no dimensions."""
        name = self._names.node(f"sizes/{op_type.lower()}")
        node = ir.node(op_type, inputs, attributes=attributes, name=name)
        (y,) = node.outputs
        y.name = self._names.value(f"{name}/result")
        y.type = ir.TensorType(ir.DataType.INT64)
        y.shape = ir.Shape([] if length is None else [length])
        if self._last is not None and self._last.graph is self._graph:
            self._graph.insert_after(self._last, node)
        elif len(self._graph):
            self._graph.insert_before(self._graph[0], node)
        else:
            self._graph.append(node)
        self._last = node
        return y
