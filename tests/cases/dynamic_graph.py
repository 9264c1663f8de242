"""Small float networks that onnxruntime's quantizer makes dynamically quantized ones of."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import onnx

from cases.builder import Array, GraphBuilder, seed_of
from zoo.quantize import quantize_dynamically

# What an op both computes and quantizes: the op.
_TAKEN_IN = {"Gelu": "DynamicGeluToIsland", "LayerNormalization": "DynamicAddLayerNormalizationToIsland"}


@dataclass(frozen=True)
class Quantizer:
    """The options of onnxruntime's dynamic quantizer."""

    weights: Literal["uint8", "int8"] = "int8"
    per_channel: bool = False
    reduce_range: bool = False

    @property
    def id(self) -> str:
        """Such as uint8_perchannel."""
        options = ["perchannel"] * self.per_channel + ["reduced"] * self.reduce_range
        return "_".join([self.weights, *options])


QUANTIZERS = [
    Quantizer(weights, per_channel, reduce_range)
    for weights in ("int8", "uint8")
    for per_channel in (False, True)
    for reduce_range in (False, True)
]


@dataclass(frozen=True)
class Layer:
    """One layer of a chain; what a kind does not need it ignores.

    kind: matmul, gemm, projections: three matmuls of one input, which are added up; conv.
    """

    kind: str
    outputs: int = 16
    bias: bool = True
    kernel: tuple[int, ...] = (3, 3)
    group: int = 1
    attributes: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def id(self) -> str:
        """Such as conv16_3x3_g4."""
        if self.kind != "conv":
            return f"{self.kind}{self.outputs}{'' if self.bias else '_nobias'}"
        more = [f"g{self.group}"] if self.group > 1 else []
        for name, value in self.attributes.items():
            more.append(f"{name}{'x'.join(map(str, value)) if isinstance(value, list) else value}")
        return "_".join([f"conv{self.outputs}", "x".join(map(str, self.kernel)), *more])


@dataclass(frozen=True)
class DynamicCase:
    """x float32 `[N, shape...]` -> layers -> y; channels are last before a matmul and first before a conv.

    between: what stands after a layer: Relu, Gelu, or LayerNormalization, of the sum with its input.
    """

    layers: tuple[Layer, ...]
    shape: tuple[int, ...]
    quantizer: Quantizer = Quantizer()
    between: str = "Relu"

    @property
    def id(self) -> str:
        """Such as 4x24-matmul20-gemm7-int8."""
        layers = [layer.id for layer in self.layers]
        between = [] if self.between == "Relu" else [self.between]
        return "-".join(["x".join(map(str, self.shape)), *layers, self.quantizer.id, *between])

    @property
    def ops(self) -> dict[str, int]:
        """How many matmuls the converted model has, and how many times it quantizes, what is between too."""
        kinds = Counter(layer.kind for layer in self.layers)
        between = len(self.layers) - 1 if self.between in _TAKEN_IN else 0
        ops = Counter(
            DynamicQuantizeToIsland=len(self.layers) - between,
            DynamicQConv=kinds["conv"],
            DynamicQMatMul=kinds["matmul"] + kinds["gemm"] + 3 * kinds["projections"],
        )
        ops[_TAKEN_IN.get(self.between, "")] = between
        return dict(+ops)

    def model(self, opset: int = 13) -> onnx.ModelProto:
        """The quantized model."""
        rng = np.random.default_rng(seed_of(self.id))
        g = GraphBuilder()
        y, channels = g.input("x", "float32", ["N", *self.shape]), self.shape[-1]
        for number, layer in enumerate(self.layers):
            x = y
            if layer.kind == "conv":
                channels = self.shape[0] if number == 0 else channels
                y = _conv(g, rng, layer, y, channels, f"l{number}")
            elif layer.kind == "projections":
                q, k, v = (_matmul(g, rng, layer, y, channels, f"l{number}{name}") for name in "qkv")
                y = g.node("Add", [g.node("Add", [q, k], f"l{number}_qk"), v], f"l{number}_y")
            else:
                y = _matmul(g, rng, layer, y, channels, f"l{number}")
            if number < len(self.layers) - 1:
                y = self._between(g, x, y, layer.outputs, f"l{number}")
            channels = layer.outputs
        conv = self.layers[-1].kind == "conv"
        sizes = [f"size{axis}" for axis in range(len(self.shape) - 1)]
        g.output(y, "float32", ["N", channels, *sizes] if conv else ["N", *self.shape[:-1], channels])
        options = self.quantizer
        return quantize_dynamically(
            g.model(opset),
            weights=options.weights,
            per_channel=options.per_channel,
            reduce_range=options.reduce_range,
        )

    def _between(self, g: GraphBuilder, x: str, y: str, channels: int, name: str) -> str:
        if self.between != "LayerNormalization":
            return g.node(self.between, [y], f"{name}_activation")
        gamma = g.constant(f"{name}_gamma", np.linspace(0.5, 2, channels), "float32")
        beta = g.constant(f"{name}_beta", np.linspace(-1, 1, channels), "float32")
        return g.node(self.between, [g.node("Add", [x, y], f"{name}_residual"), gamma, beta], f"{name}_norm")

    def inputs(self, batch: int = 2) -> dict[str, Array]:
        """Random numbers around 0."""
        rng = np.random.default_rng(seed_of(self.id) + 1)
        return {"x": rng.standard_normal((batch, *self.shape)).astype(np.float32)}

    def extreme_inputs(self) -> list[dict[str, Array]]:
        """Ranges of one number, on one side of 0, very large and very small ones."""
        (x,) = self.inputs(1).values()
        arrays = [
            np.zeros_like(x),
            np.full_like(x, 3.5),
            np.full_like(x, -0.25),
            abs(x) + np.float32(2),
            -abs(x),
            x * np.float32(1e18),
            x * np.float32(1e-30),
        ]
        return [{"x": array} for array in arrays]


def _matmul(g: GraphBuilder, rng: np.random.Generator, layer: Layer, x: str, channels: int, name: str) -> str:
    w = rng.standard_normal((channels, layer.outputs)).astype(np.float32)
    w.flat[rng.integers(w.size)] = rng.uniform(4, 5)  # so that the range is not symmetric
    bias = rng.standard_normal(layer.outputs).astype(np.float32)
    if layer.kind == "gemm":
        inputs = [x, g.constant(f"{name}_w", np.ascontiguousarray(w.T))]
        inputs += [g.constant(f"{name}_b", bias)] if layer.bias else []
        return g.node("Gemm", inputs, f"{name}_gemm", transB=1)
    y = g.node("MatMul", [x, g.constant(f"{name}_w", w)], f"{name}_matmul")
    return g.node("Add", [y, g.constant(f"{name}_b", bias)], f"{name}_sum") if layer.bias else y


def _conv(g: GraphBuilder, rng: np.random.Generator, layer: Layer, x: str, channels: int, name: str) -> str:
    w = rng.standard_normal((layer.outputs, channels // layer.group, *layer.kernel)).astype(np.float32)
    w.flat[rng.integers(w.size)] = rng.uniform(4, 5)
    inputs = [x, g.constant(f"{name}_w", w)]
    if layer.bias:
        inputs.append(g.constant(f"{name}_b", rng.standard_normal(layer.outputs).astype(np.float32)))
    return g.node("Conv", inputs, f"{name}_conv", group=layer.group, **layer.attributes)


_MLP = (Layer("matmul", 20), Layer("matmul", 33, bias=False), Layer("gemm", 7))
_SAME = {"pads": [1, 1, 1, 1]}
_NETWORK = (
    Layer("conv", 24, attributes=_SAME),
    Layer("conv", 24, group=24, attributes={"pads": [1, 0, 0, 1], "strides": [2, 2]}),
    Layer("conv", 12, group=4, attributes={"dilations": [2, 1], "pads": [2, 0, 1, 0]}),
    Layer("conv", 16, kernel=(1, 1), bias=False),
)

MATMULS = [
    *(DynamicCase(_MLP, (24,), quantizer) for quantizer in QUANTIZERS),
    DynamicCase((Layer("projections", 32), Layer("matmul", 40)), (5, 32)),
    DynamicCase((Layer("projections", 19),), (2, 3, 17), Quantizer("uint8", per_channel=True)),
    DynamicCase((Layer("matmul", 1),), (1,)),
    DynamicCase((Layer("matmul", 64), Layer("matmul", 128)), (2, 1, 3, 300)),
]
FUSED_BEHIND = [  # what onnxruntime fuses with an addition before it
    DynamicCase(_MLP, (24,), between="Gelu"),
    DynamicCase(_MLP[:1] * 2, (3, 20), Quantizer("uint8"), between="LayerNormalization"),
]
CONVS = [
    *(DynamicCase(_NETWORK, (3, 9, 11), quantizer) for quantizer in QUANTIZERS[::2]),
    DynamicCase((Layer("conv", 8, attributes={"auto_pad": "SAME_UPPER", "strides": [2, 2]}),), (5, 8, 7)),
    DynamicCase((Layer("conv", 8, kernel=(2, 4), attributes={"auto_pad": "SAME_LOWER"}),), (5, 8, 7)),
    DynamicCase((Layer("conv", 16, attributes={"auto_pad": "VALID"}),), (16, 5, 5)),
    DynamicCase(
        (
            Layer("conv", 10, kernel=(3,), attributes={"pads": [1, 2], "strides": [2]}),
            Layer("conv", 10, kernel=(3,), group=10),
            Layer("conv", 6, kernel=(1,), group=2),
        ),
        (4, 20),
        Quantizer("uint8"),
    ),
    DynamicCase((Layer("conv", 6, kernel=(5, 1), group=3),), (9, 8, 6), Quantizer("uint8")),
]
GPU_CASES = [*MATMULS[::3], *CONVS[::2], replace(MATMULS[0], layers=(Layer("matmul", 256),), shape=(64, 512))]
