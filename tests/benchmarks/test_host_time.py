"""The benchmark of the host's time, on the CPU provider: what it counts."""

import importlib
from pathlib import Path
from typing import Any

import onnxruntime
import pytest

from cases import graph
from qudnn import converter

ROOT = Path(__file__).resolve().parents[2]
CPU = ["CPUExecutionProvider"]


def test_it_counts_nodes_and_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    host_time = importlib.import_module("benchmarks.models.host_time")
    case = graph.CASES[0]
    model = converter.convert(case.model()).model.SerializeToString()
    opened: list[Any] = []

    def session(options: onnxruntime.SessionOptions | None) -> onnxruntime.InferenceSession:
        opened.append(options)
        return onnxruntime.InferenceSession(model, options, providers=CPU)

    found = host_time.measure(session, case.inputs(2), 5)
    assert opened[0] is None and opened[1].enable_profiling
    assert found.nodes > 10
    assert 0 < found.enqueued <= found.whole
    assert found.per_node == pytest.approx(found.enqueued / found.nodes)
