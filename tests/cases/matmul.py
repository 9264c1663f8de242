"""QLinearMatMul with constant weights, QGemm."""

from dataclasses import dataclass, replace
from math import prod, sqrt

import numpy as np
import onnx

from cases.builder import MICROSOFT, SHORT, TIES_MULTIPLIER, Array, GraphBuilder, integers, seed_of, ties


@dataclass(frozen=True)
class MatMulCase:
    """One QLinearMatMul, a `[N, rows..., C]` * b `[C, K]`."""

    c: int = 32
    k: int = 16
    rows: tuple[int, ...] = ()
    a_dtype: str = "uint8"
    b_dtype: str = "int8"
    a_zero_point: int = 0
    b_zero_point: int = 0
    y_zero_point: int = 0
    b_range: tuple[int, int] = (-128, 127)  # of b - b_zero_point
    per_column: bool = False

    @property
    def id(self) -> str:
        """Such as matmul_u8s8_c32_k16_rows4."""
        parts = [
            "matmul_" + SHORT[self.a_dtype] + SHORT[self.b_dtype],
            f"c{self.c}",
            f"k{self.k}",
            "rows" + "x".join(map(str, self.rows)) if self.rows else "",
            f"za{self.a_zero_point}" if self.a_zero_point else "",
            f"zb{self.b_zero_point}" if self.b_zero_point else "",
            f"zy{self.y_zero_point}" if self.y_zero_point else "",
            f"b{self.b_range[0]}to{self.b_range[1]}" if self.b_range != (-128, 127) else "",
            "percolumn" if self.per_column else "",
        ]
        return "_".join(part for part in parts if part)

    def model(self, opset: int = 13) -> onnx.ModelProto:
        """a `[N, rows..., C]` -> y `[N, rows..., K]`."""
        rng = np.random.default_rng(seed_of(self.id))
        g = GraphBuilder()
        b = rng.integers(*self.b_range, (self.c, self.k), endpoint=True) + self.b_zero_point
        b_scales = 0.0125 * rng.uniform(0.2, 1.8, self.k) if self.per_column else np.float64(0.0125)
        inputs = [
            g.input("a", self.a_dtype, ["N", *self.rows, self.c]),
            *g.parameters("a", 0.0371, self.a_zero_point, self.a_dtype),
            g.constant("b", b, self.b_dtype),
            g.constant("b_scale", b_scales, "float32"),
            g.constant("b_zero_point", np.full(np.shape(b_scales), self.b_zero_point), self.b_dtype),
            *g.parameters("y", 0.0371 * 0.0125 * sqrt(self.c) * 74 * 2, self.y_zero_point, self.a_dtype),
        ]
        g.output(g.node("QLinearMatMul", inputs, "y"), self.a_dtype, ["N", *self.rows, self.k])
        return g.model(opset)

    def inputs(self, batch: int = 2) -> dict[str, Array]:
        """Random a over its whole range, and b where it is not constant."""
        rng = np.random.default_rng(seed_of(self.id) + 1)
        return {"a": integers(rng, self.a_dtype, (batch, *self.rows, self.c))}


@dataclass(frozen=True)
class GemmCase:
    """One QGemm, y `[N, K]` = alpha * a `[N, C]` * b + bias."""

    c: int = 32
    k: int = 16
    trans_b: int = 1
    alpha: float = 1.0
    a_dtype: str = "uint8"
    b_dtype: str = "int8"
    a_zero_point: int = 0
    b_zero_point: int = 0
    y_zero_point: int = 0
    b_range: tuple[int, int] = (-128, 127)
    per_column: bool = False
    bias: str = "small"  # none, small, ties: see builder.ties
    bias_rank: int = 1
    float_output: bool = False  # no y scale and zero point
    trans_a: int = 0
    b_constant: bool = True

    @property
    def id(self) -> str:
        """Such as gemm_u8s8_c32_k16_alpha0.5."""
        parts = [
            "gemm_" + SHORT[self.a_dtype] + SHORT[self.b_dtype],
            f"c{self.c}",
            f"k{self.k}",
            "" if self.trans_b else "bnottransposed",
            "atransposed" if self.trans_a else "",
            f"alpha{self.alpha}" if self.alpha != 1 else "",
            f"za{self.a_zero_point}" if self.a_zero_point else "",
            f"zb{self.b_zero_point}" if self.b_zero_point else "",
            f"zy{self.y_zero_point}" if self.y_zero_point else "",
            f"b{self.b_range[0]}to{self.b_range[1]}" if self.b_range != (-128, 127) else "",
            "percolumn" if self.per_column else "",
            f"bias-{self.bias}" if self.bias != "small" else "",
            f"biasrank{self.bias_rank}" if self.bias_rank != 1 else "",
            "floatoutput" if self.float_output else "",
            "" if self.b_constant else "variable",
        ]
        return "_".join(part for part in parts if part)

    def model(self, opset: int = 13) -> onnx.ModelProto:
        """a `[N, C]` -> y `[N, K]`."""
        rng = np.random.default_rng(seed_of(self.id))
        g = GraphBuilder()
        b_shape = (self.k, self.c) if self.trans_b else (self.c, self.k)
        b = (rng.integers(*self.b_range, b_shape, endpoint=True) + self.b_zero_point).astype(self.b_dtype)
        tied = self.bias == "ties"
        a_scale, b_scale = (2.0**-6, TIES_MULTIPLIER * 2.0**12) if tied else (0.0371, 0.0125)
        y_scale = 2.0**6 if tied else a_scale * b_scale * self.alpha * sqrt(self.c) * 74 * 2
        b_scales = b_scale * rng.uniform(0.2, 1.8, self.k) if self.per_column else np.float64(b_scale)
        inputs = [
            g.input("a", self.a_dtype, ["C", "N"] if self.trans_a else ["N", self.c]),
            *g.parameters("a", a_scale, self.a_zero_point, self.a_dtype),
            g.constant("b", b) if self.b_constant else g.input("b", self.b_dtype, b_shape),
            g.constant("b_scale", b_scales, "float32"),
            g.constant("b_zero_point", np.full(np.shape(b_scales), self.b_zero_point), self.b_dtype),
        ]
        limit = int(sqrt(self.c) * 2000)
        bias = ties(self.k) if tied else rng.integers(-limit, limit, self.k)
        shape = (1,) * (self.bias_rank - 1) + (self.k,)
        inputs.append("" if self.bias == "none" else g.constant("bias", bias.reshape(shape), "int32"))
        if not self.float_output:
            inputs += g.parameters("y", y_scale, self.y_zero_point, self.a_dtype)
        attributes = {"alpha": self.alpha, "transA": self.trans_a, "transB": self.trans_b}
        y = g.node("QGemm", inputs, "y", MICROSOFT, **attributes)
        g.output(y, "float32" if self.float_output else self.a_dtype, ["N", self.k])
        return g.model(opset)

    def inputs(self, batch: int = 2) -> dict[str, Array]:
        """Random a over its whole range."""
        rng = np.random.default_rng(seed_of(self.id) + 1)
        shape = (self.c, batch) if self.trans_a else (batch, self.c)
        inputs = {"a": integers(rng, self.a_dtype, shape)}
        if not self.b_constant:
            inputs["b"] = integers(rng, self.b_dtype, (self.k, self.c) if self.trans_b else (self.c, self.k))
        return inputs


_matmul = MatMulCase()
_gemm = GemmCase()
_NUMBERS = (
    ("uint8", "int8", 0, 0, 0, (-128, 127)),
    ("uint8", "int8", 131, 0, 117, (-128, 127)),
    ("uint8", "int8", 255, 3, 255, (-128, 124)),
    ("uint8", "uint8", 113, 128, 118, (-128, 127)),
    ("uint8", "uint8", 5, 114, 3, (-114, 127)),
    ("int8", "int8", 0, 0, 0, (-128, 127)),
    ("int8", "int8", -14, 0, -9, (-128, 127)),
    ("int8", "int8", 127, -13, -128, (-115, 127)),
)

MATMULS = [
    *(
        replace(
            _matmul,
            a_dtype=a,
            b_dtype=b,
            a_zero_point=za,
            b_zero_point=zb,
            y_zero_point=zy,
            b_range=b_range,
            rows=rows,
            per_column=bool(rows),
        )
        for a, b, za, zb, zy, b_range in _NUMBERS
        for rows in ((), (5,))
    ),
    *(
        replace(_matmul, c=c, k=k, rows=(3,), a_zero_point=131, y_zero_point=117)
        for c, k in (
            (1, 1),
            (3, 5),
            (4, 3),
            (15, 17),
            (16, 16),
            (17, 15),
            (31, 64),
            (64, 31),
            (100, 10),
            (512, 70),
        )
    ),
    replace(_matmul, rows=(2, 3), a_zero_point=131, y_zero_point=117, per_column=True),
    replace(_matmul, rows=(1, 1, 2), a_dtype="int8", a_zero_point=1),
]

GEMMS = [
    *(
        replace(
            _gemm,
            a_dtype=a,
            b_dtype=b,
            a_zero_point=za,
            b_zero_point=zb,
            y_zero_point=zy,
            b_range=b_range,
            per_column=per_column,
        )
        for a, b, za, zb, zy, b_range in _NUMBERS
        for per_column in (False, True)
    ),
    *(
        replace(_gemm, c=c, k=k, trans_b=trans_b, a_zero_point=131, y_zero_point=117)
        for c, k, trans_b in ((1, 1, 1), (3, 5, 0), (17, 15, 1), (64, 31, 0), (100, 10, 1), (512, 1000, 1))
    ),
    replace(_gemm, alpha=0.37, per_column=True),
    replace(_gemm, bias="none", a_zero_point=131, y_zero_point=117),
    replace(_gemm, bias_rank=2),
    replace(_gemm, bias="ties", c=1, k=256, y_zero_point=117, a_zero_point=131, b_range=(-1, 1)),
]

GPU_CASES = [*MATMULS[1:16:4], *MATMULS[20::4], *GEMMS[-4:]]

OTHERS = [  # (case, the op it becomes)
    (replace(_matmul, b_dtype="uint8", b_zero_point=114, b_range=(-114, 141)), "QBatchMatMul"),
    (replace(_gemm, b_dtype="uint8", b_zero_point=0, b_range=(0, 255)), "QBatchMatMul"),
    (replace(_gemm, float_output=True), "QMatMulToFloat"),
    (replace(_gemm, float_output=True, c=35, k=21, alpha=0.37, per_column=True), "QMatMulToFloat"),
    (replace(_gemm, float_output=True, a_dtype="int8", a_zero_point=3, bias="none"), "QMatMulToFloat"),
    (replace(_gemm, trans_a=1, a_zero_point=131), "QMatMul"),
    (replace(_gemm, trans_a=1, trans_b=0, c=35, k=21, float_output=True), "QMatMulToFloat"),
    *(
        (
            replace(
                _gemm,
                b_constant=False,
                b_dtype="uint8",
                a_zero_point=131,
                b_zero_point=113,
                trans_a=trans_a,
                trans_b=trans_b,
                float_output=float_output,
                alpha=0.37,
                c=35,
                k=21,
            ),
            "QBatchMatMulToFloat" if float_output else "QBatchMatMul",
        )
        for trans_a in (0, 1)
        for trans_b in (0, 1)
        for float_output in (False, True)
    ),
]


def operations(case: MatMulCase | GemmCase, batch: int) -> int:
    """Multiplications and additions of one run, for timings."""
    rows = prod(case.rows) if isinstance(case, MatMulCase) else 1
    return 2 * batch * rows * case.c * case.k
