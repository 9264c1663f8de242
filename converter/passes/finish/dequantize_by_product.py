"""DequantizeLinear(int32 x, scale) => Mul(their product, 1), or of computed ones Cast(x) -> Mul(scale)"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.domain import DOMAIN
from qudnn.converter.errors import Refusal
from qudnn.converter.failures import node_name
from qudnn.converter.graph.constants import constant, constant_or_none, node_input, required_input
from qudnn.converter.graph.edit import add_initializer, describe_as, is_needed, remove_orphans, take_place
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.passes.base import NodePass
from qudnn.converter.qdq.linear import dequantizes, float_constant

_FLOAT32 = (0, ir.DataType.FLOAT)  # of output_dtype: not given, or given so
_REASON = "it dequantizes int32, for which qudnn has no op: a product computes it"


class DequantizeByProduct(NodePass):
    """A bias of int32 that stays outside of islands is dequantized by operators that the GPU has kernels for.

    onnxruntime's CUDA provider has no DequantizeLinear of int32: it would run on the CPU, with copies. The
    product is what the CPU provider computes, `float(x - zero_point) * scale` (DequantizeLinearApply,
    quantize_linear.cc, 1.30).

    Where it is a constant, this is computed here. But onnxruntime would fuse what adds a constant: a
    SkipLayerNormalization with a bias has other bits (SkipLayerNormFusion), and others multiply by one. It
    folds no DequantizeLinear (ConstantFolding, constant_folding.cc, 1.30): hence all are multiplied by a 1
    that is dequantized.
    """

    def run(self, model: ir.Model) -> None:
        self._one: ir.Value | None = None
        if any(node.domain == DOMAIN for node in model.graph):  # otherwise the model stays as it is
            super().run(model)

    def matches(self, node: ir.Node) -> bool:
        if not dequantizes(node) or not is_needed(node.outputs[0]):
            return False
        if self.context.selection.why_left([(node_name(node), node.op_type)]):
            return False
        return self._dtype(required_input(node, 0)) == ir.DataType.INT32

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        _check(node)
        x, scale, y = required_input(node, 0), required_input(node, 1), node.outputs[0]
        if self._dtype(scale) != ir.DataType.FLOAT:
            raise Refusal("its scale is not float32")
        if constant_or_none(x) is None or constant_or_none(scale) is None:
            self._check_sizes(x, scale)
            wide = self._insert("Cast", [x], f"{y.name}/float", node, to=ir.DataType.FLOAT)
            factors = wide, self._insert("Mul", [scale, self._dequantized_one(node)], f"{y.name}/scale", node)
        else:
            name = self.context.names.value(f"{y.name}/constant")
            factors = add_initializer(graph, name, float_constant(y, "input")), self._dequantized_one(node)
        product = ir.node("Mul", factors, name=node.name)
        describe_as(product, node)
        graph.insert_before(node, product)
        self.context.originals.replace(node, product)
        self.context.refusals[product] = self.context.refusals.get(node, _REASON)
        take_place(y, product.outputs[0])
        remove_orphans([node])

    def _dequantized_one(self, before: ir.Node) -> ir.Value:
        """The number 1, of which onnxruntime does not find that it is constant; one for all."""
        if self._one is None:
            graph, name = before.graph, "dequantized_one"
            assert isinstance(graph, ir.Graph)
            value = add_initializer(graph, self.context.names.value(f"{name}/value"), np.array(1, np.uint8))
            scale = add_initializer(graph, self.context.names.value(f"{name}/scale"), np.array(1, np.float32))
            inputs = [value, scale]
            self._one = self._insert("DequantizeLinear", inputs, name, before)
        return self._one

    def _insert(self, op: str, inputs: list[ir.Value], name: str, before: ir.Node, **given: int) -> ir.Value:
        """The result of a new node."""
        names, graph = self.context.names, before.graph
        assert graph is not None
        new = ir.node(op, inputs, attributes=given, name=names.node(name))
        new.outputs[0].name = names.value(name)
        graph.insert_before(before, new)
        return new.outputs[0]

    def _dtype(self, value: ir.Value) -> ir.DataType | None:
        return value.dtype or self.context.facts.dtype(value)

    def _check_sizes(self, x: ir.Value, scale: ir.Value) -> None:
        """Raises Refusal where there is neither one scale nor one for each element of a vector."""
        x_shape, shape = self.context.facts.shape(x), self.context.facts.shape(scale)
        if shape == ():
            return
        if shape is None or len(shape) != 1 or shape != x_shape or not isinstance(shape[0], int):
            raise Refusal("its scale is neither a scalar nor a vector as long as a vector that it scales")


def _check(dequantize: ir.Node) -> None:
    """Raises Refusal where a product would not do the same, or where onnxruntime wants a DequantizeLinear."""
    if dequantize.attributes.get_int("output_dtype", 0) not in _FLOAT32:
        raise Refusal("its result is not float32")
    if dequantize.attributes.get_int("block_size", 0):
        raise Refusal("it is quantized in blocks")
    zero_point = node_input(dequantize, 2)
    if zero_point is not None and constant(zero_point, "zero point").any():
        raise Refusal("its zero point is not 0")
    for use in dequantize.outputs[0].uses():
        if not is_onnx(use.node, "Add", "Sub", "Mul", "Div"):
            raise Refusal(f"{use.node.op_type} reads it: onnxruntime may make one operator of both")
