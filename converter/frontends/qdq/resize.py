"""DequantizeLinear -> Resize (linear) -> QuantizeLinear => QFloatResize"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.operand import read_operand
from qudnn.converter.frontends.qdq.result import read_result
from qudnn.converter.frontends.qoperator.resize import read_coordinate_mode, read_images_and_scales, resize_of
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.resize import make_float_resize


def resize(node: ir.Node, facts: Facts) -> Candidate:
    """onnxruntime keeps a linear one between its pair, in float32, from 1.27 on.

    (onnxruntime 1.30, qdq_selectors.cc, DropQDQNodeGroupSelector.)

    That of mode nearest only moves values: there is no pair left around it that could be dropped, unless
    its result has parameters of its own.
    """
    x = read_operand(node, 0, facts)
    y = read_result(node).unclamped()
    covers = (node, *y.covers)
    mode = node.attributes.get_string("mode", "nearest")
    if mode != "linear":
        if x.quantization != y.quantization:
            raise Refusal("its result has another scale or zero point than its input")
        return resize_of(node, covers, x.value, y.value, x.quantization.dtype, facts)
    shape, scales = read_images_and_scales(node, x.value, facts)
    return make_float_resize(covers, x.quantized, y.quantized, scales, read_coordinate_mode(node), shape)
