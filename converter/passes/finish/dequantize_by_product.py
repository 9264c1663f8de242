"""DequantizeLinear(int32 x, scale) => Cast(x) -> Mul(scale)"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.domain import DOMAIN
from qudnn.converter.errors import Refusal
from qudnn.converter.failures import node_name
from qudnn.converter.graph.constants import constant, node_input, required_input
from qudnn.converter.graph.edit import add_initializer, describe_as, is_needed, remove_orphans, take_place
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.passes.base import NodePass
from qudnn.converter.qdq.linear import dequantizes

_FLOAT32 = (0, ir.DataType.FLOAT)  # of output_dtype: not given, or given so
_REASON = "it dequantizes int32, for which qudnn has no op: a product computes it"


class DequantizeByProduct(NodePass):
    """A bias of int32 that stays outside of islands is dequantized by operators that the GPU has kernels for.

    onnxruntime's CUDA provider has no DequantizeLinear of int32: it would run on the CPU, with copies. The
    product is what the CPU provider computes, `float(x - zero_point) * scale` (DequantizeLinearApply,
    quantize_linear.cc, 1.30).

    onnxruntime folds no DequantizeLinear (ConstantFolding, constant_folding.cc, 1.30), but would fold the
    product of constants, and fuse what adds a constant: a SkipLayerNormalization with a bias has other bits
    (SkipLayerNormFusion). Hence a factor is dequantized from the number 1.
    """

    def run(self, model: ir.Model) -> None:
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
        is_vector = self._is_vector(x, scale)
        if self._dtype(scale) != ir.DataType.FLOAT:
            raise Refusal("its scale is not float32")
        names = self.context.names

        def insert(
            op: str, inputs: list[ir.Value], name: str, domain: str = "", **attributes: int
        ) -> ir.Value:
            new = ir.node(op, inputs, attributes=attributes, domain=domain, name=names.node(name))
            new.outputs[0].name = names.value(name)
            graph.insert_before(node, new)
            return new.outputs[0]

        one = add_initializer(graph, names.value(f"{y.name}/one"), np.array(1, np.uint8))
        if is_vector:  # not by DequantizeLinear: older CUDA providers have it for scalars alone
            unit = add_initializer(graph, names.value(f"{y.name}/unit"), np.array(1, np.float32))
            same = insert("DequantizeLinear", [one, unit], f"{y.name}/factor", node.domain)
            factor = insert("Mul", [scale, same], f"{y.name}/scale")
        else:
            factor = insert("DequantizeLinear", [one, scale], f"{y.name}/scale", node.domain)
        wide = insert("Cast", [x], f"{y.name}/float", to=ir.DataType.FLOAT)
        product = ir.node("Mul", [wide, factor], name=node.name)
        describe_as(product, node)
        graph.insert_before(node, product)
        self.context.originals.replace(node, product)
        self.context.refusals[product] = self.context.refusals.get(node, _REASON)
        take_place(y, product.outputs[0])
        remove_orphans([node])

    def _dtype(self, value: ir.Value) -> ir.DataType | None:
        return value.dtype or self.context.facts.dtype(value)

    def _is_vector(self, x: ir.Value, scale: ir.Value) -> bool:
        """Whether there is a scale for each element of a vector, not one for all."""
        x_shape, shape = self.context.facts.shape(x), self.context.facts.shape(scale)
        if shape == ():
            return False
        if shape is None or len(shape) != 1 or shape != x_shape or not isinstance(shape[0], int):
            raise Refusal("its scale is neither a scalar nor a vector as long as a vector that it scales")
        return True


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
