"""`--report` of `qudnn convert` and `qudnn inspect`: where pages are written, and what is refused."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

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
        (tmp_path / "no" / "p.html", f"cannot write {tmp_path}/no/p.html: there is no folder {tmp_path}/no"),
        (source, f"--report {source} is a model of this conversion: give another file"),
        (target, f"--report {target} is a model of this conversion: give another file"),
    ):
        assert run.fails("convert", source, "-o", target, "--report", page) == message
        assert not target.exists()

    def full(path: object, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output, "write", full)
    assert run.fails("convert", source, "-o", target, "--report", tmp_path / "p.html") == (
        f"cannot write {tmp_path}/p.html: No space left on device"
    )


def folder_of_models(source: Path, tmp_path: Path) -> Path:
    """Two that convert, one of them further below, with a name that is no plain URL; and a broken one."""
    models = tmp_path / "models"
    (models / "deep").mkdir(parents=True)
    for name in "a.onnx", "deep/b #1.onnx":
        (models / name).write_bytes(source.read_bytes())
    (models / "broken.onnx").write_bytes(b"no model")
    return models


def links(page: Path) -> list[Path]:
    """The files that a page leads to."""
    return [page.parent / unquote(link) for link in re.findall(r'<a href="([^"#]+)"', page.read_text())]


@pytest.mark.parametrize("verb", ["convert", "inspect"])
def test_a_page_for_each_of_several(run: Run, source: Path, tmp_path: Path, verb: str) -> None:
    models, pages = folder_of_models(source, tmp_path), tmp_path / "pages"
    to = ["-o", tmp_path / "out"] if verb == "convert" else []
    status, out, err = run(verb, models, *to, "--report", pages)
    assert status == 1 and err.count("\n") == 1 and "broken.onnx" in err
    assert f"the pages are in {pages}: open {pages}/index.html" in out
    assert sorted(links(pages / "index.html")) == [pages / "a.onnx.html", pages / "deep" / "b #1.onnx.html"]
    assert all(path.is_file() for path in links(pages / "index.html"))
    index = (pages / "index.html").read_text()
    assert "<h1>3 models</h1>" in index and "<b>1</b><span>failed</span>" in index
    assert index.index("broken.onnx") < index.index("a.onnx</a>")
    assert not (pages / "broken.onnx.html").exists()


def test_what_would_convert(run: Run, source: Path, tmp_path: Path) -> None:
    page, already = tmp_path / "page.html", tmp_path / "converted.onnx"
    assert run("inspect", source, "--report", page)[0] == 0
    text = page.read_text()
    assert "<b>1 of 1 quantized nodes would convert</b>" in text
    assert "what a conversion would give; nothing was written" in text
    assert "quantized: QOperator, activations uint8, weights int8" in text
    assert "<h2>Sizes</h2>" not in text and "<h2>The graph</h2>" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.onnx", "page.html"]
    run("convert", source, "-o", already, "--report", tmp_path / "other.html")
    same = re.compile(r"<h2>The graph</h2>.*?</section>", re.DOTALL)
    assert same.findall(text) == same.findall((tmp_path / "other.html").read_text())
    assert run("inspect", already, "--report", page)[0] == 0
    assert "The model was converted already" in page.read_text()


def test_a_folder_for_one_model(run: Run, source: Path, tmp_path: Path) -> None:
    assert run("inspect", source, "--report", f"{tmp_path}/new/")[0] == 0
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["in.onnx.html"]


def test_what_cannot_be_of_several(run: Run, source: Path, tmp_path: Path) -> None:
    models, page = folder_of_models(source, tmp_path), tmp_path / "page.html"
    page.write_text("")
    message = f"--report {page}: several models have a page each: give a folder"
    assert run.fails("inspect", models, "--report", page) == message
    assert run.fails("convert", models, "-o", tmp_path / "o", "--report", page) == message
    other = models / "deep" / "a.onnx"
    other.write_bytes(source.read_bytes())
    message = run.fails("inspect", models / "a.onnx", other, "--report", tmp_path / "p")
    page = tmp_path / "p" / "a.onnx.html"
    assert message == f"{models}/a.onnx and {other} would both have the page {page}: take them apart"
    assert not (tmp_path / "p").exists()
