"""`qudnn quantize`: what it writes, the numbers that it prints, and what it refuses."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from command import Run
from float_networks import cnn, images
from onnx import TensorProto, helper

pytest.importorskip("onnxruntime.quantization", reason="this onnxruntime comes without its quantizer")

from qudnn import converter
from qudnn.converter.cli import quantizing
from qudnn.converter.quantization import preparation, running
from session import assert_same_bits


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    onnx.save(cnn(), tmp_path / "float.onnx")
    np.savez(tmp_path / "data.npz", x=images(6))
    np.savez(tmp_path / "test.npz", x=images(3, seed=1))
    return tmp_path


def outputs(path: Path, x: Any) -> Any:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(["y"], {"x": each[None]})[0] for each in x])


def test_numbers_are_those_of_the_models(run: Run, folder: Path) -> None:
    source, target, quantized = (folder / name for name in ("float.onnx", "out.onnx", "int8.onnx"))
    arguments = ["quantize", source, "--data", folder / "data.npz", "-o", target, "--quantized", quantized]
    for extra, x in ([], images(6)), (["--test", folder / "test.npz"], images(3, seed=1)):
        document = run.json(*arguments, *extra)
        want, got = (outputs(path, x).astype(np.float64) for path in (source, quantized))
        error = np.abs(got - want)
        (change,) = document["outputs"]
        assert change["name"] == "y"
        assert change["max_error"] == pytest.approx(error.max()) and error.max() > 0
        assert change["mean_error"] == pytest.approx(error.mean())
        assert change["sqnr_db"] == pytest.approx(10 * np.log10((want**2).sum() / (error**2).sum()))
        same = int((got.argmax(1) == want.argmax(1)).sum())
        assert change["top_1"] == {"same_top": same, "of": len(x)}
        assert change["sqnr_db"] > 25
        assert_same_bits({"y": outputs(target, x)}, {"y": outputs(quantized, x)})
    assert document["same_bits"] is True
    assert converter.is_converted(target) and not converter.is_converted(quantized)
    assert document["report"] == converter.convert(quantized).report.document()
    assert document["report"]["converted"]["QConv"] == 1 and document["report"]["left"] == []
    assert len(document["quantized"]) == 6  # two convolutions, Add, pool, Flatten and Gemm
    assert [layer["op_type"] for layer in document["layers"]].count("Conv") == 2
    assert {layer["effect_sqnr_db"] for layer in document["layers"]} == {None}
    assert sorted(path.name for path in folder.iterdir()) == [
        "data.npz", "float.onnx", "int8.onnx", "out.onnx", "test.npz",
    ]  # fmt: skip


def test_types(run: Run, folder: Path) -> None:
    for activations, code in ("uint8", TensorProto.UINT8), ("int8", TensorProto.INT8):
        status, out, _ = run(
            "quantize", folder / "float.onnx", "--data", folder / "data.npz", "-o", folder / "out.onnx",
            "--quantized", folder / "int8.onnx", "--activations", activations, "--calibration", "percentile",
        )  # fmt: skip
        assert status == 0
        model = onnx.load(folder / "int8.onnx")
        constants = {tensor.name: tensor for tensor in model.graph.initializer}
        quantize = [node for node in model.graph.node if node.op_type == "QuantizeLinear"]
        zeros = [constants[node.input[2]] for node in quantize]
        assert {zero.data_type for zero in zeros} == {code} and len(zeros) > 5
        if activations == "int8":
            assert {int(onnx.numpy_helper.to_array(zero)) for zero in zeros} == {0}
        scales = [constants[n.input[1]] for n in model.graph.node if n.op_type == "DequantizeLinear"]
        assert sum(bool(scale.dims) and scale.dims[0] == 16 for scale in scales) >= 2  # per channel
        assert out.splitlines()[0].endswith(f"calibrated on 6 samples of {folder}/data.npz")


def test_keep_float_and_report(run: Run, folder: Path) -> None:
    arguments = ["quantize", folder / "float.onnx", "--data", folder / "data.npz", "-o", folder / "out.onnx"]
    all_ = run.json(*arguments, "--report", folder / "page.html")
    text = (folder / "page.html").read_text()
    assert "<h2>What quantizing changes</h2>" in text and "<h2>The graph</h2>" in text
    effects = [layer["effect_sqnr_db"] for layer in all_["layers"]]
    assert effects == sorted(effects) and len(effects) == 5
    for layer in all_["layers"]:
        assert f"<code>{layer['name']}</code>" in text and f">{layer['effect_sqnr_db']:.1f}</td>" in text
    kept = run.json(*arguments, "--keep-float", "2", "--quantized", folder / "int8.onnx")
    worst = [layer["name"] for layer in all_["layers"][:2]]
    assert kept["kept_float"]["error"] == worst
    assert not {*worst} & {*kept["quantized"]}
    assert kept["outputs_before"] == all_["outputs"]
    assert kept["outputs"][0]["sqnr_db"] > all_["outputs"][0]["sqnr_db"]
    model = onnx.load(folder / "int8.onnx")
    constants = {t.name: t.data_type for t in model.graph.initializer}
    reads = {node.name: node.input for node in model.graph.node}
    for name in worst:
        assert all(constants.get(each) != TensorProto.INT8 for each in reads[name])
    status, out, _ = run(*arguments, "--keep-float", "2")
    assert status == 0
    assert f"left in float for their error: {', '.join(worst)}" in out
    assert "with all layers in 8 bits it was:" in out
    assert "converted gives the bits of quantized on the CPU, on 6 samples" in out


def test_what_is_refused(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target, data = folder / "float.onnx", folder / "out.onnx", folder / "data.npz"

    def told(*arguments: object, model: Path = source) -> str:
        message = run.fails("quantize", model, "--data", data, "-o", target, *arguments)
        assert not target.exists()
        return message

    assert told("--data", folder / "no") == f"there is no folder and no file {folder}/no"
    assert told("--report", source) == (
        f"--report {source} is another file of this command: give it a name of its own"
    )
    assert told("--quantized", target).startswith(f"-o {target} is another file of this command")
    assert told("--report", "-") == "--report - is no file: what quantizing writes goes to files"
    assert told("--report", folder / "no" / "p") == (
        f"cannot write {folder}/no/p: there is no folder {folder}/no"
    )
    assert (
        run("quantize", source, "--data", data, "-o", folder / "q.onnx", "--quantized", folder / "i.onnx")[0]
        == 0
    )
    assert told(model=folder / "q.onnx") == (
        f"{folder}/q.onnx is converted by qudnn already: give the float model"
    )
    message = told(model=folder / "i.onnx")
    assert message.startswith(f"{folder}/i.onnx is quantized already (QDQ by onnxruntime's quantizer): ")
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 3, 16, 16]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Cos", ["x"], ["y"])], "g", values[:1], values[1:])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "c.onnx"
    )
    assert told(model=folder / "c.onnx") == (
        f"nothing in {folder}/c.onnx can be quantized: its operators are Cos"
    )
    assert told("--keep-float", 5) == (
        "--keep-float 5 would leave nothing in 8 bits: the model has 5 such layers"
    )
    for wrong in ("--samples", "0"), ("--keep-float", "x"), ("--mean", "a,b"):
        assert run("quantize", source, "--data", data, "-o", target, *wrong)[0] == 2
    monkeypatch.setitem(sys.modules, "onnxruntime.quantization", None)
    assert told().startswith("onnxruntime's quantizer cannot be imported: ")


def test_a_float_model_is_told_of_it(run: Run, folder: Path) -> None:
    document = run.json("convert", folder / "float.onnx", "-o", folder / "copy.onnx")
    assert "`qudnn quantize MODEL --data SAMPLES -o OUT`" in document["models"][0]["hint"]


def test_weights_in_other_files(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the source, and those of all files between where the model is too large for one."""
    target = folder / "out.onnx"
    arguments = ["--data", folder / "data.npz", "-o", target, "--keep-float", "1"]
    expected = run.json("quantize", folder / "float.onnx", *arguments)
    y = outputs(target, images(6))
    (folder / "apart").mkdir()
    source = folder / "apart" / "float.onnx"
    onnx.save_model(cnn(), source, save_as_external_data=True, location="weights", size_threshold=0)
    for module in (preparation, running, quantizing):
        monkeypatch.setattr(module, "LARGEST_IN_ONE_FILE", 0)
    document = run.json("quantize", source, *arguments, "--quantized", folder / "int8.onnx")
    assert {**document, "source": ""} == {**expected, "source": ""}
    assert_same_bits({"y": outputs(target, images(6))}, {"y": y})
    assert_same_bits({"y": outputs(folder / "int8.onnx", images(6))}, {"y": y})
    assert (folder / "int8.onnx.data").is_file() and (folder / "out.onnx.data").is_file()
