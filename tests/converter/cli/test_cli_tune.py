"""`qudnn tune` without a GPU: what it refuses, and how it runs a model, counts and ends."""

import io
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from networks import Network

from cases import op
from cases.bottleneck_op import bottleneck, float_add
from cases.builder import Array
from cases.epilogue_table_op import conv_table, matmul_table
from cases.matmul_add_op import matmul_add, matmul_add_table
from qudnn import converter, custom_ops
from qudnn.converter.cli import main, tune
from qudnn.converter.cli.problems import Work, count_problems
from qudnn.converter.cli.progress import Progress, bar, clock, line
from qudnn.custom_ops import plans, registration

CPU = ["CPUExecutionProvider"]


def network() -> onnx.ModelProto:
    """Three convolutions, the first two of which are one problem."""
    net = Network()
    a = net.conv(net.eight_bit_input(["n", 16, 8, "w"]), "a", 16, 16)
    b = net.conv(a, "b", 16, 16)
    net.conv(b, net.unshaped_output("y", "uint8"), 16, 32)
    return net.model(13)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    onnx.save(network(), tmp_path / "in.onnx")
    return tmp_path / "in.onnx"


class Machine:
    """Stands for the GPU: sessions run on the CPU, and plans are counted as if made there."""

    def __init__(self) -> None:
        self.statistics = {"builds": 0, "disk_hits": 0, "disk_writes": 0}
        self.options: list[dict[str, Any]] = []
        self.fed: list[dict[str, Array]] = []
        self.converted: list[bool] = []
        self.on_disk = 0  # of each run's problems
        self.writable = True
        self.error = ""

    def session(self, path: str, providers: list[str], **options: Any) -> "Machine":
        self.options.append(options)
        self.providers = providers
        self.converted.append(converter.is_converted(path))
        self.cpu = onnxruntime.InferenceSession(path, providers=CPU)
        return self

    def get_providers(self) -> list[str]:
        return self.providers

    def run(self, names: None, inputs: Mapping[str, Array]) -> None:
        if self.error:
            raise RuntimeError(self.error)
        self.fed.append(dict(inputs))
        self.cpu.run(names, inputs)
        made = 2 - self.on_disk
        self.statistics["disk_hits"] += self.on_disk
        self.statistics["builds"] += made
        self.statistics["disk_writes"] += made * self.writable


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(custom_ops, "InferenceSession", machine.session)
    monkeypatch.setattr(plans, "statistics", lambda: machine.statistics)
    monkeypatch.setattr(tune, "check_gpu", lambda *_: None)
    return machine


def test_tunes_each_shape(
    machine: Machine, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "plans")
    shapes = ["--shape", "x=2,16,8,5", "--shape", "x=1,16,8,7"]
    assert main(["tune", str(source), *shapes, "--cache-dir", folder, "--workspace-limit", "99"]) == 0
    assert [(values["x"].shape, values["x"].dtype) for values in machine.fed] == [
        ((2, 16, 8, 5), np.uint8),
        ((1, 16, 8, 7), np.uint8),
    ]
    assert machine.options == [{"tune": "full", "workspace_limit": 99, "cache_dir": folder}]
    assert machine.converted == [True]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("3 of 3 quantized nodes converted")
    assert lines[2].split() == ["3", "QConv"]
    assert lines[-3].startswith("4 of 4 problems, 0:0")
    assert lines[-2].startswith("4 problems: 4 tuned, 0 found on disk, ")
    assert lines[-1] == f"the plans are in {folder}"
    assert [path.name for path in tmp_path.iterdir()] == ["in.onnx"]


def test_tunes_each_size_of_a_range(machine: Machine, source: Path, tmp_path: Path) -> None:
    assert main(["tune", str(source), "--shape=x=1..4,16,8,5", f"--cache-dir={tmp_path / 'plans'}"]) == 0
    assert [values["x"].shape for values in machine.fed] == [(n, 16, 8, 5) for n in (1, 2, 4)]
    assert machine.converted == [True]


def test_what_is_stored_already(
    machine: Machine, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.on_disk = 1
    target = tmp_path / "out.onnx"
    converter.convert_file(source, target)
    assert (
        main(["tune", str(target), "--shape=x=1,16,8,8", "--tune=heuristic", f"--cache-dir={tmp_path}"]) == 0
    )
    assert machine.options[0]["tune"] == "heuristic"
    out = capsys.readouterr().out
    assert "2 problems: 1 planned, 1 found on disk, " in out
    assert "converted" not in out


def test_the_users_own_folder_is_the_default(
    machine: Machine, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUDNN_CACHE_DIR", str(tmp_path / "own"))
    assert main(["tune", str(source), "--shape=x=1,16,8,8"]) == 0
    assert machine.options[0]["cache_dir"] == str(tmp_path / "own")


def fails(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The message with which the command ends."""
    assert main(["tune", *map(str, arguments)]) == 1
    err = capsys.readouterr().err
    assert err.startswith("qudnn: ")
    assert "Traceback" not in err
    return err


def test_a_model_with_nothing_to_tune(
    machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net = Network()
    net.node("Relu", [net.input("x", "float32", ["n", 3])], net.unshaped_output("y", "float32", 2))
    onnx.save(net.model(13), tmp_path / "in.onnx")
    message = fails(capsys, tmp_path / "in.onnx", "--shape=x=1,3", "--cache-dir", tmp_path)
    assert "has no convolution or matmul that qudnn converts" in message
    assert machine.options == []


def test_a_run_that_fails_names_its_shapes(
    machine: Machine, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.error = "out of memory"
    message = fails(capsys, source, "--shape=x=1,16,8,8", "--cache-dir", tmp_path / "plans")
    assert message == f"qudnn: {source} does not run with x=1,16,8,8: out of memory\n"


def test_plans_that_are_not_stored(
    machine: Machine, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.writable = False
    message = fails(capsys, source, "--shape=x=1,16,8,8", "--cache-dir", tmp_path)
    assert message == f"qudnn: 2 plans could not be stored in {tmp_path}: make it writable\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the size of the model's input x [n, 16, 8, w] is not fixed"),
        (["--shape=z=1"], "the model has no input 'z'"),
        (["--shape=x=1,16,8"], "has 3 dimensions"),
        (["--shape=x=1,16,9,8"], "dimension 2 is 9, the model's input x [n, 16, 8, w] has 8 there"),
        (["--shape=x=1,16,8,0"], "a size is 0"),
        (["--shape=x=1,16,8,8", "--workspace-limit=-1", "--cache-dir=plans"], "workspace_limit is -1"),
        (["--shape=x=1,16,8,8", "--cache-dir="], "give one with --cache-dir"),
        (["--shape=x=1,16,8,8", f"--cache-dir={__file__}"], "which is there and no folder"),
    ],
)
def test_mistakes_are_found_before_anything_runs(
    arguments: list[str], message: str, machine: Machine, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in fails(capsys, source, *arguments)
    assert machine.options == []


def test_files_that_are_no_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "No such file" in fails(capsys, tmp_path / "absent.onnx", "--shape=x=1")
    (tmp_path / "letter.onnx").write_text("This is a letter, not a model.\n" * 9)
    assert "is not an ONNX model" in fails(capsys, tmp_path / "letter.onnx", "--shape=x=1")


def test_without_a_gpu(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [source, "--shape=x=1,16,8,8", "--cache-dir", tmp_path]
    none = custom_ops.Registration(custom_ops.Obstacle.NO_DRIVER, "there is no driver")
    monkeypatch.setattr(registration, "possible", lambda _: none)
    assert fails(capsys, *command) == (
        "qudnn: tuning needs a GPU: there is no driver. Or tune on another machine, then bring the plans "
        "here with `qudnn plans --export` and `--import`\n"
    )
    old = custom_ops.Registration(custom_ops.Obstacle.OLD_DRIVER, "the driver is old")
    monkeypatch.setattr(registration, "possible", lambda _: old)
    assert fails(capsys, *command) == "qudnn: tuning needs a GPU that qudnn can use: the driver is old\n"


def test_problems_are_estimated_from_the_model() -> None:
    assert count_problems(network()) == 0
    assert count_problems(converter.convert(network()).model) == 2


@pytest.mark.parametrize(
    "case",
    [
        op.conv(),
        op.conv_add(),
        op.conv_float_add(),
        conv_table(),
        op.conv("volume", kernel=(3, 3, 3), size=(9, 8, 7)),
        op.matmul(),
        matmul_table(),
        matmul_add(),
        matmul_add_table(),
        op.projections(),
    ],
    ids=lambda case: case.op,
)
def test_each_op_that_needs_a_plan_counts(case: op.OpCase) -> None:
    """By its weights, wherever they are among its inputs."""
    model = case.model()
    assert count_problems(model) == 1
    (node,) = model.graph.node
    again = onnx.NodeProto()
    again.CopyFrom(node)
    again.output[0] = "again"
    model.graph.node.append(again)
    assert count_problems(model) == 1
    smaller = np.zeros_like(case.constants["w"])[..., :-1]
    model.graph.initializer.append(onnx.numpy_helper.from_array(smaller, "smaller"))
    again.input[list(node.input).index("w")] = "smaller"
    model.graph.node.append(again)
    assert count_problems(model) == 2


@pytest.mark.parametrize(
    "block",
    [
        bottleneck((9, 8), 64, 64, 256),
        bottleneck((9, 8), 64, 64, 256, adds=False),
        float_add((9, 8), 64, 64, 256),
    ],
    ids=lambda block: block.op,
)
def test_a_residual_block_counts_as_itself_and_its_convolutions(block: op.OpCase) -> None:
    model = block.model()
    assert count_problems(model) == 4
    (node,) = model.graph.node
    changes = ("reduced_max", 50), ("padding_zero_point", 0), ("group", 64), ("y_max", 50)
    for count, (name, value) in zip((6, 8, 10, 12), changes, strict=True):
        again = onnx.NodeProto()
        again.CopyFrom(node)
        (attribute,) = [each for each in again.attribute if each.name == name]
        attribute.i = value
        model.graph.node.append(again)
        assert count_problems(model) == count
    names = {"w": "w_reduce", "bias": "bias_reduce", "multiplier": "multiplier_reduce"}
    alone = op.conv("as_in_a_block", c=64, k=64, kernel=(1, 1), x_zero_point=-5).model().graph.node[0]
    for index, name in enumerate(alone.input):
        alone.input[index] = names.get(name, name)
    model.graph.node.append(alone)
    assert count_problems(model) == 12


def test_the_estimate_follows_what_is_met() -> None:
    counted = {"builds": 7, "disk_hits": 1}
    work = Work(10, 3, lambda: counted)
    assert (work.done(), work.expected()) == (0, 30)
    counted["builds"] += 12
    assert (work.done(), work.expected()) == (12, 32)
    work.finish_run()
    assert (work.done(), work.expected()) == (12, 36)
    counted["disk_hits"] += 5
    work.finish_run()
    counted["builds"] += 12
    work.finish_run()
    assert (work.done(), work.expected()) == (29, 29)


def test_lines() -> None:
    assert line("problems", 0, 24, 3.2) == "0 of 24 problems, 0:03"
    assert line("problems", 12, 24, 20) == "12 of 24 problems, 0:20, about 0:20 left"
    assert line("problems", 24, 24, 3725) == "24 of 24 problems, 1:02:05"
    assert [clock(seconds) for seconds in (0, 59.4, 59.6, 3600)] == ["0:00", "0:59", "1:00", "1:00:00"]
    assert bar(1, 2) == "[############............]"
    assert bar(0, 0) == f"[{'#' * 24}]"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_one_line() -> None:
    terminal, count = Terminal(), itertools.count()
    with Progress("problems", lambda: min(next(count), 4), lambda: 4, terminal) as progress:
        for _ in range(4):
            progress._show()
    *before, last, end = terminal.getvalue().replace("\n", "\r").split("\r")
    assert len(before) > 3
    assert before[1].startswith("[........................] 0 of 4 problems, 0:00")
    assert last.rstrip() == f"[{'#' * 24}] 4 of 4 problems, 0:00"
    assert end == ""
    assert len(last) >= max(map(len, before))  # nothing of a longer line is left


def test_elsewhere_each_step_is_a_line() -> None:
    stream, counts = io.StringIO(), iter([0, 0, 1, 1, 1, 2])
    with Progress("problems", lambda: next(counts, 2), lambda: 2, stream) as progress:
        for _ in range(6):
            progress._show()
    assert [text.partition(",")[0] for text in stream.getvalue().splitlines()] == [
        f"{n} of 2 problems" for n in range(3)
    ]
