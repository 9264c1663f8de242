"""Models that quantizers wrote (quantizers/make/): how much of each converts, and with which bits."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from quantizers.outcome import outcome, random_feed
from qudnn import converter
from qudnn.converter.domain import DOMAIN
from session import CUDA, assert_same_bits, outputs, run

MODELS = Path(__file__).parent / "quantizers" / "models"

# Converted nodes, quantized nodes, nodes that are not exact. What stays has its reason in the report.
EXPECTED = {
    "brevitas-cnn-ts-default": (22, 22, 1),
    "brevitas-cnn-ts-layerwise": (13, 13, 7),
    "brevitas-encoder-ts-layerwise": (58, 58, 10),
    "modelopt-cnn-dynamo-fp16": (17, 17, 12),
    "modelopt-cnn-ts-fp16": (20, 20, 14),
    "modelopt-cnn-ts-fp32-dqonly": (20, 20, 8),
    "modelopt-encoder-dynamo-fp32-dqonly": (56, 56, 17),
    "modelopt-encoder-ts-fp32-dqonly": (64, 64, 17),
    "mtq-cnn-ts-default": (28, 28, 8),
    "nncf-cnn-ts-default": (20, 20, 4),
    "nncf-cnn-ts-transformer": (23, 23, 7),
    "nncf-encoder-ts-transformer": (58, 58, 12),
    "pt2e-cnn-x86": (22, 22, 7),
}


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.onnx")), ids=lambda path: path.stem)
def test_a_quantizer_s_model(path: Path) -> None:
    found = outcome(path)
    assert not found.failed and not found.not_compared
    assert (found.converted, found.quantized, found.approximate) == EXPECTED[path.stem]
    assert found.islands and found.crossings
    # The last one's batch norms are inputs with defaults.
    assert found.islands == 1 or "-cnn-" not in path.stem or path.stem == "brevitas-cnn-ts-layerwise"
    assert sum(found.left.values()) == found.quantized - found.converted
    assert found.elements and (found.approximate or not found.different)


@pytest.mark.parametrize(
    ("name", "op", "number", "islands"),
    [
        ("brevitas-cnn-ts-layerwise", "QConv", 2, 1),
        ("brevitas-encoder-ts-layerwise", "LayerNormalizationToIsland", 3, None),
    ],
)
def test_normalizations_whose_parameters_have_defaults(
    name: str, op: str, number: int, islands: int | None
) -> None:
    """They convert with --constant-defaults, as the report says. Brevitas exports them so."""
    path = MODELS / f"{name}.onnx"
    before, after = (converter.convert(path, constant_defaults=given) for given in (False, True))
    assert any("as --constant-defaults does" in left.reason for left in before.report.left)
    assert not any("initializer" in left.reason for left in after.report.left)
    assert after.report.converted[op] == number > before.report.converted.get(op, 0), str(after.report)
    assert islands in (None, after.report.islands)
    feed = random_feed(after.model)
    assert len(feed) == 1 < len(before.model.graph.input)
    original = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    got = run(after.model, feed).outputs
    for result, want in outputs(original, feed).items():
        wide = want.astype(np.float64)
        assert np.abs(got[result] - wide).max() <= 0.1 * np.abs(wide).max(), result


def of_shapes(model: onnx.ModelProto) -> set[str]:
    """The operators that compute with sizes alone."""
    constants = {tensor.name for tensor in model.graph.initializer}
    sizes: set[str] = set()
    found = set()
    for node in model.graph.node:
        read = {name for name in node.input if name} - constants
        if node.op_type == "Constant":
            constants.update(node.output)
        elif node.op_type == "Shape" or (read and read <= sizes):
            sizes.update(node.output)
            found.add(node.op_type)
    return found - {"Shape"}


@pytest.mark.gpu
@pytest.mark.parametrize("path", sorted(MODELS.glob("*.onnx")), ids=lambda path: path.stem)
def test_all_of_it_runs_on_the_gpu(path: Path) -> None:
    """No node on the CPU but arithmetic on shapes, no copy; the bits of the bodies, if all is converted.

    onnxruntime keeps what follows a Shape on the CPU, where the sizes are needed.
    """
    conversion = converter.convert(path)
    model, feed = conversion.model, random_feed(conversion.model)
    actual, expected = run(model, feed, CUDA), run(model, feed)
    on_cpu = {kernel.op_type for kernel in actual.executed if kernel.provider != CUDA}
    assert on_cpu <= of_shapes(model), actual.executed
    assert not [kernel for kernel in actual.executed if kernel.op_type.startswith("Memcpy")]
    ops = {node.op_type for node in model.graph.node if node.domain == DOMAIN}
    assert ops and ops <= {kernel.op_type for kernel in actual.executed}
    if not conversion.report.left:
        assert_same_bits(actual.outputs, expected.outputs)
    for name, want in expected.outputs.items():
        wide = want.astype(np.float64)
        assert np.abs(actual.outputs[name] - wide).max() <= 0.1 * np.abs(wide).max(), name
