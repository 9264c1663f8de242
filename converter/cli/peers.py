"""What `qudnn bench` measures: a model in several forms, each with the same inputs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import onnxruntime

from qudnn.converter.cli import torch_peer
from qudnn.converter.cli.shapes import describe
from qudnn.custom_ops.measuring import machine
from qudnn.custom_ops.measuring.bound import Array, Bound, Feed, cast, on_gpu, on_gpu_only, reason
from qudnn.custom_ops.measuring.times import Runs, Times, measure, summary

if TYPE_CHECKING:
    from onnxruntime import InferenceSession as Session

QUDNN, UNCONVERTED, FLOAT, FP16, NHWC = "qudnn", "unconverted", "float", "fp16", "fp16 NHWC"
TORCH = "torch.compile fp16"


class Peer(NamedTuple):
    """name: one of the above. path: of its model; of TORCH the name of its module. cuda_graph: whether its
    runs are one CUDA graph each."""

    name: str
    path: str
    cuda_graph: bool = False

    @property
    def provider_options(self) -> dict[str, str]:
        """Of the CUDA provider."""
        options = {"enable_cuda_graph": self.cuda_graph, "prefer_nhwc": self.name == NHWC}
        return {name: "1" for name, is_set in options.items() if is_set}

    @property
    def plain(self) -> "Peer":
        """Without CUDA graph."""
        return self._replace(cuda_graph=False)


@dataclass(frozen=True)
class Setting:
    """How to measure. tuning: options of qudnn.register."""

    gpu: bool
    runs: int
    warm_up: int
    streams: int
    tuning: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """What came of one peer with inputs of some shapes.

    items: of a batch: the size of the first input's first dimension, or 1 where it has no other.
    memory: MB that its sessions and runs took, of the GPU's where there is one, else of the process's.
    failed: why it was not measured, and then there is nothing else.
    """

    peer: Peer
    shapes: str
    items: int
    streams: int
    times: Times = field(default_factory=lambda: Times([], 0.0))
    memory: float = 0.0
    failed: str = ""

    @property
    def rate(self) -> float:
        """Items a second."""
        return self.items * self.times.rate

    def latency(self) -> dict[str, float]:
        """Milliseconds, as summary has them."""
        return summary(self.times.latencies)

    def document(self) -> dict[str, Any]:
        about = {
            "model": self.peer.name,
            "cuda_graph": self.peer.cuda_graph,
            "shapes": self.shapes,
            "items": self.items,
            "streams": self.streams,
        }
        if self.failed:
            return {**about, "failed": self.failed}
        return {
            **about,
            "runs": len(self.times.latencies),
            "latency_ms": self.latency(),
            "items_per_second": round(self.rate, 2),
            "memory_mb": round(self.memory, 1),
        }


def rows(
    peers: Sequence[Peer], feeds: Sequence[Feed], setting: Setting, finish: Callable[[], None]
) -> list[Row]:
    """One for each feed and peer; finish is called after each of them."""
    found = []
    for feed in feeds:
        results: dict[str, list[Array] | str] = {}  # by model, or why there are none
        for peer in peers:
            if peer.path not in results:
                results[peer.path] = _results(peer, feed, setting)
            found.append(_row(peer, feed, results[peer.path], setting))
            finish()
    return found


def items(feed: Feed) -> int:
    """How many a run works on."""
    first = next(iter(feed.values()), None)
    return first.shape[0] if first is not None and first.ndim > 1 else 1


def open_session(peer: Peer, setting: Setting) -> "Session":
    """Raises what onnxruntime raises, and RuntimeError where it falls back to the CPU."""
    if not setting.gpu:
        return onnxruntime.InferenceSession(peer.path, providers=["CPUExecutionProvider"])
    providers = on_gpu(**peer.provider_options)
    if peer.name != QUDNN:
        return on_gpu_only(onnxruntime.InferenceSession(peer.path, providers=providers))
    from qudnn.custom_ops import InferenceSession

    return on_gpu_only(InferenceSession(peer.path, providers=providers, **setting.tuning))


def _compiled(peer: Peer, feed: Feed, setting: Setting) -> torch_peer.Compiled:
    if setting.streams > 1:  # what torch.compile captures belongs to a thread
        raise RuntimeError("skipped: it is measured in one stream only")
    return torch_peer.Compiled(peer.path, feed, setting.gpu, peer.cuda_graph)


def _results(peer: Peer, feed: Feed, setting: Setting) -> list[Array] | str:
    """Of one run, which makes plans too; or why there are none. What TORCH compiles needs none."""
    if peer.name == TORCH:
        return torch_peer.missing()
    try:
        session = open_session(peer.plain, setting)
        found: list[Array] = session.run(None, cast(session, feed))
    except Exception as error:  # onnxruntime's have no type in common
        return reason(error)
    return found


def _row(peer: Peer, feed: Feed, results: list[Array] | str, setting: Setting) -> Row:
    shapes = describe({name: value.shape for name, value in feed.items()})
    row = Row(peer, shapes, items(feed), setting.streams)
    if isinstance(results, str) and results:
        return Row(peer, shapes, row.items, row.streams, failed=results)
    machine.forget_peak()
    before = machine.gpu_memory_mb() if setting.gpu else machine.process_memory_mb()
    try:
        bound: list[Runs]
        if isinstance(results, str):
            bound = [_compiled(peer, feed, setting)]
        else:
            sessions = [open_session(peer, setting) for _ in range(setting.streams)]
            bound = [Bound(session, feed, results) for session in sessions]
        times = measure(bound, setting.runs, setting.warm_up)
    except Exception as error:
        return Row(peer, shapes, row.items, row.streams, failed=reason(error))
    # onnxruntime keeps what it has allocated on the GPU until the session ends.
    after = machine.gpu_memory_mb() if setting.gpu else machine.peak_memory_mb()
    return Row(peer, shapes, row.items, row.streams, times, max(0.0, after - before))
