"""Functions of one 8-bit tensor => QTable: QLinearSigmoid, QLinearLeakyRelu; Relu and Clip on 8 bits"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.op_traits import CONTRIB
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.elementwise.table import compute_table, make_table

_INPUTS = 5  # x and y have a scale and a zero point each


def unary(node: ir.Node, facts: Facts) -> Candidate:
    """Its only input that is not constant is the first one."""
    x = required_input(node, 0)
    dtype = facts.eight_bit(x)
    if node.domain == CONTRIB and len(node.inputs) < _INPUTS:
        raise Refusal("its last input is missing: onnxruntime does not run it")
    values = compute_table(node, x, dtype, facts.opsets)
    y_dtype = ir.DataType.from_numpy(values.dtype)
    if facts.dtype(node.outputs[0]) not in (None, y_dtype):
        raise Refusal(f"its output is not {y_dtype.name.lower()}")
    return make_table((node,), x, node.outputs[0], dtype, values, facts)
