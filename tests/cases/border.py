"""QuantizeLinear and DequantizeLinear at the border of an island, on values where rounding is decided."""

from dataclasses import dataclass, replace

import numpy as np
import onnx

from cases.builder import SHORT, Array, GraphBuilder


@dataclass(frozen=True)
class BorderCase:
    """x -> QuantizeLinear -> QLinearConv 1x1 -> DequantizeLinear -> y, of `[N, C, size...]`."""

    dtype: str = "uint8"
    scale: float = 0.0371
    zero_point: int = 131
    c: int = 3
    size: tuple[int, int] = (31, 17)

    @property
    def id(self) -> str:
        """Such as u8_0.0371_131_c3_31x17."""
        size = "x".join(map(str, self.size))
        return f"{SHORT[self.dtype]}_{self.scale}_{self.zero_point}_c{self.c}_{size}"

    def model(self, opset: int = 13) -> onnx.ModelProto:
        """float32 x -> float32 y."""
        g = GraphBuilder()
        shape = ("N", self.c, *self.size)
        parameters = g.parameters("q", 1.0, self.zero_point, self.dtype)[1:]
        scale = g.constant("scale", self.scale, "float32")
        q = g.node("QuantizeLinear", [g.input("x", "float32", shape), scale, *parameters], "q_in")
        t = g.identity(q, "t", self.dtype, self.c, self.scale, self.zero_point)
        g.output(g.node("DequantizeLinear", [t, "t_scale", "t_zero_point"], "y"), "float32", shape)
        return g.model(opset)

    def inputs(self, batch: int = 2) -> dict[str, Array]:
        """Values halfway between quanta and beside them, beyond the range, and not finite."""
        return {"x": decisive(np.float32(self.scale), (batch, self.c, *self.size))}


def decisive(scale: np.float32, shape: tuple[int, ...]) -> Array:
    """float32 values that x / scale takes to halves and their neighbours, and all the odd ones."""
    halves = (np.arange(-300, 300) + np.float32(0.5)) * scale
    special = np.array(
        [0.0, -0.0, np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45, -1e-45, 1e10, -1e10], np.float32
    )
    values = np.concatenate(
        [
            halves,
            np.nextafter(halves, np.float32(np.inf)),
            np.nextafter(halves, np.float32(-np.inf)),
            np.arange(-300, 300).astype(np.float32) * scale,
            special,
        ]
    )
    return np.resize(values, shape).astype(np.float32)


_base = BorderCase()

CASES = [
    *(
        replace(_base, dtype=dtype, scale=scale, zero_point=zero_point)
        for dtype, zero_points in (("uint8", (0, 131, 255)), ("int8", (-128, 0, 5, 127)))
        for scale, zero_point in zip((1.0, 0.0371, 0.1, 1e-30), zero_points * 2, strict=False)
    ),
    replace(_base, c=16),
    replace(_base, c=64, size=(7, 9)),
    replace(_base, c=1, size=(1, 1000)),
]
