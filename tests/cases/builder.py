"""A few lines' worth of ONNX model building."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import onnx
from onnx import helper, numpy_helper

from qudnn.converter.domain import graphs_within

Array: TypeAlias = np.ndarray[Any, Any]
Shape: TypeAlias = Sequence[int | str]

MICROSOFT = "com.microsoft"
SHORT = {"uint8": "u8", "int8": "s8"}


class Case(Protocol):
    """A model and the inputs to run it with."""

    @property
    def id(self) -> str:
        """A readable name, unique among the cases of its kind; what has the default value is left out."""

    def model(self, opset: int = 13) -> onnx.ModelProto:
        """The model over this opset. Its batch dimension is symbolic."""

    def inputs(self, batch: int = 2) -> dict[str, Array]:
        """The same random inputs every time, for this batch size."""


class GraphBuilder:
    """Collects nodes, constants, inputs and outputs, and makes the model of them."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, dtype: str, shape: Shape) -> str:
        """Declares a graph input."""
        self.inputs.append(value_info(name, dtype, shape))
        return name

    def output(self, name: str, dtype: str, shape: Shape) -> str:
        """Declares a graph output."""
        self.outputs.append(value_info(name, dtype, shape))
        return name

    def constant(self, name: str, value: Any, dtype: str | None = None) -> str:
        """Adds an initializer."""
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def node(
        self, op_type: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: Any
    ) -> str:
        """Adds a node of one output, named after it."""
        self.nodes.append(
            helper.make_node(op_type, inputs, [output], name=f"{output}_node", domain=domain, **attributes)
        )
        return output

    def parameters(self, name: str, scale: float, zero_point: int, dtype: str) -> list[str]:
        """Adds the scale and the zero point of the tensor `name`; gives their names."""
        return [
            self.constant(f"{name}_scale", scale, "float32"),
            self.constant(f"{name}_zero_point", zero_point, dtype),
        ]

    def identity(self, x: str, output: str, dtype: str, channels: int, scale: float, zero_point: int) -> str:
        """Adds a 1x1 QLinearConv whose result has the values of x: it makes an island for what follows.

        On its own a pool or an addition is not worth the crossings, and the converter leaves it.
        """
        inputs = [
            x,
            *self.parameters(x, 1.0, zero_point, dtype),
            self.constant(f"{output}_w", np.eye(channels).reshape(channels, channels, 1, 1), "int8"),
            *self.parameters(f"{output}_w", scale, 0, "int8"),
            *self.parameters(output, scale, zero_point, dtype),
        ]
        return self.node("QLinearConv", inputs, output)

    def model(self, opset: int, functions: Sequence[onnx.FunctionProto] = ()) -> onnx.ModelProto:
        """The model, checked. It imports the domains that its nodes and functions use."""
        graph = helper.make_graph(self.nodes, "test", self.inputs, self.outputs, self.constants)
        domains = {node.domain for each in graphs_within(graph) for node in each.node}
        domains |= {imported.domain for function in functions for imported in function.opset_import}
        imports = [helper.make_opsetid("", opset)]
        imports += [helper.make_opsetid(domain, 1) for domain in sorted(domains - {""})]
        # The oldest IR version that has functions, and goes with the opset.
        ir_version = max(8, helper.find_min_ir_version_for(imports[:1]))
        model = helper.make_model(graph, opset_imports=imports, functions=functions, ir_version=ir_version)
        onnx.checker.check_model(model)
        return model


def value_info(name: str, dtype: str, shape: Shape) -> onnx.ValueInfoProto:
    """A typed graph input or output."""
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)


def integers(rng: np.random.Generator, dtype: str, shape: Sequence[int]) -> Array:
    """Random values over the whole range of an 8-bit dtype, or of bool."""
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    bounds = np.iinfo(dtype)
    return rng.integers(bounds.min, bounds.max, shape, dtype, endpoint=True)


TIES_MULTIPLIER = 2.0**-18


def ties(count: int) -> Array:
    """int32 sums that TIES_MULTIPLIER takes to n + 1/2 or one step beside it, for n in -128 to 127.

    The larger ones are beyond 2^24, so that float32 rounds the step away and makes a tie of it: each
    must still be rounded to even, whatever was added to get there.
    """
    n = np.arange(count) * 256 // count - 128
    return (2 * n + 1) * 2**17 + np.arange(count) % 3 - 1


def seed_of(text: str) -> int:
    """A seed that depends on the text alone."""
    return int.from_bytes(text.encode()[-8:], "little") ^ len(text)


def by_id(value: object) -> str:
    """The `ids` argument of pytest.mark.parametrize: cases by their id."""
    return value.id if hasattr(value, "id") else str(value)
