"""Means, sums and extremes over any axes."""

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from operators import DTYPES, Operators, assert_inside
from qdq_networks import QdqNetwork, assert_converts, reasons

AXES = [[2, 3], [1], [-1], [2], [1, 3], [1, 2, 3], [1, 2]]
FLAT = {"QGlobalAveragePool": 1, "Reshape": 2}
ALONG_CHANNELS = {**FLAT, "Slice": 1, "Gather": 1}
MEANS = {
    "[2, 3]": {"QGlobalAveragePool": 1},
    "[1]": ALONG_CHANNELS,
    "[-1]": FLAT,
    "[2]": {**FLAT, "Transpose": 1},
    "[1, 3]": {"QGlobalAveragePool": 1},
    "[1, 2, 3]": ALONG_CHANNELS,
    "[1, 2]": {"QGlobalAveragePool": 1},
}

EXTREMES = {
    "[2, 3]": {"QMaxPool": 2},
    "[1]": {"QMaxPool": 1, "Slice": 1, "Gather": 1},
    "[-1]": {"QMaxPool": 1},
    "[2]": {"QMaxPool": 1, "Transpose": 1},
    "[1, 3]": {"QMaxPool": 1, "Slice": 1, "Gather": 1},
    "[1, 2, 3]": {"QMaxPool": 2, "Slice": 1, "Gather": 1},
    "[1, 2]": {"QMaxPool": 2, "Slice": 1, "Gather": 1, "Transpose": 1},
}


def network(
    op_type: str,
    axes: Sequence[int] | None,
    dtype: str = "uint8",
    keepdims: int = 1,
    scale: float = 0.03,
    shape: Sequence[int | str] = ("n", 4, 9, 8),
    activation: str = "",
) -> onnx.ModelProto:
    net = QdqNetwork(dtype)
    inputs = [net.x(shape)]
    if axes is not None:
        inputs.append(net.constant("axes", axes, "int64"))
    y = net.node(op_type, inputs, "r", keepdims=keepdims)
    if activation:
        y = net.node(activation, [y], "a")
    net.y(y, scale, rank=len(shape) - (0 if keepdims or axes is None else len(axes)))
    return net.model(18)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("axes", AXES, ids=str)
def test_mean(axes: list[int], keepdims: int, dtype: str) -> None:
    """onnxruntime sums up in float32."""
    ops = dict(MEANS[str(axes)])
    if ops == {"QGlobalAveragePool": 1} and not keepdims:
        ops["Flatten"] = 1
    if axes == [1, 2, 3] and not keepdims:
        del ops["Gather"]  # of a vector, whose length is unknown
    assert_converts(network("ReduceMean", axes, dtype, keepdims), ops, exact=False, scale=0.03)


@pytest.mark.parametrize("axes", [[2, 3], [1], [-1], [2], [1, 2, 3]], ids=str)
def test_sum(axes: list[int]) -> None:
    ops = {**MEANS[str(axes)], "Reshape": 2}
    assert_converts(network("ReduceSum", axes, scale=0.4), ops, exact=False, scale=0.4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("axes", AXES, ids=str)
@pytest.mark.parametrize("op_type", ["ReduceMax", "ReduceMin"])
def test_extremes(op_type: str, axes: list[int], keepdims: int, dtype: str) -> None:
    """Many elements in two steps; with onnxruntime's bits."""
    ops = {"Reshape": 2, "QTable": 1 + (op_type == "ReduceMin"), **EXTREMES[str(axes)]}
    if axes == [1, 2, 3] and not keepdims:
        del ops["Gather"]
    assert_converts(network(op_type, axes, dtype, keepdims, scale=0.0893), ops)


def test_extremes_of_one_scale_and_clipped() -> None:
    same = QdqNetwork()
    y = same.node("ReduceMax", [same.x(), same.constant("axes", [3], "int64")], "r")
    same.y(y, 0.0471, 119)
    assert_converts(same.model(18), {"Reshape": 2, "QMaxPool": 1})
    ops = {"Reshape": 2, "QMaxPool": 1, "QTable": 1}
    assert_converts(network("ReduceMax", [3], activation="Relu"), ops)


@pytest.mark.parametrize("shape", [("n", 4, 9), ("n", 4, 9, 8), ("n", 4, 3, 5, 4), ("n", 4, 61, 1)])
def test_global_max_pool(shape: Sequence[int | str]) -> None:
    net = QdqNetwork()
    net.y(net.node("GlobalMaxPool", [net.x(shape)], "p"), rank=len(shape))
    sizes = [int(size) for size in shape[1:]]
    steps = 2 if np.prod(sizes[1:]) in (60, 72) else 1
    assert_converts(net.model(), {"Reshape": 2, "QMaxPool": steps, "QTable": 1}, sizes)


def test_unknown_sizes() -> None:
    """A mean may be over any number of elements."""
    shape = ("n", "s", 20)
    ops = {"QGlobalAveragePool": 1, "Unsqueeze": 1, "Squeeze": 1}
    assert_converts(network("ReduceMean", [1], shape=shape), ops, (9, 20), exact=False, scale=0.03)
    assert reasons(network("ReduceSum", [1], shape=shape), 9, 20) == {
        "r_node": "the number of elements that it reduces is unknown"
    }
    assert "unknown" in reasons(network("ReduceMax", None, shape=shape), 9, 20)["r_node"]
    assert_converts(
        network("ReduceMax", [2], shape=("n", 9, 20)), {"Reshape": 2, "QMaxPool": 1, "QTable": 1}, (9, 20)
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op_type", ["ReduceMax", "ReduceMin"])
def test_on_8_bits(op_type: str, dtype: str) -> None:
    net = Operators(dtype)
    x = net.conv(net.eight_bit("x", ["n", 3, 9, 12]), "c", 3, 21)
    y = net.node(op_type, [x], "r", axes=[3], keepdims=1)
    net.conv(y, net.result("y", 4), 21, 8)
    convs = {"QConv": 1, "QConvTable": 1, "QTable": 1} if op_type == "ReduceMin" else {"QConv": 2}
    ops = {"QMaxPool": 1, "Reshape": 2, **convs}
    assert_inside(net, ops, {"x": net.random(2, 3, 9, 12)}, {"x": net.random(1, 3, 9, 12)})
