"""QDQ: float operators between DequantizeLinear and QuantizeLinear.

Those that only move values are no matter of this frontend: the passes before it take the pairs around
them away, and what is left is an operator on 8 bits.
"""

from converter.frontends.qdq.average_pool import average_pool, global_average_pool, reduce_mean
from converter.frontends.qdq.binary import add, mul
from converter.frontends.qdq.concat import concat
from converter.frontends.qdq.conv import conv
from converter.frontends.qdq.conv_transpose import conv_transpose
from converter.frontends.qdq.elementwise import ELEMENTWISE, elementwise
from converter.frontends.qdq.gemm import gemm
from converter.frontends.qdq.layer_normalization import layer_normalization
from converter.frontends.qdq.matmul import matmul
from converter.frontends.qdq.requantize import requantize
from converter.frontends.qdq.resize import resize
from converter.frontends.qdq.softmax import softmax
from converter.frontends.qdq.where import where
from converter.frontends.rule import Rule
from converter.qdq.linear import DOMAINS

RULES: dict[tuple[str, str], Rule] = {
    **dict.fromkeys(ELEMENTWISE, elementwise),
    **{(domain, "QuantizeLinear"): requantize for domain in DOMAINS},
    ("", "Add"): add,
    ("", "AveragePool"): average_pool,
    ("", "Concat"): concat,
    ("", "Conv"): conv,
    ("", "ConvTranspose"): conv_transpose,
    ("", "Gemm"): gemm,
    ("", "GlobalAveragePool"): global_average_pool,
    ("", "LayerNormalization"): layer_normalization,
    ("", "MatMul"): matmul,
    ("", "Mul"): mul,
    ("", "ReduceMean"): reduce_mean,
    ("", "Resize"): resize,
    ("", "Softmax"): softmax,
    ("", "Where"): where,
}
