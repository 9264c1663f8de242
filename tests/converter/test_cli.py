"""The command qudnn: what it prints, what it writes, and how it ends."""

import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from command import Run
from networks import Network

from qudnn import converter


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_convert(run: Run, source: Path) -> None:
    target = source.with_name("out.onnx")
    status, out, err = run("convert", source, "-o", target)
    assert (status, err) == (0, "")
    assert out == f"{converter.convert(source).report}\n{target} is the conversion of {source}\n"
    again = source.with_name("again.onnx")
    status, out, _ = run("convert", target, "--output", again)
    assert status == 0
    assert "converted already" in out
    assert f"{again} is a copy of {target}" in out
    assert again.read_bytes() == target.read_bytes()


def test_a_float_model_converts_nothing_and_says_so(run: Run, tmp_path: Path) -> None:
    net = Network()
    net.node("Relu", [net.input("x", "float32", ["n", 3])], net.unshaped_output("y", "float32", 2))
    source, target = tmp_path / "in.onnx", tmp_path / "out.onnx"
    onnx.save(net.model(13), source)
    status, out, err = run("convert", source, "-o", target)
    assert (status, err) == (0, "")
    assert "nothing was converted" in out
    assert "Relu: it works in floating point (y_node)" in out
    assert f"{target} is a copy of {source}" in out
    assert onnx.load(target) == onnx.load(source)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read {source}: No such file or directory"),
        (b"", "{source} is not an ONNX model: it has no graph or no opset"),
        (b"This is a letter, not a model.\n" * 9, "{source} is not an ONNX model, or only a part of one"),
        (slice(None, -1), "{source} is not an ONNX model, or only a part of one"),
        (slice(None, 100), "{source} is not an ONNX model, or only a part of one"),
    ],
)
def test_unreadable(run: Run, source: Path, content: bytes | slice | None, message: str) -> None:
    if content is None:
        source.unlink()
    else:
        source.write_bytes(source.read_bytes()[content] if isinstance(content, slice) else content)
    before = names(source.parent)
    status, out, err = run("convert", source, "-o", source.with_name("out.onnx"))
    assert (status, out) == (1, "")
    assert err == f"qudnn: {message.format(source=source)}\n"
    assert names(source.parent) == before


def test_unwritable(run: Run, source: Path, tmp_path: Path) -> None:
    before = source.read_bytes()
    link = tmp_path / "link.onnx"
    link.symlink_to(source)
    for target, message in (
        (source, f"{source} is the model to convert: write to another file"),
        (link, f"{link} is the model to convert: write to another file"),
        (tmp_path, f"{source} is the model to convert: write to another file"),
        (tmp_path / "no" / "o.onnx", f"cannot write {tmp_path}/no/o.onnx: there is no folder {tmp_path}/no"),
        (Path("/proc/o.onnx"), "cannot write /proc/o.onnx: No such file or directory"),
    ):
        assert run("convert", source, "-o", target) == (1, "", f"qudnn: {message}\n")
    assert source.read_bytes() == before
    assert names(tmp_path) == ["in.onnx", "link.onnx"]


def test_versions(run: Run) -> None:
    status, out, err = run("--version")
    assert (status, err) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert {"qudnn", "onnx", "onnx-ir"} <= lines.keys()
    assert lines["onnx"] == onnx.__version__


def test_help(run: Run) -> None:
    status, out, _ = run("--help")
    assert status == 0
    assert "convert" in out
    assert run()[0] == 2


def test_the_converter_does_not_need_the_runtime() -> None:
    program = (
        "import sys, qudnn.converter.cli; assert not {'qudnn.custom_ops', 'onnxruntime'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-P", "-c", program], check=True)
