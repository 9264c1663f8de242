"""QLinearMatMul => QMatMul with a constant matrix on the right, else QBatchMatMul"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.frontends.qoperator.factor import read_factor
from qudnn.converter.graph.constants import node_input, quantization
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.gemm.choose_matmul import choose_matmul
from qudnn.converter.lowering.matmul_result import Requantized


def qlinear_matmul(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point.

    Since opset 21 the scales may be float16; onnxruntime has a kernel for float32 alone, and casts them
    (onnxruntime 1.30, quantize_linear_matmul.cc, insert_cast_transformer.cc).
    """
    y = node.outputs[0]
    a = read_factor(node, 0, -1, facts, "left input", half=True)
    b = read_factor(node, 3, -2, facts, "right input", half=True)
    parameters = quantization(node_input(node, 6), node_input(node, 7), facts.dtype(y), "output", half=True)
    return choose_matmul((node,), a, b, Requantized(y, parameters), facts)
