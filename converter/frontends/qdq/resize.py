"""DequantizeLinear -> Resize (linear) -> QuantizeLinear => QFloatResize, or QFloatResizeTo"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.operand import read_operand
from qudnn.converter.frontends.qdq.result import read_result
from qudnn.converter.frontends.qoperator.resize import read_coordinate_mode, read_images_and_extent, resize_of
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.image.resize import is_spread, make_float_resize, make_spread


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
    shape, extent = read_images_and_extent(node, x.value, facts)
    if is_spread(shape, extent):
        spread = make_spread(covers, x.quantized, y.quantized, extent, shape, facts)
        if spread is not None:
            return spread
    return make_float_resize(covers, x.quantized, y.quantized, extent, read_coordinate_mode(node), shape)
