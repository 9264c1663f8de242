"""What docs/tuning.md says can be done is so."""

import re
import shlex
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import testing

import qudnn
from no_gpu import why_no_gpu
from qudnn.converter.cli import main
from qudnn.custom_ops import plans
from zoo.graph import Graph

TEXT = (Path(__file__).parents[1] / "docs" / "tuning.md").read_text()


def commands(verb: str) -> list[list[str]]:
    lines = re.findall(rf"^qudnn {verb}\b.*$", TEXT, re.MULTILINE)
    return [shlex.split(line, comments=True)[1:] for line in lines]


@pytest.fixture
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty current folder, and none of the user's own plans."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUDNN_CACHE_DIR", str(tmp_path / "plans"))


@pytest.mark.usefixtures("_here")
def test_commands_on_plans() -> None:
    problem = testing.MatMulProblem(m=1, k=16, c=16, x_stride=16)
    key = {"problem": str(problem), "device": "GPU", "cudnn": "9", "qudnn": "0.1.0", "engines": "all"}
    plan = {"tuned": True, "engine": "cudnn_matmul", "plan": "eng3", "serialized": b"", "microseconds": 2.0}
    before = {"first_plan": "", "first_microseconds": 0.0, "created": 0}
    testing.Store("plans").write({**key, "workspace_limit": 0, **plan, **before})
    assert len(commands("plans")) == 5
    for command in commands("plans"):
        assert main(command) == 0, command


@pytest.mark.usefixtures("_here")
def test_commands_that_tune(capsys: pytest.CaptureFixture[str]) -> None:
    quantizer = pytest.importorskip("zoo.quantize")
    graph = Graph("small", (3, 224, 224))
    model = graph.finish(graph.conv(graph.x, 16, 3, stride=8), [16, 28, 28])
    images = np.random.default_rng(0).standard_normal((1, 3, 224, 224), dtype=np.float32)
    onnx.save(quantizer.quantize(model, images), "model.onnx")
    assert len(commands("tune")) == 2
    no_gpu = why_no_gpu()
    for command in commands("tune"):
        assert main(command) == (1 if no_gpu else 0)
        if no_gpu:
            assert "tuning needs" in capsys.readouterr().err
        else:
            assert plans.stored()


def test_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """The options of the examples are options."""
    example, with_graphs = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    called = []
    monkeypatch.setattr(qudnn, "InferenceSession", lambda *_, **options: called.append(options))
    register = qudnn.register
    monkeypatch.setattr(qudnn, "register", lambda *given, **options: called.append(options))
    providers = ["CPUExecutionProvider"]
    exec(example, {"qudnn": qudnn, "options": None, "providers": providers})
    assert len(called) == 2
    for options in called:
        options.pop("providers", None)
        assert not register(onnxruntime.SessionOptions(), providers, **options)
    monkeypatch.undo()
    with pytest.raises(qudnn.GraphCaptureError, match="CUDAExecutionProvider is not among"):
        exec(with_graphs, {"qudnn": qudnn, "providers": providers})
