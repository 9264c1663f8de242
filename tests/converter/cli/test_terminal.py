"""Names in a model or a file cannot do anything to a terminal."""

import os
from pathlib import Path

import onnx
import pytest
from networks import Network

from qudnn.converter.cli import main
from qudnn.converter.cli.terminal import cell, escaped

HOSTILE = "\x1b[2J\x07\r\x9b31m\u202e\u2028"
SHOWN = r"\x1b[2J\x07\r\x9b31m\u202e\u2028"


def test_escapes() -> None:
    assert escaped(HOSTILE) == SHOWN
    assert escaped("\N{GREEK SMALL LETTER MU}m, naïve\n[é]\\") == "\N{GREEK SMALL LETTER MU}m, naïve\n[é]\\"
    assert escaped("\udcff\0") == r"\udcff\x00"


def test_cells_are_short_lines() -> None:
    assert cell("a\nb") == r"a\nb"
    assert cell("x" * 100) == "x" * 100
    assert cell("x" * 101) == "x" * 100 + "..."
    assert len(cell("\x1b" * 10**6)) == 103


@pytest.fixture
def source(tmp_path: Path) -> Path:
    net = Network()
    net.conv(net.eight_bit_input(["n", 3, 8, 8]), net.unshaped_output("y", "uint8"), 3, 16)
    net.node("Relu", [net.input("z", "float32", ["n", 3])], net.unshaped_output("r", "float32", 2))
    model = net.model(13)
    for node in model.graph.node:
        node.name = HOSTILE + node.name
    path = tmp_path / "in.onnx"
    onnx.save(model, path)
    return path


def test_a_report_of_hostile_names(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", str(source), "-o", str(source.with_name("out.onnx"))]) == 0
    out = capsys.readouterr().out
    assert "QConv" in out
    assert SHOWN in out  # of the Relu that is left
    assert all(c == "\n" or c.isprintable() for c in out)


def test_errors_about_hostile_names(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = os.fsdecode(b"\xff\x1b[31m.onnx")
    assert main(["convert", odd, "-o", str(source.with_name("out.onnx"))]) == 1
    assert main(["convert", str(source), "-o", str(source.with_name(odd))]) == 0
    captured = capsys.readouterr()
    assert captured.err == "qudnn: cannot read \\udcff\\x1b[31m.onnx: No such file or directory\n"
    assert r"\udcff\x1b[31m.onnx is the conversion of" in captured.out
