"""QOperator: operators that take 8-bit tensors, with their scales and zero points as inputs.

And those of ONNX's own that a quantizer leaves between them as they are, because they move 8-bit values
or compare them.
"""

from qudnn.converter.frontends.qoperator.arg_max import arg_max
from qudnn.converter.frontends.qoperator.concat import concat, qlinear_concat
from qudnn.converter.frontends.qoperator.conv_integer import conv_integer
from qudnn.converter.frontends.qoperator.depth_to_space import depth_to_space, space_to_depth
from qudnn.converter.frontends.qoperator.expand import expand, tile
from qudnn.converter.frontends.qoperator.matmul_integer import matmul_integer
from qudnn.converter.frontends.qoperator.matmul_integer_to_float import matmul_integer_to_float
from qudnn.converter.frontends.qoperator.max_pool import max_pool
from qudnn.converter.frontends.qoperator.pad import pad
from qudnn.converter.frontends.qoperator.qgemm import qgemm
from qudnn.converter.frontends.qoperator.qlinear_average_pool import (
    qlinear_average_pool,
    qlinear_global_average_pool,
)
from qudnn.converter.frontends.qoperator.qlinear_binary import qlinear_binary
from qudnn.converter.frontends.qoperator.qlinear_conv import qlinear_conv
from qudnn.converter.frontends.qoperator.qlinear_matmul import qlinear_matmul
from qudnn.converter.frontends.qoperator.qlinear_softmax import qlinear_softmax
from qudnn.converter.frontends.qoperator.qlinear_where import qlinear_where
from qudnn.converter.frontends.qoperator.reduction import extreme
from qudnn.converter.frontends.qoperator.reshape import reshape, view
from qudnn.converter.frontends.qoperator.resize import resize
from qudnn.converter.frontends.qoperator.take import gather, identity, slice_rule, split
from qudnn.converter.frontends.qoperator.transpose import transpose
from qudnn.converter.frontends.qoperator.unary import unary
from qudnn.converter.frontends.rule import Rule

RULES: dict[tuple[str, str], Rule] = {
    ("", "ConvInteger"): conv_integer,
    ("", "QLinearConv"): qlinear_conv,
    ("", "QLinearMatMul"): qlinear_matmul,
    ("", "MatMulInteger"): matmul_integer,
    ("com.microsoft", "MatMulIntegerToFloat"): matmul_integer_to_float,
    ("com.microsoft", "QGemm"): qgemm,
    ("com.microsoft", "QLinearAdd"): qlinear_binary,
    ("com.microsoft", "QLinearMul"): qlinear_binary,
    ("com.microsoft", "QLinearSigmoid"): unary,
    ("com.microsoft", "QLinearLeakyRelu"): unary,
    ("com.microsoft", "QLinearSoftmax"): qlinear_softmax,
    ("com.microsoft", "QLinearAveragePool"): qlinear_average_pool,
    ("com.microsoft", "QLinearGlobalAveragePool"): qlinear_global_average_pool,
    ("com.microsoft", "QLinearConcat"): qlinear_concat,
    ("com.microsoft", "QLinearWhere"): qlinear_where,
    ("", "ArgMax"): arg_max,
    ("", "ArgMin"): arg_max,
    ("", "Clip"): unary,
    ("", "Concat"): concat,
    ("", "DepthToSpace"): depth_to_space,
    ("", "Expand"): expand,
    ("", "Flatten"): view,
    ("", "Gather"): gather,
    ("", "Identity"): identity,
    ("", "MaxPool"): max_pool,
    ("", "Pad"): pad,
    ("", "ReduceMax"): extreme,
    ("", "ReduceMin"): extreme,
    ("", "Relu"): unary,
    ("", "Reshape"): reshape,
    ("", "Resize"): resize,
    ("", "Slice"): slice_rule,
    ("", "SpaceToDepth"): space_to_depth,
    ("", "Split"): split,
    ("", "Squeeze"): view,
    ("", "Tile"): tile,
    ("", "Transpose"): transpose,
    ("", "Unsqueeze"): view,
}
