"""Where onnxruntime gives a result fewer dimensions than ONNX does if it optimizes: nobody knows how many."""

from collections.abc import Callable

import onnx_ir as ir

from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.sizes import Shape


def drops_dimensions(node: ir.Node, shape_of: Callable[[ir.Value], Shape | None]) -> bool:
    """Whether the node adds dimensions to the result of a MatMulInteger that it scales or adds to.

    MatMulIntegerToFloatFusion (matmul_integer_to_float.cc, 1.31) makes one matmul of MatMulInteger -> Cast ->
    Mul -> Add. Its result has the dimensions of the matmul's, whatever those of scales and addend.
    """
    if not is_onnx(node, "Add", "Mul"):
        return False
    reached: ir.Node | None = node
    for op_type in "Mul", "Cast", "MatMulInteger":
        if reached is None:
            return False
        if not is_onnx(reached, op_type):  # node may be the Mul
            producers = [x.producer() for x in reached.inputs if x is not None]
            reached = next((producer for producer in producers if is_onnx(producer, op_type)), None)
    product = None if reached is None else shape_of(reached.outputs[0])
    shapes = [shape_of(x) for x in node.inputs if x is not None]
    return product is not None and any(shape is not None and len(shape) > len(product) for shape in shapes)
