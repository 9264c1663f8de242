"""Small quantized networks: float32 in and out, everything between them in one island."""

from collections import Counter
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import numpy as np
import onnx

from cases.builder import MICROSOFT, Array, GraphBuilder, seed_of


@dataclass(frozen=True)
class Layer:
    """One layer; what a kind does not need it ignores.

    kind: conv, max_pool, residual: a convolution whose result is added to its input.
    """

    kind: str
    channels: int = 16
    kernel: int = 3
    stride: int = 1
    group: int = 1

    @property
    def id(self) -> str:
        """Such as conv16_3_s2."""
        group = f"_g{self.group}" if self.group > 1 else ""
        return f"{self.kind}{self.channels}_{self.kernel}_s{self.stride}{group}"


@dataclass(frozen=True)
class Activation:
    """A quantized tensor of the network."""

    name: str
    scale: float
    zero_point: int
    channels: int

    @property
    def parameters(self) -> list[str]:
        """The names of its constants."""
        return [f"{self.name}_scale", f"{self.name}_zero_point"]


@dataclass(frozen=True)
class GraphCase:
    """QuantizeLinear -> layers -> global average pool -> flatten -> classifier -> DequantizeLinear."""

    layers: tuple[Layer, ...]
    channels: int = 3
    size: tuple[int, int] = (16, 16)
    dtype: str = "uint8"
    classifier: str = "gemm"  # gemm, matmul, none: the network ends with the last layer
    classes: int = 10

    @property
    def id(self) -> str:
        """Such as u8_c3_16x16-conv16_3_s1-gemm."""
        head = f"{self.dtype}_c{self.channels}_{self.size[0]}x{self.size[1]}"
        return "-".join([head, *(layer.id for layer in self.layers), self.classifier])

    @property
    def ops(self) -> dict[str, int]:
        """The ops that the converted model has, crossings apart."""
        kinds = Counter(layer.kind for layer in self.layers)
        inverted = sum(
            map(_is_inverted_residual, zip(self.layers, self.layers[1:], self.layers[2:], strict=False))
        )
        ops = Counter(
            QConv=kinds["conv"] - 3 * inverted,
            QBottleneck=inverted,
            QMaxPool=kinds["max_pool"],
            QConvAdd=kinds["residual"],
        )
        if self.classifier != "none":
            ops.update(["QGlobalAveragePool", "Flatten", "QMatMul"])
        return dict(+ops)

    def model(self, opset: int = 13) -> onnx.ModelProto:
        """x float32 `[N, C, size...]` -> y float32 `[N, classes]`, or `[N, K, ...]` without a classifier."""
        network = _Network(self.dtype, np.random.default_rng(seed_of(self.id)))
        g = network.g
        shape = ("N", self.channels, *self.size)
        t = network.tensor("q", 0.03, self.channels)
        g.node("QuantizeLinear", [g.input("x", "float32", shape), *t.parameters], t.name)
        for layer in self.layers:
            t = network.layer(t, layer)
        y_shape: list[int | str] = ["N", t.channels, "height", "width"]
        if self.classifier != "none":
            t = network.head(t, self.classifier, self.classes)
            y_shape = ["N", self.classes]
        g.output(g.node("DequantizeLinear", [t.name, *t.parameters], "y"), "float32", y_shape)
        return g.model(opset)

    def inputs(self, batch: int = 2) -> dict[str, Array]:
        """Normally distributed x."""
        rng = np.random.default_rng(seed_of(self.id) + 1)
        return {"x": rng.standard_normal((batch, self.channels, *self.size)).astype(np.float32)}


def _is_inverted_residual(layers: tuple[Layer, Layer, Layer]) -> bool:
    """Whether they are a pointwise convolution, one of each channel by itself and another pointwise one."""
    of_kind = [(layer.kind, layer.kernel, layer.group) for layer in layers]
    return of_kind == [("conv", 1, 1), ("conv", 3, layers[0].channels), ("conv", 1, 1)]


class _Network:
    """Builds the layers and keeps the scales such that values neither fade nor saturate throughout."""

    def __init__(self, dtype: str, rng: np.random.Generator) -> None:
        self.g = GraphBuilder()
        self.dtype = dtype
        self.rng = rng

    def tensor(self, role: str, scale: float, channels: int) -> Activation:
        bounds = np.iinfo(self.dtype)
        zero_point = int(self.rng.integers(bounds.min + 64, bounds.max - 64))
        name = f"{role}{len(self.g.nodes)}"
        self.g.parameters(name, scale, zero_point, self.dtype)
        return Activation(name, scale, zero_point, channels)

    def layer(self, t: Activation, layer: Layer) -> Activation:
        if layer.kind == "max_pool":
            pads = [layer.kernel // 2] * 4
            y = replace(t, name=f"pool{len(self.g.nodes)}")
            attributes: dict[str, Any] = {
                "kernel_shape": [layer.kernel] * 2,
                "strides": [layer.stride] * 2,
                "pads": pads,
            }
            self.g.node("MaxPool", [t.name], y.name, **attributes)
            # The result has the parameters of the input.
            self.g.parameters(y.name, y.scale, y.zero_point, self.dtype)
            return y
        if layer.kind == "residual":
            branch = self.conv(t, replace(layer, channels=t.channels, stride=1, group=1))
            y = self.tensor("sum", t.scale * 1.3, t.channels)
            inputs = [branch.name, *branch.parameters, t.name, *t.parameters, *y.parameters]
            self.g.node("QLinearAdd", inputs, y.name, MICROSOFT)
            return y
        return self.conv(t, layer)

    def conv(self, t: Activation, layer: Layer) -> Activation:
        shape = (layer.channels, t.channels // layer.group, layer.kernel, layer.kernel)
        y, inputs = self.weighted("conv", t, shape, layer.channels)
        attributes: dict[str, Any] = {
            "kernel_shape": [layer.kernel] * 2,
            "strides": [layer.stride] * 2,
            "pads": [layer.kernel // 2] * 4,
            "group": layer.group,
        }
        bias = inputs.pop()
        self.g.node("QLinearConv", [*inputs, *y.parameters, bias], y.name, **attributes)
        return y

    def head(self, t: Activation, classifier: str, classes: int) -> Activation:
        mean = self.tensor("mean", t.scale / 2, t.channels)
        inputs = [t.name, *t.parameters, *mean.parameters]
        self.g.node("QLinearGlobalAveragePool", inputs, mean.name, MICROSOFT)
        flat = replace(mean, name=f"flat{len(self.g.nodes)}")
        self.g.node("Flatten", [mean.name], flat.name)
        self.g.parameters(flat.name, flat.scale, flat.zero_point, self.dtype)
        shape = (classes, t.channels) if classifier == "gemm" else (t.channels, classes)
        y, inputs = self.weighted("logits", flat, shape, classes)
        if classifier == "gemm":
            self.g.node("QGemm", [*inputs, *y.parameters], y.name, MICROSOFT, transB=1)
        else:
            self.g.node("QLinearMatMul", [*inputs[:-1], *y.parameters], y.name)
        return y

    def weighted(
        self, role: str, t: Activation, shape: tuple[int, ...], channels: int
    ) -> tuple[Activation, list[str]]:
        """The result, and t, its weights and bias with their parameters, in the order of the operators."""
        taps = int(np.prod(shape)) // channels
        scales = 0.01 * self.rng.uniform(0.5, 1.5, channels)
        y = self.tensor(role, t.scale * 0.01 * sqrt(taps) * 74 * 0.7, channels)
        constants = [
            self.g.constant(f"{y.name}_w", self.rng.integers(-128, 128, shape), "int8"),
            self.g.constant(f"{y.name}_w_scale", scales, "float32"),
            self.g.constant(f"{y.name}_w_zero_point", np.zeros(channels), "int8"),
            self.g.constant(f"{y.name}_bias", self.rng.integers(-2000, 2000, channels), "int32"),
        ]
        return y, [t.name, *t.parameters, *constants]


_RESNET = (
    Layer("conv", 24, 7, 2),
    Layer("max_pool", kernel=3, stride=2),
    Layer("residual"),
    Layer("conv", 40, 1, 2),
    Layer("residual", kernel=1),
)
_MOBILE = (
    Layer("conv", 16, 3, 2),
    Layer("conv", 16, 3, 1, group=16),
    Layer("conv", 24, 1),
    Layer("conv", 24, 3, 2, group=24),
    Layer("conv", 40, 1),
)

CASES = [
    GraphCase(_RESNET, size=(32, 32)),
    GraphCase(_RESNET, size=(33, 29), dtype="int8", classifier="matmul"),
    GraphCase(_MOBILE, size=(32, 32), classifier="matmul"),
    GraphCase(_MOBILE, size=(17, 30), dtype="int8"),
    GraphCase((Layer("conv", 32, 3), Layer("conv", 64, 3, 2, group=2), Layer("residual")), classifier="none"),
    GraphCase((Layer("conv", 5, 3), Layer("max_pool", kernel=2, stride=2)), channels=1, classes=3),
]
