"""What README.md says is so: its commands run, its folders are there, its table is the results'."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from qudnn import custom_ops
from qudnn.custom_ops import session
from zoo.graph import Graph

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The code blocks of a language, "" for those that name none."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [code for name, code in fenced if name == language]


def test_usage_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    quantizer = pytest.importorskip("zoo.quantize")
    graph = Graph("small", (3, 8, 8))
    images = np.random.default_rng(0).standard_normal((2, 3, 8, 8), dtype=np.float32)
    model = quantizer.quantize(graph.finish(graph.conv(graph.x, 16, 3), [16, 8, 8]), images)
    onnx.save(model, tmp_path / "model.onnx")
    monkeypatch.chdir(tmp_path)

    converting = [line for block in blocks("") for line in block.splitlines() if line.startswith("qudnn ")]
    assert converting
    for line in converting:
        command = [str(Path(sys.executable).parent / "qudnn"), *shlex.split(line)[1:]]
        subprocess.run(command, check=True, capture_output=True)

    # As with a GPU, on which alone sessions convert; the converted model runs through its function bodies.
    monkeypatch.setattr(session, "register_quietly", lambda *_, **__: custom_ops.Registration())
    variables: dict[str, Any] = {"inputs": {"x": images}}
    for block in blocks("python"):
        exec("import onnxruntime\n" + block.replace('"CUDAExecutionProvider", ', ""), variables)
    assert "QConv" in capsys.readouterr().out
    results = variables["session"].run(None, variables["inputs"])
    np.testing.assert_array_equal(results[0], variables["results"][0])


def test_make_targets_exist() -> None:
    targets = re.findall(r"^make (\w+)", README, re.MULTILINE)
    assert targets == ["demo", "test"]
    for target in targets:
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_folders_and_programs_exist() -> None:
    named = re.findall(r"`([\w/]+/)`|`python ([\w/]+\.py)`", README)
    assert len(named) > 8
    for folder, program in named:
        path = folder or program
        homes = [ROOT, ROOT / "examples"]  # a folder may be named within its own row
        homes += [ROOT / top for top in ("converter", "csrc", "tests")]
        assert any((home / path).exists() for home in homes), path


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_table_is_the_results() -> None:
    table = subprocess.run([sys.executable, "-m", "benchmarks.report.table", "--check"], cwd=ROOT)
    assert table.returncode == 0, "run python -m benchmarks.report.table"
