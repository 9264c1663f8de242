"""DequantizeLinear (several) -> Concat -> QuantizeLinear => QTable where scales differ, then Concat"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.frontends.qdq.operand import read_operand
from qudnn.converter.frontends.qdq.result import read_result
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.layout.concat import make_concat


def concat(node: ir.Node, facts: Facts) -> Candidate:
    """Exact in any case: each value goes from one scale to the other by itself."""
    inputs = [read_operand(node, index, facts).quantized for index in range(len(node.inputs))]
    y = read_result(node).unclamped()
    return make_concat((node, *y.covers), inputs, y.quantized, node.attributes["axis"].as_int(), facts)
