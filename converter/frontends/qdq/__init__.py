"""QDQ: float operators between DequantizeLinear and QuantizeLinear.

Those that only move values are no matter of this frontend: the passes before it take the pairs around
them away, and what is left is an operator on 8 bits.
"""

from qudnn.converter.frontends.qdq.arg_max import arg_max
from qudnn.converter.frontends.qdq.average_pool import average_pool, global_average_pool
from qudnn.converter.frontends.qdq.binary import binary
from qudnn.converter.frontends.qdq.concat import concat
from qudnn.converter.frontends.qdq.conv import conv
from qudnn.converter.frontends.qdq.conv_transpose import conv_transpose
from qudnn.converter.frontends.qdq.fused_matmul import fused_matmul
from qudnn.converter.frontends.qdq.gemm import gemm
from qudnn.converter.frontends.qdq.group_normalization import (
    group_normalization,
    mean_square_normalization,
)
from qudnn.converter.frontends.qdq.layer_normalization import layer_normalization
from qudnn.converter.frontends.qdq.matmul import matmul
from qudnn.converter.frontends.qdq.pad import pad
from qudnn.converter.frontends.qdq.reduction import global_max_pool, reduction
from qudnn.converter.frontends.qdq.requantize import requantize
from qudnn.converter.frontends.qdq.resize import resize
from qudnn.converter.frontends.qdq.skip_normalization import (
    skip_layer_normalization,
    skip_mean_square_normalization,
)
from qudnn.converter.frontends.qdq.softmax import softmax
from qudnn.converter.frontends.qdq.unary import unary
from qudnn.converter.frontends.qdq.where import where
from qudnn.converter.frontends.rule import Rule
from qudnn.converter.graph.op_traits import DOMAINS, Trait, operators_with

RULES: dict[tuple[str, str], Rule] = {
    **dict.fromkeys(operators_with(Trait.ELEMENTWISE), unary),
    **{(domain, "QuantizeLinear"): requantize for domain in DOMAINS},
    ("", "Add"): binary,
    ("", "ArgMax"): arg_max,
    ("", "ArgMin"): arg_max,
    ("", "AveragePool"): average_pool,
    ("", "Concat"): concat,
    ("", "Conv"): conv,
    ("", "ConvTranspose"): conv_transpose,
    ("", "Div"): binary,
    ("", "Gemm"): gemm,
    ("", "GlobalAveragePool"): global_average_pool,
    ("", "GlobalMaxPool"): global_max_pool,
    ("", "GroupNormalization"): group_normalization,
    ("", "InstanceNormalization"): group_normalization,
    ("", "LayerNormalization"): layer_normalization,
    ("", "MatMul"): matmul,
    ("", "Max"): binary,
    ("", "Min"): binary,
    ("", "Mul"): binary,
    ("", "Pad"): pad,
    ("", "RMSNormalization"): mean_square_normalization,
    ("", "ReduceMax"): reduction,
    ("", "ReduceMean"): reduction,
    ("", "ReduceMin"): reduction,
    ("", "ReduceSum"): reduction,
    ("", "Resize"): resize,
    ("", "SimplifiedLayerNormalization"): mean_square_normalization,
    ("", "Softmax"): softmax,
    ("", "Sub"): binary,
    ("", "Sum"): binary,
    ("", "Where"): where,
    ("com.microsoft", "FusedMatMul"): fused_matmul,
    ("com.microsoft", "SkipLayerNormalization"): skip_layer_normalization,
    ("com.microsoft", "SkipSimplifiedLayerNormalization"): skip_mean_square_normalization,
}
