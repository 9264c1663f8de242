"""`qudnn convert`: several models, pipes, --strict, --include, --exclude, and what a float model is told."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from command import Run
from networks import Network

from check import assert_equivalent
from qudnn import converter


def network(outputs: int = 16, pool: bool = False) -> onnx.ModelProto:
    """A convolution, an activation of its own, and one more convolution; with a pool that stays."""
    net = Network()
    y = net.conv(net.eight_bit_input(["n", 3, 8, 8]), "a", 3, 16)
    if pool:
        y = net.node("MaxRoiPool", [net.dequantize(y, "f"), "rois"], "p", pooled_shape=[8, 8])
        y = net.quantize(y, "q")
        net.input("rois", "float32", ["r", 5])
    net.conv(y, net.unshaped_output("y", "uint8"), 16, outputs)
    return net.model(13)


def float_model() -> onnx.ModelProto:
    net = Network()
    net.node("Relu", [net.input("x", "float32", ["n", 3])], net.unshaped_output("y", "float32", 2))
    return net.model(13)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two quantized models, one of them deeper, and a float one."""
    (tmp_path / "models" / "deep").mkdir(parents=True)
    onnx.save(network(), tmp_path / "models" / "one.onnx")
    onnx.save(network(32), tmp_path / "models" / "deep" / "two.onnx")
    onnx.save(float_model(), tmp_path / "models" / "float.onnx")
    return tmp_path / "models"


def below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_folders_keep_their_places(run: Run, folder: Path) -> None:
    target = folder.parent / "converted"
    status, out, err = run("convert", folder, "-o", target)
    assert (status, err) == (0, "")
    assert below(target) == below(folder) == ["deep/two.onnx", "float.onnx", "one.onnx"]
    assert [converter.is_converted(target / name) for name in below(target)] == [True, False, True]
    assert out.splitlines()[-1] == "3 models: 2 converted, 2 of them completely, 1 copied, 0 failed"
    again = run("convert", folder, "-o", folder / "in_it")
    assert again[0] == 0
    assert run("convert", folder, "-o", folder / "in_it")[1] == again[1]  # those are not converted again
    assert below(folder / "in_it") == below(target)


def test_several_files_and_one_that_fails(run: Run, folder: Path) -> None:
    (folder / "letter.onnx").write_text("This is a letter, not a model.\n" * 9)
    target = folder.parent / "converted"
    status, out, err = run("convert", folder / "letter.onnx", folder / "one.onnx", "-o", target)
    assert status == 1
    assert err == f"qudnn: {folder}/letter.onnx is not an ONNX model, or only a part of one\n"
    assert out.splitlines()[-1] == "2 models: 1 converted, 1 of them completely, 0 copied, 1 failed"
    assert below(target) == ["one.onnx"]


def test_into_a_folder_above(run: Run, folder: Path) -> None:
    """What lies in OUT is left out where OUT lies in IN, and only then."""
    assert run("convert", folder, "-o", folder.parent)[0] == 0
    assert converter.is_converted(folder.parent / "one.onnx")


def test_one_file_into_a_folder(run: Run, folder: Path) -> None:
    status, out, _ = run("convert", folder / "one.onnx", "-o", folder / "deep")
    assert status == 0
    assert f"{folder}/deep/one.onnx is the conversion of {folder}/one.onnx" in out


def test_what_cannot_be(run: Run, folder: Path, tmp_path: Path) -> None:
    one, deep = folder / "one.onnx", folder / "deep" / "one.onnx"
    assert run.fails("convert", folder, "-o", "-") == (
        "several models cannot go to standard output: give a folder with -o"
    )
    assert "several models cannot go to" in run.fails("convert", folder, "-o", one)
    assert run.fails("convert", one, "-", "-o", tmp_path / "o") == (
        "standard input is one model: give no others beside it"
    )
    deep.write_bytes(one.read_bytes())
    assert run.fails("convert", one, deep, "-o", tmp_path / "o") == (
        f"{one} and {deep} would both be written to {tmp_path}/o/one.onnx: convert them apart"
    )
    (tmp_path / "empty").mkdir()
    message = run.fails("convert", tmp_path / "empty", "-o", tmp_path / "o")
    assert message == f"there are no .onnx files in the folder {tmp_path}/empty"
    assert run.fails("convert", folder, "-o", tmp_path / "o", "--trace", tmp_path / "t") == (
        "--trace is about one model: convert it alone"
    )
    assert not (tmp_path / "t").exists()


def test_pipes(folder: Path) -> None:
    """The model comes and goes through pipes, what is said of it goes to standard error."""
    command = [sys.executable, "-P", "-m", "qudnn", "convert", "-", "-o", "-"]
    content = (folder / "one.onnx").read_bytes()
    for option, beginning in ("--json", b'{\n  "models"'), ("-v", b"qudnn "), ("-q", b""):
        ended = subprocess.run([*command, option], input=content, capture_output=True, check=True)
        assert converter.is_converted(onnx.ModelProto.FromString(ended.stdout))
        assert ended.stderr.startswith(beginning)
        assert bool(ended.stderr) == bool(beginning)


def test_strict(run: Run, tmp_path: Path) -> None:
    onnx.save(network(), tmp_path / "all.onnx")
    assert run("convert", "--strict", tmp_path / "all.onnx", "-o", tmp_path / "out.onnx")[0] == 0
    arguments = ["convert", tmp_path / "all.onnx", "-o", tmp_path / "out.onnx", "--exclude", "y_node"]
    assert run(*arguments)[0] == 0
    assert run(*arguments, "--strict")[0] == 3
    assert converter.is_converted(tmp_path / "out.onnx")  # written all the same


def test_exclude_and_include(run: Run, tmp_path: Path) -> None:
    source, target = tmp_path / "in.onnx", tmp_path / "out.onnx"
    onnx.save(network(), source)
    for option, patterns, stays in (
        ("--exclude", ["a_no?e"], "a_node"),
        ("--include", ["y*"], "a_node"),
        ("--exclude", ["y_node"], "y_node"),
    ):
        options = [text for pattern in patterns for text in (option, pattern)]
        document = run.json("convert", source, "-o", target, *options)["models"][0]
        assert [entry["name"] for entry in document["left"]] == [stays]
        assert document["converted"] == {"QConv": 1}
        assert (document["converted_nodes"], document["quantized_nodes"]) == (1, 2)
        model = onnx.load(target)
        assert [node.name for node in model.graph.node if node.op_type == "QLinearConv"] == [stays]
        x = np.random.default_rng(0).integers(0, 255, (2, 3, 8, 8), dtype=np.uint8)
        assert_equivalent(network(), model, [{"x": x}])
    assert "nothing was converted" in run("convert", source, "-o", target, "--exclude", "QLinearConv")[1]
    _, out, _ = run("convert", source, "-o", target, "--exclude", "Softmax", "--exclude", "a_node")
    assert "no node has a name or an operator like 'Softmax'" in out
    assert "QLinearConv: it is excluded by 'a_node' (a_node)" in out


def test_a_float_model_gets_a_hint(run: Run, tmp_path: Path) -> None:
    onnx.save(float_model(), tmp_path / "in.onnx")
    _, out, _ = run("convert", tmp_path / "in.onnx", "-o", tmp_path / "out.onnx")
    assert "this is a float model: quantize it first" in out
    document = run.json("convert", tmp_path / "in.onnx", "-o", tmp_path / "out.onnx")
    assert "qudnn quantize" in document["models"][0]["hint"]
    onnx.save(network(), tmp_path / "in.onnx")
    assert "float model" not in run("convert", tmp_path / "in.onnx", "-o", tmp_path / "out.onnx")[1]
