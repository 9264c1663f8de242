"""What is measured, with which sessions, and what becomes of those that fail."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from qudnn import custom_ops
from qudnn.converter.cli import peers
from qudnn.converter.cli.peers import FLOAT, NHWC, QUDNN, UNCONVERTED, Peer, Row, Setting
from qudnn.custom_ops.measuring import machine
from qudnn.custom_ops.measuring.times import Times

CPU = Setting(gpu=False, runs=2, warm_up=3, streams=2)
GPU = Setting(gpu=True, runs=2, warm_up=3, streams=2, tuning={"tune": "heuristic"})
FEED = {"x": np.zeros((4, 3, 8, 8), np.uint8)}


class Machine:
    """Stands for the GPU: sessions run on the CPU; those with CUDA graphs of UNCONVERTED fail."""

    def __init__(self) -> None:
        self.opened: Counter[Peer] = Counter()

    def open(self, peer: Peer, setting: Setting) -> onnxruntime.InferenceSession:
        assert setting is GPU
        if peer.name == UNCONVERTED and peer.cuda_graph:
            raise RuntimeError("it has nodes on the CPU,\nwhich no CUDA graph has")
        session = onnxruntime.InferenceSession(peer.path, providers=["CPUExecutionProvider"])
        self.opened[peer] += 1
        return session


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Machine:
    found = Machine()
    monkeypatch.setattr(peers, "open_session", found.open)
    memory = iter([100.0, 130.0] * 9)
    monkeypatch.setattr(machine, "gpu_memory_mb", lambda: next(memory))
    return found


def test_one_row_for_each(gpu: Machine, source: Path) -> None:
    path, absent = str(source), str(source.with_name("absent.onnx"))
    wanted = [
        Peer(QUDNN, path),
        Peer(QUDNN, path, True),
        Peer(UNCONVERTED, path, True),
        Peer(FLOAT, absent),
        Peer(FLOAT, absent, True),
    ]
    finished: list[None] = []
    rows = peers.rows(wanted, [FEED, FEED], GPU, lambda: finished.append(None))
    assert [row.peer for row in rows] == wanted * 2
    assert len(finished) == 10
    assert [row.items for row in rows] == [4] * 10
    assert [len(row.times.latencies) for row in rows[:5]] == [4, 4, 0, 0, 0]
    assert [row.memory for row in rows[:5]] == [30.0, 30.0, 0.0, 0.0, 0.0]
    assert rows[2].failed == "it has nodes on the CPU,"
    assert "absent.onnx" in rows[3].failed and rows[3].failed == rows[4].failed
    # A run without CUDA graph finds out the results' shapes, once for each feed.
    assert gpu.opened == {wanted[0]: 2 * (1 + 2), wanted[1]: 2 * 2}


def test_on_the_cpu(source: Path) -> None:
    (row,) = peers.rows([Peer(QUDNN, str(source))], [FEED], CPU, lambda: None)
    assert row.failed == ""
    assert len(row.times.latencies) == 4


def test_sessions_on_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """qudnn's for what is converted, onnxruntime's for the others; neither may fall back to the CPU."""

    class Session:
        def __init__(self, path: str, providers: list[Any], **options: Any) -> None:
            self.given = path, providers, options

        def get_providers(self) -> list[str]:
            return ["CUDAExecutionProvider", "CPUExecutionProvider"]

    class Ours(Session):
        pass

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    monkeypatch.setattr(custom_ops, "InferenceSession", Ours)

    def providers(**options: str) -> list[Any]:
        return [("CUDAExecutionProvider", options), "CPUExecutionProvider"]

    ours: Any = peers.open_session(Peer(QUDNN, "a", True), GPU)
    assert type(ours) is Ours
    assert ours.given == ("a", providers(enable_cuda_graph="1"), {"tune": "heuristic"})
    nhwc: Any = peers.open_session(Peer(NHWC, "c", True), GPU)
    assert nhwc.given == ("c", providers(enable_cuda_graph="1", prefer_nhwc="1"), {})
    others: Any = peers.open_session(Peer(FLOAT, "b"), GPU)
    assert type(others) is Session
    assert others.given == ("b", providers(), {})
    monkeypatch.setattr(Session, "get_providers", lambda _: ["CPUExecutionProvider"])
    for peer in Peer(QUDNN, "a"), Peer(UNCONVERTED, "a"):
        with pytest.raises(RuntimeError, match="fell back to the CPU"):
            peers.open_session(peer, GPU)


def test_documents() -> None:
    row = Row(Peer(QUDNN, "a", True), "x=8,3", 8, 2, Times([0.001, 0.003], 0.004), 12.34)
    assert row.document() == {
        "model": "qudnn",
        "cuda_graph": True,
        "shapes": "x=8,3",
        "items": 8,
        "streams": 2,
        "runs": 2,
        "latency_ms": {"p50": 2.0, "p90": 2.8, "p99": 2.98, "mean": 2.0, "min": 1.0, "max": 3.0},
        "items_per_second": 4000.0,
        "memory_mb": 12.3,
    }
    failed = Row(Peer(FLOAT, "a"), "x=8,3", 8, 1, failed="no").document()
    assert failed["failed"] == "no" and "runs" not in failed


def test_items() -> None:
    assert peers.items({"x": np.zeros((7, 2)), "y": np.zeros((3, 3))}) == 7
    assert peers.items({"x": np.zeros(7)}) == peers.items({}) == 1
