"""Which nodes count as quantized, which as converted, and what the report says of the others."""

import onnx
import onnx_ir as ir
import pytest

from qudnn import converter
from qudnn.converter.analysis.quantized import has_stored_weights, quantized_nodes

HEAD = '<ir_version: 8, opset_import: ["": 17, "com.microsoft": 1]>'
CONSTANTS = "<float s = {0.1}, uint8 z = {128}, int8 w_z = {0}>"


def graph(text: str, signature: str = "g (float[N,8] x) => (y)") -> ir.Graph:
    return ir.from_proto(onnx.parser.parse_model(f"{HEAD} {signature} {{ {text} }}")).graph


PAIR = """
    x_q = QuantizeLinear(x, s, z)
    x_d = DequantizeLinear(x_q, s, z)
    w_d = DequantizeLinear(w, s, w_z)
"""
END = """
    y_q = QuantizeLinear(r, s, z)
    y = DequantizeLinear(y_q, s, z)
"""
SIGNATURE = (
    "g (float[N,8] x, float[8,8] f, int64[K] to) => (float[N,8] y) "
    "<float s = {0.1}, uint8 z = {128}, int8 w_z = {0}, int8[1,2] w = {1,2}, float c = {2.0}>"
)

CASES = {
    "a matmul": ("r = MatMul(x_d, w_d)", {"MatMul"}),
    "a matmul over an identity": ("i = Identity(x_d) m = MatMul(i, w_d) y2 = Softmax(m)", {"MatMul"}),
    "an activation after it": ("m = MatMul(x_d, w_d) r = Relu(m)", {"MatMul", "Relu"}),
    "a chain": ("a = Div(x_d, c) b = Erf(a) r = Mul(b, x_d)", {"Div", "Erf", "Mul"}),
    "with what is not quantized": ("r = Add(x_d, f)", set()),
    "weights alone are": ("r = MatMul(x, w_d)", set()),
    "moved as a float": ("r = Reshape(x_d, to)", {"Reshape"}),
    "to a computed shape": ("n = Shape(x_d) r = Reshape(x_d, n)", {"Reshape"}),
    "a matmul read as a float": ("m = MatMul(x_d, w_d) r = Identity(x_d) y2 = Softmax(m)", {"MatMul"}),
    "a float that is not quantized again": ("r = Relu(x) t = Softmax(x_d)", set()),
    "moved in 8 bits": ("t = Reshape(x_q, to) r = DequantizeLinear(t, s, z)", {"Reshape"}),
    "moved twice": (
        "a = Transpose(x_q) t = Transpose(a) r = DequantizeLinear(t, s, z)",
        {"Transpose"},
    ),
    "an integer matmul": (
        "i = MatMulInteger(x_q, w, z) f2 = Cast <to = 1> (i) r = Mul(f2, c)",
        {"MatMulInteger"},
    ),
    "of com.microsoft": (
        "a = com.microsoft.QLinearAdd(x_q, s, z, x_q, s, z, s, z) r = DequantizeLinear(a, s, z)",
        {"QLinearAdd"},
    ),
    "moved between operators that read and make floats": (
        "a = com.microsoft.DynamicQuantizeMatMul(x, w, s) t = Transpose(a) "
        "m = com.microsoft.DynamicQuantizeMatMul(t, w, s) r = Neg(m)",
        {"DynamicQuantizeMatMul"},
    ),
    "an unknown one of another domain": ("r = own.QLinearAdd(x)", set()),
    "a table that is looked up": ("e = Gather(w_d, to) r = Neg(e)", {"Gather", "Neg"}),
}


@pytest.mark.parametrize("what", CASES)
def test_definition(what: str) -> None:
    text, expected = CASES[what]
    found = quantized_nodes(graph(PAIR + text + END, SIGNATURE))
    assert {node.op_type for node in found} == expected


STORED = {
    "w_d = DequantizeLinear(w, s, w_z) y = MatMul(x, w_d)": True,
    "w_c = Cast <to = 1> (w) w_d = Mul(w_c, s) y = MatMul(x, w_d)": True,
    "w_c = Cast <to = 1> (w) a = Sub(w_c, c) b = Mul(a, s) w_d = Transpose(b) y = Gemm(x, w_d)": True,
    "w_d = DequantizeLinear(w, s, w_z) x_q = QuantizeLinear(x, s, z) x_d = DequantizeLinear(x_q, s, z) "
    "y = MatMul(x_d, w_d)": False,
    "y = MatMul(x, f)": False,
    "w_c = Cast <to = 1> (to) y = MatMul(x, w_c)": False,
    "w_c = Cast <to = 1> (w) w_d = Mul(w_c, f) y = MatMul(x, w_d)": False,
    "y = com.microsoft.MatMulNBits <K = 8, N = 8, bits = 4, block_size = 16> (x, w, s)": True,
}


@pytest.mark.parametrize("text", STORED)
def test_weights_that_are_only_stored(text: str) -> None:
    assert has_stored_weights(list(graph(text, SIGNATURE))[-1]) == STORED[text]


def test_a_model_with_stored_weights_says_so() -> None:
    text = "w_c = Cast <to = 1> (w) w_d = Mul(w_c, s) t = Transpose(w_d) y = MatMul(x, t)"
    signature = SIGNATURE.replace("int8[1,2] w = {1,2}", "int8[2,1] w = {1,2}").replace(
        "float[N,8]", "float[N,1]"
    )
    report = converter.convert(onnx.parser.parse_model(f"{HEAD} {signature} {{ {text} }}")).report
    assert (report.quantized_nodes, report.converted_nodes) == (0, 0)
    (remark,) = report.remarks
    assert remark.startswith("1 node multiplies in floating point by weights that are only stored in 8 bits")
    assert remark in str(report).splitlines()
    (matmul,) = (node for node in report.left if node.op_type == "MatMul")
    assert matmul.reason.startswith("its weights are stored in 8 bits or fewer")
