"""`qudnn bench MODEL`: what it measures, prints and writes. How long things take is no matter here."""

import argparse
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import onnx
import pytest
from command import Run
from networks import Network

import qudnn
from no_gpu import why_no_gpu
from qudnn import converter
from qudnn.converter.cli import bench, benching, runtime
from qudnn.converter.cli.shapes import inputs_of
from qudnn.converter.cli.verb import UsageError

FEW = ("--runs=3", "--warm-up=3")


@pytest.fixture(autouse=True)
def _without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its times are tested in tests/gpu/test_bench.py."""
    monkeypatch.setattr(runtime, "why_no_gpu", lambda: "this machine has no NVIDIA driver")


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """Stands for the float original of `source`: it has the same inputs."""
    net = Network()
    net.node("Identity", [net.eight_bit_input(["n", 3, 8, 8])], net.unshaped_output("y", "uint8"))
    onnx.save(net.model(13), tmp_path / "float.onnx")
    return tmp_path / "float.onnx"


def measured(document: dict[str, Any]) -> list[tuple[str, str, int]]:
    return [(row["model"], row["shapes"], row["runs"]) for row in document["rows"]]


def test_models_and_batch_sizes(run: Run, source: Path, original: Path) -> None:
    document = run.json("bench", source, "--batch=1,4", f"--float={original}", *FEW)
    assert measured(document) == [
        (name, f"x={batch},3,8,8", 3) for batch in (1, 4) for name in ("qudnn", "unconverted", "float")
    ]
    for row in document["rows"]:
        latency = row["latency_ms"]
        assert 0 < latency["min"] <= latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["max"]
        assert row["items_per_second"] > 0 and row["memory_mb"] >= 0
    assert [row["items"] for row in document["rows"]] == [1, 1, 1, 4, 4, 4]
    assert (document["converted_nodes"], document["quantized_nodes"]) == (1, 1)
    assert document["device"] == "CPU"
    assert document["layers"] == []
    assert sorted(path.name for path in source.parent.iterdir()) == ["float.onnx", "in.onnx"]


def test_the_text_says_why_numbers_are_what_they_are(run: Run, source: Path) -> None:
    status, out, err = run("bench", source, *FEW)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith(f"{source} on "))
    assert lines[start + 1 : start + 3] == [
        "1 of 1 quantized nodes converted",
        "on the CPU, for this machine has no NVIDIA driver",
    ]
    assert "these numbers tell nothing of qudnn's kernels" in lines[start + 3]
    table = lines[start + 5 :]
    assert table[0].split()[:3] == ["inputs", "model", "runs"]
    assert [line.split()[1] for line in table[1:]] == ["qudnn", "unconverted"]
    assert table[2].endswith("1.00x")


def test_a_converted_model_and_a_float_one(run: Run, source: Path, original: Path, tmp_path: Path) -> None:
    converter.convert_file(source, tmp_path / "converted.onnx")
    document = run.json("bench", tmp_path / "converted.onnx", *FEW)
    assert measured(document) == [("qudnn", "x=1,3,8,8", 3)]
    assert document["quantized_nodes"] is None
    document = run.json("bench", original, *FEW)
    assert measured(document) == [("unconverted", "x=1,3,8,8", 3)]


@pytest.fixture
def relu(tmp_path: Path) -> Path:
    """A float model."""
    net = Network()
    net.node("Relu", [net.input("x", "float32", ["n", 3])], net.unshaped_output("y", "float32", 2))
    onnx.save(net.model(13), tmp_path / "relu.onnx")
    return tmp_path / "relu.onnx"


def test_float16(run: Run, relu: Path) -> None:
    pytest.importorskip("onnxruntime.transformers.float16")
    document = run.json("bench", relu, f"--float={relu}", "--fp16", *FEW)
    assert measured(document) == [(name, "x=1,3", 3) for name in ("unconverted", "float", "fp16")]
    assert run.fails("bench", relu, "--fp16").startswith("--fp16 is about the float original")


def test_what_is_measured_on_a_gpu(source: Path, original: Path, tmp_path: Path) -> None:
    arguments = argparse.Namespace(
        target=str(source), float=str(original), fp16=False, cuda_graph=True, torch="a.b:c"
    )
    found, report = benching._peers(arguments, onnx.load(source), tmp_path, gpu=True)
    assert report is not None and report.converted["QConv"] == 1
    assert [(peer.name, peer.cuda_graph) for peer in found] == [
        (name, graph)
        for name in ("qudnn", "unconverted", "float", "torch.compile fp16")
        for graph in (False, True)
    ]
    assert converter.is_converted(found[0].path)
    assert [peer.path for peer in found[2::2]] == [str(source), str(original), "a.b:c"]


def test_float16_that_cannot_be_made(relu: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime.transformers.float16")
    benching.write_fp16(str(relu), str(tmp_path / "fp16.onnx"))
    (value,) = onnx.load(tmp_path / "fp16.onnx").graph.input
    assert value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT16
    with pytest.raises(UsageError, match="cannot make float16 of"):
        benching.write_fp16(str(relu), str(tmp_path / "absent" / "fp16.onnx"))


def test_streams(run: Run, source: Path) -> None:
    document = run.json("bench", source, "--streams=3", *FEW)
    assert [(row["streams"], row["runs"]) for row in document["rows"]] == [(3, 9)] * 2


def test_files(run: Run, source: Path, tmp_path: Path) -> None:
    files = tmp_path / "result.json", tmp_path / "result.svg"
    document = run.json("bench", source, "--profile", f"--export={files[0]}", f"--plot={files[1]}", *FEW)
    assert json.loads(files[0].read_text()) == document
    assert document["machine"]["processor"]
    assert (document["qudnn"], document["benchmark"]) == (qudnn.__version__, "model")
    assert sum(layer["share"] for layer in document["layers"]) == pytest.approx(1, abs=0.01)
    assert {layer["provider"] for layer in document["layers"]} == {"CPUExecutionProvider"}
    drawing = ElementTree.parse(files[1]).getroot()
    texts = [element.text for element in drawing.iter() if element.text and element.text.strip()]
    assert "qudnn" in texts and "x=1,3,8,8" in texts


def test_profiles_are_printed(run: Run, source: Path) -> None:
    _, out, _ = run("bench", source, "--profile", *FEW)
    assert "\nlayer " in out
    assert " us, each by itself with its launch" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--shape=x=1,4,8,8"], "dimension 1 is 4"),
        (["--shape=z=1"], "the model has no input 'z'"),
        (["--torch=resnet50"], "--torch resnet50: write MODULE:NAME or FILE.py:NAME"),
        (["--only=native_conv"], "--only is for problems, and"),
        (["--export=absent/result.json"], "cannot write absent/result.json"),
        (["--plot=."], "cannot write .: it is a folder"),
    ],
)
def test_mistakes(run: Run, source: Path, arguments: list[str], message: str) -> None:
    assert message in run.fails("bench", source, *arguments)


def test_options_of_models_are_not_for_problems(run: Run) -> None:
    message = run.fails("bench", "matmul m=1 k=16 c=16", "--batch=1", "--cuda-graph")
    assert message == "--batch, --cuda-graph is for models, and matmul m=1 k=16 c=16 is a problem"


def test_a_float_model_of_other_inputs(run: Run, source: Path, relu: Path) -> None:
    message = run.fails("bench", source, f"--float={relu}")
    assert "its inputs are x [n, 3], those of" in message
    assert "x [n, 3, 8, 8]" in message


def test_files_that_are_no_models(run: Run, tmp_path: Path) -> None:
    assert "No such file" in run.fails("bench", tmp_path / "absent.onnx")
    (tmp_path / "letter.onnx").write_text("This is a letter, not a model.\n" * 9)
    assert "is not an ONNX model" in run.fails("bench", tmp_path / "letter.onnx")


def test_wrong_numbers(run: Run, source: Path) -> None:
    for option in ("--batch=", "--batch=1,x", "--batch=0", "--streams=0", "--runs=1.5", "--warm-up=2"):
        assert run("bench", source, option)[0] == 2


def test_models_and_problems_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "m=1").touch()
    for target in ("model.onnx", "models/resnet", str(tmp_path / "m=1")):
        assert bench._is_model(target)
    for target in ("matmul m=1", "gemm m=1", "", "matmul m", "conv x=a/b", "m" * 5000):
        assert not bench._is_model(target)


def given(shape: list[str], batch: list[int] | None) -> argparse.Namespace:
    return argparse.Namespace(shape=shape, batch=batch)


@pytest.mark.parametrize(
    ("dims", "shape", "batch", "found"),
    [
        ({"x": ["n", 3]}, [], None, [{"x": (1, 3)}]),
        ({"x": ["n", 3]}, [], [2, 8], [{"x": (2, 3)}, {"x": (8, 3)}]),
        ({"x": [5, 3]}, [], None, [{"x": (5, 3)}]),
        ({"x": ["n", "t"], "m": ["n", "t"]}, ["x=1,9"], [2], [{"x": (2, 9), "m": (2, 9)}]),
        ({"x": ["n", "t"], "m": ["k", 4]}, ["x=1,9"], [2], [{"x": (2, 9), "m": (2, 4)}]),
        ({"x": ["n", "t"]}, ["x=7,1..4"], [2], [{"x": (2, 1)}, {"x": (2, 2)}, {"x": (2, 4)}]),
        ({"x": ["n", "t"]}, ["x=7,9"], None, [{"x": (7, 9)}]),
        ({"x": ["n", 3], "s": [2]}, [], [4], [{"x": (4, 3), "s": (2,)}]),
    ],
)
def test_shapes(
    dims: dict[str, list[Any]], shape: list[str], batch: list[int] | None, found: list[dict[str, Any]]
) -> None:
    net = Network()
    for name, sizes in dims.items():
        net.input(name, "float32", sizes)
    assert benching.shapes(inputs_of(net.model(13)), given(shape, batch)) == found


def test_batch_sizes_that_are_fixed() -> None:
    net = Network()
    net.input("x", "float32", [5, 3])
    inputs = inputs_of(net.model(13))
    with pytest.raises(UsageError, match=r"the model fixes the first dimension of its inputs: x \[5, 3\]"):
        benching.shapes(inputs, given([], [1]))
    net = Network()
    net.input("x", "float32", ["n", "t"])
    with pytest.raises(UsageError, match="is not fixed: give it"):
        benching.shapes(inputs_of(net.model(13)), given([], [1]))


@pytest.mark.skipif(why_no_gpu() is None, reason="there is a GPU")
def test_this_machine(run: Run, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    document = run.json("bench", source, *FEW)
    assert document["device"] == "CPU" and document["why_no_gpu"]
