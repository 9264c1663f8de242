"""Commands in docs/ run as they stand, and docs/commands.md names all verbs and exit statuses."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from command import verbs

from no_gpu import why_no_gpu
from qudnn.converter.cli.verb import Exit
from zoo.graph import Graph

DOCS = Path(__file__).parents[1] / "docs"
TEXT = (DOCS / "commands.md").read_text()
LEAST = {"commands": 9, "quickstart": 4, "quantizing": 1, "troubleshooting": 2}  # lines of a page
# Those that answer no on the small model of this test, or where there is no GPU.
NO: dict[str, int] = {"qudnn doctor": 1 if why_no_gpu() else 0}


def lines(name: str) -> list[str]:
    text = (DOCS / f"{name}.md").read_text()
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [line for language, block in blocks if not language for line in block.splitlines() if line]


@pytest.mark.parametrize("name", LEAST)
def test_the_commands_run(tmp_path: Path, name: str) -> None:
    quantizer = pytest.importorskip("zoo.quantize")
    graph = Graph("small", (3, 8, 8))
    images = np.random.default_rng(0).standard_normal((2, 3, 8, 8), dtype=np.float32)
    original = graph.finish(graph.conv(graph.conv(graph.x, 16, 3), 16, 3), [16, 8, 8])
    model = quantizer.quantize(original, images)
    (tmp_path / "models").mkdir()
    onnx.save(original, tmp_path / "original.onnx")
    onnx.save(model, tmp_path / "model.onnx")
    onnx.save(model, tmp_path / "models" / "other.onnx")
    onnx.save(original, tmp_path / "float.onnx")
    np.savez(tmp_path / "inputs.npz", x=images)
    np.savez(tmp_path / "samples.npz", x=images)
    (tmp_path / "samples").mkdir()
    for index, image in enumerate(images):
        np.save(tmp_path / "samples" / f"{index}.npy", image)
    assert len(lines(name)) >= LEAST[name]
    for line in lines(name):
        command = re.sub(r"\bqudnn (?=[a-z-])", f"{shlex.quote(sys.executable)} -P -m qudnn ", line)
        command = command.replace("python -c", f"{shlex.quote(sys.executable)} -c")
        ended = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command}"], cwd=tmp_path, capture_output=True
        )
        expected = next((status for text, status in NO.items() if text in line), 0)
        assert ended.returncode == expected, (line, ended.stderr.decode())
        assert b"Traceback" not in ended.stderr, line


def test_all_verbs_and_statuses_are_there() -> None:
    rows = re.findall(r"^\| (`[a-z`, ]+`) \|", TEXT, re.MULTILINE)
    assert {verb for row in rows for verb in re.findall(r"\w+", row)} == verbs().keys()
    statuses = re.findall(r"^\| (\d) \|", TEXT, re.MULTILINE)
    assert [int(status) for status in statuses] == list(Exit)
