"""Conv (1x1, of one pixel, float weights) -> (Relu, Clip or SiLU) => FloatPointwise"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import constant_or_none, node_input, required_input
from qudnn.converter.graph.edit import add_initializer, replace_node
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.passes.base import NodePass
from qudnn.converter.passes.fuse.float_activations import activation_after

_NOTE = (
    "a GPU adds up its products in another order than onnxruntime's CPU provider: results may differ in "
    "their last bits"
)


class FloatPointwise(NodePass):
    """Of means that an op computed: squeeze-and-excite whose weights the quantizer left in float32."""

    REPORTED = True

    def matches(self, node: ir.Node) -> bool:
        return is_onnx(node, "Conv") and _comes_from_means(node)

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        w = _check(node, self.context.facts)
        activation = activation_after(node.outputs[0])
        last = activation.value.producer()
        assert last is not None
        bias = node_input(node, 2)
        name = node.name or self.context.names.node(f"{node.outputs[0].name}/pointwise")
        if bias is None:
            no_bias = np.full(w.shape[0], -0.0, np.float32)
            bias = add_initializer(graph, self.context.names.value(f"{name}/no_bias"), no_bias)
        inputs = [required_input(node, 0), required_input(node, 1), bias]
        fused = ir.node("FloatPointwise", inputs, dict(activation.attributes), domain=DOMAIN, name=name)
        replace_node(last, fused, described=node)
        self.context.notes[fused] = _NOTE


def _comes_from_means(node: ir.Node) -> bool:
    """Whether what the node reads is made of means of an op: each element by itself, in any shape."""
    x = node_input(node, 0)
    source = None if x is None else x.producer()
    while has_trait(source, Trait.VIEWS | Trait.ELEMENTWISE) or is_onnx(source, "Slice", "Transpose"):
        if not source.inputs or source.inputs[0] is None:
            return False
        source = required_input(source, 0).producer()
    return source is not None and source.domain == DOMAIN and source.op_type in _MEANS


_MEANS = ("QTableGlobalAveragePoolToFloat", "FloatGlobalAveragePool", "FloatPointwise")


def _check(node: ir.Node, facts: Facts) -> np.ndarray:
    """The weights. Raises Refusal where it is none of an image of one pixel, or not in float32."""
    x, w = required_input(node, 0), constant_or_none(required_input(node, 1))
    if facts.dtype(x) != ir.DataType.FLOAT or w is None or w.dtype != np.float32:
        raise Refusal("its weights are no float32 constant")
    shape = facts.ranked(x, 3, 4, 5)
    if any(size != 1 for size in shape[2:]) or any(size != 1 for size in w.shape[2:]):
        raise Refusal("it is no 1x1 convolution of images of one pixel")
    if node.attributes.get_int("group", 1) != 1:
        raise Refusal("it has groups")
    if any(node.attributes.get_ints("pads", [])):
        raise Refusal("it pads its input")
    bias = node_input(node, 2)
    array = None if bias is None else constant_or_none(bias)
    if bias is not None and (array is None or array.dtype != np.float32 or array.shape != w.shape[:1]):
        raise Refusal("its bias is no float32 constant for each of its outputs")
    return w
