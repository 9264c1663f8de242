"""Transposed convolutions in one to three dimensions."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import onnx
import pytest
from qdq_networks import QdqNetwork, assert_converts, normal, reasons

from cases.builder import GraphBuilder
from qudnn import converter
from session import open_session, outputs
from zoo.quantize import quantize

SPATIAL = {1: (9,), 2: (9, 8), 3: (4, 5, 6)}
ROW = {"Unsqueeze": 1, "Squeeze": 1}
MOVED = {"Reshape": 2, "Transpose": 1}


def network(
    kernel: Sequence[int],
    dtype: str = "uint8",
    axis: int | None = None,
    weights: str = "int8",
    spatial: Sequence[int | str] | None = None,
    **attributes: Any,
) -> onnx.ModelProto:
    """One of 4 channels to 6. All scales are powers of two, which leave onnxruntime nothing to round."""
    net = QdqNetwork(dtype)
    group = attributes.get("group", 1)
    spatial = SPATIAL[len(kernel)] if spatial is None else spatial
    rank = len(kernel) + 2
    x = net.pair(net.input("x", "float32", ["n", 4, *spatial]), "x_q", 2.0**-5, 119)
    shape = (4, 6 // group, *kernel)
    bounds = np.iinfo(weights)
    values = net.rng.integers(bounds.min, bounds.max, shape, endpoint=True)
    count = [] if axis is None else [shape[axis]]
    scales = 2.0 ** -net.rng.integers(6, 9, count)
    w = net.dequantize(
        net.constant("w", values, weights),
        [
            net.constant("w_scale", scales, "float32"),
            net.constant("w_zero_point", np.full(count, 0 if weights == "int8" else 97), weights),
        ],
        "w_dq",
        **({} if axis is None else {"axis": axis}),
    )
    b = net.constant("b", net.rng.integers(-999, 999, 6) * 2.0**-11, "float32")
    y = net.node("ConvTranspose", [x, w, b], "t", **attributes)
    net.y(net.node("Relu", [y], "r"), 2.0**-3, 100, rank=rank)
    return net.model(19)


def check(model: onnx.ModelProto, ops: dict[str, int], spatial: Sequence[int]) -> None:
    report = assert_converts(model, ops, (4, *spatial), exact=False, scale=0.0)
    assert [entry.name for entry in report.approximate] == ["t_node"]


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize(
    ("kernel", "ops", "attributes"),
    [
        ([3], {**ROW, "QConv": 1}, {"pads": [1, 0]}),
        ([4], {**ROW, "QConv": 1, "Reshape": 1, "Slice": 1}, {"strides": [2], "pads": [1, 1]}),
        ([16], {**ROW, "QConv": 1, "Reshape": 1, "Slice": 1}, {"strides": [8], "pads": [4, 4]}),
        ([3], {**ROW, "QConv": 1, "Reshape": 1}, {"strides": [2], "output_padding": [1]}),
        ([2], {**ROW, "QConv": 1, "Reshape": 1, "Slice": 1}, {"strides": [3], "group": 2}),
        ([3, 3], {"QConv": 1}, {"pads": [1, 0, 1, 2]}),
        ([3, 3], {"QConv": 1, "Slice": 1}, {"pads": [3, 0, 1, 4]}),
        ([2, 2], {"QConv": 1, "QDepthToSpace": 1}, {"strides": [2, 2]}),
        (
            [3, 3],
            {"QConv": 1, "QDepthToSpace": 1},
            {"strides": [2, 2], "pads": [1] * 4, "output_padding": [1, 1]},
        ),
        ([1, 1], {"QConv": 1, "QDepthToSpace": 1}, {"strides": [3, 3], "output_padding": [2, 1]}),
        ([4, 4], {"QConv": 1, "QDepthToSpace": 1}, {"strides": [2, 2], "pads": [1] * 4, "group": 2}),
        ([2, 2], {"QConv": 1, "QDepthToSpace": 1}, {"strides": [3, 3], "dilations": [2, 1]}),
        ([3, 3], {"QConv": 1, **MOVED, "Slice": 1}, {"strides": [2, 1], "pads": [1] * 4}),
        ([4, 2], {"QConv": 1, **MOVED}, {"strides": [4, 2]}),
        ([2, 3], {"QConv": 1, "Reshape": 1, "Slice": 1}, {"strides": [1, 2], "dilations": [2, 1]}),
        ([2, 2, 2], {"QConv3D": 1, **MOVED}, {"strides": [2, 2, 2]}),
        (
            [3, 3, 3],
            {"QConv3D": 1, **MOVED, "Slice": 1},
            {"strides": [1, 2, 2], "pads": [1] * 6, "output_padding": [0, 1, 1]},
        ),
        ([1, 2, 3], {"QConv3D": 1, "Slice": 1}, {"pads": [0, 0, 1, 0, 1, 3], "group": 2}),
    ],
)
def test_window(kernel: list[int], ops: dict[str, int], attributes: dict[str, Any], dtype: str) -> None:
    check(network(kernel, dtype, **attributes), ops, SPATIAL[len(kernel)])


@pytest.mark.parametrize(
    "attributes",
    [
        {"auto_pad": "SAME_UPPER"},
        {"auto_pad": "SAME_LOWER"},
        {"auto_pad": "SAME_UPPER", "output_padding": [1, 0]},
        {"auto_pad": "VALID"},
        {"output_shape": [18, 15]},
        {"output_shape": [17, 16], "auto_pad": "SAME_UPPER"},
        {"output_shape": [17, 16], "auto_pad": "SAME_LOWER"},
        {"output_shape": [20, 18]},
    ],
    ids=str,
)
def test_pads_that_follow(attributes: dict[str, Any]) -> None:
    model = network([3, 4], strides=[2, 2], **attributes)
    check(model, {"QConv": 1, "QDepthToSpace": 1}, (9, 8))


@pytest.mark.parametrize(("axis", "group"), [(1, 1), (1, 2), (0, 4)])
@pytest.mark.parametrize("weights", ["int8", "uint8"])
def test_weights(axis: int, group: int, weights: str) -> None:
    """Of the whole range of their type, quantized for each output; 4 groups have one input each."""
    if group == 4:
        net = QdqNetwork()
        x = net.pair(net.input("x", "float32", ["n", 4, 9, 8]), "x_q", 2.0**-5, 119)
        values = net.constant("w", net.rng.integers(-128, 128, (4, 1, 4, 4)), "int8")
        scale = net.constant("w_scale", 2.0 ** -np.arange(5, 9), "float32")
        w = net.dequantize(values, [scale, net.constant("z", np.zeros(4), "int8")], "w_dq", axis=0)
        net.y(net.node("ConvTranspose", [x, w], "t", strides=[2, 2], group=4), 2.0**-3, 100)
        check(net.model(), {"QConv": 1, "QDepthToSpace": 1}, (9, 8))
        return
    model = network([3, 3], axis=axis, weights=weights, strides=[2, 2], group=group)
    split = {"Gather": 1} if weights == "uint8" else {}
    check(model, {"QConv": 1, "QDepthToSpace": 1, **split}, (9, 8))


def test_sizes_that_are_unknown() -> None:
    check(network([3, 3], spatial=("h", "w"), strides=[2, 2]), {"QConv": 1, "QDepthToSpace": 1}, (9, 8))
    row = {**ROW, "QConv": 1, "Reshape": 1}
    check(network([4], spatial=("w",), strides=[4]), row, (9,))
    check(network([3, 4], spatial=("h", "w"), strides=[1, 4]), {"QConv": 1, "Reshape": 1}, (9, 8))


def test_reasons() -> None:
    model = network([3, 3], spatial=("h", "w"), strides=[2, 1])
    assert reasons(model)["t_node"] == "several of its sizes are unknown"
    model = network([3, 3], axis=0, strides=[2, 2])
    assert reasons(model)["t_node"].startswith("its weights are quantized along axis 0")
    model = network([3, 3], spatial=("h", "w"), output_shape=[9, 8])
    assert reasons(model)["t_node"] == "it has an output_shape, and the size of its input is unknown"


@pytest.mark.parametrize("form", ["QOperator", "QDQ"])
@pytest.mark.parametrize("spatial", [(20,), (10, 9)])
def test_as_onnxruntime_quantizes_it(spatial: tuple[int, ...], form: Literal["QOperator", "QDQ"]) -> None:
    """In QOperator its weights stay in float32, of which onnxruntime makes integers when it runs."""
    g, rng = GraphBuilder(), np.random.default_rng(0)

    def layer(op_type: str, x: str, name: str, *shape: int, **attributes: Any) -> str:
        w = g.constant(f"{name}_w", rng.normal(0, 0.2, shape).astype(np.float32))
        bias = g.constant(f"{name}_b", rng.normal(0, 0.2, 12).astype(np.float32))
        return g.node("Relu", [g.node(op_type, [x, w, bias], name, **attributes)], f"{name}_relu")

    kernel = [2] * len(spatial)
    y = layer("Conv", g.input("x", "float32", ["n", 3, *spatial]), "first", 12, 3, *kernel)
    y = layer("ConvTranspose", y, "transposed", 12, 12, *kernel, strides=kernel)
    sizes = [f"y{axis}" for axis in range(len(spatial))]
    g.output(layer("Conv", y, "last", 12, 12, *kernel), "float32", ["n", 12, *sizes])
    model = quantize(g.model(17), rng.normal(0, 1, (4, 3, *spatial)).astype(np.float32), form=form)
    assert Counter(n.op_type for n in model.graph.node)["QLinearConv"] == (2 if form == "QOperator" else 0)
    conversion = converter.convert(model)
    report = conversion.report
    assert report.converted["QConv"] == 3 and report.islands == 1 and not report.left, str(report)
    assert [entry.op_type for entry in report.approximate] == ["ConvTranspose"]
    got, want = (outputs(open_session(m), {"x": normal(2, 3, *spatial)}) for m in (conversion.model, model))
    for name, value in want.items():
        quantum = np.diff(np.unique(value)).min()
        assert np.abs(got[name] - value).max() <= quantum * 1.01 and np.unique(value).size > 20
