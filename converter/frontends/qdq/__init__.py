"""QDQ: float operators between DequantizeLinear and QuantizeLinear."""

from converter.frontends.qdq.conv import conv
from converter.frontends.qdq.gemm import gemm
from converter.frontends.qdq.matmul import matmul
from converter.frontends.rule import Rule

RULES: dict[tuple[str, str], Rule] = {
    ("", "Conv"): conv,
    ("", "Gemm"): gemm,
    ("", "MatMul"): matmul,
}
