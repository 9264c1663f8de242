"""QLinearConv in all its geometries and number formats."""

from dataclasses import dataclass, replace
from math import prod, sqrt
from typing import Any

import numpy as np
import onnx

from cases.builder import SHORT, TIES_MULTIPLIER, Array, GraphBuilder, Shape, integers, seed_of, ties


@dataclass(frozen=True)
class ConvCase:
    """One QLinearConv between a uint8 or int8 graph input and output.

    The size of kernel gives the number of spatial dimensions. Scales are such that outputs fill the
    8-bit range and some of them saturate.
    """

    c: int = 16
    k: int = 16
    kernel: tuple[int, ...] = (3, 3)
    size: tuple[int, ...] = (9, 8)
    pads: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    dilations: tuple[int, ...] = ()
    group: int = 1
    auto_pad: str = ""
    x_dtype: str = "uint8"
    w_dtype: str = "int8"
    x_zero_point: int = 0
    w_zero_point: int = 0
    y_zero_point: int = 0
    w_range: tuple[int, int] = (-128, 127)  # of w - w_zero_point
    per_channel: bool = False
    bias: str = "small"  # none, small, wrapping: the int32 sum overflows, ties: see builder.ties

    @property
    def id(self) -> str:
        """Such as u8s8_c3_k8_3x3_9x8_p1_1_1_1_s2_2."""
        joined = {
            name: "_".join(map(str, values))
            for name, values in (("p", self.pads), ("s", self.strides), ("d", self.dilations))
            if values
        }
        parts = [
            SHORT[self.x_dtype] + SHORT[self.w_dtype],
            f"c{self.c}",
            f"k{self.k}",
            "x".join(map(str, self.kernel)),
            "x".join(map(str, self.size)),
            *(name + values for name, values in joined.items()),
            f"g{self.group}" if self.group > 1 else "",
            self.auto_pad.lower(),
            f"zx{self.x_zero_point}" if self.x_zero_point else "",
            f"zw{self.w_zero_point}" if self.w_zero_point else "",
            f"zy{self.y_zero_point}" if self.y_zero_point else "",
            f"w{self.w_range[0]}to{self.w_range[1]}" if self.w_range != (-128, 127) else "",
            "perchannel" if self.per_channel else "",
            f"bias-{self.bias}" if self.bias != "small" else "",
        ]
        return "_".join(part for part in parts if part)

    def weights(self) -> Array:
        """`[K, C / group, kernel...]`."""
        rng = np.random.default_rng(seed_of(self.id))
        shape = (self.k, self.c // self.group, *self.kernel)
        return (rng.integers(*self.w_range, shape, endpoint=True) + self.w_zero_point).astype(self.w_dtype)

    def scales(self) -> tuple[float, float, float]:
        """Of x, w and y, so that y fills the 8-bit range."""
        if self.bias == "ties":
            return 2.0**-6, TIES_MULTIPLIER * 2.0**12, 2.0**6
        w = np.arange(self.w_range[0], self.w_range[1] + 1.0)
        bounds = np.iinfo(self.x_dtype)
        x = np.arange(bounds.min, bounds.max + 1.0) - self.x_zero_point
        taps = self.c // self.group * prod(self.kernel)
        mean = taps * w.mean() * x.mean()
        deviation = sqrt(taps * ((w**2).mean() * (x**2).mean() - (w.mean() * x.mean()) ** 2))
        quantum = max(abs(mean) / 100, deviation / 60)
        return 0.0371, 0.0125, 0.0371 * 0.0125 * quantum

    def model(self, opset: int = 13) -> onnx.ModelProto:
        """x `[N, C, size...]` -> y `[N, K, ...]`."""
        rng = np.random.default_rng(seed_of(self.id) + 1)
        g = GraphBuilder()
        x = g.input("x", self.x_dtype, ["N", self.c, *self.size])
        x_scale, w_scale, y_scale = self.scales()
        w_scales = w_scale * rng.uniform(0.2, 1.8, self.k) if self.per_channel else np.float64(w_scale)
        inputs = [
            x,
            *g.parameters("x", x_scale, self.x_zero_point, self.x_dtype),
            g.constant("w", self.weights()),
            g.constant("w_scale", w_scales, "float32"),
            g.constant("w_zero_point", np.full(np.shape(w_scales), self.w_zero_point), self.w_dtype),
            *g.parameters("y", y_scale, self.y_zero_point, self.x_dtype),
        ]
        if self.bias != "none":
            limit = int(20 * y_scale / (x_scale * w_scale))
            bias = ties(self.k) if self.bias == "ties" else rng.integers(-limit, limit, self.k)
            if self.bias == "wrapping":
                bias = np.where(bias < 0, -(2**31), 2**31 - 1) - bias
            inputs.append(g.constant("bias", bias, "int32"))
        attributes: dict[str, Any] = {"kernel_shape": self.kernel}
        for name in ("pads", "strides", "dilations", "auto_pad"):
            if getattr(self, name):
                attributes[name] = getattr(self, name)
        if self.group > 1:
            attributes["group"] = self.group
        y_shape: Shape = ["N", self.k, *(f"y{axis}" for axis in range(len(self.size)))]
        g.output(g.node("QLinearConv", inputs, "y", **attributes), self.x_dtype, y_shape)
        return g.model(opset)

    def inputs(self, batch: int = 2) -> dict[str, Array]:
        """Random x over its whole range."""
        rng = np.random.default_rng(seed_of(self.id) + 2)
        return {"x": integers(rng, self.x_dtype, (batch, self.c, *self.size))}


_base = ConvCase()
_asymmetric = replace(_base, x_zero_point=131, y_zero_point=117)

# The configurations that onnxruntime tests its own QLinearConv with.
ONNXRUNTIME_UNIT_TESTS = [
    replace(_base, c=24, k=32, size=(15, 11), pads=(1, 1, 1, 1), x_zero_point=4, y_zero_point=54),
    replace(_base, c=24, k=32, kernel=(1, 1), size=(15, 11), x_zero_point=4, y_zero_point=54),
    replace(
        _base,
        c=24,
        k=32,
        kernel=(1, 1),
        size=(19, 19),
        w_dtype="uint8",
        x_zero_point=4,
        w_zero_point=126,
        y_zero_point=114,
        w_range=(-126, 127),
    ),
    replace(
        _base,
        c=4,
        k=6,
        kernel=(3, 2),
        size=(19, 16),
        dilations=(2, 2),
        x_zero_point=20,
        y_zero_point=15,
        bias="none",
    ),
    replace(
        _base,
        c=7,
        k=5,
        kernel=(2, 3),
        size=(18, 24),
        strides=(2, 2),
        x_zero_point=16,
        y_zero_point=30,
        bias="none",
    ),
    replace(_base, c=8, k=12, size=(13, 17), pads=(1, 1, 1, 1), group=2, x_zero_point=7, y_zero_point=88),
    replace(
        _base,
        c=8,
        k=10,
        size=(13, 17),
        pads=(1, 1, 1, 1),
        group=2,
        x_zero_point=7,
        y_zero_point=88,
        per_channel=True,
    ),
    replace(
        _base,
        c=6,
        k=6,
        kernel=(2, 2),
        size=(3, 5),
        pads=(0, 0, 1, 1),
        strides=(2, 2),
        group=3,
        w_dtype="uint8",
        x_zero_point=135,
        w_zero_point=110,
        y_zero_point=121,
        w_range=(-110, 127),
    ),
    replace(
        _base,
        c=2,
        k=4,
        size=(5, 5),
        pads=(1, 1, 1, 1),
        w_dtype="uint8",
        x_zero_point=135,
        w_zero_point=128,
        y_zero_point=121,
    ),
    replace(_base, c=27, k=27, kernel=(1, 1), size=(18, 18), group=27, x_zero_point=12, y_zero_point=88),
    *(
        replace(
            _base,
            c=c,
            k=c,
            kernel=(5, 5),
            size=(25, 25),
            pads=(2, 2, 2, 2),
            group=c,
            x_zero_point=12,
            y_zero_point=88,
        )
        for c in (7, 8, 9, 16, 25, 64)
    ),
    *(
        replace(
            _base,
            c=c,
            k=c,
            size=(25, 25),
            pads=(2, 0, 2, 0),
            group=c,
            w_dtype="uint8",
            x_zero_point=12,
            w_zero_point=127,
            y_zero_point=88,
            w_range=(-127, 127),
        )
        for c in (3, 8, 13, 24, 31, 64)
    ),
    *(
        replace(
            _base,
            c=8,
            k=k,
            size=(5, 5),
            pads=(1, 1, 1, 1),
            x_zero_point=4,
            y_zero_point=56,
            bias=bias,
            per_channel=per_channel,
        )
        for k in range(1, 33)
        for bias, per_channel in (("none", False), ("small", False), ("small", True))
    ),
]

CHANNELS = [
    replace(_asymmetric, c=c, k=k, size=(5, 4), pads=(1, 1, 1, 1), per_channel=True)
    for c, k in [
        *((c, 16) for c in (1, 2, 3, 4, 5, 7, 8, 12, 15, 17, 24, 31, 32, 33, 47, 48, 63, 64)),
        *((16, k) for k in (1, 2, 3, 7, 8, 15, 17, 24, 31, 33, 48, 63, 64)),
        (1, 1),
        (3, 64),
        (64, 3),
        (64, 64),
        (33, 17),
    ]
]

GEOMETRIES = [
    replace(_asymmetric, **changes)  # type: ignore[arg-type]
    for changes in (
        {"kernel": (1, 1)},
        {"kernel": (1, 1), "strides": (2, 2)},
        {"kernel": (1, 1), "pads": (1, 1, 1, 1)},
        {"kernel": (1, 1), "size": (1, 1)},
        {"kernel": (3, 3), "size": (1, 1), "pads": (1, 1, 1, 1)},
        {"kernel": (9, 8)},
        {"kernel": (1, 5), "pads": (0, 2, 0, 2)},
        {"kernel": (5, 1), "pads": (2, 0, 2, 0), "strides": (2, 1)},
        {"kernel": (2, 2)},
        {"kernel": (7, 7), "size": (23, 21), "pads": (3, 3, 3, 3), "strides": (2, 2), "c": 3, "k": 64},
        {"pads": (1, 0, 0, 0)},
        {"pads": (0, 1, 0, 0)},
        {"pads": (0, 0, 1, 0)},
        {"pads": (0, 0, 0, 1)},
        {"pads": (2, 1, 0, 3), "strides": (2, 3)},
        {"pads": (4, 4, 4, 4)},
        {"strides": (3, 1)},
        {"strides": (4, 4)},
        {"dilations": (2, 1), "pads": (1, 1, 1, 1)},
        {"dilations": (3, 3), "pads": (3, 3, 3, 3)},
        {"dilations": (2, 3), "strides": (2, 2), "pads": (2, 3, 1, 0)},
        {"size": (33, 1), "pads": (1, 1, 1, 1)},
        {"size": (1, 33), "pads": (1, 1, 1, 1)},
        *(
            {"auto_pad": auto_pad, "strides": strides, "kernel": kernel}
            for auto_pad in ("SAME_UPPER", "SAME_LOWER", "VALID")
            for strides, kernel in (((1, 1), (2, 2)), ((2, 2), (3, 3)), ((3, 2), (2, 5)))
        ),
    )
]

GROUPS = [
    replace(_asymmetric, c=c, k=k, group=group, size=(6, 5), pads=(1, 1, 1, 1), per_channel=True)
    for c, k, group in (
        (32, 32, 2),  # already a multiple of 16 each
        (64, 32, 2),
        (32, 96, 2),
        (48, 48, 3),
        (32, 32, 8),  # small groups, to be merged
        (32, 64, 8),
        (64, 64, 32),
        (24, 24, 3),
        (8, 8, 2),
        (12, 20, 4),  # nothing divides evenly
        (10, 15, 5),
        (6, 4, 2),
        (40, 40, 5),
        (2, 2, 2),
        (16, 16, 16),  # depthwise
        (24, 24, 24),
        (5, 5, 5),
        (12, 24, 12),  # depthwise with a multiplier
        (16, 48, 16),
        (3, 9, 3),
    )
]

NUMBERS = [
    *(
        replace(
            _base,
            x_dtype=x_dtype,
            w_dtype=w_dtype,
            x_zero_point=zx,
            w_zero_point=zw,
            y_zero_point=zy,
            w_range=w_range,
            pads=(1, 0, 1, 2),
            per_channel=per_channel,
            c=20,
            k=18,
        )
        for x_dtype, w_dtype, zx, zw, zy, w_range, per_channel in (
            ("uint8", "int8", 0, 0, 0, (-128, 127), False),
            ("uint8", "int8", 255, 0, 255, (-128, 127), True),
            ("uint8", "int8", 128, 0, 128, (-127, 127), True),
            ("uint8", "int8", 3, 5, 250, (-128, 122), False),
            ("uint8", "uint8", 100, 128, 3, (-128, 127), False),
            ("uint8", "uint8", 100, 0, 3, (0, 127), False),
            ("uint8", "uint8", 7, 255, 249, (-128, 0), True),
            ("int8", "int8", 0, 0, 0, (-128, 127), False),
            ("int8", "int8", -128, 0, -128, (-128, 127), True),
            ("int8", "int8", 127, 0, 127, (-128, 127), True),
            ("int8", "int8", -5, -7, 11, (-121, 127), False),
        )
    ),
    replace(_asymmetric, bias="ties", c=1, k=256, kernel=(1, 1), size=(16, 16), w_range=(-1, 1)),
    replace(_base, bias="ties", c=1, k=255, kernel=(1, 1), x_dtype="int8", x_zero_point=3, w_range=(-1, 1)),
    replace(_asymmetric, bias="wrapping", c=64, per_channel=True),
    replace(_asymmetric, bias="none", pads=(1, 1, 1, 1)),
]

CASES = [*ONNXRUNTIME_UNIT_TESTS, *CHANNELS, *GEOMETRIES, *GROUPS, *NUMBERS]

# A plan takes half a second to build: the GPU gets each kind of problem, not each channel count.
GPU_CASES = [*ONNXRUNTIME_UNIT_TESTS[:11:2], *CHANNELS[::12], *GEOMETRIES[::6], *GROUPS[::4], *NUMBERS[-5:]]

DECLINED = [  # (case, what the reason says)
    (replace(_base, kernel=(2, 2, 2, 2), size=(4, 3, 4, 3), c=2, k=5), "spatial"),
]

BEYOND_INT8 = [  # weights less their zero point
    replace(_base, w_dtype="uint8", w_zero_point=126, w_range=(-126, 129)),
    replace(_base, w_dtype="uint8", w_zero_point=0, w_range=(0, 255)),
    replace(_base, w_dtype="uint8", w_zero_point=255, w_range=(-255, 0)),
    replace(_base, w_zero_point=-10, w_range=(-118, 137)),
    replace(_base, w_dtype="uint8", w_zero_point=0, w_range=(0, 255), c=16, k=16, group=16),
    replace(_base, w_dtype="uint8", w_zero_point=70, w_range=(-70, 185), c=12, k=18, group=3),
]
