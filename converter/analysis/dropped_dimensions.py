"""Where onnxruntime gives a result fewer dimensions than ONNX does if it optimizes: nobody knows how many."""

from collections.abc import Callable

import onnx_ir as ir

from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.sizes import Shape

_BEFORE = {"Add": "Mul", "Mul": "Cast", "Cast": "MatMulInteger"}


def drops_dimensions(node: ir.Node, shape_of: Callable[[ir.Value], Shape | None]) -> bool:
    """Whether the node adds dimensions to the result of a MatMulInteger that it scales or adds to.

    MatMulIntegerToFloatFusion (matmul_integer_to_float.cc, 1.31) makes one matmul of MatMulInteger -> Cast ->
    Mul -> Add. Its result has the dimensions of the matmul's, whatever those of scales and addend.
    """
    if not is_onnx(node, "Add", "Mul"):
        return False
    value: ir.Value | None = node.outputs[0]
    while value is not None and (before := _BEFORE.get(_type(value.producer()))):
        producer = value.producer()
        assert producer is not None
        value = next((x for x in producer.inputs if x is not None and _type(x.producer()) == before), None)
    if value is None or _type(value.producer()) != "MatMulInteger":
        return False
    product = shape_of(value)
    shapes = [shape_of(x) for x in node.inputs if x is not None]
    return product is not None and any(shape is not None and len(shape) > len(product) for shape in shapes)


def _type(node: ir.Node | None) -> str:
    """Of ONNX's own operators."""
    return node.op_type if node is not None and is_onnx(node, node.op_type) else ""
