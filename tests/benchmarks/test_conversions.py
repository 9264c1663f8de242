"""The benchmark of what converts, as far as it goes without a GPU."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest

pytest.importorskip("onnxruntime.quantization", reason="this onnxruntime comes without its quantizer")

from zoo.mobilenet_v2 import mobilenet_v2

ROOT = Path(__file__).resolve().parents[2]


def test_models_without_their_weights_convert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    conversions: Any = importlib.import_module("benchmarks.models.conversions")
    seeded: Any = importlib.import_module("benchmarks.models.seeded")
    model = mobilenet_v2(size=32, width=0.25, classes=10)
    monkeypatch.setattr(conversions, "architectures", lambda: [("small", model)])
    conversions.make_models(tmp_path)
    for form in ("QDQ", "QOperator"):
        stored = onnx.load(tmp_path / f"small.{form}.onnx")
        small = stored.ByteSize()
        assert small < seeded.fill(stored).ByteSize() * 0.7
    out = tmp_path / "result.json"
    options = ["--models", str(tmp_path), "--out", str(out)]
    command = [sys.executable, "-P", "-m", "benchmarks.models.conversions", *options]
    environment = {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'examples'}",
        "CUDA_VISIBLE_DEVICES": "",
        "PATH": "/usr/bin:/bin",
    }
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    rows = json.loads(out.read_text())["models"]
    assert sorted(rows) == ["small.QDQ", "small.QOperator"]
    for row in rows.values():
        assert (
            sum(row["by op"][block] for block in ("QBottleneck", "QBottleneckAdd")) == 16 and not row["left"]
        )
        assert (row["different"], row["elements"]) == (0, 90)
