"""InferenceSession takes what onnxruntime's takes and gives its results, bit for bit."""

import gc
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

import converter
import custom_ops
from custom_ops import session as module
from zoo.graph import Graph
from zoo.measure import CPU, cpu_session, different_bits

Array = npt.NDArray[np.float32]

IMAGES = np.random.default_rng(0).standard_normal((3, 3, 8, 8), dtype=np.float32)


@pytest.fixture(scope="module")
def float_model() -> onnx.ModelProto:
    graph = Graph("small", (3, 8, 8))
    y = graph.conv(graph.conv(graph.x, 20, 3), 16, 3, stride=2)
    return graph.finish(graph.linear(graph.op("Flatten", graph.op("GlobalAveragePool", y)), 10), [10])


@pytest.fixture(scope="module")
def model(float_model: onnx.ModelProto) -> onnx.ModelProto:
    quantizer = pytest.importorskip("zoo.quantize")
    quantized: onnx.ModelProto = quantizer.quantize(float_model, IMAGES)
    return quantized


@pytest.fixture(scope="module")
def expected(model: onnx.ModelProto) -> Array:
    result: Array = cpu_session(model).run(None, {"x": IMAGES})[0]
    return result


def converted(session: custom_ops.InferenceSession) -> dict[str, int]:
    assert session.conversion is not None
    return session.conversion.converted


def check(session: onnxruntime.InferenceSession, expected: Array) -> None:
    assert isinstance(session, onnxruntime.InferenceSession)
    assert different_bits(session.run(None, {"x": IMAGES})[0], expected) == 0


@pytest.mark.parametrize("kind", ["bytes", "str", "path"])
def test_converts_what_is_not_converted(
    model: onnx.ModelProto, expected: Array, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    given: dict[str, bytes | str | Path] = {"bytes": path.read_bytes(), "str": str(path), "path": path}
    session = custom_ops.InferenceSession(given[kind], providers=CPU)
    assert converted(session)["QConv"] == 2
    check(session, expected)
    assert [value.name for value in session.get_inputs()] == ["x"]


def test_arguments_may_all_be_left_out(model: onnx.ModelProto) -> None:
    session = custom_ops.InferenceSession(model.SerializeToString())
    assert converted(session)
    assert session.run(None, {"x": IMAGES})[0].shape == (3, 10)


def test_arguments_reach_onnxruntime(model: onnx.ModelProto) -> None:
    given = onnxruntime.SessionOptions()
    given.log_severity_level = 4
    session = custom_ops.InferenceSession(
        model.SerializeToString(),
        sess_options=given,
        providers=["CPUExecutionProvider"],
        provider_options=[{}],
        disabled_optimizers=["ConstantFolding"],
    )
    assert session.get_session_options().log_severity_level == 4
    with pytest.raises(ValueError, match="provider"):
        custom_ops.InferenceSession(
            model.SerializeToString(), providers=CPU, provider_options=[{}, {}], enable_fallback=0
        )


def test_a_converted_model_is_opened_as_it_is(
    model: onnx.ModelProto, expected: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversion = converter.convert(model)
    assert converter.is_converted(conversion.model)
    serialized = conversion.model.SerializeToString()
    monkeypatch.setattr(converter, "convert", None)  # not to be called
    session = custom_ops.InferenceSession(serialized, providers=CPU)
    assert session.conversion is None
    check(session, expected)


def test_a_float_model_is_opened_as_it_is(float_model: onnx.ModelProto) -> None:
    session = custom_ops.InferenceSession(float_model.SerializeToString(), providers=CPU)
    assert not converted(session)
    check(session, cpu_session(float_model).run(None, {"x": IMAGES})[0])


def test_external_data_beside_the_file(model: onnx.ModelProto, expected: Array, tmp_path: Path) -> None:
    onnx.save(
        onnx.ModelProto.FromString(model.SerializeToString()), tmp_path / "m.onnx", save_as_external_data=True
    )
    assert (tmp_path / "m.onnx").stat().st_size < model.ByteSize()
    session = custom_ops.InferenceSession(tmp_path / "m.onnx", providers=CPU)
    assert converted(session)
    check(session, expected)


def test_external_data_of_a_model_in_bytes(model: onnx.ModelProto, expected: Array, tmp_path: Path) -> None:
    onnx.save(
        onnx.ModelProto.FromString(model.SerializeToString()), tmp_path / "m.onnx", save_as_external_data=True
    )
    given = onnxruntime.SessionOptions()
    given.add_session_config_entry("session.model_external_initializers_file_folder_path", str(tmp_path))
    session = custom_ops.InferenceSession((tmp_path / "m.onnx").read_bytes(), given, providers=CPU)
    assert converted(session)
    check(session, expected)


def test_a_model_too_large_for_bytes_goes_through_a_file(
    model: onnx.ModelProto, expected: Array, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "_IN_MEMORY", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    session = custom_ops.InferenceSession(model.SerializeToString(), providers=CPU)
    assert {path.name for path in tmp_path.glob("qudnn-*/*")} == {"model.onnx", "model.weights"}
    check(session, expected)
    session.set_providers(CPU)  # opens the file once more
    check(session, expected)
    del session
    gc.collect()
    assert not list(tmp_path.iterdir())


def test_onnxruntimes_own_format_is_opened_as_it_is(float_model: onnx.ModelProto, tmp_path: Path) -> None:
    path = tmp_path / "model.ort"
    saving = onnxruntime.SessionOptions()
    saving.optimized_model_filepath = str(path)
    saving.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(float_model.SerializeToString(), saving, providers=CPU)
    for given in (path, path.read_bytes()):
        session = custom_ops.InferenceSession(given, providers=CPU)
        assert session.conversion is None
        check(session, cpu_session(float_model).run(None, {"x": IMAGES})[0])


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x08\x3a\xff\xff"])
def test_what_cannot_be_read_gives_onnxruntimes_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    for given in (content, path):
        with pytest.raises(Exception) as stock:
            onnxruntime.InferenceSession(given, providers=CPU)
        with pytest.raises(type(stock.value)):
            custom_ops.InferenceSession(given, providers=CPU)


def test_a_missing_file_gives_onnxruntimes_error() -> None:
    with pytest.raises(ort_errors.NoSuchFile):
        custom_ops.InferenceSession(Path("absent.onnx"), providers=CPU)


def test_a_refused_conversion_is_a_warning(
    model: onnx.ModelProto, expected: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: onnx.ModelProto) -> None:
        raise converter.ConversionError("no such luck")

    monkeypatch.setattr(converter, "convert", refuse)
    with pytest.warns(RuntimeWarning, match="no such luck"):
        session = custom_ops.InferenceSession(model.SerializeToString(), providers=CPU)
    assert session.conversion is None
    check(session, expected)
