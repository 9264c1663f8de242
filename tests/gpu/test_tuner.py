"""Plans on the GPU: tuned, stored, shared, refused."""

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from cases import graph, op
from cases.builder import Array
from qudnn import converter, custom_ops
from qudnn.custom_ops import plans
from session import CPU, CUDA, assert_same_bits, outputs, run, session_options

pytestmark = pytest.mark.gpu

CASE = graph.CASES[0]


@pytest.fixture(scope="module")
def model() -> onnx.ModelProto:
    return converter.convert(CASE.model()).model


@pytest.fixture(scope="module")
def expected(model: onnx.ModelProto) -> dict[str, Array]:
    return run(model, CASE.inputs(3), CPU).outputs


@pytest.fixture(autouse=True)
def no_plans() -> None:
    plans.clear()


def open_session(model: onnx.ModelProto, **options: Any) -> onnxruntime.InferenceSession:
    """A session on the GPU with options of `qudnn.register`; by default nothing is kept on disk."""
    session = session_options(model)
    assert custom_ops.register(session, [CUDA], **{"cache_dir": "", **options})
    return onnxruntime.InferenceSession(model.SerializeToString(), session, providers=[CUDA])


IN_A_PROCESS = """
import json, sys
import numpy as np
import onnxruntime
from qudnn import custom_ops
from qudnn.custom_ops import plans

model, inputs, result, options = sys.argv[1:]
session_options = onnxruntime.SessionOptions()
session_options.log_severity_level = 2
assert custom_ops.register(session_options, ["CUDAExecutionProvider"], **json.loads(options))
session = onnxruntime.InferenceSession(model, session_options, providers=["CUDAExecutionProvider"])
names = [output.name for output in session.get_outputs()]
np.savez(result, **dict(zip(names, session.run(names, dict(np.load(inputs))))))
print(json.dumps([plans.statistics(), list(plans.list())]))
"""


class Process:
    """A process of its own that runs a model once."""

    def __init__(
        self, folder: Path, model: onnx.ModelProto, inputs: Mapping[str, Array], **options: Any
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        files = [str(folder / name) for name in ("model.onnx", "inputs.npz", "result.npz")]
        onnx.save_model(model, files[0])
        np.savez(files[1], allow_pickle=False, **inputs)
        self.result = files[2]
        paths = os.pathsep.join(path for path in sys.path if path)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", IN_A_PROCESS, *files, json.dumps(options)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": paths},
        )

    def finish(self) -> tuple[dict[str, Array], plans.Statistics, list[plans.PlanInfo], str]:
        """Outputs, counters, plans, what it logged."""
        out, error = self.process.communicate(timeout=300)
        assert self.process.returncode == 0, error
        statistics, listed = json.loads(out.splitlines()[-1])
        return dict(np.load(self.result)), statistics, listed, error


def test_the_plan_in_use_is_known_with_its_time() -> None:
    # A convolution that cuDNN's matmul takes, and that is not left to our own kernels.
    case = op.conv("tuned", c=64, k=48, kernel=(1, 1), size=(56, 56))
    inputs = case.inputs(4)
    session = open_session(case.model())
    assert_same_bits(outputs(session, inputs), run(case.model(), inputs).outputs)
    (plan,) = plans.list()
    assert plan["problem"].startswith("conv n=4 h=56 w=56 c=64 k=48 ")
    assert plan["plan"].startswith(plan["engine"])
    assert 0 < plan["microseconds"] < 1000
    assert plan["first_plan"].startswith("cudnn_matmul ")
    # Kernels of cuDNN count 0.75 us more: they may be faster by that and not be chosen.
    assert plan["first_microseconds"] + 0.75 >= plan["microseconds"]
    assert plan["tops"] > 1
    assert plan["source"] == "tuned"
    assert 0 <= plan["age_seconds"] < 600
    counted = plans.statistics()
    assert counted["builds"] == counted["misses"] == 1
    # The matmul's plans and the convolution's.
    assert counted["candidates_built"] >= 6
    assert counted["tuning_seconds"] > 0


def test_eight_threads_on_an_empty_cache_build_each_problem_once(
    model: onnx.ModelProto, expected: dict[str, Array], tmp_path: Path
) -> None:
    barrier = Barrier(8)

    def work(_: int) -> None:
        session = open_session(model, cache_dir=str(tmp_path / "cache"))
        barrier.wait(120)
        assert_same_bits(outputs(session, CASE.inputs(3)), expected)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    counted = plans.statistics()
    assert counted["builds"] == counted["misses"] == counted["entries"] == counted["disk_writes"] > 1
    assert len({plan["problem"] for plan in plans.list()}) == counted["entries"]
    assert counted["hits"] >= 7 * counted["misses"]


def test_a_warm_folder_needs_no_builds(
    model: onnx.ModelProto, expected: dict[str, Array], tmp_path: Path
) -> None:
    cache = str(tmp_path / "cache")
    first, counted, made, _ = Process(tmp_path / "1", model, CASE.inputs(3), cache_dir=cache).finish()
    assert counted["builds"] == counted["disk_writes"] == len(made) > 1
    assert_same_bits(first, expected)
    for tune in ("full", "heuristic", "cached"):
        process = Process(tmp_path / tune, model, CASE.inputs(3), cache_dir=cache, tune=tune)
        second, counted, found, log = process.finish()
        assert_same_bits(second, expected)
        assert counted["builds"] == counted["candidates_built"] == counted["disk_rejected"] == 0, log
        assert counted["disk_hits"] == counted["misses"] == len(made)
        assert {plan["source"] for plan in found} == {"disk"}
        assert {(plan["problem"], plan["plan"], plan["microseconds"]) for plan in found} == {
            (plan["problem"], plan["plan"], plan["microseconds"]) for plan in made
        }


def test_processes_share_an_empty_folder(
    model: onnx.ModelProto, expected: dict[str, Array], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    processes = [Process(tmp_path / str(i), model, CASE.inputs(3), cache_dir=str(cache)) for i in range(4)]
    problems = set()
    for process in processes:
        result, _, listed, log = process.finish()
        assert_same_bits(result, expected)
        assert "ignored" not in log
        problems |= {plan["problem"] for plan in listed}
    assert {plan["problem"] for plan in plans.stored(cache)} == problems
    assert [path for path in cache.iterdir() if path.suffix != ".plan"] == []


def test_damaged_files_are_rebuilt(
    model: onnx.ModelProto, expected: dict[str, Array], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cache = tmp_path / "cache"
    outputs(open_session(model, cache_dir=str(cache)), CASE.inputs(3))
    files = sorted(cache.iterdir())
    rng = np.random.default_rng(0)
    for round_, damage in enumerate((flip, cut, empty, swap)):
        contents = [path.read_bytes() for path in files]
        for i, path in enumerate(files):
            path.write_bytes(damage(contents, i, rng))
        plans.clear()
        capfd.readouterr()
        options = session_options(model)
        options.log_severity_level = 2
        assert custom_ops.register(options, [CUDA], cache_dir=str(cache))
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=[CUDA])
        assert_same_bits(outputs(session, CASE.inputs(3)), expected)
        counted = plans.statistics()
        assert counted["disk_rejected"] == counted["builds"] == counted["disk_writes"] == len(files), round_
        log = [line for line in capfd.readouterr().err.splitlines() if ".plan is ignored" in line]
        assert len(log) == len(files)
        assert len(plans.stored(cache)) == len(files)


def flip(contents: list[bytes], i: int, rng: np.random.Generator) -> bytes:
    data = bytearray(contents[i])
    data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
    return bytes(data)


def cut(contents: list[bytes], i: int, rng: np.random.Generator) -> bytes:
    return contents[i][: int(rng.integers(1, len(contents[i])))]


def empty(contents: list[bytes], i: int, rng: np.random.Generator) -> bytes:
    return b""


def swap(contents: list[bytes], i: int, rng: np.random.Generator) -> bytes:
    """A whole and good file, of another problem."""
    return contents[i - 1]


def test_cached_mode_names_the_problem_it_does_not_know(tmp_path: Path) -> None:
    case = op.conv("unknown", c=32, k=32)
    session = open_session(case.model(), tune="cached", cache_dir=str(tmp_path))
    with pytest.raises(Exception, match=r"(?s)y_node.*no plan is known.*qudnn tune.*conv n=2 h=9 w=8 c=32"):
        outputs(session, case.inputs())
    # Another session may tune it; then this one runs.
    want = outputs(open_session(case.model(), tune="full", cache_dir=str(tmp_path)), case.inputs())
    assert_same_bits(outputs(session, case.inputs()), want)
    assert_same_bits(want, run(case.model(), case.inputs()).outputs)


def test_heuristic_mode_takes_the_first_plan_and_learns_from_its_neighbours() -> None:
    case = op.conv("neighbours", c=64, k=64, size=(28, 28), pads=[1, 1, 1, 1])
    session = open_session(case.model(), tune="heuristic")
    assert_same_bits(outputs(session, case.inputs(2)), run(case.model(), case.inputs(2)).outputs)
    (plan,) = plans.list()
    assert plan["source"] == "heuristic"
    assert plan["plan"] == plan["first_plan"]
    assert plans.statistics()["candidates_built"] == 1
    # Tuned for one batch: the first guess for the next.
    tuned = open_session(case.model(), tune="full")
    outputs(tuned, case.inputs(16))
    before = plans.statistics()["candidates_built"]
    outputs(session, case.inputs(17))
    newest, best = plans.list()[:2]
    assert newest["plan"] == best["plan"]
    assert plans.statistics()["candidates_built"] == before + 1


def test_full_tuning_replaces_a_heuristic_plan_on_disk(tmp_path: Path) -> None:
    case = op.conv("replaced", c=32, k=64, size=(14, 14))
    for tune, source in (("heuristic", "heuristic"), ("full", "tuned"), ("heuristic", "tuned")):
        plans.clear()
        session = open_session(case.model(), tune=tune, cache_dir=str(tmp_path))
        outputs(session, case.inputs())
        (stored,) = plans.stored(tmp_path)
        assert stored["source"] == source


def test_no_workspace_allowed() -> None:
    # Padding with a value takes a workspace with cuDNN, so the native engine is what is left.
    case = op.conv("nowhere", c=32, k=32, pads=[1, 1, 1, 1], x_zero_point=-3)
    session = open_session(case.model(), workspace_limit=0)
    assert_same_bits(outputs(session, case.inputs()), run(case.model(), case.inputs()).outputs)
    (plan,) = plans.list()
    assert plan["engine"] == "native_conv"
    assert plans.statistics()["candidates_dropped"] > 0


def test_out_of_memory_for_the_workspace_another_plan_runs(capfd: pytest.CaptureFixture[str]) -> None:
    # Padding with a value takes 6.7 MB, the session may have 4. Only the reference goes without.
    case = op.conv("poor", c=64, k=48, size=(112, 112), pads=[1, 1, 1, 1], x_zero_point=-3)
    inputs = case.inputs(8)
    options = session_options(case.model())
    options.log_severity_level = 2
    assert custom_ops.register(options, [CUDA], cache_dir="")
    memory = {"gpu_mem_limit": str(4 << 20), "arena_extend_strategy": "kSameAsRequested"}
    model = case.model().SerializeToString()
    session = onnxruntime.InferenceSession(model, options, providers=[(CUDA, memory)])
    x = onnxruntime.OrtValue.ortvalue_from_numpy(inputs["x"], "cuda", 0)
    y = onnxruntime.OrtValue.ortvalue_from_shape_and_type((8, 112, 112, 48), np.int8, "cuda", 0)
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", x)
    binding.bind_ortvalue_output("y", y)
    expected = run(case.model(), inputs).outputs
    for _ in range(2):
        session.run_with_iobinding(binding)
        assert_same_bits({"y": y.numpy()}, expected)
    (plan,) = plans.list()
    assert "padded input" in plan["plan"]
    lines = [line for line in capfd.readouterr().err.splitlines() if "instead of" in line]
    assert len(lines) == 1, lines
    assert plan["plan"] in lines[0]
    assert "y_node" in lines[0]


def test_a_capture_of_an_unknown_problem_says_to_warm_up() -> None:
    case = op.conv("captured", c=32, k=32, size=(14, 14))
    options = session_options(case.model())
    assert custom_ops.register(options, [CUDA], cache_dir="")
    runtime = ctypes.CDLL(f"libcudart.so.{onnxruntime.cuda_version.partition('.')[0]}")
    stream, captured = ctypes.c_void_p(), ctypes.c_void_p()
    assert runtime.cudaStreamCreate(ctypes.byref(stream)) == 0
    providers = [(CUDA, {"user_compute_stream": str(stream.value)})]
    session = onnxruntime.InferenceSession(case.model().SerializeToString(), options, providers=providers)
    x = onnxruntime.OrtValue.ortvalue_from_numpy(case.inputs()["x"], "cuda", 0)
    y = onnxruntime.OrtValue.ortvalue_from_shape_and_type((2, 12, 12, 32), np.int8, "cuda", 0)
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", x)
    binding.bind_ortvalue_output("y", y)
    how = onnxruntime.RunOptions()
    how.add_run_config_entry("disable_synchronize_execution_providers", "1")
    relaxed = 2
    assert runtime.cudaStreamBeginCapture(stream, relaxed) == 0
    with pytest.raises(Exception, match="run these shapes once before capturing"):
        session.run_with_iobinding(binding, how)
    runtime.cudaStreamEndCapture(stream, ctypes.byref(captured))
    # The failed run did no harm.
    session.run_with_iobinding(binding)
    assert_same_bits({"y": y.numpy()}, run(case.model(), case.inputs()).outputs)


def test_export_and_import(model: onnx.ModelProto, expected: dict[str, Array], tmp_path: Path) -> None:
    assert_same_bits(outputs(open_session(model), CASE.inputs(3)), expected)
    count = len(plans.list())
    assert plans.export(tmp_path / "plans", "") == count
    plans.clear()
    assert plans.import_(tmp_path / "plans", "") == (count, 0)
    assert_same_bits(outputs(open_session(model, tune="cached"), CASE.inputs(3)), expected)
    counted = plans.statistics()
    assert (counted["builds"], counted["disk_hits"]) == (0, count)
    assert {plan["source"] for plan in plans.list()} == {"imported"}


def on_gpu(session: onnxruntime.InferenceSession, x: Array) -> Array:
    """y of x, which may be too large for anything but one copy of it."""
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", onnxruntime.OrtValue.ortvalue_from_numpy(x, "cuda", 0))
    binding.bind_output("y", "cpu")
    session.run_with_iobinding(binding)
    (y,) = binding.copy_outputs_to_cpu()
    return np.asarray(y)


BEYOND = [
    # More than 2^31 elements in x and y, in y, in x, in y.
    (op.conv("beyond", c=16, k=16, size=(512, 512), pads=[1, 1, 1, 1]), 520, 2),
    (op.conv("beyond", c=16, k=64, kernel=(1, 1), size=(256, 256), y_max=90), 515, 2),
    (op.matmul("beyond", c=512, k=16), 2**22 + 5, 2),
    (op.matmul("beyond", c=32, k=528), 2**22 + 5, 2),
]


@pytest.mark.big
@pytest.mark.parametrize(("case", "batch", "slices"), BEYOND, ids=lambda value: getattr(value, "id", None))
def test_beyond_32_bits(case: op.OpCase, batch: int, slices: int) -> None:
    ((_, shape),) = case.tensors.values()
    rng = np.random.default_rng(0)
    pattern = rng.integers(-128, 128, 10_000_019).astype(np.int8)  # a prime: no image repeats
    x = np.resize(pattern, (batch, *shape))
    session = open_session(case.model())
    y = on_gpu(session, x)
    assert max(x.size, y.size) >= 2**31
    assert plans.statistics()["misses"] <= 2  # slices of one size, and the last one
    assert plans.statistics()["hits"] + plans.statistics()["misses"] >= slices
    step = batch // 5 + 1
    by_hand = open_session(case.model())
    for first in range(0, batch, step):
        part = on_gpu(by_hand, x[first : first + step])
        assert np.array_equal(y[first : first + step], part), first
    few = slice(batch - 2, batch)
    assert_same_bits({"y": y[few]}, run(case.model(), {"x": x[few]}, CPU).outputs)
