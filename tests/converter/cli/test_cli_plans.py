"""`qudnn plans`: the table, and plans that come and go."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import testing

from qudnn.converter.cli import main
from qudnn.converter.cli.plans import age
from qudnn.converter.cli.problem_text import shorten
from qudnn.custom_ops import plans

Run = Callable[..., tuple[int, str, str]]

H200 = "NVIDIA H200 sm_90 132 multiprocessors"
MATMUL = (
    "matmul m=64 k=1000 c=2048 x_stride=2048 clamps_above=0 zero_point_per_channel=0 "
    "adds_constant=0 looks_up=0 "
    "alignment=16 x_type=3 y_type=3"
)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Runs the verb; gives its exit status and what it printed."""

    def call(*arguments: object) -> tuple[int, str, str]:
        status = main(["plans", *map(str, arguments)])
        return status, *capsys.readouterr()

    plans.clear()
    yield call
    plans.clear()  # imported plans stay in the process


def record(**changed: Any) -> dict[str, Any]:
    return {
        "problem": MATMUL,
        "device": H200,
        "cudnn": "9.19.0",
        "qudnn": "0.1.0",
        "engines": "all",
        "workspace_limit": 1 << 30,
        "tuned": True,
        "engine": "cudnn_matmul",
        "plan": "eng3_k2=1",
        "serialized": b"plan",
        "microseconds": 12.5,
        "first_plan": "eng0",
        "first_microseconds": 40.0,
        "created": int(time.time()) - 3 * 3600,
    } | changed


def conv_problem(**fields: int) -> testing.ConvProblem:
    """A problem of a dense input."""
    h, w, c = (fields.get(name, 1) for name in "hwc")
    strides = {"x_stride_n": h * w * c, "x_stride_h": w * c, "x_stride_w": c, "x_stride_c": 1}
    return testing.ConvProblem(**strides | fields)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = testing.Store(str(tmp_path / "plans"))
    store.write(record())
    geometry = {"n": 64, "h": 56, "w": 56, "c": 64, "k": 128, "r": 3, "s": 3, "p": 28, "q": 28}
    pads = {f"pad_{side}": 1 for side in ("top", "left", "bottom", "right")}
    conv = conv_problem(**geometry, **pads, stride_h=2, stride_w=2, pads_with_value=1)
    store.write(
        record(problem=str(conv), engine="cudnn_conv", plan="eng1", microseconds=100.25, first_plan="")
    )
    store.write(record(problem="conv of the future", first_microseconds=0.0, microseconds=0.0))
    store.write(record(device="NVIDIA A10 sm_86 72 multiprocessors", created=int(time.time()) + 60))
    return tmp_path / "plans"


def test_the_table(run: Run, folder: Path) -> None:
    status, out, err = run("--cache-dir", folder)
    assert (status, err) == (0, "")
    a10, h200 = out.rstrip("\n").split("\n\n")
    assert a10.startswith("NVIDIA A10 sm_86 72 multiprocessors, cuDNN 9.19.0, qudnn 0.1.0: 1 plan\n")
    assert a10.endswith(" 0 s")
    title, headings, *rows = h200.splitlines()
    assert title == f"{H200}, cuDNN 9.19.0, qudnn 0.1.0: 3 plans"
    assert headings.split() == ["problem", "engine", "plan", "us", "TOPS", "first", "us", "age"]
    assert len({len(row) for row in (headings, *rows)}) == 1
    conv, matmul, future = rows  # slowest first
    assert conv.startswith(
        "conv 64x56x56x64, 3x3 to 128, stride 2, pad 1, padded with a zero point  cudnn_conv    eng1 "
    )
    assert matmul.split("  ")[0] == "matmul 64x2048 to 1000"
    assert matmul.split()[4:] == ["cudnn_matmul", "eng3_k2=1", "12.5", "21.0", "40.0", "(3.2x)", "3", "h"]
    assert future.split()[-4:] == ["-", "-", "3", "h"]
    assert "conv of the future" in future


def test_no_plans(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        assert run("--cache-dir", folder) == (0, f"there are no plans in {folder}\n", "")
    monkeypatch.setenv("QUDNN_CACHE_DIR", str(tmp_path / "own"))
    assert run() == (0, f"there are no plans in {tmp_path / 'own'}\n", "")


def test_export_and_import(run: Run, folder: Path, tmp_path: Path) -> None:
    file, target = tmp_path / "all.plans", tmp_path / "target"
    assert run("--cache-dir", folder, "--export", file) == (0, f"4 plans written to {file}\n", "")
    assert run("--cache-dir", target, "--import", file) == (0, f"4 plans of {file} copied to {target}\n", "")
    assert run("--cache-dir", target)[1] == run("--cache-dir", folder)[1]


def test_export_to_standard_output_and_import_from_standard_input(folder: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from qudnn.converter.cli import main; sys.exit(main(['plans', '--cache-dir', *{}]))"
    )
    calls = [
        [sys.executable, "-P", "-c", program.format([str(folder), "--export", "-"])],
        [sys.executable, "-P", "-c", program.format([str(tmp_path / "target"), "--import", "-"])],
    ]
    exported = subprocess.run(calls[0], capture_output=True, check=True)
    assert exported.stderr == b"4 plans written to standard output\n"
    imported = subprocess.run(calls[1], input=exported.stdout, capture_output=True, check=True)
    assert imported.stdout.decode() == f"4 plans of standard input copied to {tmp_path / 'target'}\n"
    assert len(plans.stored(tmp_path / "target")) == 4


def test_nothing_to_export(run: Run, tmp_path: Path) -> None:
    error = "qudnn: there are no plans to export\n"
    assert run("--cache-dir", tmp_path / "absent", "--export", tmp_path / "file") == (1, "", error)
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_no_plans_are_told(run: Run, folder: Path, tmp_path: Path) -> None:
    damaged, open_to_all = sorted(folder.glob("*.plan"))[:2]
    damaged.write_bytes(damaged.read_bytes()[:-1])
    open_to_all.chmod(0o666)
    (folder / "engine.plan").write_bytes(b"of TensorRT")
    error = (
        f"qudnn: 2 files of {folder} left out: {{}}. Delete them, or, where they are another user's, share "
        "the folder with a group: see docs/tuning.md\n"
    )
    reasons = {
        damaged.name: f"truncated (1, such as {damaged.name})",
        open_to_all.name: f"a file that anyone may write (1, such as {open_to_all.name})",
    }
    message = error.format("; ".join(reasons[name] for name in sorted(reasons)))
    status, out, err = run("--cache-dir", folder)
    assert (status, err) == (1, message)
    assert len([row for row in out.splitlines() if row.endswith((" h", " s"))]) == 2
    status, out, err = run("--cache-dir", folder, "--export", tmp_path / "file")
    assert (status, out, err) == (1, f"2 plans written to {tmp_path / 'file'}\n", message)
    for path in folder.glob("*"):
        if path not in (damaged, open_to_all):
            path.unlink()
    status, out, err = run("--cache-dir", folder)
    assert (status, out, err) == (1, f"there are no plans in {folder}\n", message)


HOSTILE = "\x1b[2J\x1b]0;title\x07\r\n\u202e\x9b31m"


def test_a_record_cannot_reach_the_terminal(run: Run, folder: Path) -> None:
    store = testing.Store(str(folder))
    store.write(record(device=HOSTILE, problem=HOSTILE, plan=HOSTILE, engine=HOSTILE, cudnn=HOSTILE))
    store.write(record(qudnn=HOSTILE, problem="x" * 4000))
    status, out, _ = run("--cache-dir", folder)
    assert status == 0
    assert all(c.isprintable() or c == "\n" for c in out)
    assert r"\x1b[2J\x1b]0;title\x07\r\n\u202e\x9b31m" in out
    assert "x" * 100 + "..." in out
    assert max(map(len, out.splitlines())) < 500


def test_numbers_of_a_record_that_no_problem_has(run: Run, folder: Path) -> None:
    """They are shown as they are, and nothing is computed of them."""
    conv = str(conv_problem(h=1, w=1, c=16, k=16))
    problems = [
        conv.replace("group=1", "group=0"),
        conv.replace(" n=1", " n=9223372036854775807"),
        conv.replace(" k=16", " k=-1"),
        MATMUL.replace("m=64", "m=-9223372036854775808"),
        MATMUL.replace("m=64", "m=" + "9" * 3000),
    ]
    store = testing.Store(str(folder))
    for number, problem in enumerate(problems):
        store.write(record(problem=problem, plan=f"hostile{number}"))
    status, out, err = run("--cache-dir", folder)
    assert (status, err) == (0, "")
    for number in range(len(problems)):
        (row,) = (line for line in out.splitlines() if f"hostile{number}" in line)
        assert " - " in row  # no TOPS


def test_a_damaged_export(run: Run, folder: Path, tmp_path: Path) -> None:
    file, target = tmp_path / "all.plans", tmp_path / "target"
    run("--cache-dir", folder, "--export", file)
    file.write_bytes(file.read_bytes()[:-1])
    status, out, err = run("--cache-dir", target, "--import", file)
    assert (status, out) == (1, f"3 plans of {file} copied to {target}\n")
    assert err == f"qudnn: 1 plan of {file} cannot be used: export them anew\n"
    assert len(plans.stored(target)) == 3


def test_clear(run: Run, folder: Path) -> None:
    mine = {"README", "engine.plan", "0.plan", ".draft.aside"}
    for name in mine:
        (folder / name).write_text("mine")
    assert run("--cache-dir", folder, "--clear") == (0, f"4 plans deleted from {folder}\n", "")
    assert {path.name for path in folder.iterdir()} == mine
    assert run("--cache-dir", folder, "--clear") == (0, f"0 plans deleted from {folder}\n", "")
    assert run("--cache-dir", folder / "absent", "--clear")[0] == 0


def test_mistakes(run: Run, folder: Path, tmp_path: Path) -> None:
    letter = tmp_path / "letter"
    letter.write_text("Dear plans,")
    for arguments, message in (
        (["--cache-dir", ""], "there is no folder of plans: give one with --cache-dir"),
        (["--cache-dir", letter], f"{letter} is no folder"),
        (["--import", letter], "not a file of exported plans"),
        (["--import", tmp_path / "absent"], f"cannot open {tmp_path}/absent: No such file or directory"),
        (["--export", tmp_path / "absent" / "file"], f"there is no folder {tmp_path}/absent"),
        (["--export", tmp_path], f"cannot write {tmp_path}: it is a folder"),
    ):
        place = [] if "--cache-dir" in arguments else ["--cache-dir", folder]
        status, out, err = run(*place, *arguments)
        assert (status, out) == (1, "")
        assert err.startswith("qudnn: ")
        assert message in err
        assert err.count("\n") == 1
    with pytest.raises(SystemExit):
        run("--clear", "--export", letter)


def test_ages() -> None:
    assert [age(seconds) for seconds in (-5, 0, 59, 60, 7199, 7200, 86400, 864000)] == [
        "0 s", "0 s", "59 s", "1 min", "1 h", "2 h", "1 d", "10 d",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "short"),
    [
        ({"h": 7, "w": 9, "c": 16, "k": 32, "p": 7, "q": 9}, "conv 1x7x9x16, 1x1 to 32"),
        ({"c": 16, "group": 16, "alignment": 4}, "conv 1x1x1x16, 1x1 to 1, group 16, alignment 4"),
        (
            {"r": 3, "s": 5, "dilation_h": 2, "stride_w": 3, "pad_left": 2, "clamps_above": 1},
            "conv 1x1x1x1, 3x5 to 1, stride 1x3, dilation 2x1, pad 0x2x0x0, clamped",
        ),
        (
            {"y_pad_top": 1, "y_pad_left": 1, "y_pad_bottom": 1, "y_pad_right": 1},
            "conv 1x1x1x1, 1x1 to 1, result padded 1",
        ),
        ({"n": 2, "x_stride_n": 99}, "conv 2x1x1x1, 1x1 to 1, strides 99x1x1x1"),
    ],
)
def test_short_problems(fields: dict[str, int], short: str) -> None:
    assert shorten(str(conv_problem(**fields))) == short


def test_short_problem_of_volumes() -> None:
    problem = testing.ConvProblem(n=2, d=9, h=7, w=5, c=16, k=32, t=3, r=3, s=3, stride_d=2, pad_back=1)
    assert shorten(str(problem)) == "conv3d 2x9x7x5x16, 3x3x3 to 32, stride 2x1x1, pad 0x0x0x1x0x0"


def test_short_problem_of_matmuls() -> None:
    everything = {"b_starts": [0] * 4, "b_ends": [2**63 - 1] * 4, "a_starts": [0] * 4}
    problem, *_ = testing.batch_matmul(
        [2, 12, 197, 208],
        [2, 197, 12, 64],
        a_perm=[0, 1, 2, 3],
        b_perm=[0, 2, 1, 3],
        y_perm=[0, 2, 1, 3],
        a_ends=[2, 12, 197, 197],
        padding=0,
        **everything,
    )
    assert shorten(str(problem)) == "batch_matmul 24 of 197x197 by 197x64"
    problem = testing.BatchMatMulProblem(m=7, n=9, k=16, width=16, b_transposed=1, y_type=1)
    assert shorten(str(problem)) == "batch_matmul 1 of 7x16 by 16x9, padded by 7, b transposed, y type 1"


def test_short_problem_of_residual_blocks() -> None:
    problem = testing.BlockProblem(n=2, h=14, w=15, c=1024, m=256, k=1024, adds=1)
    assert shorten(str(problem)) == "block 2x14x15x1024, 3x3 of 256 to 1024, adds a residual"
    problem = testing.BlockProblem(
        n=1, h=9, w=9, c=32, m=64, k=48, stride=2, depthwise=1, pads_with_value=1, clamps_first=1
    )
    assert shorten(str(problem)) == (
        "block 1x9x9x32, 3x3 of 64 to 48, depthwise, stride 2, padded with a zero point, "
        "the first results clamped"
    )


def test_short_problem_of_projections() -> None:
    problem = testing.MatMulProblem(m=128, k=2304, c=768, x_stride=768, zero_point_per_channel=1)
    assert shorten(str(problem)) == "matmul 128x768 to 2304, a zero point for each output"


def test_short_problem_of_sums_that_are_looked_up() -> None:
    problem = testing.MatMulProblem(m=128, k=3072, c=768, x_stride=768, adds_constant=1, looks_up=1)
    assert shorten(str(problem)) == "matmul 128x768 to 3072, adds a constant, results of a table"


def test_what_is_no_problem_is_not_shortened() -> None:
    assert shorten("conv of the future") == "conv of the future"
    assert shorten("conv n=1 h=x") == "conv n=1 h=x"
