"""ConvInteger as onnxruntime's dynamic quantizer used to write it, its bias made int32 at run time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from same_bits import Graph, assert_same_bits

INT32, FLOAT = onnx.TensorProto.INT32, onnx.TensorProto.FLOAT


class Old(Graph):
    """Convolutions of the older form."""

    def dynamic(self, x: str) -> tuple[str, str, str]:
        """x quantized, its scale and its zero point."""
        names = f"{x}_q", f"{x}_s", f"{x}_z"
        self.nodes.append(onnx.helper.make_node("DynamicQuantizeLinear", [x], names, name=f"{x}_dq"))
        return names

    def conv(
        self,
        x: tuple[str, str, str],
        y: str,
        shape: Sequence[int],
        bias_scale: float | None = None,
        rounding: str = "Floor",
        per_channel: bool = False,
        **attributes: Any,
    ) -> str:
        quantized, x_scale, x_zero_point = x
        k, rank = shape[0], len(shape)
        scales = self.rng.uniform(0.005, 0.02, k if per_channel else 1).astype(np.float32)
        last = scales.reshape(-1, *[1] * (rank - 2)) if per_channel else scales[0]
        scale, factor = self.constant(f"{y}_ws", scales), self.constant(f"{y}_wf", last)
        if bias_scale is not None:
            scale = self.constant(f"{y}_bs", bias_scale, "float32")
        bias = self.constant(f"{y}_b", self.rng.normal(0, 3, k), "float32")
        units = self.node("Div", [bias, self.node("Mul", [x_scale, scale], f"{y}_bf")], f"{y}_bt")
        whole = self.node("Cast", [self.node(rounding, [units], f"{y}_br")], f"{y}_bq", to=INT32)
        weights = self.random("uint8", shape), x_zero_point, self.number(121, "uint8")
        sums = self.node("ConvInteger", [quantized, *weights], f"{y}_i", **attributes)
        along = self.constant(f"{y}_along", [1, -1, *[1] * (rank - 2)], "int64")
        added = self.node("Add", [sums, self.node("Reshape", [whole, along], f"{y}_bb")], f"{y}_a")
        floats = self.node("Cast", [added], f"{y}_f", to=FLOAT)
        return self.node("Mul", [floats, self.node("Mul", [x_scale, factor], f"{y}_ss")], y)


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("group", [1, 4])
def test_an_image(group: int, per_channel: bool) -> None:
    graph = Old()
    graph.x("x", "float32", (2, 8, 7, 6), ("n", 8, 7, 6))
    y = graph.conv(graph.dynamic("x"), "y", (12, 8 // group, 3, 3), per_channel=per_channel, group=group)
    graph.y(y, rank=4)
    model = assert_same_bits(graph, {"DynamicQuantizeToIsland": 1, "DynamicQConv": 1})
    operators = {node.op_type for node in model.graph.node}
    assert not operators & {"ConvInteger", "DynamicQuantizeLinear"}


def test_one_output() -> None:
    graph = Old()
    graph.x("x", "float32", (2, 8, 7, 6), ("n", 8, 7, 6))
    graph.y(graph.conv(graph.dynamic("x"), "y", (1, 8, 3, 3)), rank=4)
    assert_same_bits(graph, {"DynamicQConv": 1})


def test_a_row() -> None:
    graph = Old()
    graph.x("x", "float32", (2, 8, 17), ("n", 8, "w"))
    graph.y(graph.conv(graph.dynamic("x"), "y", (5, 8, 3)), rank=3)
    assert_same_bits(graph, {"DynamicQConv": 1})


def test_two_that_read_one_tensor() -> None:
    """Each quantizes it by itself: the bias is a matter of one."""
    graph = Old()
    graph.x("x", "float32", (2, 8, 7, 6), ("n", 8, 7, 6))
    x = graph.dynamic("x")
    for name, outputs in ("y", 12), ("z", 20):
        graph.y(graph.conv(x, name, (outputs, 8, 1, 1)), rank=4)
    assert_same_bits(graph, {"DynamicQuantizeToIsland": 2, "DynamicQConv": 2})


def test_another_scale_stays() -> None:
    graph = Old()
    graph.x("x", "float32", (2, 8, 7, 6), ("n", 8, 7, 6))
    graph.y(graph.conv(graph.dynamic("x"), "y", (12, 8, 3, 3), bias_scale=0.3), rank=4)
    assert_same_bits(graph, {"DynamicQConv": 0}, left={"ConvInteger": "divided by another scale"})


def test_another_rounding_stays() -> None:
    graph = Old()
    graph.x("x", "float32", (2, 8, 7, 6), ("n", 8, 7, 6))
    graph.y(graph.conv(graph.dynamic("x"), "y", (12, 8, 3, 3), rounding="Ceil"), rank=4)
    assert_same_bits(graph, {"DynamicQConv": 0}, left={"ConvInteger": "rounded down"})


@pytest.mark.parametrize("shape", [(2, 8, 7, 6), (2, 8, 17)])
def test_an_input_of_unknown_shape(shape: tuple[int, ...]) -> None:
    """The weights tell its rank and its channels."""
    graph = Old()
    graph.feeds["to"] = np.array(shape, np.int64)
    graph.input("to", "int64", ["rank"])
    graph.x("flat", "float32", (int(np.prod(shape)),), ("all",))
    x = graph.node("Reshape", ["flat", "to"], "x")
    graph.y(graph.conv(graph.dynamic(x), "y", (12, 8, *[3] * (len(shape) - 2))), rank=len(shape))
    assert_same_bits(graph, {"DynamicQConv": 1})
