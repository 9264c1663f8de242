"""Runs of a session through graphs: which runs capture, replay or do neither, and what they give.

On the CPU onnxruntime ignores a graph's number and computes each run, over the same buffers. On the GPU:
tests/gpu/test_cuda_graphs.py.
"""

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from qudnn import custom_ops
from qudnn.custom_ops import GraphCaptureError, Registration, capture, cuda_graphs
from qudnn.custom_ops import session as module
from qudnn.custom_ops.cuda_graphs import Graphs

Array = npt.NDArray[Any]
CPU = ["CPUExecutionProvider"]


def model() -> onnx.ModelProto:
    """y = x + scale, z = as bytes."""
    nodes = [
        helper.make_node("Add", ["x", "scale"], ["y"]),
        helper.make_node("Cast", ["y"], ["z"], to=TensorProto.UINT8),
    ]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3]),
        helper.make_tensor_value_info("scale", TensorProto.FLOAT, []),
    ]
    outputs = [
        helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3]),
        helper.make_tensor_value_info("z", TensorProto.UINT8, ["n", 3]),
    ]
    graph = helper.make_graph(nodes, "g", inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


@pytest.fixture(scope="module")
def session() -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model().SerializeToString(), providers=CPU)


def feed(rows: int, by: float = 0) -> dict[str, Array]:
    x = np.arange(rows * 3, dtype=np.float32).reshape(rows, 3)
    return {"x": x, "scale": np.full((), by, np.float32)}


def check(results: list[Array], rows: int, by: float) -> None:
    y, z = results
    expected = feed(rows)["x"] + np.float32(by)
    assert y.dtype == np.float32
    assert z.dtype == np.uint8
    assert np.array_equal(y, expected)
    assert np.array_equal(z, expected.astype(np.uint8))


def test_the_second_run_captures_and_the_next_ones_replay(session: onnxruntime.InferenceSession) -> None:
    runs = Graphs(4, "cpu")
    captured = []
    for by in range(4):
        check(runs.run(session, None, feed(2, by)), 2, by)
        captured.append(runs.captured)
    assert captured == [0, 1, 1, 1]


def test_results_stay_what_they_are(session: onnxruntime.InferenceSession) -> None:
    runs = Graphs(4, "cpu")
    kept = [runs.run(session, None, feed(2, by)) for by in range(4)]
    assert runs.captured == 1
    for by, results in enumerate(kept):
        check(results, 2, by)


def test_each_shape_has_a_graph(session: onnxruntime.InferenceSession) -> None:
    runs = Graphs(4, "cpu")
    for by in range(3):
        for rows in (1, 2, 5):
            check(runs.run(session, None, feed(rows, by)), rows, by)
    assert runs.captured == runs.kept == 3


def test_names_choose_results_in_their_order(session: onnxruntime.InferenceSession) -> None:
    runs = Graphs(4, "cpu")
    for _ in range(3):
        assert [y.dtype for y in runs.run(session, ["z"], feed(2))] == [np.uint8]
        assert [y.dtype for y in runs.run(session, ["z", "y"], feed(2))] == [np.uint8, np.float32]
    assert runs.captured == 1


def test_the_least_recently_used_graph_makes_room(session: onnxruntime.InferenceSession) -> None:
    runs = Graphs(2, "cpu")
    for rows in (1, 1, 2, 2, 1, 3, 3):  # 2 goes
        check(runs.run(session, None, feed(rows)), rows, 0)
    assert (runs.kept, runs.captured) == (2, 3)
    check(runs.run(session, None, feed(1)), 1, 0)
    assert runs.captured == 3
    check(runs.run(session, None, feed(2)), 2, 0)
    assert (runs.kept, runs.captured) == (2, 4)


def test_captures_end(session: onnxruntime.InferenceSession) -> None:
    runs = Graphs(1, "cpu")
    for by in range(40):
        for rows in (1, 2):
            check(runs.run(session, None, feed(rows, by)), rows, by)
    assert (runs.kept, runs.captured) == (1, 16)


def test_nothing_is_captured_before_it_is_time(session: onnxruntime.InferenceSession) -> None:
    tuned = False
    runs = Graphs(4, "cpu", ready=lambda: tuned)
    for by in range(3):
        check(runs.run(session, None, feed(2, by)), 2, by)
    assert runs.captured == 0
    tuned = True
    check(runs.run(session, None, feed(2, 3)), 2, 3)
    assert runs.captured == 1


def test_empty_batches_run_without_a_graph(session: onnxruntime.InferenceSession) -> None:
    runs = Graphs(4, "cpu")
    for _ in range(3):
        check(runs.run(session, None, feed(0)), 0, 0)
    assert runs.captured == 0


def test_values_of_other_kinds(session: onnxruntime.InferenceSession) -> None:
    runs = Graphs(4, "cpu")
    x = np.asfortranarray(feed(2)["x"])
    values = {"x": x, "scale": np.float32(1)}
    on_device = onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(x))
    for _ in range(2):
        check(runs.run(session, None, values), 2, 1)
        check(runs.run(session, None, {"x": on_device, "scale": np.float32(1)}), 2, 1)
    assert runs.captured == 1


@pytest.mark.parametrize("runs_before", [0, 3])
@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        (None, {"x": np.zeros((2, 4), np.float32)}),
        (None, {"x": np.zeros((2, 3))}),
        (None, {"more": np.zeros(1, np.float32)}),
        (["nothing"], {}),
    ],
)
def test_mistakes_give_onnxruntimes_errors(
    session: onnxruntime.InferenceSession,
    runs_before: int,
    names: list[str] | None,
    wrong: dict[str, Array],
) -> None:
    runs = Graphs(4, "cpu")
    for _ in range(runs_before):
        runs.run(session, None, feed(2))
    given = feed(2) | wrong
    with pytest.raises(Exception) as stock:
        session.run(names, given)
    with pytest.raises(type(stock.value)) as ours:
        runs.run(session, names, given)
    assert str(ours.value) == str(stock.value)
    check(runs.run(session, None, feed(2)), 2, 0)


def test_a_run_that_cannot_be_captured_says_so(
    session: onnxruntime.InferenceSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("operation not permitted when stream is capturing")

    runs = Graphs(4, "cpu")
    runs.run(session, None, feed(2))
    monkeypatch.setattr(onnxruntime.InferenceSession, "run_with_iobinding", fail)
    with pytest.raises(GraphCaptureError, match=r"scale \[\], x \[2, 3\] cannot be captured: operat"):
        runs.run(session, None, feed(2))
    assert runs.kept == 0


def test_threads_take_turns(session: onnxruntime.InferenceSession) -> None:
    runs = Graphs(4, "cpu")
    barrier = threading.Barrier(6)

    def work(index: int) -> None:
        barrier.wait(60)
        for by in range(30):
            check(runs.run(session, None, feed(1 + index % 3, by + index)), 1 + index % 3, by + index)

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(work, index) for index in range(6)]:
            done.result(60)
    assert runs.captured == runs.kept == 3


@pytest.fixture
def on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the CPU were a GPU."""
    monkeypatch.setattr(module, "register_quietly", lambda *_, **__: Registration())
    monkeypatch.setattr(capture, "obstacle_of_session", lambda *_: "")
    monkeypatch.setattr(capture, "device", lambda _: ("cpu", 0))


@pytest.mark.usefixtures("on_the_cpu")
def test_a_session_runs_as_usual() -> None:
    session = custom_ops.InferenceSession(
        model().SerializeToString(), providers=CPU, cuda_graph=True, graph_limit=2
    )
    assert isinstance(session, onnxruntime.InferenceSession)
    for by in range(3):
        check(session.run(None, feed(2, by)), 2, by)
        (z,) = session.run(["z"], feed(2, by))
        assert z.dtype == np.uint8
    assert session._graphs is not None
    assert session._graphs.captured == 1


@pytest.mark.usefixtures("on_the_cpu")
def test_a_session_refuses_what_would_spoil_its_graphs() -> None:
    session = custom_ops.InferenceSession(model().SerializeToString(), providers=CPU, cuda_graph=True)
    for name in (
        "run_with_iobinding",
        "run_with_ort_values",
        "run_with_ortvaluevector",
        "run_async",
        "set_providers",
    ):
        with pytest.raises(ValueError, match=f"takes no {name}: use run, or leave cuda_graph out"):
            getattr(session, name)()
    with pytest.raises(ValueError, match="makes its own run_options"):
        session.run(None, feed(2), onnxruntime.RunOptions())
    with pytest.raises(ValueError, match="graph_limit is 0"):
        custom_ops.InferenceSession(model().SerializeToString(), graph_limit=0)


@pytest.mark.usefixtures("on_the_cpu")
def test_a_session_that_goes_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    session = custom_ops.InferenceSession(model().SerializeToString(), providers=CPU, cuda_graph=True)
    for _ in range(3):
        session.run(None, feed(2))
    (thread,) = set(threading.enumerate()) - before
    gone = weakref.ref(session)
    del session
    gc.collect()
    assert gone() is None
    thread.join(30)
    assert not thread.is_alive()


def test_numbers_of_graphs_are_not_used_again(
    session: onnxruntime.InferenceSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    make = cuda_graphs._run_options

    def note(graph: int) -> onnxruntime.RunOptions:
        asked.append(str(graph))
        options = make(graph)
        assert options.get_run_config_entry("gpu_graph_id") == str(graph)
        return options

    monkeypatch.setattr(cuda_graphs, "_run_options", note)
    runs = Graphs(1, "cpu")
    for rows in (1, 1, 2, 2, 1, 1):
        runs.run(session, None, feed(rows))
    assert asked == ["-1", "1", "-1", "2", "3"]
