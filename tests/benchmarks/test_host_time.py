"""The benchmark of the host's time, on the CPU provider: what it counts."""

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import pytest

from cases import graph
from qudnn import converter

ROOT = Path(__file__).resolve().parents[2]
CPU = ["CPUExecutionProvider"]


def host_time(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(ROOT)
    return importlib.import_module("benchmarks.models.host_time")


def test_it_counts_nodes_and_times(monkeypatch: pytest.MonkeyPatch) -> None:
    case = graph.CASES[0]
    model = converter.convert(case.model()).model.SerializeToString()
    opened: list[Any] = []

    def session(options: onnxruntime.SessionOptions | None) -> onnxruntime.InferenceSession:
        opened.append(options)
        return onnxruntime.InferenceSession(model, options, providers=CPU)

    found = host_time(monkeypatch).measure(session, case.inputs(2), 5)
    assert opened[0] is None and opened[1].enable_profiling
    assert found.nodes > 10
    assert 0 < found.enqueued <= found.whole
    assert found.per_node == pytest.approx(found.enqueued / found.nodes)


@pytest.mark.parametrize("converted", [True, False])
def test_without_a_gpu_the_operators_run_up_to_their_launches(converted: bool, tmp_path: Path) -> None:
    """In a process of its own: the library over the fakes has one onnxruntime for a process."""
    case = graph.CASES[0]
    model = converter.convert(case.model()).model
    assert any(node.domain == "qudnn" for node in model.graph.node)
    onnx.save(model if converted else case.model(), tmp_path / "model.onnx")
    arguments = ["--without-gpu", "--tune", "heuristic", "--runs", "3", str(tmp_path / "model.onnx")]
    made = subprocess.run(
        [sys.executable, "-P", "-m", "benchmarks.models.host_time", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    row = made.stdout.splitlines()[-1].split()
    assert row[0] == "model" and int(row[-4]) == len(model.graph.node)  # bodies of functions have more nodes
    assert 0 < float(row[-2]) <= float(row[-1])
