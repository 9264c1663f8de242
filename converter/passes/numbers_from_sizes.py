"""sqrt(float(size)), and what else is computed in float32 of sizes that are known -> constants"""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from converter.constants import constant_or_none, required_input
from converter.facts import Facts
from converter.graph_edit import add_initializer, remove_orphans
from converter.passes.base import Pass

_MOST = 64  # elements

# Rounded correctly, so that NumPy has the bits of any other implementation.
_FUNCTIONS: dict[str, Callable[..., NDArray[Any]]] = {
    "Div": np.divide,
    "Mul": np.multiply,
    "Sqrt": np.sqrt,
}


class NumbersFromSizes(Pass):
    """Such as the scale of an attention, which exporters compute of the shape of its queries."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        facts, modified = self.context.facts, False
        for node in list(model.graph):
            array = _computed(node, facts) if facts is not None else None
            if array is None or node.outputs[0].is_graph_output():
                continue
            name = self.context.new_value_name(f"{node.outputs[0].name}/number")
            node.outputs[0].replace_all_uses_with(add_initializer(model.graph, name, array))
            remove_orphans([node])
            modified = True
        return ir.passes.PassResult(model, modified)


def _computed(node: ir.Node, facts: Facts) -> NDArray[Any] | None:
    """The node's result, float32, if it is known and small."""
    if node.domain:
        return None
    if node.op_type == "Cast" and node.attributes["to"].as_int() == ir.DataType.FLOAT:
        return _sizes(required_input(node, 0), facts)
    if node.op_type not in _FUNCTIONS:
        return None
    arrays = [constant_or_none(value) for value in node.inputs if value is not None]
    if not all(array is not None and array.dtype == np.float32 and array.size <= _MOST for array in arrays):
        return None
    with np.errstate(all="ignore"):
        return _FUNCTIONS[node.op_type](*arrays)


def _sizes(value: ir.Value, facts: Facts) -> NDArray[np.float32] | None:
    """The sizes that a vector or scalar of integers holds, as float32."""
    numbers, shape = facts.numbers(value), facts.shape(value)
    if numbers is None or shape is None or facts.dtype(value) != ir.DataType.INT64:
        return None
    known = [number for number in numbers if isinstance(number, int)]
    if len(known) != len(numbers) or len(shape) > 1:
        return None
    return np.array(known, np.int64).astype(np.float32).reshape([len(known)] * len(shape))
