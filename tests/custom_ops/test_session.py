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

from qudnn import converter, custom_ops
from qudnn.custom_ops import Obstacle, Opened, Registration, Status, openable
from qudnn.custom_ops import session as module
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


@pytest.fixture(autouse=True)
def as_with_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if there were a GPU; the converted model runs through its function bodies, on the CPU."""
    monkeypatch.setattr(module, "register_quietly", lambda *_, **__: Registration())


def converted(session: custom_ops.InferenceSession) -> dict[str, int]:
    assert session.conversion.status is Status.CONVERTED
    assert session.conversion.report is not None
    assert str(session.conversion) == str(session.conversion.report)
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


@pytest.mark.filterwarnings("error")
def test_a_converted_model_is_opened_as_it_is(
    model: onnx.ModelProto, expected: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversion = converter.convert(model)
    assert converter.is_converted(conversion.model)
    serialized = conversion.model.SerializeToString()
    monkeypatch.setattr(converter, "convert", None)  # not to be called
    session = custom_ops.InferenceSession(serialized, providers=CPU)
    assert session.conversion == Opened(Status.ALREADY_CONVERTED)
    assert str(session.conversion) == "converted already"
    check(session, expected)


def test_a_model_that_only_imports_the_domain_is_converted(model: onnx.ModelProto, expected: Array) -> None:
    """onnxruntime writes the domains of registered libraries into the models that it saves."""
    imports = onnx.ModelProto.FromString(model.SerializeToString())
    imports.opset_import.append(onnx.helper.make_opsetid("qudnn", 1))
    session = custom_ops.InferenceSession(imports.SerializeToString(), providers=CPU)
    assert converted(session)["QConv"] == 2
    check(session, expected)


@pytest.mark.filterwarnings("error")
def test_a_float_model_is_opened_as_it_is(float_model: onnx.ModelProto) -> None:
    session = custom_ops.InferenceSession(float_model.SerializeToString(), providers=CPU)
    assert session.conversion.status is Status.NOTHING_TO_CONVERT
    assert session.conversion.converted == {}
    assert "nothing was converted" in str(session.conversion)
    check(session, cpu_session(float_model).run(None, {"x": IMAGES})[0])


def test_external_data_beside_the_file(model: onnx.ModelProto, expected: Array, tmp_path: Path) -> None:
    onnx.save(
        onnx.ModelProto.FromString(model.SerializeToString()), tmp_path / "m.onnx", save_as_external_data=True
    )
    assert (tmp_path / "m.onnx").stat().st_size < model.ByteSize()
    session = custom_ops.InferenceSession(tmp_path / "m.onnx", providers=CPU)
    assert converted(session)
    check(session, expected)


def test_external_data_behind_links(model: onnx.ModelProto, expected: Array, tmp_path: Path) -> None:
    """As in the cache of the Hugging Face hub."""
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "abc"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    whole = onnx.ModelProto.FromString(model.SerializeToString())
    onnx.save(whole, snapshot / "model.onnx", save_as_external_data=True, location="model.onnx_data")
    for number, name in enumerate(("model.onnx", "model.onnx_data")):
        (snapshot / name).rename(blobs / str(number))
        (snapshot / name).symlink_to(f"../../blobs/{number}")
    session = custom_ops.InferenceSession(snapshot / "model.onnx", providers=CPU)
    assert converted(session)["QConv"] == 2
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
    monkeypatch.setattr(openable, "_IN_MEMORY", 0)
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
        with pytest.warns(RuntimeWarning, match="unconverted: it is in onnxruntime's own format"):
            session = custom_ops.InferenceSession(given, providers=CPU)
        assert session.conversion.status is Status.NOT_CONVERTED
        check(session, cpu_session(float_model).run(None, {"x": IMAGES})[0])


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x08\x3a\xff\xff", None])
@pytest.mark.filterwarnings("error")
def test_what_cannot_be_read_gives_onnxruntimes_error(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    for given in (path,) if content is None else (content, path):
        assert_same_error(given)


def assert_same_error(given: bytes | Path) -> None:
    with pytest.raises(Exception) as stock:
        onnxruntime.InferenceSession(given, providers=CPU)
    with pytest.raises(type(stock.value)) as ours:
        custom_ops.InferenceSession(given, providers=CPU)
    assert str(ours.value) == str(stock.value)


@pytest.mark.filterwarnings("error")
def test_an_invalid_model_gives_onnxruntimes_error(model: onnx.ModelProto) -> None:
    """Also where the converter takes it."""
    absent = onnx.ModelProto.FromString(model.SerializeToString())
    absent.graph.node[0].input[0] = "nowhere"
    assert_same_error(absent.SerializeToString())
    beside = onnx.ModelProto.FromString(model.SerializeToString())
    beside.graph.node.append(onnx.helper.make_node("NoSuchOperator", ["x"], ["nothing"]))
    assert converter.convert(beside).report.converted
    assert_same_error(beside.SerializeToString())


def test_a_missing_file_gives_onnxruntimes_error() -> None:
    with pytest.raises(ort_errors.NoSuchFile):
        custom_ops.InferenceSession(Path("absent.onnx"), providers=CPU)


def test_a_refused_conversion_is_a_warning(
    model: onnx.ModelProto, expected: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: onnx.ModelProto) -> None:
        raise converter.ConversionError("no such luck")

    monkeypatch.setattr(converter, "convert", refuse)
    with pytest.warns(RuntimeWarning, match="opened unconverted: no such luck") as warned:
        session = custom_ops.InferenceSession(model.SerializeToString(), providers=CPU)
    assert [warning.filename for warning in warned] == [__file__]
    assert session.conversion == Opened(Status.NOT_CONVERTED, "no such luck")
    assert str(session.conversion) == "not converted: no such luck"
    check(session, expected)


def test_a_conversion_that_does_not_open_is_a_warning(
    model: onnx.ModelProto, expected: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(given: onnx.ModelProto) -> converter.Conversion:
        conversion = honest(given)
        conversion.model.graph.node[0].input[0] = "nowhere"
        return conversion

    honest = converter.convert
    monkeypatch.setattr(converter, "convert", spoil)
    with pytest.warns(RuntimeWarning, match="does not open the converted model.*nowhere"):
        session = custom_ops.InferenceSession(model.SerializeToString(), providers=CPU)
    assert session.conversion.status is Status.NOT_CONVERTED
    assert session.conversion.converted == {}
    check(session, expected)


@pytest.mark.parametrize("obstacle", [Obstacle.NO_DRIVER, Obstacle.PROVIDERS])
def test_without_a_gpu_the_original_is_opened(
    model: onnx.ModelProto,
    expected: Array,
    obstacle: Obstacle,
    monkeypatch: pytest.MonkeyPatch,
    recwarn: pytest.WarningsRecorder,
    tmp_path: Path,
) -> None:
    none = Registration(obstacle, "there is none")
    monkeypatch.setattr(module, "register_quietly", lambda *_, **__: none)
    session = custom_ops.InferenceSession(model.SerializeToString(), providers=CPU)
    assert session.registration == none
    assert session.conversion == Opened(Status.NOT_CONVERTED, "there is none")
    asked_for = obstacle is Obstacle.PROVIDERS
    texts = [str(warning.message) for warning in recwarn]
    assert texts == ([] if asked_for else ["The model is opened unconverted: there is none"])
    check(session, expected)
    path = tmp_path / "converted.onnx"
    onnx.save(converter.convert(model).model, path)
    for given in (path, str(path), path.read_bytes()):
        session = custom_ops.InferenceSession(given, providers=CPU)
        assert session.conversion.status is Status.ALREADY_CONVERTED
        check(session, expected)
