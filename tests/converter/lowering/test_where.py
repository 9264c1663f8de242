"""Choices between quantized tensors, in both formats."""

from collections.abc import Sequence

import numpy as np
import pytest
from operators import DTYPES, Operators
from qdq_networks import RESULT_SCALE, SCALE, QdqNetwork

import check
from qudnn import converter

Shape = Sequence[int | str]
CONDITIONS = [("n", 1, 1, 48), ("n", 1, 9, 1), (48,), (1,), ("n", 4, 9, 48)]


def bools(shape: Shape, batch: int = 2) -> np.ndarray:
    sizes = [batch if size == "n" else int(size) for size in shape]
    return np.random.default_rng(0).random(sizes) < 0.5


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("constant", [False, True])
def test_qoperator(condition: Shape, constant: bool, dtype: str) -> None:
    net = Operators(dtype)
    shape = ("n", 4, 9, 48)
    x = net.eight_bit("x", shape)
    y = net.constant("y_fixed", net.random(1)) if constant else net.eight_bit("y", shape)
    inputs = [net.input("c", "bool", condition), x, *net.quantization("x"), y, *net.quantization("y")]
    z = net.contrib("QLinearWhere", [*inputs, *net.quantization("z")], "w")
    scale = net.constant("ones", np.ones(48), "float32")
    f = net.node("DequantizeLinear", [z, *net.quantization("z_read")], "f")
    f = net.node("LayerNormalization", [f, scale], "l")
    net.node("QuantizeLinear", [f, *net.quantization("l_q")], net.result("out", 4))
    model = net.model(17)
    conversion = converter.convert(model)
    report = conversion.report
    assert not report.left, str(report)
    assert report.converted["QWhere"] == 1
    feed = {"c": bools(condition), "x": net.random(2, 4, 9, 48)}
    check.assert_equivalent(
        model, conversion.model, [feed if constant else {**feed, "y": net.random(2, 4, 9, 48)}]
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("condition", [("n", 1, 9, 8), ("n", 4, 1, 8), (1, 1, 1, 1)])
def test_qdq_channels_first(condition: Shape, dtype: str) -> None:
    """Between tensors of images: a condition for each channel does not fit the padded ones."""
    net = QdqNetwork(dtype)
    z = net.pair(net.input("z", "float32", ("n", 4, 9, 8)), "z_q", RESULT_SCALE, 131)
    net.y(net.node("Where", [net.input("c", "bool", condition), net.x(), z], "w"))
    model = net.model()
    conversion = converter.convert(model)
    fits = condition[1] == 1
    left = [entry.reason for entry in conversion.report.left if entry.op_type == "Where"]
    assert left == ([] if fits else ["its condition differs by channel, and the island has padded channels"])
    rng = np.random.default_rng(1)
    values = {name: rng.normal(0, 60 * SCALE, (2, 4, 9, 8)).astype(np.float32) for name in ("x", "z")}
    check.assert_equivalent(model, conversion.model, [{"c": bools(condition), **values}])
