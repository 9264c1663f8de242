"""The options of register and InferenceSession: where they go, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import testing

from qudnn import custom_ops
from qudnn.converter.cli.units import size
from qudnn.custom_ops import session as session_module
from qudnn.custom_ops.options import CACHE_DIR, TUNE, WORKSPACE_LIMIT, config_entry

CPU = ["CPUExecutionProvider"]
CUDA = ["CUDAExecutionProvider", "CPUExecutionProvider"]
KEYS = (TUNE, WORKSPACE_LIMIT, CACHE_DIR)
FULL, HEURISTIC, CACHED = range(3)


class Options(onnxruntime.SessionOptions):
    """Session options that write down the entries with which a library is registered."""

    def __init__(self) -> None:
        super().__init__()
        self.registered: list[dict[str, str | None]] = []

    def register_custom_ops_library(self, _: str) -> None:
        self.registered.append({key: config_entry(self, key) for key in KEYS})


def entries(**options: Any) -> dict[str, str | None]:
    """The entries that the library sees."""
    given = Options()
    assert custom_ops.register(given, CUDA, **options)
    (seen,) = given.registered
    return seen


def unset(**seen: str) -> dict[str, str | None]:
    return {TUNE: None, WORKSPACE_LIMIT: None, CACHE_DIR: None} | {f"qudnn.{k}": v for k, v in seen.items()}


@pytest.mark.usefixtures("gpu_build")
def test_entries_are_set_before_the_library_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert entries() == unset()
    for tune in ("full", "background", "heuristic", "cached"):
        assert entries(tune=tune) == unset(tune=tune)
    for limit in (0, 1 << 20, np.int64(7), 2**63 - 1):
        assert entries(workspace_limit=limit) == unset(workspace_limit=str(int(limit)))
    assert entries(cache_dir="") == unset(cache_dir="")
    assert entries(cache_dir=tmp_path) == unset(cache_dir=str(tmp_path))
    assert entries(cache_dir="plans") == unset(cache_dir=str(tmp_path / "plans"))
    assert entries(tune="full", workspace_limit=5, cache_dir="") == unset(
        tune="full", workspace_limit="5", cache_dir=""
    )


BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    (
        {"tune": "fast"},
        ValueError,
        "tune is 'fast'; it has to be one of 'full', 'background', 'heuristic', 'cached'",
    ),
    ({"tune": True}, ValueError, "tune is True"),
    ({"tune": ["full"]}, ValueError, "tune is "),
    ({"workspace_limit": -1}, ValueError, "workspace_limit is -1; it has to be a number of bytes"),
    ({"workspace_limit": 2**63}, ValueError, "workspace_limit is 9223372036854775808"),
    ({"workspace_limit": "1 GB"}, TypeError, "workspace_limit is '1 GB'; it has to be a number of bytes"),
    ({"workspace_limit": 1e9}, TypeError, "workspace_limit is 1000000000.0"),
    ({"workspace_limit": True}, TypeError, "workspace_limit is True"),
    ({"cache_dir": 3}, TypeError, "cache_dir is 3; it has to be a folder's path, or '' for none"),
    ({"cache_dir": b"plans"}, TypeError, "cache_dir is b'plans'"),
    ({"cache_dir": "a\0b"}, ValueError, "null character"),
    ({"cache_dir": __file__}, NotADirectoryError, "which is there and no folder"),
]


@pytest.mark.parametrize(("options", "error", "message"), BAD, ids=[str(case[0])[:30] for case in BAD])
@pytest.mark.parametrize("providers", [CPU, CUDA])
@pytest.mark.parametrize("call", ["register", "session"])
def test_what_cannot_be_is_refused_on_every_machine(
    options: dict[str, Any], error: type[Exception], message: str, providers: list[str], call: str
) -> None:
    calls: dict[str, Callable[[], object]] = {
        "register": lambda: custom_ops.register(Options(), providers, **options),
        "session": lambda: custom_ops.InferenceSession(b"no model", providers=providers, **options),
    }
    with pytest.raises(error) as raised:
        calls[call]()
    assert message in str(raised.value)


@pytest.mark.usefixtures("gpu_build")
def test_entries_of_the_users_own_stand() -> None:
    options = Options()
    options.add_session_config_entry(TUNE, "heuristic")
    assert custom_ops.register(options, CUDA, workspace_limit=9)
    assert options.registered == [unset(tune="heuristic", workspace_limit="9")]


@pytest.mark.usefixtures("gpu_build")
def test_options_that_are_registered_do_not_change(tmp_path: Path) -> None:
    options = Options()
    custom_ops.register(options, CUDA, workspace_limit=5)
    same: list[dict[str, Any]] = [{}, {"tune": "full"}, {"workspace_limit": 5}]
    for each in same:
        assert custom_ops.register(options, CUDA, **each)
    other: list[tuple[dict[str, Any], str]] = [
        ({"tune": "cached"}, "qudnn.tune left to its default, and cannot change to 'cached'"),
        ({"workspace_limit": 6}, "qudnn.workspace_limit as '5', and cannot change to '6'"),
        ({"cache_dir": ""}, "qudnn.cache_dir left to its default, and cannot change to ''"),
        ({"cache_dir": tmp_path}, str(tmp_path)),
    ]
    for changed, message in other:
        with pytest.raises(ValueError, match="make new ones") as raised:
            custom_ops.register(options, CUDA, **changed)
        assert message in str(raised.value)
    assert len(options.registered) == 1


def test_a_session_passes_them_on(monkeypatch: pytest.MonkeyPatch) -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> g (float[N] x) => (float[N] y) { y = Relu(x) }'
    )
    passed: list[dict[str, Any]] = []

    def register(*_: object, **options: Any) -> custom_ops.Registration:
        passed.append(options)
        return custom_ops.Registration()

    monkeypatch.setattr(session_module, "register_quietly", register)
    given: dict[str, Any] = {"tune": "heuristic", "workspace_limit": 3, "cache_dir": "plans"}
    session = custom_ops.InferenceSession(model.SerializeToString(), providers=CPU, **given)
    assert session.run(None, {"x": [-1.0, 2.0]})[0].tolist() == [0.0, 2.0]
    assert passed == [given]


@pytest.mark.parametrize(
    ("key", "value"), [(TUNE, "fast"), (WORKSPACE_LIMIT, "much"), (WORKSPACE_LIMIT, "-1")]
)
def test_the_library_refuses_bad_entries_itself(key: str, value: str) -> None:
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry(key, value)
    with pytest.raises(Exception, match=key):
        options.register_custom_ops_library(custom_ops.library_path())


@pytest.mark.parametrize(
    ("variable", "value", "key", "good"),
    [
        ("QUDNN_TUNE", "fast", TUNE, "full"),
        ("QUDNN_WORKSPACE_LIMIT", "much", WORKSPACE_LIMIT, "1"),
        ("QUDNN_WORKSPACE_LIMIT", "-1", WORKSPACE_LIMIT, "1"),
    ],
)
def test_the_library_refuses_bad_variables(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, key: str, good: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(Exception, match=f"{variable} is .*, not '{value}'"):
        onnxruntime.SessionOptions().register_custom_ops_library(custom_ops.library_path())
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry(key, good)
    options.register_custom_ops_library(custom_ops.library_path())  # entries come before variables


def test_the_environment_stands_for_what_a_session_leaves_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    parse = testing.parse_configuration
    for variable in ("QUDNN_TUNE", "QUDNN_WORKSPACE_LIMIT"):
        monkeypatch.delenv(variable, raising=False)
    defaults = parse(cache_dir="")
    assert (defaults["tune"], defaults["workspace_limit"]) == (FULL, 2**30)
    monkeypatch.setenv("QUDNN_TUNE", "")  # as compose files write what is not set
    monkeypatch.setenv("QUDNN_WORKSPACE_LIMIT", "")
    assert parse(cache_dir="") == defaults
    monkeypatch.setenv("QUDNN_TUNE", "cached")
    monkeypatch.setenv("QUDNN_WORKSPACE_LIMIT", "256M")
    monkeypatch.setenv("QUDNN_CACHE_DIR", str(tmp_path))
    assert parse() == {"tune": CACHED, "workspace_limit": 256 << 20, "cache_dir": str(tmp_path)}
    given = parse(tune="heuristic", workspace_limit="5", cache_dir="")
    assert given == {"tune": HEURISTIC, "workspace_limit": 5, "cache_dir": ""}


@pytest.mark.parametrize(
    "text", ["0", "1048576", "512K", "256M", "1G", "1.5GiB", "0.1k", "2 tb", " 7b ", str(2**63 - 1)]
)
def test_sizes_have_the_units_of_the_command(text: str) -> None:
    assert testing.parse_configuration(workspace_limit=text)["workspace_limit"] == size(text)


@pytest.mark.parametrize(
    "text", ["", "G", "-1", "1,5G", "1e9", "1X", "1GG", "1 G B", str(2**63), "8388608T", "."]
)
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match=r"qudnn\.workspace_limit is a number of bytes, as in") as raised:
        testing.parse_configuration(workspace_limit=text)
    assert f"not '{text}'" in str(raised.value)


@pytest.mark.usefixtures("gpu_build")
def test_options_registered_with_the_environments_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUDNN_TUNE", "heuristic")
    monkeypatch.setenv("QUDNN_WORKSPACE_LIMIT", "1M")
    options = Options()
    custom_ops.register(options, CUDA)
    assert custom_ops.register(options, CUDA, tune="heuristic", workspace_limit=1 << 20)
    with pytest.raises(ValueError, match="cannot change to 'full'"):
        custom_ops.register(options, CUDA, tune="full")
    monkeypatch.setenv("QUDNN_WORKSPACE_LIMIT", "much")
    with pytest.raises(ValueError, match="QUDNN_WORKSPACE_LIMIT: 'much' is no size"):
        custom_ops.register(options, CUDA, workspace_limit=1)
