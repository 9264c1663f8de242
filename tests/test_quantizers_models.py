"""Models that quantizers wrote (quantizers/make/): how much of each converts, and with which bits."""

from pathlib import Path

import pytest

from quantizers.outcome import outcome

MODELS = Path(__file__).parent / "quantizers" / "models"

# At least so many nodes convert, of so many quantized ones; at most so many are not exact.
EXPECTED = {
    "brevitas-cnn-ts-default": (18, 22, 1),
    "brevitas-encoder-ts-layerwise": (58, 58, 10),
    "modelopt-cnn-dynamo-fp16": (17, 17, 11),
    "modelopt-cnn-ts-fp32-dqonly": (20, 20, 8),
    "modelopt-encoder-dynamo-fp32-dqonly": (50, 56, 15),
    "modelopt-encoder-ts-fp32-dqonly": (46, 64, 15),
    "nncf-cnn-ts-default": (14, 20, 2),
    "nncf-encoder-ts-transformer": (26, 58, 9),
    "pt2e-cnn-x86": (14, 22, 5),
}


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.onnx")), ids=lambda path: path.stem)
def test_a_quantizer_s_model(path: Path) -> None:
    found = outcome(path)
    assert not found.failed and not found.not_compared
    least, quantized, most = EXPECTED[path.stem]
    assert found.converted >= least and found.quantized == quantized and found.approximate <= most
    assert found.islands and found.crossings
    assert sum(found.left.values()) == found.quantized - found.converted
    assert found.elements and (found.approximate or not found.different)
