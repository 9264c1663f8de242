"""QLinearAdd over every pair of 8-bit values."""

from dataclasses import dataclass, replace
from math import prod

import numpy as np
import onnx

from cases.builder import MICROSOFT, SHORT, Array, GraphBuilder


@dataclass(frozen=True)
class AddCase:
    """One QLinearAdd, its first input after a 1x1 convolution.

    All tensors are `[N, 16, 64, 64]`: 65,536 elements an image.
    """

    dtype: str = "uint8"
    a_scale: float = 0.031
    a_zero_point: int = 3
    b_scale: float = 0.057
    b_zero_point: int = 5
    y_scale: float = 0.063
    y_zero_point: int = 7
    b_shape: tuple[int | str, ...] = ("N", 16, 64, 64)

    @property
    def id(self) -> str:
        """Such as u8_a0.031_3_b0.057_5_y0.063_7."""
        parameters = [
            f"{name}{scale}_{zero_point}"
            for name, scale, zero_point in (
                ("a", self.a_scale, self.a_zero_point),
                ("b", self.b_scale, self.b_zero_point),
                ("y", self.y_scale, self.y_zero_point),
            )
        ]
        broadcast = [] if self.b_shape == AddCase.b_shape else ["b" + "x".join(map(str, self.b_shape))]
        return "_".join([SHORT[self.dtype], *parameters, *broadcast])

    def model(self, opset: int = 13) -> onnx.ModelProto:
        """x -> QLinearConv 1x1 -> a; a, b -> y."""
        g = GraphBuilder()
        shape = ("N", 16, 64, 64)
        a = g.input("x", self.dtype, shape)
        inputs = [
            g.identity(a, "a", self.dtype, 16, self.a_scale, self.a_zero_point),
            "a_scale",
            "a_zero_point",
            g.input("b", self.dtype, self.b_shape),
            *g.parameters("b", self.b_scale, self.b_zero_point, self.dtype),
            *g.parameters("y", self.y_scale, self.y_zero_point, self.dtype),
        ]
        g.output(g.node("QLinearAdd", inputs, "y", MICROSOFT), self.dtype, shape)
        return g.model(opset)

    def inputs(self, batch: int = 2) -> dict[str, Array]:
        """Each image holds all 65,536 pairs, in another order."""
        values = np.arange(256).astype(np.uint8).view(self.dtype)
        a, b = np.repeat(values, 256), np.tile(values, 256)
        rolled = [np.roll(pair, 17 * image) for pair in (a, b) for image in range(batch)]
        a, b = np.reshape(rolled, (2, batch, 16, 64, 64))
        b_shape = [batch if dim == "N" else int(dim) for dim in self.b_shape]
        # Of a smaller shape, the first values.
        return {"x": a, "b": b.flat[: prod(b_shape)].reshape(b_shape)}


def _random(dtype: str, seed: int) -> AddCase:
    rng = np.random.default_rng(seed)
    bounds = np.iinfo(dtype)
    zero_points = rng.integers(bounds.min, bounds.max, 3, endpoint=True).tolist()
    # Six digits in the id are exactly what the model gets, and no scale is a round binary number.
    a, b, y = np.exp(rng.uniform(-1, 1, 3))
    scales = [float(f"{scale:.6g}") for scale in (a, b, y * (a + b))]
    return AddCase(dtype, scales[0], zero_points[0], scales[1], zero_points[1], scales[2], zero_points[2])


_base = AddCase()
_signed = replace(_base, dtype="int8")

CASES = [
    *(_random(dtype, seed) for dtype in ("uint8", "int8") for seed in range(24)),
    *(
        replace(
            base, a_scale=a, b_scale=b, y_scale=y, a_zero_point=zero, b_zero_point=zero, y_zero_point=zero
        )
        for base, zeros in ((_base, (0, 128, 255)), (_signed, (-128, 0, 127)))
        for zero in zeros
        for a, b, y in ((0.5, 0.25, 0.5), (0.5, 0.5, 1.0), (0.1, 0.1, 0.2), (1e-6, 0.03, 0.02))
    ),
]

GPU_CASES = CASES[::2]

DECLINED = [  # (case, what the reason says)
    (replace(_base, b_shape=()), "dimensions"),
]
