"""`qudnn convert --trace`: the graph after each pass that changed it."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from networks import Network

from qudnn import converter
from qudnn.converter.cli import main
from qudnn.converter.pipeline import PHASES


def test_the_last_graph_is_the_converted_one(source: Path, tmp_path: Path) -> None:
    trace, target = tmp_path / "trace", tmp_path / "out.onnx"
    assert main(["convert", str(source), "-o", str(target), "--trace", str(trace)]) == 0
    models = sorted(trace.glob("*.onnx"))
    assert models[0].name == "00-read.onnx"
    assert [node.op_type for node in onnx.load(models[0]).graph.node] == ["QLinearConv"]
    assert any(path.name.endswith("-partition-Lower.onnx") for path in models)
    last, converted = onnx.load(models[-1]), onnx.load(target)
    assert [node.op_type for node in last.graph.node] == [node.op_type for node in converted.graph.node]
    assert any(node.op_type == "QConv" for node in last.graph.node)


def test_each_pass_has_its_time_and_only_changes_are_written(source: Path, tmp_path: Path) -> None:
    converter.convert(source, trace=tmp_path / "trace")
    steps = [(phase.name, step.__name__) for phase in PHASES for step in phase.passes]
    lines = (tmp_path / "trace" / "times.txt").read_text().splitlines()
    assert [tuple(line.split()[2:4]) for line in lines] == steps
    changed = [number for number, line in enumerate(lines, 1) if not line.endswith("(no change)")]
    written = sorted(int(path.name[:2]) for path in (tmp_path / "trace").glob("*.onnx"))
    assert written == [0, *changed]


def test_large_constants_are_left_out(source: Path, tmp_path: Path) -> None:
    net = Network()
    net.conv(net.eight_bit_input(["n", 256, 8, 8]), net.unshaped_output("y", "uint8"), 256, 512)
    onnx.save(net.model(13), source)
    conversion = converter.convert(source, trace=tmp_path / "trace")
    assert conversion.report.converted
    weights = sum(np.prod(tensor.dims) for tensor in conversion.model.graph.initializer)
    for path in (tmp_path / "trace").glob("*.onnx"):
        assert path.stat().st_size < weights / 2


def test_a_folder_that_cannot_be_written(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    target = tmp_path / "out.onnx"
    assert main(["convert", str(source), "-o", str(target), "--trace", str(tmp_path / "file" / "trace")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("qudnn: cannot write the trace into ")
    assert "Traceback" not in error
    assert not target.exists()
