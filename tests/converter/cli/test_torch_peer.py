"""torch.compile as a peer of `qudnn bench`: what it takes, and what is said where PyTorch is not there."""

import sys
from pathlib import Path

import numpy as np
import pytest
from command import Run

from qudnn.converter.cli import peers, torch_peer
from qudnn.converter.cli.peers import TORCH, Peer, Setting
from qudnn.converter.cli.verb import UsageError

FEED = {"x": np.ones((2, 4), np.float32)}
CPU = Setting(gpu=False, runs=3, warm_up=3, streams=1)


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)


@pytest.mark.usefixtures("without_torch")
def test_without_pytorch_it_is_skipped(run: Run, source: Path) -> None:
    options = ["--torch=model.py:make", "--runs=3", "--warm-up=3"]
    document = run.json("bench", source, *options)
    (row,) = [row for row in document["rows"] if row["model"] == TORCH]
    assert row["failed"].startswith("skipped: PyTorch cannot be imported (")
    _, out, _ = run("bench", source, *options)
    assert f"x=1,3,8,8, {TORCH}: skipped: PyTorch cannot be imported" in out


def test_in_one_stream_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_peer, "missing", lambda: "")
    (row,) = peers.rows([Peer(TORCH, "a:b")], [FEED], Setting(False, 3, 3, streams=2), lambda: None)
    assert row.failed == "skipped: it is measured in one stream only"


@pytest.mark.parametrize("name", ["resnet50", ":make", "model.py:", "a:b c"])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(UsageError, match=f"--torch {name}: write MODULE:NAME or FILE.py:NAME"):
        torch_peer.check(name)


def test_what_it_runs(tmp_path: Path) -> None:
    """With PyTorch: in float16, from a file, and what is no module is told."""
    torch = pytest.importorskip("torch")
    (tmp_path / "model.py").write_text(
        "import torch\n\nseen = []\n\n"
        "class Model(torch.nn.Module):\n"
        "    def forward(self, x):\n"
        "        seen.append((x.dtype, tuple(x.shape)))\n"
        "        return x * 2\n\n"
        "def text():\n    return 'no module'\n"
    )
    setting = torch_peer.Compiled(f"{tmp_path}/model.py:Model", FEED, gpu=False, cuda_graph=False)
    setting.run()
    assert (torch.float16, (2, 4)) in sys.modules["model"].seen
    with pytest.raises(TypeError, match="Module, nor makes one"):
        torch_peer.Compiled(f"{tmp_path}/model.py:text", FEED, gpu=False, cuda_graph=False)
    (row,) = peers.rows([Peer(TORCH, "absent.module:x")], [FEED], CPU, lambda: None)
    assert "No module named" in row.failed
