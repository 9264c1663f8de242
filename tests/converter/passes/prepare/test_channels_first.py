"""What onnxruntime's optimizer writes for its channels-last kernels: the same bits from the same ops."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from same_bits import Graph, assert_same_bits

import check
from qudnn import converter
from session import open_session

MICROSOFT = "com.microsoft"


class Last(Graph):
    """Operators on channels-last 8-bit tensors, of scale 0.05."""

    def parameters_of(self, dtype: str, scale: float = 0.05) -> list[str]:
        return [self.number(scale), self.number(120 if dtype == "uint8" else -3, dtype)]

    def conv(self, x: str, y: str, w: Sequence[int], dtype: str, last: bool = True, **attributes: Any) -> str:
        weights = [self.random("int8", w), self.number(0.01, shape=[w[0]]), self.number(0, "int8", [w[0]])]
        parameters = self.parameters_of(dtype)
        inputs = [x, *parameters, *weights, *self.parameters_of(dtype, 0.3)]
        inputs.append(self.constant(f"{y}_b", self.rng.integers(-900, 900, w[0]), "int32"))
        return self.node("QLinearConv", inputs, y, MICROSOFT, channels_last=int(last), **attributes)

    def pool(self, op_type: str, x: str, y: str, dtype: str, **attributes: Any) -> str:
        inputs = [x, *self.parameters_of(dtype), *self.parameters_of(dtype, 0.04)]
        return self.node(op_type, inputs, y, MICROSOFT, channels_last=1, **attributes)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize(
    ("x", "w", "attributes"),
    [
        ((2, 7, 6, 8), (12, 8, 3, 3), {"pads": [1, 1, 1, 1], "strides": [2, 1]}),
        ((2, 7, 6, 8), (8, 1, 3, 3), {"pads": [1, 0, 1, 0], "group": 8}),
        ((2, 7, 6, 8), (10, 4, 1, 1), {"group": 2}),
        ((2, 9, 5), (6, 5, 3), {"pads": [1, 1]}),
    ],
)
def test_conv(x: Sequence[int], w: Sequence[int], attributes: dict[str, Any], dtype: str) -> None:
    g = Last(1)
    g.x("x", dtype, x, ("n", *x[1:]))
    g.y(g.conv("x", "y", w, dtype, **attributes), dtype, len(x))
    assert_same_bits(g, {"QConv": 1})


def test_conv_on_channels_first() -> None:
    g = Last(2)
    g.x("x", "uint8", (2, 8, 7, 6))
    g.y(g.conv("x", "y", (12, 8, 3, 3), "uint8", last=False), "uint8", 4)
    assert_same_bits(g, {"QConv": 1})


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize(
    ("op_type", "ours", "attributes"),
    [
        ("NhwcMaxPool", "QMaxPool", {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 0, 1]}),
        ("NhwcMaxPool", "QMaxPool", {"kernel_shape": [2, 2], "ceil_mode": 1, "dilations": [2, 1]}),
        ("QLinearAveragePool", "QAveragePool", {"kernel_shape": [3, 2], "pads": [1, 0, 1, 1]}),
        ("QLinearGlobalAveragePool", "QGlobalAveragePool", {}),
    ],
)
def test_pool(op_type: str, ours: str, attributes: dict[str, Any], dtype: str) -> None:
    g = Last(3)
    x = g.conv(g.x("x", dtype, (2, 9, 8, 5), ("n", 9, 8, 5)), "c", (12, 5, 1, 1), dtype)
    if op_type == "NhwcMaxPool":
        y = g.node(op_type, [x], "y", MICROSOFT, **attributes)
    else:
        y = g.pool(op_type, x, "y", dtype, **attributes)
    g.y(y, dtype, 4)
    model = assert_same_bits(g, {"QConv": 1, ours: 1})
    assert "Transpose" not in Counter(node.op_type for node in model.graph.node)


def test_a_residual_block_stays_inside() -> None:
    """What is elementwise stays on channels-last tensors: Transposes around it are nothing in an island."""
    g = Last(4)
    g.x("x", "float32", (2, 8, 7, 6), ("n", 8, 7, 6))
    quantized = g.quantize("x", "q", *g.parameters_of("uint8"))
    x = g.node("Transpose", [quantized], "last", perm=[0, 2, 3, 1])
    a = g.conv(x, "a", (8, 8, 3, 3), "uint8", pads=[1, 1, 1, 1])
    b = g.conv(a, "b", (8, 8, 3, 3), "uint8", pads=[1, 1, 1, 1])
    three = [value for name in (a, b) for value in (name, *g.parameters_of("uint8", 0.3))]
    s = g.node("QLinearAdd", [*three, *g.parameters_of("uint8", 0.4)], "s", MICROSOFT)
    pooled = g.pool("QLinearGlobalAveragePool", s, "p", "uint8")
    first = g.node("Transpose", [pooled], "first", perm=[0, 3, 1, 2])
    g.y(g.dequantize(first, "y", *g.parameters_of("uint8", 0.04)), rank=4)
    model = assert_same_bits(g, {"QConv": 1, "QConvAdd": 1, "QGlobalAveragePool": 1})
    assert "Transpose" not in Counter(node.op_type for node in model.graph.node)


def test_unknown_rank() -> None:
    g = Last(5)
    g.feeds["shape"] = np.array([2, 5, 5, 8])
    x = g.node("Reshape", [g.x("x", "uint8", (2, 25, 8)), g.input("shape", "int64", ["rank"])], "r")
    g.y(g.pool("QLinearGlobalAveragePool", x, "y", "uint8"), "uint8", 4)
    assert_same_bits(g, {"QGlobalAveragePool": 0}, {"QLinearGlobalAveragePool": "channels_last"})


def test_file_that_onnxruntime_saved(tmp_path: Path) -> None:
    """At its level all, from a model in QDQ."""
    g = Graph(6)
    x = g.pair(g.x("x", "float32", (2, 8, 9, 9)), "x_pair", g.number(0.05), g.number(128, "uint8"))
    for number, kernel in enumerate((3, 1)):
        w = g.dequantize(
            g.random("int8", (8, 8, kernel, kernel)), f"w{number}", g.number(0.01), g.number(0, "int8")
        )
        conv = g.node("Conv", [x, w], f"conv{number}", pads=[kernel // 2] * 4)
        x = g.pair(conv, f"pair{number}", g.number(0.1), g.number(128, "uint8"))
    pool = g.node("MaxPool", [x], "pool", kernel_shape=[2, 2], strides=[2, 2])
    g.y(g.pair(pool, "y", g.number(0.1), g.number(128, "uint8")), rank=4)
    saved = tmp_path / "saved.onnx"
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.optimized_model_filepath = str(saved)
    options.add_session_config_entry("session.x64quantprecision", "1")
    open_session(g.model(17), options=options)
    model = onnx.load_model(saved)
    assert {"QLinearConv", "NhwcMaxPool"} <= {node.op_type for node in model.graph.node}
    conversion = converter.convert(model)
    assert not conversion.report.left, str(conversion.report)
    assert conversion.report.converted["QConv"] == 2
    check.assert_equivalent(model, conversion.model, [g.feeds])
