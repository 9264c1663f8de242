"""What docs/deploying.md and docs/concepts.md show is so."""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import testing

import qudnn
from cases import graph
from qudnn import converter, custom_ops
from qudnn.converter.cli import main
from qudnn.custom_ops import plans, session

DOCS = Path(__file__).parents[1] / "docs"
TEXT = (DOCS / "deploying.md").read_text()
NOBODY = 10001  # as the image has it


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return str(found)


def store_a_plan(folder: Path) -> None:
    problem = testing.MatMulProblem(m=1, k=16, c=16, x_stride=16)
    key = {"problem": str(problem), "device": "GPU", "cudnn": "9", "qudnn": "0.1.0", "engines": "all"}
    plan = {"tuned": True, "engine": "cudnn_matmul", "plan": "eng3", "serialized": b"", "microseconds": 2.0}
    before = {"first_plan": "", "first_microseconds": 0.0, "created": 0}
    testing.Store(str(folder)).write({**key, "workspace_limit": 0, **plan, **before})


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder that all users can read, as pytest's own are not; skips where this is not root."""
    if os.geteuid() != 0:
        pytest.skip("an image is made by root, and this is another user")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def as_nobody(call: Callable[[], Any]) -> Any:
    """What it returns in a process of that user, through JSON."""
    read, write = os.pipe()
    if child := os.fork():
        os.close(write)
        with os.fdopen(read) as stream:
            answer = stream.read()
        assert os.waitpid(child, 0)[1] == 0
        return json.loads(answer)
    try:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        os.write(write, json.dumps(call()).encode())
        os._exit(0)
    finally:
        os._exit(1)


def test_an_image_with_plans(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root imports them where there is no GPU; then the image's user has them, too."""
    lines = block("dockerfile").replace("/srv/model", str(root / "model")).splitlines()
    words = {line.split()[0]: line.partition(" ")[2] for line in lines}
    assert words["USER"] == str(NOBODY)
    (root / "model").mkdir()
    store_a_plan(root / "made")
    exported, folder = str(root / "model" / "h200.plans"), root / "model" / "plans"
    assert main(["plans", "--cache-dir", str(root / "made"), "--export", exported]) == 0
    for assignment in words["ENV"].split():
        monkeypatch.setenv(*assignment.split("=", 1))
    qudnn_here = f"{shlex.quote(sys.executable)} -P -m qudnn "
    command, _, chmod = words["RUN"].replace("qudnn ", qudnn_here, 1).partition(" && ")
    subprocess.run(["sh", "-c", command], check=True)
    assert len(plans.stored(folder)) == 1
    with pytest.raises(AssertionError):  # they are root's alone
        as_nobody(lambda: len(plans.stored(folder)))
    subprocess.run(["sh", "-c", chmod], check=True)
    assert as_nobody(lambda: [len(plans.stored(folder)), len(plans.left_out(folder))]) == [1, 0]


def test_every_shape_is_run_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a GPU, on which alone sessions have the operators; the model runs through function bodies."""
    case = graph.CASES[0]
    onnx.save(converter.convert(case.model()).model, tmp_path / "model.qudnn.onnx")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "register_quietly", lambda *_, **__: custom_ops.Registration())
    ran: list[int] = []

    class Session(qudnn.InferenceSession):
        def run(self, output_names: Any, input_feed: Any, run_options: Any = None) -> Any:
            ran.append(len(input_feed["x"]))
            return super().run(output_names, input_feed, run_options)

    monkeypatch.setattr(qudnn, "InferenceSession", Session)
    exec(block("python").replace('"CUDAExecutionProvider", ', ""), {"np": np})
    assert ran == [1, 2, 4, 8]


def test_metrics_that_are_named_exist() -> None:
    for name in re.findall(r"`(qudnn_\w+)`", TEXT):
        assert f"\n{name} " in plans.metrics()


@pytest.mark.parametrize("page", ["concepts.md", "deploying.md"])
def test_pictures_and_files_are_there(page: str) -> None:
    text = (DOCS / page).read_text()
    found = re.findall(r"\]\(((?:images|\.\.)/[^)]+)\)", text)
    assert found
    for path in found:
        assert (DOCS / path).exists(), path
