"""Float matmuls between DequantizeLinears: which of them onnxruntime computes in integers."""

from collections.abc import Callable

import pytest
from same_bits import Graph, assert_same_bits

from qudnn import converter

LAST_BITS = 2e-5
TOO_SMALL = "its scales make float results so near to 0 that a GPU may take them for 0"


def matmul(op_type: str, computed: bool) -> tuple[Graph, str]:
    g = Graph(3)
    a = g.pair(g.x("a", "float32", [7, 35], ["n", 35]), "ad", g.number(0.0371), g.number(131, "uint8"))
    if computed:
        b = g.pair(g.x("b", "float32", [35, 9]), "bd", g.number(0.0125), g.number(113, "uint8"))
    else:
        b = g.dequantize(g.random("int8", [35, 9]), "bd", g.number(0.0125), g.number(0, "int8"))
    return g, g.node(op_type, [a, b], "t")


def quantized(g: Graph, t: str, name: str, zero_point: int) -> str:
    return g.pair(t, name, g.number(0.07), g.number(zero_point, "uint8"))


def activated(g: Graph, t: str) -> str:
    return g.node("Relu", [t], "relu")


def is_output(g: Graph, t: str) -> None:
    g.y(t)


def is_output_and_activated(g: Graph, t: str) -> None:
    g.y(t)
    g.y(g.node("Neg", [activated(g, t)], "y"))


def is_activated(g: Graph, t: str) -> None:
    g.y(g.node("Neg", [activated(g, t)], "y"))


def is_clipped(g: Graph, t: str) -> None:
    g.y(g.node("Neg", [g.node("Clip", [t, g.number(0.0), g.number(6.0)], "clip")], "y"))


def is_activated_for_output(g: Graph, t: str) -> None:
    g.y(activated(g, t))


def is_activated_for_two(g: Graph, t: str) -> None:
    r = activated(g, t)
    g.y(g.node("Neg", [r], "y"))
    g.y(g.node("Abs", [r], "y_2"))


def is_read_twice(g: Graph, t: str) -> None:
    g.y(g.node("Neg", [t], "y"))
    g.y(g.node("Abs", [t], "y_2"))


def is_output_and_quantized(g: Graph, t: str) -> None:
    g.y(t)
    g.y(quantized(g, t, "y", 3))


def is_output_and_quantized_after_relu(g: Graph, t: str) -> None:
    g.y(t)
    g.y(quantized(g, activated(g, t), "y", 0))


def is_output_and_quantized_after_relu_that_cuts_off(g: Graph, t: str) -> None:
    g.y(t)
    g.y(quantized(g, activated(g, t), "y", 3))


def is_read_and_quantized_after_relu(g: Graph, t: str) -> None:
    g.y(g.node("Neg", [t], "y_2"))
    g.y(quantized(g, activated(g, t), "y", 0))


def is_quantized_twice(g: Graph, t: str) -> None:
    g.y(quantized(g, t, "y", 3))
    g.y(g.pair(t, "y_2", g.number(0.09), g.number(7, "uint8")))


EXACT = [is_output, is_activated_for_output, is_activated_for_two, is_read_twice]
IN_FLOAT = [
    is_output_and_activated,
    is_activated,
    is_clipped,
    is_output_and_quantized,
    is_output_and_quantized_after_relu,
    is_output_and_quantized_after_relu_that_cuts_off,
    is_read_and_quantized_after_relu,
    is_quantized_twice,
]


@pytest.mark.parametrize("computed", [False, True])
@pytest.mark.parametrize("op_type", ["MatMul", "Gemm"])
@pytest.mark.parametrize("consume", [*EXACT, *IN_FLOAT], ids=lambda consume: consume.__name__)
def test_consumers(op_type: str, computed: bool, consume: Callable[[Graph, str], None]) -> None:
    """Where a consumer keeps onnxruntime from it the report says so, otherwise bits are equal."""
    g, t = matmul(op_type, computed)
    consume(g, t)
    op = "QBatchMatMulToFloat" if computed else "QMatMulToFloat"
    # A result that is near a tie may be quantized to the one below or above.
    quantum = None if consume in EXACT else 0.0701 if "quantized" in consume.__name__ else LAST_BITS
    assert_same_bits(g, {op: 1}, quantum=quantum)


SHAPES = {"[]": (), "[1]": (1,), "[9]": (9,), "left out": None}


@pytest.mark.parametrize("quantizes", [False, True])
@pytest.mark.parametrize("a_zero_point", ["[]", "[1]", "left out"])
@pytest.mark.parametrize("b_zero_point", SHAPES)
@pytest.mark.parametrize("b_scale", ["[]", "[1]", "[9]"])
@pytest.mark.parametrize("op_type", ["Gemm", "MatMul"])
def test_parameters(
    op_type: str, b_scale: str, b_zero_point: str, a_zero_point: str, quantizes: bool
) -> None:
    """A QGemm needs both zero points, and that of b in the shape of its scale; a MatMul takes any."""
    if (b_scale == "[9]") != (b_zero_point == "[9]"):
        return  # no valid model, or one that onnxruntime cannot run under x64quantprecision
    g = Graph(1)
    a_parameters, b_parameters = [g.number(0.0371)], [g.number(0.0125, shape=SHAPES[b_scale] or ())]
    for parameters, shape, number, dtype in (
        (a_parameters, SHAPES[a_zero_point], 131, "uint8"),
        (b_parameters, SHAPES[b_zero_point], 0, "int8"),
    ):
        if shape is not None:
            parameters.append(g.number(number, dtype, shape))
    a = g.pair(g.x("a", "float32", [7, 35]), "ad", *a_parameters)
    t = g.node(op_type, [a, g.dequantize(g.random("int8", [35, 9]), "bd", *b_parameters)], "t")
    g.y(quantized(g, t, "y", 3) if quantizes else t)
    shapes = {b_scale, b_zero_point}
    in_float = op_type == "Gemm" and (len(shapes) > 1 or a_zero_point == "left out")
    quantum = None if not in_float else 0.0701 if quantizes else LAST_BITS
    assert_same_bits(g, {"QMatMul" if quantizes else "QMatMulToFloat": 1}, quantum=quantum)


@pytest.mark.parametrize("given", [(True, True), (True, False)])
def test_int8_without_a_zero_point(given: tuple[bool, bool]) -> None:
    """Such a tensor stays int8 in onnxruntime, which has no integers for it."""
    g = Graph(1)
    parameters = g.number(0.0371), g.number(0, "int8")
    x = g.quantize(g.x("a", "float32", [7, 35]), "q", *parameters[: 1 + given[0]])
    a = g.dequantize(x, "ad", *parameters[: 1 + given[1]])
    b = g.dequantize(g.random("int8", [35, 9]), "bd", g.number(0.0125), g.number(0, "int8"))
    g.y(g.node("MatMul", [a, b], "t"))
    assert_same_bits(g, {"QMatMulToFloat": 1}, quantum=None if all(given) else LAST_BITS)


@pytest.mark.parametrize(("scale", "converts"), [(2.0**-95, True), (2.0**-101, False)])
def test_results_that_a_gpu_may_take_for_0(scale: float, converts: bool) -> None:
    """cuDNN's kernels flush float32 below 2**-126; onnxruntime's CPU provider does not."""
    g = Graph(3)
    a = g.pair(g.x("a", "float32", [7, 35], ["n", 35]), "ad", g.number(1.0), g.number(131, "uint8"))
    b = g.dequantize(g.random("int8", [35, 9]), "bd", g.number(scale), g.number(0, "int8"))
    g.y(g.node("MatMul", [a, b], "t"))
    conversion = converter.convert(g.model(17))
    assert ("QMatMulToFloat" in conversion.report.converted) == converts
    reasons = {node.reason for node in conversion.report.left if node.quantized}
    assert reasons == (set() if converts else {TOO_SMALL})
