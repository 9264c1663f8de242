"""Forms that other quantizers than onnxruntime's write: 4-bit weights, 8-bit biases, heads, mixed types."""

from collections.abc import Sequence

import ml_dtypes
import numpy as np
import onnx
import pytest
from same_bits import Graph, assert_same_bits

from qudnn import converter

U8 = (0.03, 131, "uint8")
RESULT = (0.21, 120, "uint8")


class Form(Graph):
    """Float operators between pairs, their weights dequantized."""

    def own(self, x: str, y: str, parameters: tuple[float, int, str]) -> str:
        scale, zero_point, dtype = parameters
        return self.pair(x, y, self.number(scale), self.number(zero_point, dtype))

    def weights(self, name: str, shape: Sequence[int], dtype: str = "int8", scale: float = 0.01) -> str:
        values = self.values(dtype, shape)
        return self.dequantize(
            self.constant(f"{name}_8", values), name, self.number(scale), self.number(0, dtype)
        )

    def four_bits(
        self, name: str, shape: Sequence[int], signed: bool, channels: int = 0, axis: int = 0
    ) -> str:
        """Per tensor, or for each channel along an axis; the latter with zero points of their own."""
        dtype = ml_dtypes.int4 if signed else ml_dtypes.uint4
        low = -8 if signed else 0
        values = self.rng.integers(low, low + 16, shape).astype(dtype)
        scales = self.rng.uniform(0.1, 0.2, channels or 1).astype(np.float32)
        zeros = self.rng.integers(low, low + 16, channels or 1) if channels else np.zeros(1)
        parameters = [scales, zeros.astype(dtype)] if channels else [scales[0], zeros[0].astype(dtype)]
        names = [self.constant(f"{name}_{i}", value) for i, value in enumerate([values, *parameters])]
        return self.dequantize(names[0], name, *names[1:], **({"axis": axis} if channels else {}))


@pytest.mark.parametrize("channels", [0, 6])
@pytest.mark.parametrize("signed", [True, False])
def test_a_convolution_of_four_bit_weights(signed: bool, channels: int) -> None:
    graph = Form()
    graph.x("x", "float32", (2, 8, 7, 7), ("n", 8, 7, 7))
    w = graph.four_bits("w", (6, 8, 3, 3), signed, channels)
    y = graph.node("Conv", [graph.own("x", "dx", U8), w], "y")
    graph.y(graph.own(y, "z", RESULT), rank=4)
    assert_same_bits(graph, {"QConv": 1}, opset=21, quantum=RESULT[0])


@pytest.mark.parametrize("op_type", ["Gemm", "MatMul"])
def test_a_matmul_of_four_bit_weights(op_type: str) -> None:
    graph = Form()
    graph.x("x", "float32", (5, 32), ("n", 32))
    w = graph.four_bits("w", (32, 16), True, 16, axis=1)
    y = graph.node(op_type, [graph.own("x", "dx", U8), w], "y")
    graph.y(graph.own(y, "z", RESULT))
    assert_same_bits(graph, {"QMatMul": 1}, opset=21, quantum=RESULT[0])


def test_weights_in_blocks_stay() -> None:
    graph = Form()
    graph.x("x", "float32", (5, 32), ("n", 32))
    values = graph.constant("w_8", graph.values("int8", (32, 16)))
    scales = graph.constant("scales", graph.rng.uniform(0.1, 0.2, (2, 16)), "float32")
    w = graph.dequantize(values, "w", scales, axis=0, block_size=16)
    y = graph.node("MatMul", [graph.own("x", "dx", U8), w], "y")
    graph.y(graph.own(y, "z", RESULT))
    report = converter.convert(graph.model(21)).report  # onnxruntime fuses the MatMul, and fails to run it
    (left,) = (node for node in report.left if node.op_type == "MatMul")
    assert "in blocks: quantize them per tensor or per channel" in left.reason


@pytest.mark.parametrize(("dtype", "scale"), [("int8", 0.02), ("uint8", 0.017), ("int32", 0.0007)])
def test_a_convolution_whose_bias_has_a_scale_of_its_own(dtype: str, scale: float) -> None:
    """onnxruntime computes it in float32, and adds the bias there."""
    graph = Form()
    graph.x("x", "float32", (2, 8, 7, 7), ("n", 8, 7, 7))
    bias = graph.constant("b_8", graph.rng.integers(0, 100, 6), dtype)
    b = graph.dequantize(bias, "b", graph.number(scale), graph.number(0, dtype))
    y = graph.node("Conv", [graph.own("x", "dx", U8), graph.weights("w", (6, 8, 3, 3)), b], "y")
    graph.y(graph.own(y, "z", RESULT), rank=4)
    assert_same_bits(graph, {"QConv": 1}, quantum=RESULT[0])


@pytest.mark.parametrize("quantized", [True, False])
def test_a_gemm_whose_bias_is_int8(quantized: bool) -> None:
    graph = Form()
    graph.x("x", "float32", (5, 32), ("n", 32))
    b = graph.weights("b", (16,), scale=0.02)
    y = graph.node("Gemm", [graph.own("x", "dx", U8), graph.weights("w", (16, 32)), b], "y", transB=1)
    graph.y(graph.own(y, "z", RESULT) if quantized else y)
    quantum = RESULT[0] if quantized else 1e-4
    assert_same_bits(graph, {"QMatMul" if quantized else "QMatMulToFloat": 1}, quantum=quantum)


def test_a_gemm_whose_int32_bias_has_another_scale_stays() -> None:
    """onnxruntime adds its integers to the sums, whatever they mean."""
    graph = Form()
    graph.x("x", "float32", (5, 32), ("n", 32))
    bias = graph.constant("b_32", graph.rng.integers(0, 1000, 16), "int32")
    b = graph.dequantize(bias, "b", graph.number(0.0007), graph.number(0, "int32"))
    y = graph.node("Gemm", [graph.own("x", "dx", U8), graph.weights("w", (16, 32)), b], "y", transB=1)
    graph.y(graph.own(y, "z", RESULT))
    assert_same_bits(graph, {}, {"Gemm": "the scale of its bias"})


@pytest.mark.parametrize("op_type", ["ReduceMean", "GlobalAveragePool"])
def test_the_mean_of_an_image_that_is_reshaped_before_it_is_quantized(op_type: str) -> None:
    graph = Form()
    graph.x("x", "float32", (3, 16, 6, 6), ("n", 16, 6, 6))
    inputs = [graph.own("x", "dx", U8)]
    if op_type == "ReduceMean":
        inputs.append(graph.constant("axes", [2, 3], "int64"))
    mean = graph.node(op_type, inputs, "mean", **({"keepdims": 1} if len(inputs) > 1 else {}))  # type: ignore[arg-type]
    flat = graph.node("Reshape", [mean, graph.constant("to", [-1, 16], "int64")], "flat")
    small = (0.011, 131, "uint8")
    y = graph.node("MatMul", [graph.own(flat, "f", small), graph.weights("w", (16, 8), scale=0.01)], "y")
    graph.y(graph.own(y, "z", (0.013, 120, "uint8")))
    quantum = None if op_type == "GlobalAveragePool" else 0.013
    ops = {"QGlobalAveragePool": 1, "QMatMul": 1}
    model = assert_same_bits(graph, ops, opset=18, quantum=quantum)
    assert sum(node.op_type == "QuantizeToIsland" for node in model.graph.node) == 1


@pytest.mark.parametrize("op_type", ["GlobalAveragePool", "AveragePool"])
def test_an_int8_pool_whose_result_is_reshaped_in_int8(op_type: str) -> None:
    """Its input becomes uint8, its result does not: onnxruntime computes it in float32."""
    graph = Form()
    graph.x("x", "float32", (3, 16, 4, 4), ("n", 16, 4, 4))
    parameters = graph.number(0.012), graph.number(-100, "int8")
    x = graph.own("x", "dx", (0.02, -5, "int8"))
    pool = graph.node(op_type, [x], "pool", **({} if op_type[0] == "G" else {"kernel_shape": [4, 4]}))  # type: ignore[arg-type]
    q = graph.quantize(pool, "q", *parameters)
    flat = graph.node("Reshape", [q, graph.constant("to", [-1, 16], "int64")], "flat")
    d = graph.dequantize(flat, "d", *parameters)
    y = graph.node("MatMul", [d, graph.weights("w", (16, 8))], "y")
    graph.y(graph.own(y, "z", (0.013, 3, "int8")))
    ops = {f"Q{op_type}": 1, "QMatMul": 1}
    assert_same_bits(graph, ops, quantum=0.013)


@pytest.mark.parametrize("shape", [(6, 8, 3, 3), (8, 1, 3, 3), (6, 8, 3)])
@pytest.mark.parametrize("zero_point", [0, 100, 255])
def test_uint8_weights_of_the_whole_range(zero_point: int, shape: tuple[int, ...]) -> None:
    graph = Form()
    sizes = (8, *[9] * (len(shape) - 2))
    graph.x("x", "float32", (2, *sizes), ("n", *sizes))
    values = graph.constant("w_8", graph.values("uint8", shape))
    w = graph.dequantize(values, "w", graph.number(0.004), graph.number(zero_point, "uint8"))
    bias = graph.constant("b", graph.rng.normal(0, 2, shape[0]), "float32")
    x = graph.own("x", "dx", U8)
    y = graph.node("Conv", [x, w, bias], "y", group=8 // shape[1], pads=[1, 0] * (len(shape) - 2))
    graph.y(graph.own(y, "z", (0.6, 120, "uint8")), rank=len(shape))
    model = assert_same_bits(graph, {"QConv": 1})
    assert not any(node.op_type == "Conv" for node in model.graph.node)


def test_sixteen_bits_are_declined_with_advice() -> None:
    graph = Form()
    graph.x("x", "float32", (5, 32), ("n", 32))
    y = graph.node(
        "MatMul", [graph.own("x", "dx", (0.001, 30000, "uint16")), graph.weights("w", (32, 16))], "y"
    )
    graph.y(graph.own(y, "z", (0.001, 30000, "uint16")))
    assert_same_bits(graph, {}, {"MatMul": "uint16, not 8 bits wide: no runtime"}, opset=21)


def test_fp8_is_declined_with_advice() -> None:
    graph = Form()
    graph.x("x", "float32", (5, 32), ("n", 32))
    zero = onnx.helper.make_tensor("fp8", onnx.TensorProto.FLOAT8E4M3FN, [], [0.0])
    graph.constants.append(zero)
    x = graph.pair("x", "dx", graph.number(0.03), "fp8")
    y = graph.node("MatMul", [x, graph.weights("w", (32, 16))], "y")
    graph.y(graph.own(y, "z", RESULT))
    assert_same_bits(graph, {}, {"MatMul": "choose int8 instead of FP8"}, opset=21)


def test_scales_in_bfloat16_are_declined_with_advice() -> None:
    """onnxruntime's CPU provider does not open such a model."""
    graph = Form()
    graph.input("x", "bfloat16", ("n", 32))
    graph.constants.append(onnx.helper.make_tensor("scale", onnx.TensorProto.BFLOAT16, [], [0.03125]))
    zero = graph.number(0, "int8")
    w = graph.dequantize(graph.random("int8", (32, 16)), "w", "scale", zero)
    y = graph.node("MatMul", [graph.pair("x", "dx", "scale", zero), w], "y")
    graph.output(graph.pair(y, "z", "scale", zero), "bfloat16", ("n", 16))
    conversion = converter.convert(graph.model(21))
    (left,) = [entry for entry in conversion.report.left if entry.quantized]
    assert left.op_type == "MatMul" and not conversion.report.converted
    assert left.reason == (
        "its input scale must be float32, not bfloat16; choose float32 in the tool that quantizes"
    )


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_casts_to_the_same_type(dtype: str) -> None:
    """As PyTorch's exporter writes them around fake quantizers."""
    graph = Form()
    graph.x("x", "float32", (2, 8, 7, 7), ("n", 8, 7, 7))
    to = onnx.TensorProto.FLOAT
    x = graph.own(graph.node("Cast", ["x"], "cast_x", to=to), "dx", (0.03, 3, dtype))
    y = graph.node("Conv", [graph.node("Cast", [x], "cast_d", to=to), graph.weights("w", (6, 8, 3, 3))], "y")
    graph.y(graph.own(graph.node("Cast", [y], "cast_y", to=to), "z", (0.3, 5, dtype)), rank=4)
    model = assert_same_bits(graph, {"QConv": 1})
    assert len(model.graph.node) == 3


def test_a_cast_to_another_type_stays() -> None:
    graph = Form()
    graph.x("x", "int32", (4, 32), ("n", 32))
    graph.feeds["x"] = graph.rng.integers(-9, 9, (4, 32)).astype(np.int32)
    x = graph.own(graph.node("Cast", ["x"], "cast", to=onnx.TensorProto.FLOAT), "dx", U8)
    graph.y(graph.own(graph.node("MatMul", [x, graph.weights("w", (32, 16))], "y"), "z", RESULT))
    model = assert_same_bits(graph, {"QMatMul": 1})
    assert model.graph.node[0].op_type == "Cast"


def test_a_normalization_of_quantized_numbers_before_an_entry() -> None:
    """Others read its result in float32."""
    graph = Form()
    graph.x("x", "float32", (2, 5, 32), ("n", 5, 32))
    gamma, beta = graph.weights("gamma", (32,), scale=0.02), graph.weights("beta", (32,), scale=0.01)
    n = graph.node("LayerNormalization", ["x", gamma, beta], "n", axis=-1)
    y = graph.node("MatMul", [graph.own(n, "dn", (0.04, 128, "uint8")), graph.weights("w", (32, 16))], "y")
    graph.y(graph.own(y, "z", RESULT), rank=3)
    graph.y(graph.node("Neg", [n], "neg"), rank=3)
    assert_same_bits(graph, {"LayerNormalizationToIsland": 1, "QMatMul": 1})


@pytest.mark.parametrize("zero_point", [True, False])
@pytest.mark.parametrize("op_type", ["Conv", "MatMul", "MatMulToFloat"])
def test_transposed_weights_without_a_zero_point(op_type: str, zero_point: bool) -> None:
    """onnxruntime computes with them in float32; with one, in integers."""
    graph = Form()
    is_conv = op_type == "Conv"
    shape = (2, 8, 7, 7) if is_conv else (5, 32)
    graph.x("x", "float32", shape, ("n", *shape[1:]))
    values = graph.constant("w_8", graph.values("int8", (3, 3, 8, 6) if is_conv else (16, 32)))
    zero = [graph.number(0, "int8")] if zero_point else []
    w = graph.dequantize(values, "w", graph.number(0.01), *zero)
    moved = graph.node("Transpose", [w], "moved", perm=[3, 2, 0, 1] if is_conv else [1, 0])
    y = graph.node("Conv" if is_conv else "MatMul", [graph.own("x", "dx", U8), moved], "y")
    in_float = op_type == "MatMulToFloat"
    graph.y(y if in_float else graph.own(y, "z", RESULT), rank=len(shape))
    quantum = None if zero_point else 1e-4 if in_float else RESULT[0]
    assert_same_bits(graph, {f"Q{op_type}": 1}, quantum=quantum)
