"""Models that quantizers wrote (quantizers/make/): how much of each converts, and with which bits."""

from pathlib import Path

import pytest

from quantizers.outcome import outcome

MODELS = Path(__file__).parent / "quantizers" / "models"

# Converted nodes, quantized nodes, nodes that are not exact. What stays has its reason in the report.
EXPECTED = {
    "brevitas-cnn-ts-default": (22, 22, 1),
    "brevitas-encoder-ts-layerwise": (58, 58, 10),
    "modelopt-cnn-dynamo-fp16": (17, 17, 12),
    "modelopt-cnn-ts-fp32-dqonly": (20, 20, 8),
    "modelopt-encoder-dynamo-fp32-dqonly": (56, 56, 17),
    "modelopt-encoder-ts-fp32-dqonly": (64, 64, 17),
    "nncf-cnn-ts-default": (20, 20, 4),
    "nncf-encoder-ts-transformer": (58, 58, 12),
    "pt2e-cnn-x86": (22, 22, 7),
}


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.onnx")), ids=lambda path: path.stem)
def test_a_quantizer_s_model(path: Path) -> None:
    found = outcome(path)
    assert not found.failed and not found.not_compared
    assert (found.converted, found.quantized, found.approximate) == EXPECTED[path.stem]
    assert found.islands and found.crossings
    assert sum(found.left.values()) == found.quantized - found.converted
    assert found.elements and (found.approximate or not found.different)
