"""Whole vision models, quantized by onnxruntime: converted, they compute the same, bit for bit."""

from typing import Literal

import numpy as np
import onnx
import pytest

import check
from qudnn import converter
from session import open_session, outputs
from twin import with_integer_matmuls
from zoo.architectures import SMALL

pytest.importorskip("onnxruntime.quantization", reason="this onnxruntime comes without its quantizer")

from zoo.quantize import quantize

Activations = Literal["uint8", "int8"]

# What stays outside an island. Of all others nothing does: one entry, one exit.
LEFT = {
    "densenet_like": {"BatchNormalization", "Relu", "GlobalAveragePool", "Flatten"},  # the last ones
    "mobilenet_v3": {"HardSigmoid", "QuantizeLinear"},
}
# What onnxruntime computes in float32 may differ by a quantum; the report has it.
IN_FLOAT = {"unet_like": {"ConvTranspose"}}

# How many ops write the padding of the next convolution: of all padded ones but those after other large
# ones, concatenations and splits, depthwise ones, those inside of a block that is one op, and where several
# convolutions want different padding.
PADDED = {"resnet50": 13, "inception_like": 9, "densenet_like": 18, "yolo_like": 9, "unet_like": 4}


def writing_padding(model: onnx.ModelProto) -> int:
    attributes = [attribute for node in model.graph.node for attribute in node.attribute]
    return sum(attribute.name == "y_pads" and any(attribute.ints) for attribute in attributes)


def images(model: onnx.ModelProto, count: int) -> np.ndarray:
    _, *shape = (size.dim_value for size in model.graph.input[0].type.tensor_type.shape.dim)
    return np.random.default_rng(0).standard_normal((count, *shape)).astype(np.float32)


def assert_close(converted: onnx.ModelProto, original: onnx.ModelProto, x: np.ndarray) -> None:
    """Few results differ, each by a quantum."""
    (y,), (expected,) = (outputs(open_session(model), {"x": x}).values() for model in (converted, original))
    assert np.mean(y != expected) < 0.03
    assert np.abs(y - expected).max() < 1.5 * np.diff(np.unique(expected)).max()


@pytest.mark.parametrize("per_channel", [True, False], ids=["per_channel", "per_tensor"])
@pytest.mark.parametrize("activations", ["uint8", "int8"])
@pytest.mark.parametrize("name", SMALL)
def test_qoperator(name: str, activations: Activations, per_channel: bool) -> None:
    network = SMALL[name]()
    x = images(network, 3)
    original = quantize(network, x[:2], activations=activations, per_channel=per_channel)
    conversion = converter.convert(original)
    report = conversion.report
    assert {left.op_type for left in report.left} <= LEFT.get(name, set()), str(report)
    if name not in LEFT:
        assert (report.islands, report.entries, report.exits) == (1, 1, 1)
    assert writing_padding(conversion.model) == PADDED.get(name, 0)
    assert {entry.op_type for entry in report.approximate} == IN_FLOAT.get(name, set())
    if report.approximate:
        assert_close(conversion.model, original, x)
    else:
        check.assert_equivalent(original, conversion.model, [{"x": x}, {"x": x[1:2]}])
    (y,) = outputs(open_session(conversion.model), {"x": x}).values()
    assert len(np.unique(y)) > min(20, y.size // 6)  # the values have not died on their way


@pytest.mark.parametrize(
    ("activations", "per_channel", "symmetric"),
    [("uint8", True, False), ("uint8", False, False), ("int8", True, True)],
)
@pytest.mark.parametrize("name", SMALL)
def test_qdq(name: str, activations: Activations, per_channel: bool, symmetric: bool) -> None:
    network = SMALL[name]()
    x = images(network, 3)
    original = quantize(
        network, x[:2], form="QDQ", activations=activations, per_channel=per_channel, symmetric=symmetric
    )
    conversion = converter.convert(original)
    report = conversion.report
    assert not report.left, str(report)
    assert (report.islands, report.entries, report.exits) == (1, 1, 1)
    assert writing_padding(conversion.model) == (0 if symmetric else PADDED.get(name, 0))
    if activations == "uint8":  # of int8 more is computed in float32
        assert {entry.op_type for entry in report.approximate} == IN_FLOAT.get(name, set())
    if name in IN_FLOAT:
        assert_close(conversion.model, original, x)
        return
    reference = with_integer_matmuls(original) if report.approximate else original
    check.assert_equivalent(reference, conversion.model, [{"x": x}, {"x": x[1:2]}])
