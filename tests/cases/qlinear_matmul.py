"""QLinearMatMul and MatMulInteger of any two tensors, with sizes that may be known as the model runs only."""

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
import onnx

from cases.builder import SHORT, Array, GraphBuilder, integers, seed_of

Size = int | str
SIZES = {"S": 9, "T": 21, "K": 35, "empty": 0}  # what symbolic sizes are, other than N, the batch


@dataclass(frozen=True)
class QLinearMatMulCase:
    """y = a * b, as numpy.matmul multiplies; op: QLinearMatMul or MatMulInteger.

    columns: which parameters of b differ by column: scales, both (zero points too), both-ranked: `[1..., N]`,
    each-matrix (`[batch..., 1, N]`). rows: so for a and its rows, scales or both, `[1..., M, 1]`.
    """

    a: tuple[Size, ...] = ("N", 5, 32)
    b: tuple[Size, ...] = ("N", 32, 16)
    a_dtype: str = "uint8"
    b_dtype: str = "uint8"
    a_zero_point: int = 0
    b_zero_point: int = 0
    y_zero_point: int = 0
    a_constant: bool = False
    b_constant: bool = False
    columns: str = ""
    rows: str = ""
    scale_dtype: str = "float32"
    scales: tuple[float, float, float] | None = None  # of a, b, y, where they matter
    op: str = "QLinearMatMul"

    @property
    def id(self) -> str:
        """Such as u8u8_Nx5x32_Nx32x16."""
        parts = [
            "integer" if self.op == "MatMulInteger" else "",
            SHORT[self.a_dtype] + SHORT[self.b_dtype],
            "x".join(map(str, self.a)) + ("const" if self.a_constant else ""),
            "x".join(map(str, self.b)) + ("const" if self.b_constant else ""),
            f"za{self.a_zero_point}" if self.a_zero_point else "",
            f"zb{self.b_zero_point}" if self.b_zero_point else "",
            f"zy{self.y_zero_point}" if self.y_zero_point else "",
            f"rows-{self.rows}" if self.rows else "",
            self.columns,
            self.scale_dtype if self.scale_dtype != "float32" else "",
            "x".join(map(str, self.scales)) if self.scales else "",
        ]
        return "_".join(part for part in parts if part)

    def model(self, opset: int = 21) -> onnx.ModelProto:
        """a and b, where they are not constant, -> y."""
        rng = np.random.default_rng(seed_of(self.id))
        g = GraphBuilder()
        tensors = []
        for name, shape, dtype, constant in (
            ("a", self.a, self.a_dtype, self.a_constant),
            ("b", self.b, self.b_dtype, self.b_constant),
        ):
            known = [size for size in shape if isinstance(size, int)]
            tensors.append(
                g.constant(name, integers(rng, dtype, known)) if constant else g.input(name, dtype, shape)
            )
        zero_points = self._zero_points(g, rng)
        rank = np.matmul(*(np.zeros([1] * len(s)) for s in (self.a, self.b))).ndim
        y_shape = [f"y{axis}" for axis in range(rank)]
        if self.op == "MatMulInteger":
            inputs = [*tensors, *zero_points]
            g.output(g.node(self.op, inputs, "y"), "int32", y_shape)
            return g.model(opset)
        columns = self._columns
        depth = self.a[-1] if isinstance(self.a[-1], int) else SIZES[self.a[-1]]
        a_scale, b_scale, y_scale = self.scales or (0.0371, 0.0125, 0.0371 * 0.0125 * sqrt(depth) * 74 * 2)
        a_scales = a_scale * rng.uniform(0.2, 1.8, self._rows) if self.rows else np.float64(a_scale)
        scales = b_scale * rng.uniform(0.2, 1.8, columns) if columns else np.float64(b_scale)
        inputs = [
            tensors[0],
            g.constant("a_scale", a_scales, self.scale_dtype),
            zero_points[0],
            tensors[1],
            g.constant("b_scale", scales, self.scale_dtype),
            zero_points[1],
            g.constant("y_scale", y_scale, self.scale_dtype),
            g.constant("y_zero_point", self.y_zero_point, self.a_dtype),
        ]
        g.output(g.node(self.op, inputs, "y"), self.a_dtype, y_shape)
        return g.model(opset)

    def inputs(self, batch: int = 2) -> dict[str, Array]:
        """Random over the whole range, of what is not constant."""
        rng = np.random.default_rng(seed_of(self.id) + 1)
        sizes = {"N": batch, **SIZES}
        return {
            name: integers(rng, dtype, [sizes[s] if isinstance(s, str) else s for s in shape])
            for name, shape, dtype, constant in (
                ("a", self.a, self.a_dtype, self.a_constant),
                ("b", self.b, self.b_dtype, self.b_constant),
            )
            if not constant
        }

    @property
    def _columns(self) -> tuple[int, ...]:
        """The shape of the parameters of b, where they differ by column."""
        columns = self.b[-1]
        if not self.columns or not isinstance(columns, int):
            return ()
        if self.columns == "each-matrix":
            return (*(size for size in self.b[:-2] if isinstance(size, int)), 1, columns)
        return (1,) * (len(self.b) - 1) + (columns,) if self.columns == "both-ranked" else (columns,)

    @property
    def _rows(self) -> tuple[int, ...]:
        """The shape of the parameters of a, where they differ by row."""
        rows = self.a[-2] if self.rows else None
        return (*(1,) * (len(self.a) - 2), rows, 1) if isinstance(rows, int) else ()

    def _zero_points(self, g: GraphBuilder, rng: np.random.Generator) -> list[str]:
        one = np.asarray(self.b_zero_point)
        of_rows = rng.integers(0, 100, self._rows) if self.rows == "both" else self.a_zero_point
        several = rng.integers(0, 100, self._columns) if self.columns.startswith("both") else one
        return [
            g.constant("a_zero_point", of_rows, self.a_dtype),
            g.constant("b_zero_point", several, self.b_dtype),
        ]


_case = QLinearMatMulCase()
_matrix = replace(_case, b=(32, 16))

SHAPES: list[tuple[tuple[Size, ...], tuple[Size, ...]]] = [
    (("N", 32), (32, 16)),
    (("N", 7, 35), (35, 21)),
    (("N", 7, 35), ("N", 35, 21)),
    (("N", 3, 7, 35), ("N", 3, 35, 21)),
    (("N", 1, 7, 35), (3, 35, 21)),
    ((2, 7, 35), ("N", 1, 35, 21)),
    ((7, 35), ("N", 35, 21)),
    (("N", 3, "S", 35), ("N", 3, 35, "T")),
    (("N", 3, "S", "T"), ("N", 3, "T", 21)),
    (("N", "S", "K"), ("N", "K", "T")),
    (("N", "S", "K"), ("N", 35, 21)),
    (("N", "S", 35), ("N", "K", 21)),
    ((35,), ("N", 35, 21)),
    ((35,), (35, 21)),
    (("N", 7, 35), (35,)),
    (("N", "empty", 35), ("N", 35, 21)),
    (("empty", 7, 35), (1, 35, 21)),
    (("N", 7, 35), ("N", 35, "empty")),
    (("N", 1), (1, 1)),
    (("N", 1, 1), ("N", 1, 1)),
]

COMPUTED = [  # -> QBatchMatMul
    *(replace(_case, a=a, b=b, a_zero_point=131, b_zero_point=113, y_zero_point=117) for a, b in SHAPES),
    replace(_case, a_dtype="int8", b_dtype="int8", a_zero_point=-14, b_zero_point=7, y_zero_point=-9),
    replace(_case, a_dtype="int8", b_dtype="int8", a_zero_point=-128, b_zero_point=127, y_zero_point=127),
    replace(_case, b_dtype="int8", a_zero_point=131, b_zero_point=-3),
    replace(_case, a_zero_point=255, b_zero_point=255, y_zero_point=255),
    replace(_matrix, columns="scales", a_zero_point=131, b_zero_point=113),
    replace(_matrix, columns="both", a_zero_point=131),
    replace(_matrix, columns="both-ranked", a_zero_point=131),
    replace(_matrix, columns="both", a_zero_point=131, b_dtype="int8"),
    replace(_matrix, scale_dtype="float16", columns="scales", a_zero_point=131),
    replace(_case, a_constant=True, a=(7, 35), b=("N", 35, 21), a_zero_point=131, b_zero_point=113),
    replace(_case, a_constant=True, a=(35,), b=("N", 35, 21), a_zero_point=131, b_zero_point=113),
]

CONSTANT = [  # b is constant, but no int8 matrix -> QBatchMatMul
    replace(_case, b=(32, 16), b_constant=True, a_zero_point=131, b_zero_point=3, y_zero_point=117),
    replace(_case, b=(32, 16), b_constant=True, a_zero_point=131, columns="both", y_zero_point=117),
    replace(_case, b=(32, 16), b_constant=True, a=("N", 4, 5, 32), a_zero_point=131, b_zero_point=3),
    replace(_case, b=(3, 35, 21), b_constant=True, a=("N", 3, 5, 35), b_dtype="int8", a_zero_point=131),
    replace(_case, b=(3, 35, 21), b_constant=True, a=("N", 1, 5, 35), a_zero_point=131, b_zero_point=3),
    replace(_case, b=(35,), b_constant=True, a=("N", 5, 35), b_dtype="int8", a_zero_point=131),
]

BY_ROW = [  # -> QBatchMatMul, transposed; onnxruntime takes no such parameters
    replace(_case, a=(7, 35), b=(35, 21), rows="both", b_zero_point=113, y_zero_point=117),
    replace(_case, a=(7, 35), b=(35, 21), b_constant=True, rows="both", y_zero_point=117),
    replace(_case, a=(7, 35), b=(35, 21), b_constant=True, b_dtype="int8", rows="scales", a_zero_point=9),
    replace(_case, a=("N", 7, 35), b=("N", 35, 21), rows="scales", a_zero_point=131, b_zero_point=113),
]

MATRICES = [  # b is a constant matrix that fits into int8 -> QMatMul
    replace(_case, a=(35,), b=(35, 21), b_constant=True, b_dtype="int8", a_zero_point=131),
    replace(_case, b=(32, 16), b_constant=True, b_dtype="int8", columns="scales", scale_dtype="float16"),
    replace(_case, b=(32, 16), b_constant=True, b_zero_point=128, a=("empty", 32)),
    replace(_case, b=(32, 16), b_constant=True, b_zero_point=128, a=("N", "S", 32)),
]

INTEGER = [  # -> QBatchMatMulToInt32
    *(replace(_case, op="MatMulInteger", a=a, b=b, a_zero_point=131, b_zero_point=113) for a, b in SHAPES),
    *(
        replace(_case, op="MatMulInteger", a_dtype=a, b_dtype=b, a_zero_point=3, b_zero_point=5)
        for a in ("uint8", "int8")
        for b in ("uint8", "int8")
    ),
    replace(_matrix, op="MatMulInteger", columns="both"),
    replace(_matrix, op="MatMulInteger", columns="both-ranked"),
    replace(_matrix, op="MatMulInteger", b_constant=True, a_zero_point=131),
    replace(_matrix, op="MatMulInteger", b_constant=True, b=(2, 32, 16), b_dtype="int8"),
    replace(_matrix, op="MatMulInteger", a_constant=True, a=(5, 32)),
]

CONVERTED = [*COMPUTED, *CONSTANT, *BY_ROW, *MATRICES, *INTEGER]

DECLINED = [  # (case, what the reason says)
    (replace(_case, b=(2, 32, 16), columns="each-matrix"), "differ in more than its rows or columns"),
    (replace(_case, a=(2, 5, 32), b=(1, 32, 16), columns="both-ranked"), "in several matrices"),
    (replace(_case, a=(32,), b=(32,)), "a single number"),
    (replace(_matrix, a=(5, 32), a_constant=True, b_constant=True), "constant"),
]
