"""A graph twice as deep or wide takes twice the work, not more: calls are counted, which take no clock."""

import cProfile
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from cases.builder import MICROSOFT, GraphBuilder, integers
from fuzzing import fuzz
from qudnn import converter
from qudnn.converter.errors import ConversionError

MOST_GROWTH = 2.4  # of the calls, where the model is twice as large; linear work has 2
SHAPE = ("n", 16, 4, 4)


class DeepGraph(GraphBuilder):
    """float32 tensors `[n, 16, 4, 4]`, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.rng = np.random.default_rng(0)
        self.quantized = self.parameters("q", 0.05, 128, "uint8")
        self.weight = self.parameters("w", 0.01, 0, "int8")
        for name, numbers in {"flat": [0, 16, 16], "image": [0, 16, 4, 4], "first": [0], "one": [1]}.items():
            self.constant(name, numbers, "int64")
        self.last = self.input("x", "float32", SHAPE)

    def op(self, op_type: str, *inputs: str, domain: str = "", **attributes: int | Sequence[int]) -> str:
        """The result of a node that reads these, or the last tensor; it is the last one then."""
        y = f"t{len(self.nodes)}"
        self.last = self.node(op_type, inputs or [self.last], y, domain, **attributes)
        return self.last

    def quantize(self) -> str:
        return self.op("QuantizeLinear", self.last, *self.quantized)

    def pair(self) -> str:
        return self.op("DequantizeLinear", self.quantize(), *self.quantized)

    def weights(self) -> str:
        name = f"w{len(self.constants)}"
        return self.constant(name, integers(self.rng, "int8", (16, 16, 1, 1)))

    def model(self, opset: int = 17, functions: Sequence[onnx.FunctionProto] = ()) -> onnx.ModelProto:
        self.output(self.pair(), "float32", [f"y{axis}" for axis in range(4)])
        return super().model(opset, functions)


def qdq_conv(g: DeepGraph) -> None:
    x = g.pair()
    w = g.op("DequantizeLinear", g.weights(), *g.weight)
    g.op("Conv", x, w)
    g.op("Relu")


def qdq_residual(g: DeepGraph) -> None:
    x = g.pair()
    qdq_conv(g)
    g.op("Add", x, g.pair())


def qoperator_residual(g: DeepGraph) -> None:
    x = g.quantize()
    y = g.op("QLinearConv", x, *g.quantized, g.weights(), *g.weight, *g.quantized)
    y = g.op("QLinearAdd", x, *g.quantized, y, *g.quantized, *g.quantized, domain=MICROSOFT)
    g.op("DequantizeLinear", y, *g.quantized)


def dynamic_residual(g: DeepGraph) -> None:
    x, y = g.last, f"d{len(g.nodes)}"
    g.nodes.append(helper.make_node("DynamicQuantizeLinear", [x], [y, f"{y}_scale", f"{y}_zero_point"]))
    g.op("Cast", g.op("ConvInteger", y, g.weights(), f"{y}_zero_point"), to=TensorProto.FLOAT)
    product = g.last
    g.op("Add", x, g.op("Mul", product, g.op("Mul", f"{y}_scale", g.weight[0])))


def old_dynamic_bias(g: DeepGraph) -> None:
    """As onnxruntime wrote it once: a bias in units of the scales, cast to integers and back."""
    x = g.last
    g.op("Cast", g.op("Floor", g.op("Mul", x, x)), to=TensorProto.INT32)
    g.op("Cast", to=TensorProto.FLOAT)


def sized_reshape(g: DeepGraph) -> None:
    x = g.last
    batch = g.op("Gather", g.op("Shape", x), "first")
    g.op("Reshape", x, g.op("Concat", g.op("Mul", batch, "one"), "image_rest", axis=0))


def transposed(g: DeepGraph) -> None:
    g.op("Transpose", perm=[0, 2, 3, 1])
    g.op("Transpose", perm=[0, 3, 1, 2])


def reshaped(g: DeepGraph) -> None:
    g.op("Reshape", g.last, "flat")
    g.op("Reshape", g.last, "image")


def silu(g: DeepGraph) -> None:
    x = g.last
    g.op("Mul", x, g.op("Sigmoid"))


def constant_node(g: DeepGraph) -> None:
    x, value = g.last, helper.make_tensor("value", TensorProto.FLOAT, [1], [0.5])
    name = f"c{len(g.nodes)}"
    g.nodes.append(helper.make_node("Constant", [], [name], value=value))
    g.op("Add", x, name)


def half(g: DeepGraph) -> None:
    g.op("Cast", to=TensorProto.FLOAT16)
    g.op("Cast", g.op("Neg"), to=TensorProto.FLOAT)


def islands(g: DeepGraph) -> None:
    """An island's end, and the next one's beginning."""
    qdq_conv(g)
    g.op("LpNormalization", g.pair())


Block = Callable[[DeepGraph], object]

BLOCKS: list[Block] = [
    qdq_conv,
    qdq_residual,
    qoperator_residual,
    dynamic_residual,
    old_dynamic_bias,
    sized_reshape,
    transposed,
    reshaped,
    silu,
    constant_node,
    half,
    islands,
    DeepGraph.pair,
    lambda g: g.op("Identity"),
    lambda g: g.op("Relu"),
    lambda g: g.op("MaxPool", kernel_shape=[1, 1]),
]


def deep(blocks: Sequence[Block], times: int) -> onnx.ModelProto:
    g = DeepGraph()
    g.constant("image_rest", [16, 4, 4], "int64")
    for _ in range(times):
        for block in blocks:
            block(g)
    return g.model()


def wide(blocks: Sequence[Block], times: int) -> onnx.ModelProto:
    """So many branches after one tensor, joined."""
    g = DeepGraph()
    g.constant("image_rest", [16, 4, 4], "int64")
    x, ends = g.pair(), []
    for _ in range(times):
        g.last = x
        for block in blocks:
            block(g)
        ends.append(g.last)
    g.op("Concat", *ends, axis=1)
    return g.model()


def calls(model: onnx.ModelProto) -> int:
    """How many functions a conversion calls."""
    profile = cProfile.Profile(builtins=False)
    profile.enable()
    try:
        converter.convert(model)
    finally:
        profile.disable()
    return sum(entry.callcount for entry in profile.getstats())


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    """What is done once in a process is no matter here."""
    converter.convert(deep(BLOCKS, 2))
    converter.convert(wide(BLOCKS, 2))


@fuzz(4)
@given(blocks=st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=4), grow=st.sampled_from([deep, wide]))
def test_random_graphs(blocks: list[Block], grow: Callable[[Sequence[Block], int], onnx.ModelProto]) -> None:
    few, many = (calls(grow(blocks, times)) for times in (40, 80))
    assert many < MOST_GROWTH * few


@pytest.mark.parametrize("grow", [deep, wide])
@pytest.mark.parametrize("block", BLOCKS)
def test_each_block(block: Block, grow: Callable[[Sequence[Block], int], onnx.ModelProto]) -> None:
    few, many = (calls(grow([block], times)) for times in (50, 100))
    assert many < MOST_GROWTH * few


@pytest.mark.parametrize(
    ("blocks", "times"),
    [
        ([qdq_residual], 500),
        ([qoperator_residual], 500),
        ([dynamic_residual], 500),
        ([silu], 2500),
        ([half, transposed], 1000),
    ],
)
def test_deep(blocks: list[Block], times: int) -> None:
    """Deeper than Python's stack is, by far."""
    model = deep(blocks, times)
    conversion = converter.convert(model)
    assert len(model.graph.node) > 2000
    assert conversion.report.converted or conversion.report.left


def test_weights_are_copied_twice_at_most() -> None:
    """Once as ops have them, once in the model that is given back."""
    g = DeepGraph()
    for _ in range(16):
        for shape in (512, 16, 8, 8), (16, 512, 1, 1):
            w = g.constant(f"big{len(g.constants)}", np.ones(shape, np.int8))
            pads = [3, 3, 4, 4] if shape[-1] > 1 else [0] * 4
            g.op("QLinearConv", g.quantize(), *g.quantized, w, *g.weight, *g.quantized, pads=pads)
            g.op("DequantizeLinear", g.last, *g.quantized)
    model = g.model()
    tracemalloc.start()
    try:
        conversion = converter.convert(model)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert conversion.report.converted["QConv"] == 32
    assert peak < 2.5 * model.ByteSize()


def _field(number: int, content: bytes) -> bytes:
    """Of a protobuf message."""
    length, size = len(content), b""
    while length > 127:
        size, length = size + bytes([length & 127 | 128]), length >> 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + content


def test_bodies_too_deep(tmp_path: Path) -> None:
    """An If in an If, a thousand times: no model that anything opens, and an error like others."""
    graph = b""
    for _ in range(1000):
        branch = _field(1, b"then_branch") + _field(6, graph)
        graph = _field(1, _field(4, b"If") + _field(5, branch))
    path = tmp_path / "deep.onnx"
    path.write_bytes(b"\x08\x08" + _field(7, graph) + _field(8, b"\x10\x11"))
    with pytest.raises(ConversionError):
        converter.convert(path)
