"""What onnxruntime's static quantizer makes of float networks, converted."""

from collections import Counter
from typing import Any, Literal

import numpy as np
import onnx
import pytest

import check
from qudnn import converter
from session import run
from zoo.blocks import squeeze_excite
from zoo.graph import Graph
from zoo.resnet import resnet50

pytest.importorskip("onnxruntime.quantization", reason="this onnxruntime comes without its quantizer")

from zoo.quantize import quantize

IMAGES = np.random.default_rng(0).standard_normal((6, 3, 64, 64)).astype(np.float32)


@pytest.fixture(scope="module")
def network() -> onnx.ModelProto:
    """ResNet-50 with an eighth of the channels, at 64 x 64."""
    return resnet50(size=64, width=0.125, classes=10)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"per_channel": False},
        {"activations": "int8"},
        {"activations": "int8", "per_channel": False},
    ],
    ids=lambda options: "_".join(map(str, options.values())) or "default",
)
def test_resnet50_has_one_entry_and_one_exit(network: onnx.ModelProto, options: dict[str, Any]) -> None:
    original = quantize(network, IMAGES[:2], **options)
    conversion = converter.convert(original)
    report = conversion.report
    assert not report.left, str(report)
    assert report.converted == {
        "QConv": 31,
        "QConvAdd": 13,
        "QBottleneckAdd": 3,  # those of the last stage: others have too few channels
        "QMaxPool": 1,
        "QGlobalAveragePool": 1,
        "Flatten": 1,
        "QMatMul": 1,
    }
    assert (report.islands, report.entries, report.exits) == (1, 1, 1)
    operators = Counter(node.op_type for node in conversion.model.graph.node)
    assert operators == {**report.converted, "QuantizeToIsland": 1, "DequantizeFromIsland": 1}
    check.assert_equivalent(original, conversion.model, [{"x": IMAGES[:1]}, {"x": IMAGES}])


@pytest.mark.parametrize("form", ["QOperator", "QDQ"])
def test_layers_that_share_a_bias(form: Literal["QOperator", "QDQ"]) -> None:
    """As PyTorch's exporter writes layers with equal biases: one is read by all, or copied by Identity."""
    graph = Graph("shared", (3, 16, 16))
    y = squeeze_excite(graph, graph.conv(graph.conv(graph.x, 16, 3), 16, 3), 16, "Sigmoid")
    model = graph.finish(graph.conv(y, 16, 1, relu=False), [16, 16, 16])
    first, *others = [node for node in model.graph.node if node.op_type == "Conv"]
    for index, node in enumerate(others):
        if index % 2:
            copy = onnx.helper.make_node("Identity", [first.input[2]], [f"{node.input[2]}/copy"])
            model.graph.node.insert(0, copy)
        node.input[2] = f"{node.input[2]}/copy" if index % 2 else first.input[2]
    original = quantize(model, IMAGES[:2, :, :16, :16], form=form)
    conversion = converter.convert(original)
    assert not conversion.report.left, str(conversion.report)
    inputs = {"x": IMAGES[:2, :, :16, :16]}
    expected, actual = (run(each, inputs).outputs["y"] for each in (model, original))
    assert np.abs(expected - actual).mean() < 0.05 * np.abs(expected).mean()
    check.assert_equivalent(original, conversion.model, [inputs])


def test_float_model_is_left_as_it_is(network: onnx.ModelProto) -> None:
    conversion = converter.convert(network)
    assert conversion.report.converted == {}
    assert conversion.model == network
