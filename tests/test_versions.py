"""Converted models in the oldest onnxruntime that they open in, two between, and the newest, on the CPU."""

from pathlib import Path

import pytest

pytest.importorskip("onnxruntime.quantization", reason="this onnxruntime comes without its quantizer")

from versions import environments, models
from versions.run import outcomes

# The kinds of models, and what each is here for.
NAMES = (
    "graph-opset13",
    "graph-opset20",
    "conv3d-opset18",
    "where",
    "declared",
    "random-QOperator-1",
    "resnet50-QDQ-uint8",
    "bert_like-QDQ-masked",
    "vit_like-QOperator-all",
    "bert_like-dynamic-int8",
    "dynamic_conv-opset13",
    "volumes-opset13",
)
# Those in which the order of float32 sums may tell.
NEARLY = ("float_results-opset13", "float_results-opset21")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    catalogue = models.catalogue()
    for name in NAMES + NEARLY:
        conversion = models.write(catalogue[name](), folder, name)
        assert conversion.report.converted, name
    return folder


@pytest.mark.parametrize("version", environments.TESTED)
def test_opens_with_the_same_bits(version: str, folder: Path) -> None:
    try:
        environments.python(version)
    except RuntimeError as error:
        pytest.skip(str(error))
    found = outcomes(version, folder)
    assert sorted(outcome.name for outcome in found) == sorted(NAMES + NEARLY)
    for outcome in found:
        assert (outcome.original, outcome.converted) == ("", ""), outcome.name
        assert outcome.of
        assert outcome.name in NEARLY or outcome.different == 0, outcome.name
