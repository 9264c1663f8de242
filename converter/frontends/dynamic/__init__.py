"""Dynamic quantization: integer operators on tensors whose scale and zero point are found at run time."""

from qudnn.converter.frontends.dynamic.conv import conv_integer
from qudnn.converter.frontends.dynamic.lstm import dynamic_quantize_lstm
from qudnn.converter.frontends.dynamic.matmul import (
    dynamic_quantize_matmul,
    matmul_integer,
    matmul_integer_to_float,
)
from qudnn.converter.frontends.rule import Rule

RULES: dict[tuple[str, str], Rule] = {
    ("", "ConvInteger"): conv_integer,
    ("", "MatMulInteger"): matmul_integer,
    ("com.microsoft", "DynamicQuantizeLSTM"): dynamic_quantize_lstm,
    ("com.microsoft", "DynamicQuantizeMatMul"): dynamic_quantize_matmul,
    ("com.microsoft", "MatMulIntegerToFloat"): matmul_integer_to_float,
}
