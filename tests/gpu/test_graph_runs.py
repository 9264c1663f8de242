"""Sessions with cuda_graph=True on the GPU: the bits of sessions without, and what they refuse."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest

from cases import graph
from cases.builder import MICROSOFT, Array, GraphBuilder, integers
from qudnn import converter, custom_ops
from qudnn.custom_ops import plans
from session import CPU, CUDA, assert_same_bits, outputs, run

pytestmark = pytest.mark.gpu

CASE = graph.CASES[0]


@pytest.fixture(scope="module")
def model() -> onnx.ModelProto:
    return converter.convert(CASE.model()).model


def open_session(model: onnx.ModelProto, graph_limit: int = 16) -> custom_ops.InferenceSession:
    serialized = model.SerializeToString()
    return custom_ops.InferenceSession(
        serialized, providers=[CUDA, CPU], cuda_graph=True, cache_dir="", graph_limit=graph_limit
    )


def shifted(batch: int, by: float) -> dict[str, Array]:
    """The case's inputs, other ones for each `by`."""
    return {"x": np.roll(CASE.inputs(batch)["x"], round(by * 100)) + np.float32(by)}


def test_bits_are_the_same_with_and_without(model: onnx.ModelProto) -> None:
    session = open_session(model)
    assert session._graphs is not None
    for by in range(4):
        for batch in (1, 2, 7):
            values = shifted(batch, by)
            assert_same_bits(outputs(session, values), run(model, values, CUDA).outputs)
            assert_same_bits(outputs(session, values), run(model, values, CPU).outputs)
    assert (session._graphs.captured, session._graphs.kept) == (3, 3)


def test_replays_ask_for_no_plans(model: onnx.ModelProto) -> None:
    """So they are replays, and no runs."""
    session = open_session(model)
    for by in range(2):  # an ordinary run, then the capture
        outputs(session, shifted(3, by))
    before = plans.statistics()
    assert before["hits"] + before["misses"] > 0
    for by in range(2, 6):
        values = shifted(3, by)
        results = session.run(None, values)
        assert plans.statistics() == before
        names = [output.name for output in session.get_outputs()]
        assert_same_bits(dict(zip(names, results, strict=True)), run(model, values, CPU).outputs)
        before = plans.statistics()


def test_graphs_that_made_room_are_captured_again(model: onnx.ModelProto) -> None:
    session = open_session(model, graph_limit=2)
    assert session._graphs is not None
    for by in range(3):
        for batch in (1, 2, 5):
            values = shifted(batch, by)
            for _ in range(2):
                assert_same_bits(outputs(session, values), run(model, values, CPU).outputs)
    assert session._graphs.kept == 2
    assert session._graphs.captured > 3


def test_threads(model: onnx.ModelProto) -> None:
    """onnxruntime's own graphs belong to one thread."""
    session = open_session(model)
    batches = [1, 2, 2, 5]
    inputs = [[shifted(batch, by + index) for by in range(3)] for index, batch in enumerate(batches)]
    expected = [[run(model, values, CPU).outputs for values in each] for each in inputs]
    barrier = threading.Barrier(len(batches))

    def work(index: int) -> None:
        barrier.wait(60)
        for _ in range(10):
            for values, want in zip(inputs[index], expected[index], strict=True):
                assert_same_bits(outputs(session, values), want)

    with ThreadPoolExecutor(len(batches)) as pool:
        for done in [pool.submit(work, index) for index in range(len(batches))]:
            done.result(300)
    assert session._graphs is not None
    assert session._graphs.captured == 3


def test_an_empty_batch(model: onnx.ModelProto) -> None:
    session = open_session(model)
    for batch in (0, 2, 0, 2, 0, 2):
        values = CASE.inputs(batch)
        assert_same_bits(outputs(session, values), run(model, values, CPU).outputs)


def test_nodes_on_the_cpu_are_named() -> None:
    # The CUDA provider has no quantized softmax, and of this one qudnn is kept.
    g = GraphBuilder()
    shape = ("N", 16, 9, 8)
    a = g.identity(g.input("x", "uint8", shape), "a", "uint8", 16, 0.05, 120)
    parameters = g.parameters("softmax", 1 / 256, 0, "uint8")
    b = g.node(
        "QLinearSoftmax",
        [a, "a_scale", "a_zero_point", *parameters],
        "b",
        MICROSOFT,
        axis=3,
        opset=13,
    )
    g.output(g.identity(b, "y", "uint8", 16, 0.05, 130), "uint8", shape)
    original = g.model(13)
    converted = converter.convert(original, exclude=["QLinearSoftmax"]).model
    with pytest.raises(custom_ops.GraphCaptureError, match=r"on the CPU.*QLinearSoftmax|cannot capture"):
        open_session(converted)
    plain = custom_ops.InferenceSession(converted.SerializeToString(), providers=[CUDA, CPU])
    values = {"x": integers(np.random.default_rng(0), "uint8", (2, 16, 9, 8))}
    assert_same_bits(outputs(plain, values), run(original, values, CPU).outputs)
