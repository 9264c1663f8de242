"""com.microsoft QGemm, `y = alpha * a * b + c` => QMatMul, QBatchMatMul, or their forms with float results"""

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qoperator.factor import read_factor
from qudnn.converter.graph.constants import constant, node_input, quantization, required_input
from qudnn.converter.graph.sizes import Size
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.packing import Int32Array
from qudnn.converter.lowering.gemm.choose_matmul import choose_matmul
from qudnn.converter.lowering.matmul_result import InFloat, Requantized


def qgemm(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: a, a_scale, a_zero_point, b, b_scale, b_zero_point, and as options c, y_scale, y_zero_point."""
    y = node.outputs[0]
    shapes = [facts.shape_of_rank(required_input(node, index), 2) for index in (0, 3)]
    trans_a, trans_b = (bool(node.attributes.get_int(name, 0)) for name in ("transA", "transB"))
    a = read_factor(node, 0, 0 if trans_a else 1, facts, "left input", shapes[0])
    b = read_factor(node, 3, 1 if trans_b else 0, facts, "right input", shapes[1])
    result: InFloat | Requantized = InFloat(y)
    if node_input(node, 7) is None and node_input(node, 8) is not None:
        raise Refusal("it has a y_zero_point without a y_scale")
    if node_input(node, 7) is not None:
        result = Requantized(y, quantization(node_input(node, 7), node_input(node, 8), None, "output"))
    outputs = b.shape[b.free]
    bias = None if node_input(node, 6) is None else _bias(node_input(node, 6), outputs)
    return choose_matmul((node,), a, b, result, facts, bias, node.attributes.get_float("alpha", 1.0))


def _bias(c: ir.Value | None, outputs: Size) -> Int32Array:
    """c as a vector [outputs]; it may be any shape that broadcasts along the rows."""
    array: NDArray[np.int32] = constant(c, "bias")
    if not isinstance(outputs, int):
        raise Refusal("it has a bias, and its number of outputs is unknown")
    if array.ndim > 2 or (array.ndim == 2 and array.shape[0] != 1):
        raise Refusal(f"its bias has the shape {list(array.shape)}")
    if array.size not in (1, outputs):
        raise Refusal(f"its bias has {array.size} elements for {outputs} outputs")
    return np.broadcast_to(array.reshape(-1), (outputs,))
