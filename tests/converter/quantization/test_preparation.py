"""What the quantizer is given: biases apart, a name for each node, opset 13; and what stays in float."""

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest

pytest.importorskip("onnxruntime.quantization", reason="this onnxruntime comes without its quantizer")

from float_networks import images
from onnx import helper

import session
from qudnn.converter.quantization.preparation import prepare
from qudnn.converter.quantization.quantizer import Settings, quantize
from qudnn.converter.quantization.ranges import nodes_of_large_values
from zoo.bert_like import bert_like
from zoo.graph import Graph


def shared_biases() -> onnx.ModelProto:
    """Two layers with one bias, of scales far apart; nodes without names."""
    graph = Graph("shared", (3, 16, 16))
    y = graph.conv(graph.x, 16, 3)
    model = graph.finish(
        graph.conv(graph.op("Mul", y, graph.weight("m", 50.0)), 16, 3, relu=False), [16, 16, 16]
    )
    first, second = [node for node in model.graph.node if node.op_type == "Conv"]
    second.input[2] = first.input[2]
    for node in model.graph.node:
        node.name = ""
    first.name = "Conv_3"
    return model


def test_biases_and_names(tmp_path: Path) -> None:
    model = onnx.load(prepare(shared_biases(), tmp_path))
    biases = [node.input[2] for node in model.graph.node if node.op_type == "Conv"]
    assert len(set(biases)) == 2
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    np.testing.assert_array_equal(constants[biases[0]], constants[biases[1]])
    assert max(Counter(node.name for node in model.graph.node).values()) == 1

    feeds = [{"x": x[None]} for x in images(4)]
    quantize(tmp_path / "prepared.onnx", tmp_path / "q.onnx", feeds, Settings(), False)
    want, got = (
        session.run(each, feeds[0]).outputs["y"] for each in (shared_biases(), onnx.load(tmp_path / "q.onnx"))
    )
    assert np.abs(got - want).mean() < 0.05 * np.abs(want).mean()


def test_old_opsets_are_raised(tmp_path: Path) -> None:
    node = helper.make_node("Relu", ["x"], ["y"])
    values = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N", 3]) for name in "xy"]
    graph = helper.make_graph([node], "old", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=6)
    prepared = onnx.load(prepare(model, tmp_path))
    assert max(each.version for each in prepared.opset_import if not each.domain) >= 13


@pytest.mark.parametrize("masked", [True, False])
def test_masks_stay_in_float(tmp_path: Path, masked: bool) -> None:
    model = bert_like(width=32, heads=2, hidden=64, layers=2, vocabulary=50, positions=16, masked=masked)
    feed = {"input_ids": np.arange(16)[None] % 50}
    if masked:
        feed["attention_mask"] = (np.arange(16) < 9).astype(np.int64)[None]
    prepared = onnx.load(prepare(model, tmp_path))
    found = nodes_of_large_values(prepared, [feed], tmp_path)
    operators = Counter(node.op_type for node in prepared.graph.node if node.name in found)
    assert operators == ({"Where": 1, "Add": 2, "Softmax": 2} if masked else {})
