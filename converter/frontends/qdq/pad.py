"""DequantizeLinear -> Pad with a number that is not 0 -> QuantizeLinear => QTable, QMaxPool

Others only move values: passes before take the pairs around them away.
"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import IN_FLOAT, Refusal
from qudnn.converter.frontends.qdq.operand import read_operand
from qudnn.converter.frontends.qdq.result import quantized, read_result
from qudnn.converter.frontends.qoperator.pad import padded
from qudnn.converter.graph.constants import node_input, single
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.elementwise.table import make_table, requantizing
from qudnn.converter.lowering.sequence import between, make_sequence


def pad(node: ir.Node, facts: Facts) -> Candidate:
    """Each element and the number are quantized as the result is: no value changes."""
    x = read_operand(node, 0, facts)
    if node.attributes.get_string("mode", "constant") != "constant":
        raise Refusal(IN_FLOAT)
    y = read_result(node).unclamped()
    fill = node_input(node, 2)
    number = 0.0 if fill is None else float(single(fill, "constant_value"))
    if np.isnan(number):
        raise Refusal("it pads with what is no number")
    covers = (node, *y.covers)
    of_fill = quantized(number, y.quantization)
    dtype = y.quantization.dtype
    if x.quantization == y.quantization:
        return padded(node, covers, x.value, y.value, dtype, of_fill, facts)
    table = requantizing(x.quantization, y.quantization)
    values = table if dtype == ir.DataType.INT8 else table.view(np.uint8) ^ np.uint8(128)
    middle = between(y.value, "requantized")
    looked_up = make_table(covers, x.value, middle, x.quantization.dtype, values, facts)
    facts.learn(looked_up.outputs[0])
    return make_sequence([looked_up, padded(node, covers, middle, y.value, dtype, of_fill, facts)])
