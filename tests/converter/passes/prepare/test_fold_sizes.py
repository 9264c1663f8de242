"""What is computed of known sizes is constant, where it decides nothing about what onnxruntime fuses."""

from collections import Counter

import numpy as np
import onnx
import pytest
from same_bits import Graph, assert_same_bits

from qudnn import converter


class Windows(Graph):
    """Of an image of which the batch is unknown."""

    def ints(self, *numbers: int) -> str:
        return self.constant(f"c{len(self.constants)}", list(numbers), "int64")

    def size(self, x: str, axis: int, y: str) -> str:
        """int64 `[1]`, out of a Shape."""
        shape = self.node("Shape", [x], f"{y}_shape")
        return self.node("Gather", [shape, self.ints(axis)], y, axis=0)

    def quantized(self, x: str, y: str, scale: float = 0.05, dtype: str = "uint8") -> str:
        zero_point = 121 if dtype == "uint8" else -7
        return self.pair(x, y, self.number(scale), self.number(zero_point, dtype))

    def conv(self, x: str, y: str, channels: int, kernels: int) -> str:
        values = self.values("int8", (kernels, channels, 1, 1)) // 4
        w = self.dequantize(
            self.constant(f"{y}_w", values, "int8"), f"{y}_dw", self.number(0.02), self.number(0, "int8")
        )
        return self.quantized(self.node("Conv", [x, w], f"{y}_conv"), y, 0.3)

    def missing(self, x: str, axis: int, y: str) -> str:
        """How many rows a window of 4 lacks: (4 - size % 4) % 4, as PyTorch exports it, with fmod=0."""
        rest = self.node("Mod", [self.size(x, axis, f"{y}_size"), self.ints(4)], f"{y}_rest", fmod=0)
        lacks = self.node("Sub", [self.ints(4), rest], f"{y}_lacks")
        return self.node("Mod", [lacks, self.ints(4)], y, fmod=0)

    def padded(self, x: str, y: str) -> str:
        """To windows of 4 pixels, by pads that are turned around in rows of two."""
        zero = self.ints(0)
        parts = [
            zero,
            self.missing(x, 3, f"{y}_w"),
            zero,
            self.missing(x, 2, f"{y}_h"),
            self.ints(0, 0, 0, 0),
        ]
        pairs = self.node(
            "Reshape", [self.node("Concat", parts, f"{y}_flat", axis=0), self.ints(-1, 2)], f"{y}_p"
        )
        bounds = [self.ints(-1), self.ints(-(2**63) + 1), self.ints(0), self.ints(-1)]
        turned = self.node("Slice", [pairs, *bounds], f"{y}_turned")
        pads = self.node("Transpose", [turned], f"{y}_t", perm=[1, 0])
        pads = self.node("Reshape", [pads, self.ints(-1)], f"{y}_pads")
        return self.node("Pad", [x, pads], f"{y}_padded", mode="constant")


@pytest.mark.parametrize("size", [8, 6])
def test_pads_to_whole_windows(size: int) -> None:
    """By nothing they are a view; the Slice back to the image is, too."""
    graph = Windows()
    graph.x("x", "float32", (2, 8, size, size), ("n", 8, size, size))
    a = graph.conv(graph.quantized("x", "x_q"), "a", 8, 16)
    b = graph.quantized(graph.padded(a, "b"), "b", 0.3)
    b = graph.conv(b, "c", 16, 16)
    ends = graph.node("Concat", [graph.size(a, 2, "h"), graph.size(a, 3, "w")], "ends", axis=0)
    cut = graph.node("Slice", [b, graph.ints(0, 0), ends, graph.ints(2, 3)], "cut")
    graph.y(graph.conv(graph.quantized(cut, "d", 0.3), "e", 16, 8), rank=4)
    pads = size % 4 != 0
    model = assert_same_bits(graph, {"QConv": 3, "QMaxPool": 0})  # which pads itself
    found = Counter(node.op_type for node in model.graph.node)
    assert found["Slice"] == (1 if pads else 0)
    assert not {"Shape", "Gather", "Mod", "Pad", "Concat"} & found.keys()


def mask(graph: Windows, x: str, y: str) -> str:
    """0 on the diagonal of a matrix that has the rows of x, -100 elsewhere."""
    size = graph.node("Squeeze", [graph.size(x, 1, f"{y}_size")], f"{y}_number")
    places = graph.node("Range", [graph.number(0, "int64"), size, graph.number(1, "int64")], f"{y}_places")
    rows = graph.node("Unsqueeze", [places, graph.ints(1)], f"{y}_rows")
    same = graph.node("Equal", [rows, places], f"{y}_same")
    return graph.node("Where", [same, graph.number(0.0), graph.number(-100.0)], y)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_masks(dtype: str) -> None:
    """Those quantized to int8 are computed as before: onnxruntime makes them uint8, and constants not."""
    graph = Windows()
    graph.x("x", "float32", (2, 12, 8), ("n", 12, 8))
    x = graph.quantized("x", "x_q", dtype=dtype)
    w = graph.dequantize(graph.random("int8", (8, 12)), "w", graph.number(0.02), graph.number(0, "int8"))
    y = graph.quantized(graph.node("MatMul", [x, w], "m"), "m_q", 0.5, dtype)
    masked = graph.node("Add", [y, graph.quantized(mask(graph, "m", "mask"), "mask_q", 0.4, dtype)], "a")
    graph.y(graph.quantized(masked, "z", 0.6, dtype), rank=3)
    model = assert_same_bits(graph, {"QMatMul": 1})
    found = {node.op_type for node in model.graph.node}
    assert ("Range" in found) == (dtype == "int8")
    assert (dtype == "uint8") == bool({"QTable", "QAdd", "QTableAdd"} & found)


def test_other_floats_stay() -> None:
    """A scale that onnxruntime computes in each run is no constant to it; fusions depend on that."""
    graph = Windows()
    graph.x("x", "float32", (2, 12, 8), ("n", 12, 8))
    x = graph.quantized("x", "x_q")
    w = graph.dequantize(graph.random("int8", (8, 12)), "w", graph.number(0.02), graph.number(0, "int8"))
    y = graph.node("MatMul", [x, w], "m")
    root = graph.node("Cast", [graph.size("m", 2, "width")], "floats", to=onnx.TensorProto.FLOAT)
    graph.y(graph.node("Div", [y, graph.node("Sqrt", [root], "root")], "d"), rank=3)
    model = assert_same_bits(graph, {})
    assert {"Shape", "Sqrt", "Div"} <= {node.op_type for node in model.graph.node}


def test_a_model_grows_to_twice_its_size_at_most() -> None:
    graph = Windows()
    graph.x("x", "float32", (2, 2000, 8), ("n", 2000, 8))
    x = graph.quantized("x", "x_q")
    w = graph.dequantize(graph.random("int8", (8, 2000)), "w", graph.number(0.02), graph.number(0, "int8"))
    y = graph.quantized(graph.node("MatMul", [x, w], "m"), "m_q", 0.5)
    graph.y(
        graph.quantized(graph.node("Add", [y, graph.quantized(mask(graph, "m", "k"), "k_q", 0.4)], "a"), "z"),
        rank=3,
    )
    conversion = converter.convert(graph.model(17), explain=True)
    declined = [each for each in conversion.report.declined if each.step == "FoldSizes"]
    assert [each.reason for each in declined] == ["its result would make the model much larger"]
    assert "Range" in {node.op_type for node in conversion.model.graph.node}


def test_an_output_of_the_graph_stays() -> None:
    graph = Windows()
    graph.x("x", "float32", (2, 8, 6, 6), ("n", 8, 6, 6))
    a = graph.conv(graph.quantized("x", "x_q"), "a", 8, 16)
    graph.y(graph.size(a, 2, "height"), "int64", 1)
    graph.y(a, rank=4)
    model = assert_same_bits(graph, {"QConv": 1})
    assert "height" in {name for node in model.graph.node for name in node.output}


def test_without_batch_all_is_known() -> None:
    """And what a caller may still give stays: the batch alone is unknown in the others."""
    graph = Windows()
    graph.x("x", "float32", (2, 8, 8, 8))
    a = graph.conv(graph.quantized("x", "x_q"), "a", 8, 16)
    target = graph.node("Concat", [graph.size(a, 0, "batch"), graph.ints(16, 64)], "target", axis=0)
    graph.y(graph.quantized(graph.node("Reshape", [a, target], "r"), "z", 0.3), rank=3)
    model = assert_same_bits(graph, {"QConv": 1})
    assert "Shape" not in {node.op_type for node in model.graph.node}
    assert np.prod(graph.feeds["x"].shape) == 2 * 8 * 64
