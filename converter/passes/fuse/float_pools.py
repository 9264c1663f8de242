"""Transpose -> (Relu, Clip or SiLU) -> GlobalAveragePool or ReduceMean => FloatGlobalAveragePool -> Reshape

Transpose -> (Relu, Clip or SiLU) -> AveragePool => FloatAveragePool -> Transpose

Transpose -> (Relu or Clip) -> MaxPool => FloatMaxPool -> Transpose
"""

from collections.abc import Mapping

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.geometry import Geometry, read_geometry
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.float_result import LAST_BITS
from qudnn.converter.frontends.qoperator.common import read_axes
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import add_initializer, describe_as, is_needed, remove_orphans, take_place
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.permutations import after
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.crossings import ints, is_qudnn, set_ints
from qudnn.converter.island.emitter import Attribute
from qudnn.converter.passes.base import NodePass
from qudnn.converter.passes.fuse.float_activations import Activation, activation_before

_FIRST = [0, 3, 1, 2]  # channels last -> first
_SPATIAL = [2, 3]
_SOURCES = ("DynamicQConv", "FloatAveragePool", "FloatMaxPool", "QConvToFloat", "QLayerNormalizationToFloat")


class FloatPools(NodePass):
    """Of the float32 result of a convolution or normalization, as it lies.

    The pool's result is transposed; means, of one pixel, only get another shape.
    """

    REPORTED = True

    def matches(self, node: ir.Node) -> bool:
        pools = is_onnx(node, "AveragePool", "GlobalAveragePool", "MaxPool", "ReduceMean")
        return pools and _image(node) is not None

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        activation, transpose = _source(node)
        assert transpose is not None
        x = required_input(transpose, 0)
        if is_qudnn(maker(x), "DynamicQConv") and not is_onnx(node, "MaxPool", "GlobalAveragePool"):
            raise Refusal("its op adds up in another order, and nothing else of a dynamic model differs")
        if is_onnx(node, "MaxPool"):
            self._pool(node, "FloatMaxPool", x, max_window(node, activation))
            return
        if is_onnx(node, "AveragePool"):
            pool = self._pool(node, "FloatAveragePool", x, _mean_window(node, activation))
            self.context.notes[pool] = LAST_BITS
            return
        shape = self.context.facts.shape(node.outputs[0])
        pool = self._pool(node, "FloatGlobalAveragePool", x, activation.attributes, self._keeps(node), shape)
        if is_onnx(node, "ReduceMean"):
            self.context.notes[pool] = LAST_BITS

    def _keeps(self, node: ir.Node) -> bool:
        """Whether the result has the axes of the image."""
        if is_onnx(node, "GlobalAveragePool"):
            return True
        if read_axes(node, 1, 4, self.context.facts) != _SPATIAL:
            raise Refusal("it does not reduce the spatial axes alone")
        return bool(node.attributes.get_int("keepdims", 1))

    def _pool(
        self,
        node: ir.Node,
        op_type: str,
        x: ir.Value,
        attributes: Mapping[str, Attribute],
        keeps: bool = True,
        mean_shape: Shape | None = None,
    ) -> ir.Node:
        """Insert the op, and what gives its result to the consumers of the node.

        mean_shape: that of the node's result where it is a mean.
        """
        graph, y, names = node.graph, node.outputs[0], self.context.names
        assert isinstance(graph, ir.Graph)
        pool = ir.node(op_type, [x], dict(attributes), domain=DOMAIN, name=node.name)
        describe_as(pool, node)
        pooled = pool.outputs[0]
        pooled.name, pooled.type = names.value(f"{y.name}/pooled"), ir.TensorType(ir.DataType.FLOAT)
        if keeps:
            name = names.node(f"{y.name}/channels_first")
            channels = None if mean_shape is None else mean_shape[1]
            if isinstance(channels, int):
                sizes = np.array([-1, channels, 1, 1], np.int64)
                shape = add_initializer(graph, names.value(f"{name}/shape"), sizes)
                moved = ir.node("Reshape", [pooled, shape], name=name)
            else:
                moved = ir.node("Transpose", [pooled], {"perm": _FIRST}, name=name)
            for entry, index in list(y.uses()):
                if is_qudnn(entry, "QuantizeToIsland"):
                    set_ints(entry, "perm", after(_FIRST, ints(entry, "perm")))
                    entry.replace_input_with(index, pooled)
        else:
            name = names.node(f"{y.name}/squeezed")
            axes = add_initializer(graph, names.value(f"{name}/axes"), np.array([1, 2], np.int64))
            moved = ir.node("Squeeze", [pooled, axes], name=name)
        graph.insert_after(node, [pool, moved])
        take_place(y, moved.outputs[0])
        remove_orphans([node])
        remove_orphans([moved])
        return pool


def _source(node: ir.Node) -> tuple[Activation, ir.Node | None]:
    activation = activation_before(required_input(node, 0))
    if activation.silu and is_onnx(node, "MaxPool"):
        activation = Activation(required_input(node, 0))
    return activation, activation.value.producer()


def _image(node: ir.Node) -> ir.Value | None:
    """The image, channels-last, that the node pools after an activation, if an op of the domain made it."""
    _, transpose = _source(node)
    if not is_onnx(transpose, "Transpose") or "perm" not in transpose.attributes:
        return None
    if ints(transpose, "perm") != _FIRST:
        return None
    x = required_input(transpose, 0)
    return x if is_qudnn(maker(x), *_SOURCES) else None


def maker(x: ir.Value) -> ir.Node | None:
    """What makes a float32 result that lies channels last; a Slice takes off the channels that pad it."""
    source = x.producer()
    return required_input(source, 0).producer() if is_onnx(source, "Slice") else source


def max_window(node: ir.Node, activation: Activation) -> dict[str, Attribute]:
    """The attributes of FloatMaxPool for a MaxPool of what the activation gives."""
    if any(map(is_needed, node.outputs[1:])):
        raise Refusal("its indices are used")
    window = _window(node)
    return {
        "kernel_shape": window.kernel,
        "pads": window.pads,
        "strides": window.strides,
        "dilations": window.dilations,
        "ceil_mode": int(window.ceil_mode),
        **activation.clip,
    }


def _mean_window(node: ir.Node, activation: Activation) -> dict[str, Attribute]:
    window, with_pads = _window(node), node.attributes.get_int("count_include_pad", 0)
    if any(dilation != 1 for dilation in window.dilations):
        raise Refusal("its dilations are not 1")
    if window.ceil_mode and with_pads:
        raise Refusal("it counts padding, and its last windows may be partial")
    return {
        "kernel_shape": window.kernel,
        "pads": window.pads,
        "strides": window.strides,
        "ceil_mode": int(window.ceil_mode),
        "count_include_pad": with_pads,
        **activation.attributes,
    }


def _window(node: ir.Node) -> Geometry:
    return read_geometry(node, tuple(node.attributes.get_ints("kernel_shape", [])), None)
