"""Nodes, their times and their plans, read from a profile."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from qudnn import converter
from qudnn.custom_ops import native
from qudnn.custom_ops.measuring import layers

CPU = ["CPUExecutionProvider"]


class Profiled:
    """A session whose profile is given."""

    def __init__(self, path: Path, events: list[dict[str, Any]]) -> None:
        self.path = path
        path.write_text(json.dumps(events))

    def end_profiling(self) -> str:
        return str(self.path)


def event(node: str, us: float, **arguments: Any) -> dict[str, Any]:
    known = {"op_name": "QConv", "provider": "CUDAExecutionProvider", **arguments}
    return {"cat": "Node", "name": f"{node}_kernel_time", "dur": us, "args": known}


def test_a_profile_is_read(tmp_path: Path) -> None:
    shapes = {
        "input_type_shape": [{"int8": [1, 7, 7, 64]}, {"int8": [32, 1, 1, 64]}, {"int32": [32]}],
        "output_type_shape": [{"int8": [1, 7, 7, 32]}],
    }
    events = [{"cat": "Session", "name": "model_run", "dur": 9, "args": {}}]
    for us in (1000, 5, 7, 6):  # the first is not of the last three runs
        events += [event("a", us, **shapes), {"cat": "Node", "name": "a_fence_before", "dur": 1, "args": {}}]
        events.append(event("b", 2 * us, op_name="Shape", input_type_shape=[{"int8": [3]}]))
    found = layers.profiled(Profiled(tmp_path / "p.json", events), 3)
    assert found == [
        {
            "node": "a",
            "op": "QConv",
            "provider": "CUDAExecutionProvider",
            "x": [1, 7, 7, 64],
            "w": [32, 1, 1, 64],
            "y": [1, 7, 7, 32],
            "bytes": 7 * 7 * 64 + 32 * 64 + 4 * 32 + 7 * 7 * 32,
            "us": 6.0,
        },
        {"node": "b", "op": "Shape", "provider": "CUDAExecutionProvider", "x": [3], "bytes": 3, "us": 12.0},
    ]
    assert not (tmp_path / "p.json").exists()


@pytest.mark.parametrize("op", ["QConvAdd", "QConvFloatAdd"])
def test_a_residual_is_not_taken_for_weights(op: str, tmp_path: Path) -> None:
    shapes = [{"int8": [2, 7, 7, 64]}, {"int8": [2, 7, 7, 32]}, {"int8": [32, 1, 1, 64]}, {"int32": [32]}]
    result = [{"int8": [2, 7, 7, 32]}]
    events = [event("a", 5, op_name=op, input_type_shape=shapes, output_type_shape=result)]
    (layer,) = layers.profiled(Profiled(tmp_path / "p.json", events), 1)
    assert (layer["x"], layer["w"], layer["y"]) == ([2, 7, 7, 64], [32, 1, 1, 64], [2, 7, 7, 32])


@pytest.mark.parametrize("op", ["QBottleneck", "QBottleneckAdd", "QBottleneckFloatAdd"])
def test_a_block_has_the_filters_of_its_windows(op: str, tmp_path: Path) -> None:
    residuals = [[2, 7, 7, 32]] * op.endswith("Add")
    filters = [[96, 1, 1, 32], [96], [96], [96, 3, 3, 1], [96], [96], [32, 1, 1, 96], [32], [32]]
    shapes = [{"int8": each} for each in ([2, 7, 7, 32], *residuals, *filters)]
    events = [event("a", 5, op_name=op, input_type_shape=shapes, output_type_shape=shapes[:1])]
    (layer,) = layers.profiled(Profiled(tmp_path / "p.json", events), 1)
    found = [layer[name] for name in ("x", "w", "w_window", "y")]
    assert found == [[2, 7, 7, 32], [96, 1, 1, 32], [96, 3, 3, 1], [2, 7, 7, 32]]


@pytest.mark.parametrize("op", ["QMatMulAdd", "QMatMulAddTable"])
def test_a_constant_is_not_taken_for_weights(op: str, tmp_path: Path) -> None:
    shapes = [{"int8": [2, 7, 64]}, {"int8": [32]}, {"int8": [32, 64]}, {"int32": [32]}]
    result = [{"int8": [2, 7, 32]}]
    events = [event("a", 5, op_name=op, input_type_shape=shapes, output_type_shape=result)]
    (layer,) = layers.profiled(Profiled(tmp_path / "p.json", events), 1)
    assert (layer["x"], layer["w"], layer["y"]) == ([2, 7, 64], [32, 64], [2, 7, 32])


def test_a_residual_is_not_taken_for_a_table(tmp_path: Path) -> None:
    image, table = {"int8": [2, 7, 7, 32]}, {"int8": [32, 256]}
    shapes = {"input_type_shape": [image, image, table], "output_type_shape": [image]}
    (layer,) = layers.profiled(
        Profiled(tmp_path / "p.json", [event("a", 5, op_name="QChannelTableAdd", **shapes)]), 1
    )
    assert (layer["x"], layer["w"], layer["y"]) == ([2, 7, 7, 32], [32, 256], [2, 7, 7, 32])
    assert layer["bytes"] == 3 * 2 * 7 * 7 * 32 + 32 * 256


CONV = {"node": "c", "op": "QConv", "x": [2, 8, 8, 64], "w": [32, 3, 3, 64], "y": [2, 10, 9, 32]}
PRODUCT = {"node": "m", "op": "QMatMul", "x": [2, 5, 64], "w": [32, 64], "y": [2, 5, 32]}
WINDOW = {"pads": [1, 1, 1, 1], "strides": [1, 1], "dilations": [1, 1]}


def node(op_type: str, name: str, **attributes: Any) -> onnx.NodeProto:
    return onnx.helper.make_node(op_type, [], [], name, domain="qudnn", **attributes)


def plan(text: str, engine: str) -> dict[str, Any]:
    return {"problem": native.read_problem(text)[0], "engine": engine, "plan": f"{engine} 1"}


SAME = "h=8 w=8 c=64 k=32 r=3 s=3 pad_top=1 pad_left=1 pad_bottom=1 pad_right=1"
PLANS = [
    plan(f"conv n=2 {SAME}", "a"),
    plan(f"conv n=1 {SAME}", "b"),
    plan("matmul m=10 k=32 c=64", "c"),
    plan("matmul m=10 k=32 c=128", "d"),
    plan(f"conv n=2 {SAME} adds=2", "e"),
    plan(f"conv n=2 {SAME} y_pad_bottom=2 y_pad_right=1", "f"),
    plan(f"conv n=2 {SAME} y_type=1", "g"),
    plan(f"conv n=2 {SAME} looks_up=1", "h"),
    plan("matmul m=10 k=32 c=64 looks_up=1", "i"),
    plan("matmul m=10 k=32 c=64 adds_constant=1", "j"),
    plan("matmul m=10 k=32 c=64 adds_constant=1 looks_up=1", "k"),
]


def test_plans_fit_by_nodes_and_shapes() -> None:
    def engines(layer: dict[str, Any], op_type: str, attributes: dict[str, list[int]]) -> list[str]:
        nodes = {name: node(op_type, name, **attributes) for name in "cm"}
        return [found["engine"] for found in layers.fitting(layer, PLANS, nodes)]

    assert engines(CONV, "QConv", WINDOW) == ["a"]
    assert engines(CONV, "QConv", WINDOW | {"y_pads": [0, 0, 0, 0, 0, 2, 1, 0]}) == ["f"]  # for whom reads it
    assert engines(CONV, "QConvAdd", WINDOW) == ["e"]
    assert engines(CONV, "QConvToFloat", WINDOW) == ["g"]
    assert engines(CONV, "QConv", WINDOW | {"strides": [2, 2]}) == []
    assert engines(CONV, "QConvTable", WINDOW) == ["h"]
    assert engines(PRODUCT, "QMatMul", {}) == ["c"]
    assert engines(PRODUCT, "QMatMulTable", {}) == ["i"]
    assert engines(PRODUCT, "QMatMulAdd", {}) == ["j"]
    assert engines(PRODUCT, "QMatMulAddTable", {}) == ["k"]
    assert layers.fitting(CONV, PLANS, {}) == []


def test_a_model_in_a_process_of_its_own(source: Path) -> None:
    """Through the function bodies: all of their nodes, with times."""
    target = str(source.with_name("converted.onnx"))
    converter.convert_file(source, target)
    feed = {"x": np.zeros((2, 3, 8, 8), np.uint8)}
    found, rates = layers.measured(target, feed, gpu=False, runs=2, options={})
    session = onnxruntime.InferenceSession(target, providers=CPU)
    session.run(None, feed)
    assert rates is None and all(layer["floor_us"] is None for layer in found)
    assert [layer["us"] for layer in found] == sorted((layer["us"] for layer in found), reverse=True)
    assert {layer["provider"] for layer in found} == {"CPUExecutionProvider"}
    assert {layer["op"] for layer in found} & {"ConvInteger", "QLinearConv", "Conv"}
    assert all(layer["us"] >= 0 and layer["engine"] == "" for layer in found)
    assert len({layer["node"] for layer in found}) == len(found)


def test_what_is_wrong_there_is_said(source: Path) -> None:
    with pytest.raises(RuntimeError, match="invalid dimensions for input: x"):
        layers.measured(str(source), {"x": np.zeros((2, 4, 8, 8), np.uint8)}, False, 2, {})
