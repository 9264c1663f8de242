"""A session with its inputs and results bound: the same bits, at the same addresses, of any type."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from qudnn.custom_ops.measuring.bound import WITHOUT_WAITING, Bound, cast, on_gpu, on_gpu_only

CPU = ["CPUExecutionProvider"]
TYPES = ["float", "float16", "double", "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64"]


def session(text: str) -> onnxruntime.InferenceSession:
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": 17]> {text}')
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=CPU)


@pytest.mark.parametrize("kind", [*TYPES, "uint64"])
def test_types(kind: str) -> None:
    opened = session(f"g ({kind}[N, 2] x) => ({kind}[N, 2] y) {{ y = Identity(x) }}")
    feed = {"x": np.array([[0, 1], [1, 0], [1, 1]], np.float32)}
    bound = Bound(opened, feed)
    bound.run()
    (result,) = bound.results()
    assert result.dtype == cast(opened, feed)["x"].dtype
    assert result.tolist() == cast(opened, feed)["x"].tolist()


def test_results_of_other_sizes_than_the_batch() -> None:
    opened = session(
        "g (float[N, M] x) => (float[M, N] y, float[K] z) <int64[1] s = {-1}> "
        "{ y = Transpose(x) z = Reshape(x, s) }"
    )
    feed = {"x": np.arange(6, dtype=np.float32).reshape(2, 3)}
    results = opened.run(None, feed)
    bound = Bound(opened, feed, results)
    for _ in range(2):
        bound.run()
    for got, expected in zip(bound.results(), results, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_enqueued_runs() -> None:
    bound = Bound(
        session("g (float[N] x) => (float[N] y) { y = Neg(x) }"), {"x": np.array([1, 2], np.float32)}
    )
    bound.enqueue()
    bound.wait()
    assert bound.results()[0].tolist() == [-1, -2]
    # Without it onnxruntime's Python would meet an exception in each run.
    assert WITHOUT_WAITING.get_run_config_entry("gpu_graph_id") == "-1"


def test_providers() -> None:
    given: list[Any] = on_gpu(enable_cuda_graph="1")
    assert given == [("CUDAExecutionProvider", {"enable_cuda_graph": "1"}), *CPU]
    with pytest.raises(RuntimeError, match="fell back to the CPU"):
        on_gpu_only(session("g (float[N] x) => (float[N] y) { y = Relu(x) }"))
