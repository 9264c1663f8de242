"""`qudnn convert --report`: where the page is written, and what is refused."""

import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from command import Run
from networks import Network

from qudnn import converter
from qudnn.converter.io import output


def test_the_page_of_a_conversion(run: Run, source: Path, tmp_path: Path) -> None:
    target, page = tmp_path / "out.onnx", tmp_path / "page.html"
    status, out, _ = run("convert", source, "-o", target, "--report", page)
    assert status == 0 and "1 of 1 quantized nodes converted" in out
    text = page.read_text()
    assert "<b>1 of 1 quantized nodes converted</b>" in text
    assert f"<h1>{source}</h1>" in text and f"{target} is the conversion of it" in text
    sizes = [f"{path.stat().st_size:,}" for path in (source, target)]
    assert f'<td class="n">{sizes[0]}</td><td class="n">{sizes[1]}</td>' in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.onnx", "out.onnx", "page.html"]
    assert run("convert", target, "-o", tmp_path / "again.onnx", "--report", page)[0] == 0
    assert "The model was converted already" in page.read_text()


def test_a_float_model_is_told_what_to_do(run: Run, tmp_path: Path) -> None:
    net = Network()
    net.node("Relu", [net.input("x", "float32", ["n", 3])], net.unshaped_output("y", "float32", 2))
    onnx.save(net.model(13), tmp_path / "in.onnx")
    run("convert", tmp_path / "in.onnx", "-o", tmp_path / "out.onnx", "--report", tmp_path / "p.html")
    text = (tmp_path / "p.html").read_text()
    assert "Nothing was converted: the model has no quantized nodes" in text
    assert "<p>this is a float model: quantize it first, for instance with `qudnn quantize MODEL" in text


def test_weights_in_other_files_count(run: Run, source: Path, tmp_path: Path) -> None:
    (tmp_path / "apart").mkdir()
    apart = tmp_path / "apart" / "in.onnx"
    onnx.save_model(onnx.load(source), apart, save_as_external_data=True, location="w", size_threshold=0)
    assert run("convert", apart, "-o", tmp_path / "out.onnx", "--report", tmp_path / "p.html")[0] == 0
    for files in (apart, apart.with_name("w")), (tmp_path / "out.onnx", tmp_path / "out.onnx.data"):
        assert f">{sum(path.stat().st_size for path in files):,}</td>" in (tmp_path / "p.html").read_text()


def test_a_pipe_has_no_size(source: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "qudnn", "convert", "-", "-o", "-", "--report", "p.html"]
    ended = subprocess.run(command, cwd=tmp_path, input=source.read_bytes(), capture_output=True, check=True)
    assert converter.is_converted(onnx.ModelProto.FromString(ended.stdout))
    text = (tmp_path / "p.html").read_text()
    assert "<h1>standard input</h1>" in text and "Sizes" not in text


def test_what_cannot_be(run: Run, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out.onnx"
    for page, message in (
        ("-", "--report - would mix the page with what is printed: give a file"),
        (tmp_path, f"cannot write {tmp_path}: it is a folder"),
        (tmp_path / "no" / "p.html", f"cannot write {tmp_path}/no/p.html: there is no folder {tmp_path}/no"),
        (source, f"--report {source} is a model of this conversion: give another file"),
        (target, f"--report {target} is a model of this conversion: give another file"),
    ):
        assert run.fails("convert", source, "-o", target, "--report", page) == message
        assert not target.exists()
    (tmp_path / "models").mkdir()
    for name in "a", "b":
        (tmp_path / "models" / f"{name}.onnx").write_bytes(source.read_bytes())
    message = run.fails("convert", tmp_path / "models", "-o", tmp_path / "o", "--report", tmp_path / "p.html")
    assert message == "--report is about one model: convert it alone"
    assert not (tmp_path / "p.html").exists()

    def full(path: object, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output, "write", full)
    assert run.fails("convert", source, "-o", target, "--report", tmp_path / "p.html") == (
        f"cannot write {tmp_path}/p.html: No space left on device"
    )
