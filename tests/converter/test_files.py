"""Files: read with their weights wherever they lie, written whole or not at all."""

import os
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from networks import Network

from cases.builder import Array
from qudnn import converter
from qudnn.converter.io import files


@pytest.fixture
def model() -> onnx.ModelProto:
    net = Network()
    x = net.quantize(net.input("x", "float32", ["n", 3, 8, 8]), "xq")
    x = net.conv(x, "c", 3, 32, 3)
    net.dequantize(net.conv(x, "d", 32, 5), net.unshaped_output("y", "float32"))
    return net.model(13)


@pytest.fixture
def float_model() -> onnx.ModelProto:
    net = Network()
    weight = net.constant("w", np.ones((64, 3, 3, 3)), "float32")
    net.node("Conv", [net.input("x", "float32", ["n", 3, 8, 8]), weight], net.unshaped_output("y", "float32"))
    return net.model(13)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def run(path: Path) -> Array:
    x = np.random.default_rng(0).normal(0, 3, (2, 3, 8, 8)).astype(np.float32)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {"x": x})
    return np.asarray(y)


def split(model: onnx.ModelProto, path: Path) -> Path:
    """Saves the model with its weights in another file, and gives that file."""
    data = path.with_name("weights.bin")
    onnx.save_model(model, path, save_as_external_data=True, location=data.name, size_threshold=100)
    assert data.stat().st_size > 0
    return data


def test_one_file(model: onnx.ModelProto, tmp_path: Path) -> None:
    source, target = tmp_path / "a.onnx", tmp_path / "b.onnx"
    onnx.save(model, source)
    report = converter.convert_file(source, str(target))
    assert report == converter.convert(source).report == converter.convert(model).report
    assert onnx.load(target) == converter.convert(str(source)).model
    assert converter.is_converted(target)
    assert np.array_equal(run(source), run(target))
    assert names(tmp_path) == ["a.onnx", "b.onnx"]


def test_weights_in_another_file(model: onnx.ModelProto, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    source, target = tmp_path / "in" / "a.onnx", tmp_path / "out" / "b.onnx"
    split(model, source)
    report = converter.convert_file(source, target)
    assert report.converted == {"QConv": 2}
    assert names(target.parent) == ["b.onnx", "b.onnx.data"]
    expected = run(source)
    assert converter.convert(source).report == report
    source.with_name("weights.bin").unlink()
    assert np.array_equal(run(target), expected)


def test_too_large_for_one_file(
    model: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "a.onnx", tmp_path / "b.onnx"
    onnx.save(model, source)
    monkeypatch.setattr(files, "LARGEST_IN_ONE_FILE", 100)
    converter.convert_file(source, target)
    assert (tmp_path / "b.onnx.data").stat().st_size > 1000
    assert np.array_equal(run(source), run(target))


@pytest.mark.parametrize("apart", [False, True])
def test_a_float_model_is_copied(float_model: onnx.ModelProto, tmp_path: Path, apart: bool) -> None:
    source, target = tmp_path / "a.onnx", tmp_path / "b.onnx"
    if apart:
        split(float_model, source)
    else:
        onnx.save(float_model, source)
    report = converter.convert_file(source, target)
    assert not report.converted
    assert (tmp_path / "b.onnx.data").exists() == apart
    if not apart:
        assert target.read_bytes() == source.read_bytes()
    assert np.array_equal(run(source), run(target))


def test_weights_that_are_not_there(model: onnx.ModelProto, tmp_path: Path) -> None:
    source, target = tmp_path / "a.onnx", tmp_path / "b.onnx"
    data = split(model, source)
    with pytest.raises(converter.ConversionError, match="give the path of the model"):
        converter.convert(onnx.load(source, load_external_data=False))
    data.write_bytes(data.read_bytes()[:-9])
    with pytest.raises(converter.ConversionError, match="too short"):
        converter.convert_file(source, target)
    data.unlink()
    with pytest.raises(converter.ConversionError, match=r"cannot read the weights .*weights\.bin"):
        converter.convert_file(source, target)
    with pytest.raises(converter.ConversionError, match=r"cannot read the weights .*weights\.bin"):
        converter.convert(source)
    assert names(tmp_path) == ["a.onnx"]


def test_the_weights_of_the_source_are_not_overwritten(model: onnx.ModelProto, tmp_path: Path) -> None:
    source = tmp_path / "a.onnx"
    data = split(model, source)
    before = data.read_bytes()
    data.rename(tmp_path / "b.onnx.data")
    proto = onnx.load(source, load_external_data=False)
    for tensor in proto.graph.initializer:
        for entry in tensor.external_data:
            entry.value = entry.value.replace("weights.bin", "b.onnx.data")
    onnx.save(proto, source)
    with pytest.raises(converter.ConversionError, match="holds the weights of the model to convert"):
        converter.convert_file(source, tmp_path / "b.onnx")
    assert (tmp_path / "b.onnx.data").read_bytes() == before
    assert names(tmp_path) == ["a.onnx", "b.onnx.data"]


@pytest.mark.parametrize("apart", [False, True])
def test_nothing_is_left_of_a_failed_write(
    model: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, apart: bool
) -> None:
    source, target = tmp_path / "a.onnx", tmp_path / "b.onnx"
    if apart:
        split(model, source)
    else:
        onnx.save(model, source)
    before = names(tmp_path)
    target.write_text("precious")

    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(converter.ConversionError, match=r"cannot write .*b\.onnx: No space left on device"):
        converter.convert_file(source, target)
    assert names(tmp_path) == sorted([*before, "b.onnx"])
    assert target.read_text() == "precious"
