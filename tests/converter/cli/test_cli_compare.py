"""`qudnn compare`: the same bits, what differs and where, the part that it is reduced to, and bad input."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from command import Run
from networks import Network
from onnx import numpy_helper

from qudnn import converter
from qudnn.custom_ops import Obstacle, Registration, registration
from zoo.architectures import SMALL


def network() -> onnx.ModelProto:
    """Two islands, as what is between works in float, with tensors that both models have."""
    net = Network()
    y = net.conv(net.eight_bit_input(["n", 3, 8, 8]), "a", 3, 16)
    y = net.node("CumSum", [net.dequantize(y, "f"), net.constant("axis", 2, "int64")], "sum")
    net.conv(net.quantize(y, "q"), net.unshaped_output("y", "uint8"), 16, 32)
    return net.model(14)


def differing(tmp_path: Path) -> Path:
    """A model of int8 activations, of which onnxruntime computes some nodes in float32."""
    quantizer = pytest.importorskip("zoo.quantize")
    model = SMALL["unet_like"]()
    _, *shape = (size.dim_value for size in model.graph.input[0].type.tensor_type.shape.dim)
    few, more = (
        np.random.default_rng(seed).standard_normal((count, *shape)).astype(np.float32)
        for seed, count in enumerate((2, 8))
    )
    onnx.save(quantizer.quantize(model, few, form="QDQ", activations="int8"), tmp_path / "int8.onnx")
    np.savez(tmp_path / "images.npz", x=more)
    return tmp_path / "int8.onnx"


@pytest.fixture
def original(tmp_path: Path) -> Path:
    onnx.save(network(), tmp_path / "in.onnx")
    return tmp_path / "in.onnx"


def tampered(original: Path, ending: str) -> Path:
    """Its conversion, with other weights in one operator."""
    model = converter.convert(original).model
    (weights,) = [t for t in model.graph.initializer if t.name.endswith(ending)]
    weights.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(weights), weights.name))
    onnx.save(model, original.with_name("converted.onnx"))
    return original.with_name("converted.onnx")


def test_the_same(run: Run, original: Path, no_gpu: None) -> None:
    status, out, err = run("compare", original, "--shape=x=2,3,8,8")
    assert (status, err) == (0, "")
    assert out == "CPU: y uint8 [2, 32, 8, 8]: the same bits\nthe GPU is left out: there is no driver\n"
    converter.convert_file(original, original.with_name("out.onnx"))
    document = run.json("compare", original, original.with_name("out.onnx"), "--shape=x=2,3,8,8", "--tensors")
    assert document["same"] is True
    (comparison,) = document["comparisons"]
    assert [tensor["name"] for tensor in comparison["tensors"]] == ["f", "sum", "y"]
    assert run("compare", "-q", original, "--shape=x=1,3,8,8") == (0, "", "")


@pytest.mark.parametrize(("ending", "node"), [("a_node/weight", "a_node"), ("y_node/weight", "y_node")])
def test_the_first_node_that_differs(run: Run, original: Path, no_gpu: None, ending: str, node: str) -> None:
    """By what both models have: of a node inside an island, the first one after it."""
    converted = tampered(original, ending)
    document = run.json("compare", original, converted, "--shape=x=2,3,8,8", status=3)
    (comparison,) = document["comparisons"]
    assert comparison["first"]["node"] == node
    (output,) = comparison["outputs"]
    want, got = (session_of(path) for path in (original, converted))
    x = np.frombuffer(np.random.default_rng(0).bytes(2 * 3 * 64), np.uint8).reshape(2, 3, 8, 8)
    differs = want.run(None, {"x": x})[0] != got.run(None, {"x": x})[0]
    assert output["difference"]["elements"] == differs.sum() > 0
    status, out, _ = run("compare", original, converted, "--shape=x=2,3,8,8")
    assert status == 3
    assert f"CPU: the first node that differs: {node} (" in out
    assert run("compare", original, converted, "--shape=x=2,3,8,8", "--tolerance=255")[0] == 0


def session_of(path: Path) -> Any:
    from session import open_session

    return open_session(onnx.load(path))


def test_reduce(run: Run, tmp_path: Path, no_gpu: None) -> None:
    """The node is one of those that the report names; the part that differs has little besides."""
    original, small = differing(tmp_path), tmp_path / "small.onnx"
    images = ("--inputs", tmp_path / "images.npz")
    approximate = {entry.name for entry in converter.convert(original).report.approximate}
    document = run.json("compare", original, *images, "--reduce", small, status=3)
    (comparison,) = document["comparisons"]
    assert comparison["first"]["node"] in approximate
    assert "otherwise" not in comparison["note"]
    assert document["reduced"]["model"] == str(small)
    model = onnx.load(small)
    assert len(model.graph.node) == document["reduced"]["nodes"] < 12
    onnx.checker.check_model(model, full_check=True)
    assert comparison["first"]["node"] in {node.name for node in model.graph.node}
    again = run.json("compare", small, "--inputs", f"{small}.npz", status=3)
    assert again["comparisons"][0]["first"]["node"] == comparison["first"]["node"]
    small.unlink()
    _, out, _ = run("compare", original, *images, "--reduce", small, "--tolerance=1e9")
    assert "nothing differs: nothing was written" in out
    assert not small.exists()


def test_bad_input(run: Run, original: Path, tmp_path: Path) -> None:
    x = np.zeros((1, 3, 8, 8), np.uint8)
    arrays: dict[str, dict[str, Any]] = {
        "holds no array for the model's input: x; the model's inputs: x": {},
        "holds an array for an input that the model does not have: z": {"x": x, "z": x},
        "x is int8, the model's input is uint8": {"x": x.astype(np.int8)},
        "x has the shape [1, 3, 8], the model's input is x [n, 3, 8, 8]": {"x": x[0:, :, :, 0]},
    }
    for message, inputs in arrays.items():
        np.savez(tmp_path / "i.npz", **inputs)
        assert message in run.fails("compare", original, "--inputs", tmp_path / "i.npz")
    (tmp_path / "i.npz").write_text("no arrays")
    assert "it is no file that numpy.savez has written" in run.fails(
        "compare", original, "--inputs", tmp_path / "i.npz"
    )
    np.save(tmp_path / "i.npy", x)
    assert "holds no named arrays" in run.fails("compare", original, "--inputs", tmp_path / "i.npy")
    assert "No such file" in run.fails("compare", original, "--inputs", tmp_path / "no.npz")
    assert "No such file" in run.fails("compare", tmp_path / "no.onnx")
    assert "the size of the model's input x [n, 3, 8, 8] is not fixed" in run.fails("compare", original)
    assert "leave --shape out" in run.fails("compare", original, "--inputs=x", "--shape=x=1,3,8,8")
    assert run.fails("compare", original, original, "--reduce", tmp_path / "o.onnx", "--shape=x=1,3,8,8") == (
        "--reduce converts each part anew: leave CONVERTED out"
    )
    assert f"cannot write {tmp_path}: it is a folder" in run.fails("compare", original, "--reduce", tmp_path)
    net = Network()
    net.conv(net.eight_bit_input(["n", 3, 8, 8]), net.unshaped_output("other", "uint8"), 3, 16)
    onnx.save(net.model(13), tmp_path / "other.onnx")
    assert "has the outputs other, and" in run.fails(
        "compare", original, tmp_path / "other.onnx", "--shape=x=1,3,8,8"
    )


def test_without_a_gpu(run: Run, original: Path, no_gpu: None) -> None:
    assert run.fails("compare", original, "--device=gpu", "--shape=x=1,3,8,8") == (
        "comparing on the GPU needs a GPU: there is no driver"
    )


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    none = Registration(Obstacle.NO_DRIVER, "there is no driver")
    monkeypatch.setattr(registration, "possible", lambda _: none)


@pytest.mark.gpu
def test_on_the_gpu(run: Run, original: Path) -> None:
    document = run.json("compare", original, "--shape=x=2,3,8,8", "--tensors")
    assert [each["device"] for each in document["comparisons"]] == ["CPU", "GPU"]
    assert document["same"] is True
    _, on_gpu = document["comparisons"]
    assert len(on_gpu["tensors"]) > 4  # those inside of islands, too
    assert not any(tensor["difference"] for tensor in on_gpu["tensors"])
