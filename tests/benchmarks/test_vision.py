"""The benchmark of vision models, as far as it goes without a GPU."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import numpy_helper

from zoo.mobilenet_v2 import mobilenet_v2

ROOT = Path(__file__).resolve().parents[2]


def write_models(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small MobileNetV2 in all forms, its larger weights drawn."""
    monkeypatch.syspath_prepend(ROOT)
    networks, seeded = (
        importlib.import_module(f"benchmarks.models.{name}") for name in ("networks", "seeded")
    )
    model = mobilenet_v2(size=32, width=0.25, classes=10)
    draws: list[Any] = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.ndim > 1 and values.size > 2048:
            draws.append(seeded.Draw(len(draws), values.shape))
            drawn = draws[-1].integers() * np.float32(values.std() / seeded.SPREAD)
            tensor.CopyFrom(numpy_helper.from_array(drawn, tensor.name))
    assert draws
    networks.write_forms("mobilenet_v2", model, draws, folder)


def test_without_a_gpu_it_compares_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_models(tmp_path, monkeypatch)
    out = tmp_path / "result.json"
    options = ["--models", tmp_path, "--networks", "mobilenet_v2", "--batch", "1", "3", "--out", out]
    command = [sys.executable, "-P", "-m", "benchmarks.models.vision", *map(str, options)]
    environment = {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "", "PATH": "/usr/bin:/bin"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    row = json.loads(out.read_text())["models"]["mobilenet_v2"]
    assert sum(row["by op"][block] for block in ("QBottleneck", "QBottleneckAdd")) == 16
    compared = {batch: rows["converted"] for batch, rows in row["batches"].items()}
    assert {batch: (each["different"], each["elements"]) for batch, each in compared.items()} == {
        "1": (0, 10),
        "3": (0, 30),
    }


def test_a_network_that_is_not_there_is_named(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "benchmarks.models.vision", "--models", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert ended.returncode == 2
    assert f"mobilenet_v2 is not in {tmp_path}: --make-models {tmp_path} makes it" in ended.stderr


def test_its_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    table: Any = importlib.import_module("benchmarks.report.table")
    ours = {"median": 0.5, "speed-up": 4.0, "first result, s": 8.25, "different": 0, "elements": 1000}
    rows = {table.QUDNN: ours, table.FP16: {"median": 2.0, "speed-up": 1.0}, "fp32": {"failed": "no"}}
    left = [{"op": "Softmax", "reason": "it is in float", "nodes": 2}]
    result = {
        "benchmark": "vision",
        "commit": "0" * 40,
        "machine": {"processor": "P"},
        "tune": "full",
        "runs": 50,
        "seconds": 99.0,
        "models": {"net": {"left": left, "batches": {"32": rows}}, "other": {"failed": "cannot\nat all"}},
    }
    lines = table.vision(result).splitlines()
    assert "| net, 32 | 0.500 (4.0x) | 2.000 (1.0x) | fails | 8.2 | 0 of 1000 |" in lines
    assert "| other | fails: cannot |" in lines
    assert "- net: Softmax: 2 x it is in float" in lines
