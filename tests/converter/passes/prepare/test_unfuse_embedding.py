"""A BERT as onnxruntime's optimizer fuses it and its dynamic quantizer quantizes it."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

pytest.importorskip("onnxruntime.quantization", reason="this onnxruntime comes without its quantizer")

from onnxruntime.quantization import quantize_dynamic

import check
from cases.builder import GraphBuilder
from qudnn import converter
from qudnn.converter.functions import DOMAIN
from session import open_session, outputs

MICROSOFT, WIDTH, HEADS, WORDS = "com.microsoft", 32, 4, 50


def bert(folder: Path, mask: bool = True, segments: bool = True, opset: int = 14) -> onnx.ModelProto:
    """One layer: embedding, attention, a feed-forward network, with onnxruntime's fused operators."""
    rng = np.random.default_rng(0)
    g = GraphBuilder()

    def random(name: str, *shape: int, deviation: float = 0.3) -> str:
        return g.constant(name, rng.normal(0, deviation, shape), "float32")

    ids = g.input("ids", "int32", ["n", "s"])
    inputs = [ids, g.input("segments", "int32", ["n", "s"]) if segments else ""]
    inputs += [random("words", WORDS, WIDTH), random("positions", 24, WIDTH)]
    inputs += [random("kinds", 2, WIDTH) if segments else "", random("g0", WIDTH), random("b0", WIDTH)]
    inputs += [g.input("mask", "int32", ["n", "s"])] * mask
    x = g.node("EmbedLayerNormalization", inputs, "embedded", MICROSOFT, epsilon=1e-12)
    g.nodes[-1].output.append("ends")
    weights = [random("qkv", WIDTH, 3 * WIDTH), random("qkv_b", 3 * WIDTH)]
    attended = g.node("Attention", [x, *weights, *["ends"] * mask], "attended", MICROSOFT, num_heads=HEADS)
    projected = g.node("MatMul", [attended, random("o", WIDTH, WIDTH)], "projected")
    norm = [x, projected, random("g1", WIDTH), random("b1", WIDTH), random("o_b", WIDTH)]
    h = g.node("SkipLayerNormalization", norm, "h", MICROSOFT, epsilon=1e-12)
    inner = g.node("MatMul", [h, random("f1", WIDTH, 64)], "inner")
    active = g.node("BiasGelu", [inner, random("f1_b", 64)], "active", MICROSOFT)
    outer = g.node("MatMul", [active, random("f2", 64, WIDTH)], "outer")
    norm = [h, outer, random("g2", WIDTH), random("b2", WIDTH), random("f2_b", WIDTH)]
    g.output(
        g.node("SkipLayerNormalization", norm, "y", MICROSOFT, epsilon=1e-12), "float32", ["n", "s", WIDTH]
    )
    source, target = folder / "bert.onnx", folder / "quantized.onnx"
    onnx.save_model(g.model(opset), source)
    types = {"DefaultTensorType": onnx.TensorProto.FLOAT}  # its shape inference knows none of them
    quantize_dynamic(source, target, extra_options=types)
    return onnx.load_model(target)


def feeds(model: onnx.ModelProto) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    values = {
        "ids": rng.integers(0, WORDS, (2, 9)),
        "segments": rng.integers(0, 2, (2, 9)),
        "mask": np.arange(9)[None] < np.array([[9], [6]]),
    }
    return {value.name: values[value.name].astype(np.int32) for value in model.graph.input}


@pytest.mark.parametrize("opset", [13, 14, 17])
@pytest.mark.parametrize("segments", [True, False])
@pytest.mark.parametrize("mask", [True, False])
def test_bert(tmp_path: Path, mask: bool, segments: bool, opset: int) -> None:
    """All that is quantized converts; what onnxruntime has kernels for on a GPU stays as it is."""
    model = bert(tmp_path, mask, segments, opset)
    quantized = {node.op_type for node in model.graph.node}
    assert {"QEmbedLayerNormalization", "QAttention", "MatMulInteger"} <= quantized
    conversion = converter.convert(model)
    report = conversion.report
    assert report.quantized_nodes == report.converted_nodes, str(report)
    check.assert_true_report(model, conversion)
    ours = [node.op_type for node in conversion.model.graph.node if node.domain == DOMAIN]
    assert ours.count("DynamicQMatMul") == 4
    assert ("MaskedAttention" if mask else "Attention") in ours
    assert any("adds up in another order" in node.reason for node in report.approximate)
    check.assert_equivalent(model, conversion.model, [])
    values = feeds(model)
    want, got = (outputs(open_session(m), values)["y"] for m in (model, conversion.model))
    assert np.abs(want - got).max() < 0.02  # what was quantized after a last bit may be a step away
    assert np.mean(np.abs(want - got)) < 1e-3
