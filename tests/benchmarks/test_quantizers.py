"""The benchmark of one network from several quantizers, as far as it goes without a GPU."""

import argparse
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest

pytest.importorskip("onnxruntime.quantization", reason="this onnxruntime comes without its quantizer")

from zoo.mobilenet_v2 import mobilenet_v2
from zoo.quantize import quantize

ROOT = Path(__file__).resolve().parents[2]


def benchmark(*options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "benchmarks.models.quantizers", *map(str, options)]
    environment = {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "", "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One network in two forms, without the weights that can be drawn again."""
    folder = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT)
        seeded, networks = (
            importlib.import_module(f"benchmarks.models.{name}") for name in ("seeded", "networks")
        )
        model = mobilenet_v2(size=32, width=0.25, classes=10)
        recipes = seeded.redraw(model, 2048)
        for form in ("QDQ", "QOperator"):
            quantized = quantize(model, networks.images(model, 4, seed=1), form=form)
            whole = quantized.ByteSize()
            seeded.leave_out(quantized, recipes)
            assert quantized.ByteSize() < whole
            onnx.save(quantized, folder / f"{form}.onnx")
    return folder


def test_without_a_gpu_it_says_what_converts(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    ended = benchmark("--models", folder, "--reference", "QOperator", "--out", out, "--commit", "c")
    assert ended.returncode == 0, ended.stderr
    result = json.loads(out.read_text())
    assert (result["commit"], result["reference"]) == ("c", "QOperator")
    assert list(result["models"]) == ["QOperator", "QDQ"]
    for row in result["models"].values():
        assert sum(row["by op"][block] for block in ("QBottleneck", "QBottleneckAdd")) == 16
        assert (row["left"], row["batches"]) == ([], {})
        assert row["from the original"] == {"different": 0, "largest difference": 0.0, "elements": 40}


def test_a_reference_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").touch()
    ended = benchmark("--models", tmp_path, "--reference", "b")
    assert ended.returncode == 2
    assert f"{tmp_path} has no b.onnx; it has a" in ended.stderr


def arguments(out: Path, limit: float | None = None) -> argparse.Namespace:
    given = {"reference": "QDQ", "batch": [1, 6], "runs": 6, "within": 1e9, "limit": limit}
    return argparse.Namespace(**given, out=out, commit="c")


@pytest.fixture
def on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The benchmark with the CPU provider in the GPU's place."""
    monkeypatch.syspath_prepend(ROOT)
    quantizers, prepared = (
        importlib.import_module(f"benchmarks.models.{name}") for name in ("quantizers", "prepared")
    )
    for module in quantizers, prepared:
        monkeypatch.setattr(module, "on_gpu", lambda **_: ["CPUExecutionProvider"])
    monkeypatch.setattr(quantizers, "on_gpu_only", lambda session: session)
    monkeypatch.setattr(quantizers.cuda, "driver_present", lambda: True)
    return quantizers


def test_it_measures_in_turn(on_the_cpu: Any, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    paths = {name: folder / f"{name}.onnx" for name in ("QDQ", "QOperator")}
    paths["broken"] = tmp_path / "broken.onnx"
    result = on_the_cpu.measure(arguments(tmp_path / "result.json"), paths, str(tmp_path))
    models = result["models"]
    assert models.pop("broken").keys() == {"failed"}
    for model in models.values():
        for batch, ways in model["batches"].items():
            assert list(ways) == ["CUDA graph", "no CUDA graph"]
            for row in ways.values():
                assert (row["different"], row["elements"], row["runs"]) == (0, 10 * batch, 6)
                assert row["min"] <= row["median"] <= row["max"]
        assert model["off the GPU"]
    ours, reference = (models[name]["batches"][6]["CUDA graph"] for name in ("QOperator", "QDQ"))
    assert ours["ratio"] == pytest.approx(ours["median"] / reference["median"], abs=1e-3)
    assert reference["ratio"] == 1
    assert not result["passed"]


def test_what_is_not_begun_is_said(on_the_cpu: Any, folder: Path, tmp_path: Path) -> None:
    late = arguments(tmp_path / "result.json", limit=0)
    result = on_the_cpu.measure(late, {"QDQ": folder / "QDQ.onnx"}, str(tmp_path))
    rows = [row for ways in result["models"]["QDQ"]["batches"].values() for row in ways.values()]
    assert len(rows) == 4
    assert all(row["failed"].startswith("not begun after") for row in rows)
    assert not result["passed"]


def measured(ratio: float, off: dict[str, int]) -> dict[str, Any]:
    row = {"median": 0.5, "min": 0.4, "max": 0.61, "ratio": ratio, "different": 0, "elements": 1000}
    return {
        "ops": 55, "islands": 1, "entries": 1, "exits": 1, "approximate": 0, "left": [], "off the GPU": off,
        "from the original": {"different": 3, "largest difference": 0.25, "elements": 4000},
        "batches": {"8": {"CUDA graph": row, "no CUDA graph": {"failed": "no"}}},
    }  # fmt: skip


def test_its_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    table: Any = importlib.import_module("benchmarks.report.quantizers_table")
    models = {"a": measured(1.0, {}), "b": measured(1.05, {"Memcpy": 2}), "c": {"failed": "cannot\nat all"}}
    lines = table.everything({"reference": "a", "runs": 30, "seconds": 61.0, "models": models})
    assert "| a | 55 | 1 | 1, 1 | 0 | 0 | 0 | 0 of 1000 | 3 of 4000, by 0.25 |" in lines
    assert "| b | 55 | 1 | 1, 1 | 0 | 0 | 2 | 0 of 1000 | 3 of 4000, by 0.25 |" in lines
    assert "| c | fails: cannot |" in lines
    assert "| b, CUDA graph | 0.500 (0.400 to 0.610; 1.05x) |" in lines
    assert "| b, no CUDA graph | fails |" in lines


@pytest.mark.parametrize(("slower", "passes"), [("1.10", True), ("1.11", False)])
def test_who_is_slower_fails(
    on_the_cpu: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slower: str, passes: bool
) -> None:
    row = {"median": 1.0, "ratio": float(slower), "different": 0}
    prepared = on_the_cpu.Prepared(b"", {"approximate": 0, "left": []}, {4: {}}, {4: []})
    monkeypatch.setattr(on_the_cpu, "prepare_all", lambda _: {"QDQ": prepared})
    monkeypatch.setattr(on_the_cpu.Comparison, "measure", lambda *_: {"QDQ": row})
    monkeypatch.setattr(on_the_cpu, "off_the_gpu", lambda *_: {})
    given = arguments(tmp_path / "result.json")
    given.within = 10
    assert on_the_cpu.measure(given, {}, str(tmp_path))["passed"] is passes


@pytest.mark.gpu
def test_on_a_gpu_every_bit_is_the_cpus(folder: Path, tmp_path: Path) -> None:
    options = ("--reference", "QDQ", "--batch", "1", "6", "--runs", "6", "--within", "1000")
    command = [sys.executable, "-P", "-m", "benchmarks.models.quantizers", "--models", str(folder), *options]
    out = tmp_path / "result.json"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [*command, "--out", str(out)], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    for model in json.loads(out.read_text())["models"].values():
        assert model["off the GPU"] == {}
        rows = {
            batch: [way["different"] for way in ways.values()] for batch, ways in model["batches"].items()
        }
        assert rows == {"1": [0, 0], "6": [0, 0]}
