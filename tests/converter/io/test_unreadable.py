"""What is no model: one error of one line, status 1, and no file left behind."""

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from networks import Network

from qudnn import converter
from qudnn.converter.cli import main


@pytest.fixture(scope="module")
def serialized() -> bytes:
    net = Network()
    x = net.conv(net.eight_bit_input(["n", 3, 8, 8]), "c", 3, 5)
    net.node("Identity", [x], net.unshaped_output("y", "uint8"))
    content: bytes = net.model(13).SerializeToString()
    return content


def absent(_: Path) -> None:
    pass


def folder(path: Path) -> None:
    path.mkdir()


def containing(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


# The name of the file, what makes it, and what is said of it.
CASES: list[tuple[str, Callable[[Path], None], str]] = [
    ("absent.onnx", absent, "No such file"),
    ("folder.onnx", folder, "Is a directory"),
    ("no folder/m.onnx", absent, "No such file"),
    (f"{'x' * 300}.onnx", absent, "File name too long"),
    ("empty.onnx", containing(b""), "is not an ONNX model: it has no graph or no opset"),
    ("letter.onnx", containing(b"This is a letter, not a model.\n" * 9), "is not an ONNX model"),
    ("zeros.onnx", containing(bytes(4096)), "is not an ONNX model"),
    (
        "pointer.onnx",
        containing(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"),
        "is not",
    ),
    ("page.onnx", containing(b"<!DOCTYPE html>\n<html></html>"), "is not an ONNX model"),
    ("m.json", containing(b"{"), "is not an ONNX model"),
    ("m.textproto", containing(b"graph {"), "is not an ONNX model"),
    ("m.onnxtxt", containing(b"<"), "is not an ONNX model"),
]


@pytest.mark.parametrize(("name", "make", "text"), CASES, ids=[name[:20] for name, _, _ in CASES])
def test_one_error(
    name: str, make: Callable[[Path], None], text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, target = tmp_path / name, tmp_path / "out.onnx"
    make(path)
    with pytest.raises(converter.ConversionError) as refused:
        converter.convert(path)
    assert text in str(refused.value)
    assert name in str(refused.value)
    assert "\n" not in str(refused.value)
    with pytest.raises(converter.ConversionError):
        converter.convert_file(path, target)
    with pytest.raises(converter.ConversionError):
        converter.is_converted(path)
    assert main(["convert", str(path), "-o", str(target)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    said = str(refused.value) if name != "folder.onnx" else f"there are no .onnx files in the folder {path}"
    assert err == f"qudnn: {said}\n"
    assert not target.exists()


def test_a_model_cut_anywhere_is_none_or_a_smaller_one(serialized: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cut.onnx"
    refused = 0
    for length in range(0, len(serialized), 7):
        path.write_bytes(serialized[:length])
        try:
            converter.convert(path)
        except converter.ConversionError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 0.9 * len(serialized) / 7


def test_what_onnx_ir_cannot_read_is_said() -> None:
    """Maps, which classifiers of ai.onnx.ml give out."""
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> g (float[N] x) => (float[N] y) { y = Relu(x) }'
    )
    model.graph.output[0].type.map_type.key_type = onnx.TensorProto.INT64
    with pytest.raises(
        converter.ConversionError, match="onnx_ir cannot read the model: NotImplementedError: Map"
    ):
        converter.convert(model)


def test_nothing_is_logged(serialized: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """onnx_ir logs what it stumbles over, with tracebacks."""
    model = onnx.ModelProto.FromString(serialized)
    model.graph.node.append(onnx.helper.make_node("Own", ["y"], ["z"], domain="nobody"))
    assert converter.convert(model).report.converted == {"QConv": 1}
    assert caplog.records == []
