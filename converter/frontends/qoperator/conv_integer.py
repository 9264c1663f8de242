"""ConvInteger => QConvToInt32"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.analysis.geometry import read_geometry
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import (
    EIGHT_BIT,
    Quantization,
    constant,
    node_input,
    required_input,
    single,
)
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.port import Quantized
from qudnn.converter.lowering.conv.conv_to_int32 import make_conv_to_int32
from qudnn.converter.lowering.weights import Filters, Weights


def conv_integer(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, w, and as options x_zero_point, w_zero_point."""
    x = required_input(node, 0)
    dtype = facts.eight_bit(x)
    shape = facts.ranked(x)
    filters = read_filters(node, shape)
    value = node_input(node, 2)
    zero_point = 0 if value is None else int(single(value, "input zero point"))
    quantized = Quantized(x, Quantization(np.float32(1), zero_point, dtype))
    return make_conv_to_int32((node,), quantized, shape, filters, node.outputs[0])


def read_filters(node: ir.Node, x_shape: Shape) -> Filters:
    """The weights of a ConvInteger and how they move over an input `[N, C, H, W]` or `[N, C, W]`.

    Its window is one of height 1 where the input is a row; its scales are 1.
    """
    array = constant(node_input(node, 1), "weight")
    if ir.DataType.from_numpy(array.dtype) not in EIGHT_BIT:
        raise Refusal(f"its weights are {array.dtype}, not 8 bits wide")
    if not array.size:
        raise Refusal("its weights are empty")
    if array.ndim != len(x_shape):
        raise Refusal(f"its input has {len(x_shape)} dimensions, its weights have {array.ndim}")
    kernel = array.shape[2:]
    if tuple(node.attributes.get_ints("kernel_shape", kernel)) != kernel:
        raise Refusal("its kernel_shape is not that of its weights")
    window = read_geometry(node, kernel, x_shape)
    group, outputs = node.attributes.get_int("group", 1), array.shape[0]
    if group < 1 or outputs % group:
        raise Refusal(f"its {outputs} output channels are not divisible by {group} groups")
    zero_point = node_input(node, 3)
    zero_points = (
        np.zeros(1, array.dtype)
        if zero_point is None
        else constant(zero_point, "weight zero point").reshape(-1)
    )
    if zero_points.size not in (1, outputs):
        raise Refusal(f"it has {zero_points.size} weight zero points for {outputs} outputs")
    values = array.reshape(outputs, array.shape[1], *window.kernel)
    return Filters(Weights(values, np.ones(1, np.float32), zero_points), window, group)
