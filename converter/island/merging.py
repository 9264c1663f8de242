"""One node in the place of several that do the same with constants of their own."""

from collections.abc import Mapping, Sequence
from typing import Any

import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.edit import add_initializer, describe_as
from qudnn.converter.graph.names import Names

Inputs = Mapping[str, ir.Value | NDArray[Any]]


def one_for(
    nodes: Sequence[ir.Node],
    op_type: str,
    inputs: Inputs,
    y: tuple[ir.DataType, ir.Shape | None],
    names: Names,
    domain: str = DOMAIN,
) -> ir.Node:
    """A node with the names of these, not in the graph yet.

    inputs: by what they are; arrays become constants. y: the type and the shape of its result.
    """
    graph = nodes[0].graph
    assert isinstance(graph, ir.Graph)
    name = names.node("+".join(node.name or op_type for node in nodes))
    values = [
        value if isinstance(value, ir.Value) else add_initializer(graph, names.value(f"{name}/{what}"), value)
        for what, value in inputs.items()
    ]
    one = ir.node(op_type, values, domain=domain, name=name)
    describe_as(one, nodes[0])
    dtype, shape = y
    place = "island" if dtype == ir.DataType.INT8 else "result"
    result = one.outputs[0]
    result.name = names.value(f"{name}/{place}")
    result.type = ir.TensorType(dtype)
    result.shape = shape
    return one
