"""`qudnn bench MODEL` and `qudnn doctor MODEL` on the GPU."""

from pathlib import Path

import pytest
from command import Run

from session import CUDA

pytestmark = pytest.mark.gpu


def test_a_model_is_measured_on_the_gpu(run: Run, source: Path, tmp_path: Path) -> None:
    options = ["--batch=1,4", "--cuda-graph", "--streams=2", "--runs=5", "--profile", "--tune=heuristic"]
    document = run.json("bench", source, *options, f"--cache-dir={tmp_path / 'plans'}")
    assert document["device"] == "GPU" and document["machine"]["gpu"]
    ours = [row for row in document["rows"] if row["model"] == "qudnn"]
    assert [(row["shapes"], row["cuda_graph"]) for row in ours] == [
        (f"x={batch},3,8,8", graph) for batch in (1, 4) for graph in (False, True)
    ]
    for row in ours:
        assert row["runs"] == 10 and row["latency_ms"]["p50"] > 0
    (conv,) = [layer for layer in document["layers"] if layer["op"] == "QConv"]
    assert conv["provider"] == CUDA
    assert conv["engine"] and conv["us"] > 0
    assert conv["operations"] == 2 * 4 * 8 * 8 * 64 * 4  # three channels become four
    assert conv["floor_us"] > 0 and conv["of_floor"] > 0
    assert document["floor"]["bytes_per_second"] > 1e11  # the slowest GPU that qudnn takes has more


def test_a_model_is_really_on_the_gpu(run: Run, source: Path, tmp_path: Path) -> None:
    document = run.json("doctor", source, "--shape=x=2,3,8,8", f"--cache-dir={tmp_path / 'plans'}")
    assert document["well"] is True
    assert {"provider": CUDA, "op_type": "QConv", "runs": 1} in document["kernels"]
    assert document["checks"][0]["found"].startswith(document["facts"]["gpus"][0][0])
