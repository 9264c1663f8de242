"""`qudnn bench PROBLEM`: what it prints of the plans of a problem, and when it fails."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from no_gpu import why_no_gpu
from qudnn.converter.cli import main, replaying
from qudnn.custom_ops import native

PROBLEM = "matmul m=64 k=128 c=256"
REPLAYED = (
    ("native_stem", "", "not a convolution of few channels", 0, 0.0, False),
    ("cudnn_matmul", "eng3_k2=1", "", 0, 20.0, False),
    ("cudnn_matmul", "eng4", "no kernel for sm_90", 0, 0.0, False),
    ("native_matmul", "native_matmul", "", 0, 100.0, True),
)


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the library answers to any problem, with a GPU that it would run on."""
    answer = list(REPLAYED)

    def replay(problem: str, only: str, with_unlikely: bool) -> Sequence[tuple[Any, ...]]:
        assert problem == native.read_problem(PROBLEM)[0]
        return [each for each in answer if only in ("", each[0], each[1])]

    library = SimpleNamespace(read_problem=native.read_problem, replay=replay)
    monkeypatch.setattr(replaying, "load_library", lambda: library)
    monkeypatch.setattr(replaying, "check_gpu", lambda *_: None)
    return answer


def test_the_table(replayed: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", PROBLEM]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("matmul m=64 k=128 c=256 x_stride=256 ")
    assert rest == [
        "engine         plan           bits              us  TOPS",
        "cudnn_matmul   eng3_k2=1      same            20.0   0.2",
        "native_matmul  native_matmul  the reference  100.0   0.0",
        "native_stem: not a convolution of few channels",
        "cudnn_matmul eng4: no kernel for sm_90",
    ]


def test_other_bits_fail(replayed: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    replayed[1] = ("cudnn_matmul", "eng3_k2=1", "", 17, 0.0, False)
    assert main(["bench", PROBLEM]) == 1
    out, err = capsys.readouterr()
    assert "17 bytes differ" in out
    assert "the bits of eng3_k2=1 differ from the reference's" in err


def test_only(replayed: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", PROBLEM, "--only", "eng3_k2=1"]) == 0
    assert "native" not in capsys.readouterr().out
    assert main(["bench", PROBLEM, "--only", "eng9"]) == 1
    assert "no engine and no plan for this problem has the name 'eng9'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("gemm m=1", "begins with conv, conv3d, matmul, batch_matmul or block, not with 'gemm'"),
        ("matmul m", "'m' is not a field with a whole number"),
        ("matmul m=1.5", "'m=1.5' is not a field with a whole number"),
        ("matmul rows=1", "'rows' is no field"),
        ("matmul m=1 m=2", "'m=2' is given twice"),
        ("matmul m=0", "nothing to compute"),
        ("", "not with ''"),
    ],
)
def test_what_is_no_problem(text: str, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", text]) == 1
    assert why in capsys.readouterr().err


@pytest.mark.skipif(why_no_gpu() is None, reason="there is a GPU")
def test_without_a_gpu(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", PROBLEM]) == 1
    assert "timing plans needs a GPU" in capsys.readouterr().err


def test_the_commands_of_the_docs(capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).parents[3] / "docs" / "tuning.md").read_text()
    commands = [
        shlex.split(line, comments=True)[1:] for line in re.findall(r"^qudnn bench.*$", text, re.MULTILINE)
    ]
    assert len(commands) == 2
    no_gpu = why_no_gpu()
    for command in commands:
        assert main(command) == (1 if no_gpu else 0)
        out, err = capsys.readouterr()
        assert "timing plans needs a GPU" in err if no_gpu else "cudnn_matmul" in out
