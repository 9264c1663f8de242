"""QLinearConv in three dimensions, QConv3D by itself, and networks of them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx

from cases import op
from cases.builder import MICROSOFT, Array, GraphBuilder, seed_of
from cases.conv import ConvCase
from cases.op import OpCase

_base = ConvCase(c=5, k=7, kernel=(3, 3, 3), size=(5, 6, 4))
_asymmetric = replace(_base, x_zero_point=131, y_zero_point=117, per_channel=True)
_around = (1,) * 6

GEOMETRIES = [
    replace(_asymmetric, **changes)  # type: ignore[arg-type]
    for changes in (
        {},
        {"pads": _around},
        {"pads": (1, 0, 2, 0, 2, 1)},
        {"pads": (3,) * 6, "size": (2, 1, 3)},
        {"strides": (2, 1, 3), "pads": _around},
        {"dilations": (2, 3, 1), "pads": (2, 3, 1, 2, 3, 1)},
        {"dilations": (1, 2, 3), "strides": (2, 2, 1), "pads": (1, 2, 3, 0, 1, 3)},
        {"kernel": (5, 6, 4)},
        {"kernel": (2, 1, 3)},
        {"kernel": (1, 1, 1)},
        {"kernel": (1, 1, 1), "strides": (2, 1, 2)},
        {"kernel": (1, 3, 3), "pads": (0, 1, 1, 0, 1, 1), "strides": (1, 2, 2)},  # each slice by itself
        {"kernel": (3, 1, 1), "pads": (1, 0, 0, 1, 0, 0), "strides": (2, 1, 1)},  # through the depth
        {"kernel": (7, 7, 7), "size": (9, 12, 11), "c": 3, "strides": (2, 2, 2), "pads": (3,) * 6},
        *({"auto_pad": auto_pad, "strides": (2, 1, 2)} for auto_pad in ("SAME_UPPER", "SAME_LOWER", "VALID")),
    )
]

CHANNELS = [
    replace(_asymmetric, c=c, k=k, group=group, pads=_around)
    for c, k, group in (
        (1, 1, 1),
        (3, 16, 1),
        (16, 32, 1),
        (33, 17, 1),
        (32, 64, 2),
        (24, 24, 3),
        (10, 15, 5),
        (6, 6, 6),  # depthwise
        (16, 16, 16),
        (6, 12, 6),
    )
]

NUMBERS = [
    replace(_base, pads=_around),
    replace(_base, x_dtype="int8", x_zero_point=-128, y_zero_point=-128, pads=_around),
    replace(_base, x_dtype="int8", x_zero_point=-5, w_zero_point=-7, w_range=(-121, 127), pads=_around),
    replace(_base, w_dtype="uint8", w_zero_point=128, x_zero_point=7, per_channel=True, pads=_around),
    replace(_asymmetric, bias="wrapping", c=32, pads=_around),
    replace(_asymmetric, bias="none"),
    replace(_asymmetric, bias="ties", c=1, k=256, kernel=(1, 1, 1), w_range=(-1, 1), per_channel=False),
]

CASES = [*GEOMETRIES, *CHANNELS, *NUMBERS]

# A plan takes half a second to build.
GPU_CASES = [*GEOMETRIES[1:13:2], *CHANNELS[2::3], *NUMBERS[:2]]

_cube: dict[str, Any] = {"kernel": (3, 3, 3), "size": (6, 7, 5)}

_GIVEN: list[tuple[str, dict[str, Any]]] = [
    ("plain", {}),
    ("pads", {"pads": [1] * 6}),
    ("pads_value", {"pads": [1] * 6, "x_zero_point": -128}),
    ("uneven", {"pads": [2, 0, 1, 0, 3, 1], "c": 32}),
    ("uneven_value", {"pads": [0, 1, 0, 1, 0, 0], "x_zero_point": 77, "strides": [2, 1, 3]}),
    ("dilated", {"dilations": [2, 3, 1], "pads": [2, 3, 1] * 2, "x_zero_point": -7}),
    ("relu6", {"y_zero_point": -128, "y_max": 50}),
    ("clamp", {"y_min": -10, "y_max": 20, "c": 48, "k": 80}),
    ("whole", {"kernel": (6, 7, 5)}),
    ("voxel", {"size": (1, 1, 1), "pads": [1] * 6}),
    ("pointwise", {"kernel": (1, 1, 1), "c": 64, "size": (9, 8, 7)}),
    ("sparse", {"kernel": (1, 1, 1), "strides": [2, 3, 2]}),
    ("slices", {"kernel": (1, 3, 3), "pads": [0, 1, 1] * 2, "x_zero_point": 9}),
    ("depth", {"kernel": (3, 1, 1), "pads": [1, 0, 0] * 2, "x_zero_point": 9, "strides": [2, 1, 1]}),
    ("grouped", {"c": 64, "k": 64, "group": 4, "pads": [1] * 6, "x_zero_point": -3}),
    ("smallgroups", {"c": 32, "k": 64, "group": 8, "pads": [1] * 6}),
    ("widegroups", {"c": 8, "k": 64, "group": 2, "pads": [1] * 6}),
    ("depthwise", {"c": 32, "k": 32, "group": 32, "pads": [1] * 6, "x_zero_point": -128}),
    ("odd", {"c": 5, "k": 7, "pads": [1] * 6, "x_zero_point": 3}),
    ("odd", {"c": 9, "k": 60, "group": 3, "pads": [0, 1, 1, 0, 0, 1], "x_zero_point": -1}),
    ("wrapping", {"sums": "wrapping", "c": 64, "x_zero_point": 77, "pads": [1] * 6}),
    ("ties", {"sums": "ties", "k": 256, "kernel": (2, 1, 1)}),
    ("extreme", {"sums": "extreme", "pads": [1] * 6, "x_zero_point": -5}),
    ("large", {"c": 64, "k": 64, "size": (16, 28, 30), "pads": [1] * 6, "x_zero_point": -128}),
]

OPS: list[OpCase] = [op.conv(label, **{**_cube, **given}) for label, given in _GIVEN]


@dataclass(frozen=True)
class VolumeNetworkCase:
    """QuantizeLinear -> conv, residual block, strided convs of 1x3x3 and 3x1x1 -> DequantizeLinear."""

    dtype: str = "uint8"
    size: tuple[int, int, int] = (6, 9, 8)

    @property
    def id(self) -> str:
        """Such as uint8_6x9x8."""
        return f"{self.dtype}_{'x'.join(map(str, self.size))}"

    def model(self, opset: int = 13) -> onnx.ModelProto:
        """x float32 `[N, 3, D, H, W]` -> y float32."""
        network = _Network(self.dtype, np.random.default_rng(seed_of(self.id)))
        g = network.g
        x = g.input("x", "float32", ["N", 3, *self.size])
        g.node("QuantizeLinear", [x, *network.parameters("q", 0.03)], "q")
        stem = network.conv("q", "stem", (24, 3, 3, 3, 3), pads=_around)
        branch = network.conv(stem, "branch", (24, 12, 3, 3, 3), pads=_around, group=2)
        inputs = [name for t in (branch, stem) for name in (t, f"{t}_scale", f"{t}_zero_point")]
        g.node("QLinearAdd", [*inputs, *network.parameters("sum", 0.9)], "sum", MICROSOFT)
        flat = network.conv("sum", "flat", (40, 24, 1, 3, 3), pads=(0, 1, 1, 0, 1, 1), strides=(1, 2, 2))
        deep = network.conv(flat, "deep", (17, 40, 3, 1, 1), pads=(1, 0, 0, 1, 0, 0), strides=(2, 1, 1))
        y = g.output("y", "float32", ["N", 17, "d", "h", "w"])
        g.node("DequantizeLinear", [deep, "deep_scale", "deep_zero_point"], y)
        return g.model(opset)

    @property
    def ops(self) -> dict[str, int]:
        """The ops that the converted model has, crossings apart."""
        return {"QConv3D": 4, "QAdd": 1}

    def inputs(self, batch: int = 2) -> dict[str, Array]:
        """Normally distributed x."""
        rng = np.random.default_rng(seed_of(self.id) + 1)
        return {"x": rng.standard_normal((batch, 3, *self.size)).astype(np.float32)}


class _Network:
    def __init__(self, dtype: str, rng: np.random.Generator) -> None:
        self.g = GraphBuilder()
        self.dtype = dtype
        self.rng = rng
        self.scales: dict[str, float] = {}

    def parameters(self, name: str, scale: float) -> list[str]:
        bounds = np.iinfo(self.dtype)
        self.scales[name] = scale
        zero_point = int(self.rng.integers(bounds.min + 64, bounds.max - 64))
        return self.g.parameters(name, scale, zero_point, self.dtype)

    def conv(self, x: str, y: str, shape: tuple[int, ...], **attributes: Any) -> str:
        """The name of the result, whose values fill the range."""
        scale = self.scales[x] * 0.01 * float(np.prod(shape[1:])) ** 0.5 * 50
        inputs = [
            *(x, f"{x}_scale", f"{x}_zero_point"),
            self.g.constant(f"{y}_w", self.rng.integers(-128, 128, shape), "int8"),
            self.g.constant(f"{y}_w_scale", 0.01 * self.rng.uniform(0.5, 1.5, shape[0]), "float32"),
            self.g.constant(f"{y}_w_zero_point", np.zeros(shape[0]), "int8"),
            *self.parameters(y, scale),
            self.g.constant(f"{y}_bias", self.rng.integers(-2000, 2000, shape[0]), "int32"),
        ]
        return self.g.node("QLinearConv", inputs, y, **attributes)


NETWORKS = [VolumeNetworkCase(), VolumeNetworkCase("int8", (5, 8, 11))]
