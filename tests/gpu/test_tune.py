"""`qudnn tune` on the GPU, in processes of its own: what it stores is found."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from cases import graph
from qudnn import converter
from qudnn.custom_ops import plans

pytestmark = pytest.mark.gpu

CASE = graph.CASES[0]
BATCHES = (2, 5)

# Runs a converted model whose plans all have to be known; prints the counters.
CACHED = """
import json, sys
import numpy as np
from qudnn import custom_ops
from qudnn.custom_ops import plans

path, folder, *shapes = sys.argv[1:]
providers = ["CUDAExecutionProvider"]
session = custom_ops.InferenceSession(path, providers=providers, tune="cached", cache_dir=folder)
for shape in shapes:
    session.run(None, {"x": np.zeros(json.loads(shape), np.float32)})
print(json.dumps(plans.statistics()))
"""


def python(*arguments: object, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-P", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | {"QUDNN_CACHE_DIR": str(folder)},
        timeout=500,
    )


def shape(batch: int) -> list[int]:
    return list(CASE.inputs(batch)["x"].shape)


def test_what_is_tuned_is_found(tmp_path: Path) -> None:
    source, target, folder = tmp_path / "in.onnx", tmp_path / "out.onnx", tmp_path / "plans"
    onnx.save(CASE.model(), source)
    converter.convert_file(source, target)
    shapes = [f"--shape=x={','.join(map(str, shape(batch)))}" for batch in BATCHES]

    first = python("-m", "qudnn", "tune", source, *shapes, folder=folder)
    assert first.returncode == 0, first.stderr
    summary = re.search(
        r"^(\d+) problems: (\d+) tuned, 0 found on disk, [\d.]+ s$", first.stdout, re.MULTILINE
    )
    assert summary, first.stdout
    problems = int(summary[1])
    assert problems == int(summary[2]) == len(plans.stored(folder)) > 0
    assert f"{problems} of {problems} problems" in first.stdout
    for info in plans.stored(folder):
        assert info["source"] == "tuned"
        assert info["microseconds"] > 0
        assert info["microseconds"] <= info["first_microseconds"] or not info["first_microseconds"]

    again = python("-m", "qudnn", "tune", target, *shapes, folder=folder)
    assert f"{problems} problems: 0 tuned, {problems} found on disk" in again.stdout, again.stderr

    cached = python("-c", CACHED, target, folder, *map(json.dumps, map(shape, BATCHES)), folder=folder)
    assert cached.returncode == 0, cached.stderr
    statistics = json.loads(cached.stdout.splitlines()[-1])
    assert (statistics["builds"], statistics["disk_hits"]) == (0, problems)

    table = python("-m", "qudnn", "plans", folder=folder)
    assert table.stdout.count("\n") == problems + 2
    assert f": {problems} plan" in table.stdout


def test_a_problem_without_a_plan_is_named_where_only_known_ones_are_wanted(tmp_path: Path) -> None:
    target = tmp_path / "out.onnx"
    onnx.save(converter.convert(CASE.model()).model, target)
    cached = python("-c", CACHED, target, tmp_path / "plans", json.dumps(shape(3)), folder=tmp_path)
    assert cached.returncode != 0
    assert re.search(r"(conv|matmul) [nm]=3", cached.stderr), cached.stderr
    assert plans.stored(tmp_path / "plans") == []
