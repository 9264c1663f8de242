"""`qudnn inspect`: what it says of models as quantizers write them, of converted and of float ones."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from command import Run
from networks import Network

from qudnn import converter
from zoo.graph import Graph

FORMS = [
    ("QDQ", "uint8", "QDQ"),
    ("QDQ", "int8", "QDQ"),
    ("QOperator", "uint8", "QOperator"),
]


def cnn() -> onnx.ModelProto:
    graph = Graph("small", (3, 8, 8))
    return graph.finish(graph.conv(graph.conv(graph.x, 16, 3), 16, 3), [16, 8, 8])


@pytest.mark.parametrize(("form", "activations", "told"), FORMS)
def test_static(run: Run, tmp_path: Path, form: str, activations: str, told: str) -> None:
    quantizer = pytest.importorskip("zoo.quantize")
    images = np.random.default_rng(0).standard_normal((2, 3, 8, 8), dtype=np.float32)
    onnx.save(quantizer.quantize(cnn(), images, form=form, activations=activations), tmp_path / "m.onnx")
    document = run.json("inspect", tmp_path / "m.onnx")["models"][0]
    assert document["format"] == told
    assert document["quantizer"] == "onnxruntime's quantizer"
    assert (document["activations"], document["weights"]) == ([activations], ["int8"])
    assert document["per_channel"] is True
    assert document["inputs"] == ["x float32 [N, 3, 8, 8]"]
    assert document["report"] == converter.convert(tmp_path / "m.onnx").report.document() | {"remarks": []}
    assert document["report"]["converted"]["QConv"] == 2
    _, out, _ = run("inspect", tmp_path / "m.onnx")
    assert f"quantized: {told}, activations {activations}, weights int8 per channel, by onnxruntime's" in out
    assert "a conversion would give:\nqudnn " in out
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]


def test_dynamic(run: Run, tmp_path: Path) -> None:
    quantizer = pytest.importorskip("zoo.quantize")
    graph = Graph("small", (16,))
    model = graph.finish(graph.linear(graph.x, 32), [32])
    onnx.save(quantizer.quantize_dynamically(model), tmp_path / "m.onnx")
    document = run.json("inspect", tmp_path / "m.onnx")["models"][0]
    assert (document["format"], document["activations"]) == ("dynamic", ["uint8"])
    assert document["report"]["converted"]["DynamicQMatMul"] == 1


def test_converted_and_float(run: Run, tmp_path: Path) -> None:
    net = Network()
    net.conv(net.eight_bit_input(["n", 3, 8, 8]), net.unshaped_output("y", "uint8"), 3, 16)
    onnx.save(converter.convert(net.model(13)).model, tmp_path / "converted.onnx")
    onnx.save(cnn(), tmp_path / "float.onnx")
    status, out, _ = run("inspect", tmp_path / "converted.onnx")
    assert status == 0
    version = converter.convert(tmp_path / "converted.onnx").report.document()["converted"]
    assert version == {"QConv": 1}
    assert "converted by qudnn " in out
    assert "1 op in 1 island with 1 entry and 1 exit" in out
    _, out, _ = run("inspect", tmp_path / "float.onnx")
    assert "not quantized" in out
    assert "quantize it first" in out
    _, out, _ = run("inspect", tmp_path)
    converted, plain = out.splitlines()
    assert converted.startswith(f"{tmp_path}/converted.onnx: converted by qudnn ")
    assert plain == f"{tmp_path}/float.onnx: not quantized"


@pytest.mark.parametrize(
    ("node", "producer", "metadata", "tool"),
    [
        ("/c1/input_quant/export_handler/QuantizeLinear", "pytorch", {}, "Brevitas"),
        ("/c1/input_quantizer/QuantizeLinear", "pytorch", {}, "ModelOpt, in PyTorch"),
        ("QuantizeLinear_x_1", "pytorch", {}, "NNCF"),
        ("node_quantize_per_tensor", "pytorch", {}, "PyTorch's PT2E"),
        ("tfl.quantize", "tf2onnx", {}, "TensorFlow Lite, by tf2onnx"),
        ("x_QuantizeLinear", "quark.onnx", {}, "Quark 0.13"),
        ("x_QuantizeLinear", "onnx.quantize", {"olive_version": "0.13.0"}, "Olive 0.13.0"),
        ("x_QuantizeLinear", "onnx.quantize", {}, "onnxruntime's quantizer, or a tool that builds on it"),
        ("x_QuantizeLinear", "a tool", {}, ""),
    ],
)
def test_who_quantized_it(
    run: Run, tmp_path: Path, node: str, producer: str, metadata: dict[str, str], tool: str
) -> None:
    net = Network()
    net.quantize(net.input("x", "float32", ["n", 3]), net.unshaped_output("y", "uint8", 2))
    model = net.model(13)
    model.graph.node[0].name, model.producer_name, model.producer_version = node, producer, "0.13"
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, tmp_path / "m.onnx")
    assert run.json("inspect", tmp_path / "m.onnx")["models"][0]["quantizer"] == tool


def test_strict_and_mistakes(run: Run, tmp_path: Path) -> None:
    net = Network()
    net.conv(net.eight_bit_input(["n", 3, 8, 8]), net.unshaped_output("y", "uint8"), 3, 16)
    onnx.save(net.model(13), tmp_path / "m.onnx")
    assert run("inspect", "-q", "--strict", tmp_path / "m.onnx") == (0, "", "")
    assert run("inspect", "-q", "--strict", tmp_path / "m.onnx", "--exclude=*") == (3, "", "")
    assert (
        run.fails("inspect", tmp_path / "no.onnx")
        == f"cannot read {tmp_path}/no.onnx: No such file or directory"
    )
