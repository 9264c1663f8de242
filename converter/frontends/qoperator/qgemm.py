"""com.microsoft QGemm, `y = alpha * a * b + c` with 8-bit y -> QMatMul"""

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from converter.candidate import Candidate
from converter.constants import constant, node_input, quantization, required_input
from converter.errors import Refusal
from converter.facts import Facts
from converter.frontends.qoperator.weights import weights
from converter.ops.matmul import matmul
from converter.packing import Int32Array


def qgemm(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: a, a_scale, a_zero_point, b, b_scale, b_zero_point, and as options c, y_scale, y_zero_point."""
    a, y = required_input(node, 0), node.outputs[0]
    if node.attributes.get_int("transA", 0):
        raise Refusal("transA is not supported")
    if node_input(node, 7) is None or node_input(node, 8) is None:
        raise Refusal("its result is float32: only 8-bit results are supported")
    transposed = bool(node.attributes.get_int("transB", 0))
    a_quantization = quantization(node_input(node, 1), node_input(node, 2), facts.dtype(a), "left input")
    b = weights(
        node_input(node, 3), node_input(node, 4), node_input(node, 5), output_axis=0 if transposed else -1
    )
    y_quantization = quantization(node_input(node, 7), node_input(node, 8), None, "output")
    if b.values.ndim != 2:
        raise Refusal(f"its weights have {b.values.ndim} dimensions, not 2")
    weight = b.values.T if transposed else b.values
    return matmul(
        (node,),
        a,
        a_quantization,
        weight,
        b.scales,
        b.zero_points,
        _bias(node_input(node, 6), weight.shape[1]),
        y,
        y_quantization,
        facts.shape_of_rank(a, 2),
        alpha=node.attributes.get_float("alpha", 1.0),
    )


def _bias(c: ir.Value | None, outputs: int) -> Int32Array | None:
    """c as a vector [outputs]; it may be any shape that broadcasts along the rows."""
    if c is None:
        return None
    array: NDArray[np.int32] = constant(c, "bias")
    if array.ndim > 2 or (array.ndim == 2 and array.shape[0] != 1):
        raise Refusal(f"its bias has the shape {list(array.shape)}")
    if array.size not in (1, outputs):
        raise Refusal(f"its bias has {array.size} elements for {outputs} outputs")
    return np.broadcast_to(array.reshape(-1), (outputs,))
