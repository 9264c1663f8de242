"""What the kernels of a run say about where a model ran."""

from collections import Counter
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from qudnn import converter, custom_ops
from qudnn.converter.cli import placement
from qudnn.converter.cli.verb import UsageError
from qudnn.custom_ops.checkup import State
from qudnn.custom_ops.profile import Kernel

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
OPS = Counter({"QConv": 2, "QAdd": 1})
OURS = {Kernel(CUDA, "QConv"): 2, Kernel(CUDA, "QAdd"): 1}


def test_all_on_the_gpu() -> None:
    check = placement.judge(Counter({**OURS, Kernel(CUDA, "Softmax"): 1}), OPS)
    assert check.state is State.FITS
    assert check.found == (
        "3 nodes (QConv 2, QAdd 1) of qudnn and 1 other (Softmax 1) ran on the GPU, none on the CPU"
    )


def test_arithmetic_on_shapes_belongs_on_the_cpu() -> None:
    check = placement.judge(Counter({**OURS, Kernel(CPU, "Gather"): 4}), OPS)
    assert check.state is State.FITS
    assert check.found.endswith("ran on the GPU, 4 nodes (Gather 4) on the CPU")


@pytest.mark.parametrize(
    "away", [{Kernel(CPU, "TopK"): 1}, {Kernel(CUDA, "MemcpyToHost"): 1, Kernel(CPU, "Gather"): 1}]
)
def test_what_leaves_the_gpu_is_a_note(away: dict[Kernel, int]) -> None:
    check = placement.judge(Counter({**OURS, **away}), OPS)
    assert check.state is State.NOTE
    assert check.remedy.startswith("`qudnn inspect`")
    assert ("with 1 copy between them" in check.found) == (Kernel(CUDA, "MemcpyToHost") in away)


@pytest.mark.parametrize("ran", [{}, {Kernel(CPU, "QConv"): 2}, {Kernel(CUDA, "Conv"): 2}])
def test_none_of_ours_is_wrong(ran: dict[Kernel, int]) -> None:
    for ops in OPS, Counter[str]():
        check = placement.judge(Counter(ran), ops)
        assert check.state is State.WRONG
        assert "no op of qudnn did" in check.found
        assert check.remedy


def test_a_session_is_really_asked(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the CPU, with a model that is converted: none of its ops is on the GPU, and it is said."""
    path = str(source.with_name("converted.onnx"))
    converter.convert_file(source, path)

    def session(
        path: str, options: onnxruntime.SessionOptions, *, providers: list[str], tune: str, cache_dir: None
    ) -> onnxruntime.InferenceSession:
        assert providers == [CUDA, CPU] and tune == "heuristic"
        return onnxruntime.InferenceSession(path, options, providers=[CPU])

    monkeypatch.setattr(custom_ops, "InferenceSession", session)
    inputs = {"x": np.zeros((1, 3, 8, 8), np.uint8)}
    ops = placement.ops_of(converter.convert(source).model)
    assert ops["QConv"] == 1
    check, ran = placement.of_a_run(path, inputs, ops, None)
    assert check.state is State.WRONG
    assert ran and {kernel.provider for kernel in ran} == {CPU}
    with pytest.raises(UsageError, match=r"converted\.onnx does not run on the GPU: "):
        placement.of_a_run(path, {"x": np.zeros((1, 3, 9, 9), np.uint8)}, ops, None)
