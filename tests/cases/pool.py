"""MaxPool on 8-bit tensors and QLinearGlobalAveragePool, each after a 1x1 convolution.

The convolution makes an island for the pool to be in: on its own a pool is not worth two crossings.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx

from cases.builder import MICROSOFT, SHORT, Array, GraphBuilder, integers, seed_of


@dataclass(frozen=True)
class PoolCase:
    """x -> QLinearConv 1x1 -> MaxPool or QLinearGlobalAveragePool -> y."""

    kind: str = "max"  # max, global_average
    c: int = 16
    size: tuple[int, int] = (9, 8)
    dtype: str = "uint8"
    kernel: tuple[int, int] = (3, 3)
    pads: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    dilations: tuple[int, ...] = ()
    ceil_mode: int = 0
    auto_pad: str = ""
    x_scale: float = 0.0371  # of the pool's input
    x_zero_point: int = 3
    y_scale: float = 0.0113
    y_zero_point: int = 5

    @property
    def id(self) -> str:
        """Such as max_u8_c16_9x8_3x3_p1_1_1_1_s2_2."""
        parts = [self.kind, SHORT[self.dtype], f"c{self.c}", "x".join(map(str, self.size))]
        if self.kind == "max":
            parts += [
                "x".join(map(str, self.kernel)),
                "p" + "_".join(map(str, self.pads)) if self.pads else "",
                "s" + "_".join(map(str, self.strides)) if self.strides else "",
                "d" + "_".join(map(str, self.dilations)) if self.dilations else "",
                "ceil" if self.ceil_mode else "",
                self.auto_pad.lower(),
            ]
        else:
            parts += [f"x{self.x_scale}_{self.x_zero_point}", f"y{self.y_scale}_{self.y_zero_point}"]
        return "_".join(part for part in parts if part)

    def model(self, opset: int = 13) -> onnx.ModelProto:
        """x `[N, C, size...]` -> y."""
        g = GraphBuilder()
        x = g.input("x", self.dtype, ["N", self.c, *self.size])
        t = g.identity(x, "t", self.dtype, self.c, self.x_scale, self.x_zero_point)
        if self.kind == "max":
            attributes: dict[str, Any] = {"kernel_shape": self.kernel}
            for name in ("pads", "strides", "dilations", "ceil_mode", "auto_pad"):
                if getattr(self, name):
                    attributes[name] = getattr(self, name)
            y = g.node("MaxPool", [t], "y", **attributes)
        else:
            y_parameters = g.parameters("y", self.y_scale, self.y_zero_point, self.dtype)
            inputs = [t, "t_scale", "t_zero_point", *y_parameters]
            y = g.node("QLinearGlobalAveragePool", inputs, "y", MICROSOFT)
        g.output(y, self.dtype, ["N", self.c, "height", "width"])
        return g.model(opset)

    def inputs(self, batch: int = 2) -> dict[str, Array]:
        """Random x; for the average, spread about a center that each channel of each image has to itself."""
        rng = np.random.default_rng(seed_of(self.id))
        x = integers(rng, self.dtype, (batch, self.c, *self.size))
        if self.kind == "global_average":
            center = integers(rng, self.dtype, (batch, self.c, 1, 1))
            x = (x // 4 + center // 4 * 3).astype(self.dtype)
        return {"x": x}


_max = PoolCase()
_average = PoolCase("global_average")

MAX_POOLS = [
    replace(_max, **changes)
    for changes in (
        {},
        {"dtype": "int8"},
        {"kernel": (2, 2), "strides": (2, 2)},
        {"pads": (1, 1, 1, 1), "strides": (2, 2)},
        {"pads": (1, 1, 1, 1), "strides": (2, 2), "dtype": "int8", "c": 3},
        {"pads": (1, 1, 1, 1), "strides": (2, 2), "size": (112, 112), "c": 64},
        {"pads": (1, 1, 1, 1), "strides": (2, 2), "ceil_mode": 1},
        {"strides": (2, 2), "ceil_mode": 1, "size": (8, 8)},
        {"strides": (2, 2), "ceil_mode": 1, "size": (7, 10), "c": 5},
        {"strides": (3, 2), "ceil_mode": 1, "kernel": (2, 3), "pads": (1, 0, 0, 2), "size": (11, 13)},
        # The last window would lie in the end padding alone: it is dropped.
        {"strides": (3, 3), "ceil_mode": 1, "kernel": (2, 2), "pads": (0, 0, 1, 1), "size": (5, 5)},
        {"dilations": (2, 2)},
        {"dilations": (2, 3), "pads": (1, 2, 1, 2), "strides": (2, 1)},
        {"dilations": (2, 2), "pads": (2, 2, 2, 2), "strides": (2, 2), "ceil_mode": 1, "dtype": "int8"},
        {"pads": (0, 2, 1, 0), "c": 33},
        {"kernel": (1, 1), "strides": (2, 2)},
        {"kernel": (9, 8)},
        {"kernel": (1, 4), "size": (1, 20)},
        {"kernel": (5, 1), "strides": (2, 1), "pads": (2, 0, 2, 0)},
        {"auto_pad": "SAME_UPPER", "strides": (2, 2)},
        {"auto_pad": "SAME_LOWER", "strides": (2, 2), "kernel": (2, 2)},
        {"auto_pad": "VALID", "strides": (2, 2)},
        {"auto_pad": "SAME_UPPER", "strides": (1, 3), "kernel": (4, 2)},
    )
]

GLOBAL_AVERAGE_POOLS = [
    replace(
        _average,
        size=size,
        c=c,
        dtype=dtype,
        x_scale=x_scale,
        x_zero_point=zx,
        y_scale=y_scale,
        y_zero_point=zy,
    )
    for size, c in (((1, 1), 16), ((7, 7), 32), ((9, 8), 17), ((33, 1), 3), ((56, 56), 24), ((2, 3), 1))
    for dtype, x_scale, zx, y_scale, zy in (
        ("uint8", 0.0371, 0, 0.0353, 0),
        ("uint8", 0.0371, 131, 0.0271, 117),
        ("uint8", 0.5, 255, 0.4, 255),
        ("int8", 0.0371, 0, 0.0313, 0),
        ("int8", 0.02, -128, 0.019, -128),
        ("int8", 0.031, 127, 0.0371, 100),
    )
]

CASES = [*MAX_POOLS, *GLOBAL_AVERAGE_POOLS]
# Each size is a plan of its own for the convolution in front; cases.op has the pools alone.
GPU_CASES = [*MAX_POOLS[::4], *GLOBAL_AVERAGE_POOLS[::9]]
