"""`qudnn convert --explain`: why rewrites were not done, by pass and node."""

from pathlib import Path

import onnx
import pytest
from networks import Network

from qudnn import converter
from qudnn.converter.cli import main

REASON = "the convolution before a has other consumers"


@pytest.fixture
def model() -> onnx.ModelProto:
    """A residual block whose convolution is read twice, after a convolution with padding."""
    net = Network()
    x = net.eight_bit_input(["n", 16, 9, 9])
    a = net.conv(x, "a", 16, 16, 3, pads=[1, 1, 1, 1])
    net.add(a, x, net.unshaped_output("y", "uint8"))
    net.conv(a, net.unshaped_output("z", "uint8"), 16, 16)
    return net.model(13)


def test_each_reason_has_its_pass_and_node(model: onnx.ModelProto) -> None:
    report = converter.convert(model, explain=True).report
    assert report.converted["QAdd"] == 1
    (decline,) = [each for each in report.declined if each.step == "FuseConvAdd"]
    assert (decline.name, decline.op_type, decline.reason) == ("y_node", "QAdd", REASON)
    assert any(each.step == "PadAtProducer" for each in report.declined)
    assert f"FuseConvAdd of QAdd: {REASON} (y_node)" in str(report)


def test_nothing_is_recorded_unless_asked(model: onnx.ModelProto) -> None:
    plain, explained = (converter.convert(model, explain=explain) for explain in (False, True))
    assert not plain.report.declined
    assert "not done" not in str(plain.report)
    assert plain.model == explained.model


def test_the_environment_asks_too(model: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUDNN_EXPLAIN", "1")
    assert converter.convert(model).report.declined
    assert not converter.convert(model, explain=False).report.declined
    monkeypatch.setenv("QUDNN_EXPLAIN", "0")
    assert not converter.convert(model).report.declined


def test_the_command_prints_them(
    model: onnx.ModelProto, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    onnx.save(model, tmp_path / "in.onnx")
    assert main(["convert", str(tmp_path / "in.onnx"), "-o", str(tmp_path / "out.onnx"), "--explain"]) == 0
    assert REASON in capsys.readouterr().out
