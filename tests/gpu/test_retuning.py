"""A plan that was chosen while memory was short is not the plan for good."""

import ctypes
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import onnxruntime
import pytest

from cases import op
from qudnn import custom_ops
from qudnn.custom_ops import plans
from session import CUDA, assert_same_bits, run, session_options

# It leaves no memory to any other process on the GPU.
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.big,
    pytest.mark.skipif("PYTEST_XDIST_WORKER" in os.environ, reason="takes all of the memory, so runs alone"),
]

BATCH = 128
CASE = op.conv("short", c=64, k=64, size=(56, 56), pads=[1, 1, 1, 1])
PAGE = 2 << 20  # bytes
LEFT = 16 << 20  # bytes: less than y has, and enough for kernels that are loaded late


@contextmanager
def memory_taken(runtime: ctypes.CDLL) -> Iterator[None]:
    """No more than LEFT bytes of the GPU's memory are free meanwhile."""
    taken = []
    try:
        while True:
            free, total, address = ctypes.c_size_t(), ctypes.c_size_t(), ctypes.c_void_p()
            assert runtime.cudaMemGetInfo(ctypes.byref(free), ctypes.byref(total)) == 0
            size = (free.value - LEFT) // PAGE * PAGE
            while size >= PAGE and runtime.cudaMalloc(ctypes.byref(address), ctypes.c_size_t(size)):
                runtime.cudaGetLastError()
                size //= 2
            if size < PAGE:
                break
            taken.append(address)
        yield
    finally:
        for address in taken:
            runtime.cudaFree(address)


def session() -> onnxruntime.InferenceSession:
    """With an arena that has no room for a second y."""
    options = session_options(CASE.model())
    options.log_severity_level = 2
    assert custom_ops.register(options, [CUDA], cache_dir="")
    memory = {"gpu_mem_limit": str(4 << 20), "arena_extend_strategy": "kSameAsRequested"}
    model = CASE.model().SerializeToString()
    return onnxruntime.InferenceSession(model, options, providers=[(CUDA, memory)])


def bound(
    opened: onnxruntime.InferenceSession, batch: int
) -> tuple[onnxruntime.IOBinding, onnxruntime.OrtValue]:
    x = onnxruntime.OrtValue.ortvalue_from_numpy(CASE.inputs(batch)["x"], "cuda", 0)
    y = onnxruntime.OrtValue.ortvalue_from_shape_and_type((batch, 56, 56, 64), np.int8, "cuda", 0)
    binding = opened.io_binding()
    binding.bind_ortvalue_input("x", x)
    binding.bind_ortvalue_output("y", y)
    return binding, y


def test_a_tuning_without_memory_is_repeated_when_there_is_some(capfd: pytest.CaptureFixture[str]) -> None:
    runtime = ctypes.CDLL(f"libcudart.so.{onnxruntime.cuda_version.partition('.')[0]}")
    expected = run(CASE.model(), CASE.inputs(BATCH)).outputs
    assert expected["y"].nbytes > LEFT
    opened = session()
    warm, _ = bound(opened, 1)
    opened.run_with_iobinding(warm)  # kernels and libraries are loaded
    plans.clear()
    binding, y = bound(opened, BATCH)
    with memory_taken(runtime):
        opened.run_with_iobinding(binding)
        assert_same_bits({"y": y.numpy()}, expected)
        (plan,) = plans.list()
        assert (plan["engine"], plan["source"]) == ("native_conv", "heuristic")
        builds = plans.statistics()["builds"]
        opened.run_with_iobinding(binding)  # it is not time to try again
        assert plans.statistics()["builds"] == builds
    error = capfd.readouterr().err
    assert "runs on the plain native engine, which is slow: out of GPU memory" in error
    assert "while plans were compared" in error
    time.sleep(1.2)  # a second after the failure it is
    opened.run_with_iobinding(binding)
    assert_same_bits({"y": y.numpy()}, expected)
    (plan,) = plans.list()
    assert plans.statistics()["builds"] == builds + 1
    assert plan["source"] == "tuned"
    assert plan["engine"] != "native_conv"
    opened.run_with_iobinding(binding)  # and that is it
    assert plans.statistics()["builds"] == builds + 1
    assert_same_bits({"y": y.numpy()}, expected)
