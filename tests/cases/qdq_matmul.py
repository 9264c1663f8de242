"""QDQ: MatMul and Gemm between DequantizeLinear and QuantizeLinear, or with results in float32."""

from dataclasses import dataclass, replace
from math import sqrt
from typing import Any, Literal

import numpy as np
import onnx

from cases.builder import SHORT, Array, GraphBuilder, integers, seed_of

A_SCALE, B_SCALE = 0.0371, 0.0125
DEPTH, COLUMNS = 35, 21


@dataclass(frozen=True)
class QdqMatMulCase:
    """a `[rows..., 35]` times b `[35, 21]`, perhaps with a batch.

    bias: what is added, after a MatMul by an Add and to a Gemm as C: int32 (dequantized), float, scalar (one
    number), full (of the whole shape). y: whether the result is quantized, perhaps after a Relu.
    """

    rows: tuple[int | str, ...] = ("N",)
    op: Literal["MatMul", "Gemm"] = "MatMul"
    a_dtype: str = "uint8"
    b_dtype: str = "int8"
    b_batch: tuple[int | str, ...] = ()
    b_constant: bool = True
    per_column: bool = False
    bias: Literal["", "int32", "float", "scalar"] = ""
    y: Literal["float", "quantized", "relu", "both"] = "float"
    alpha: float = 1.0
    trans_a: int = 0
    trans_b: int = 0

    @property
    def id(self) -> str:
        """Such as matmul_u8s8_N_percolumn_float."""
        parts = [
            self.op.lower(),
            SHORT[self.a_dtype] + SHORT[self.b_dtype],
            "x".join(map(str, self.rows)),
            "" if self.b_constant else "computed" + "x".join(map(str, self.b_batch)),
            "percolumn" if self.per_column else "",
            f"bias-{self.bias}" if self.bias else "",
            self.y,
            f"alpha{self.alpha}" if self.alpha != 1 else "",
            "ta" if self.trans_a else "",
            "tb" if self.trans_b else "",
        ]
        return "_".join(part for part in parts if part)

    def model(self, opset: int = 17) -> onnx.ModelProto:
        """a, and b where it is computed -> y."""
        rng = np.random.default_rng(seed_of(self.id))
        g = GraphBuilder()
        zero = 0 if self.a_dtype == "int8" else 131
        a_shape = [DEPTH, *self.rows] if self.trans_a else [*self.rows, DEPTH]
        a = g.input("a", self.a_dtype, a_shape)
        left = g.node("DequantizeLinear", [a, *g.parameters("a", A_SCALE, zero, self.a_dtype)], "a_float")
        scales: Array = np.asarray(B_SCALE * rng.uniform(0.5, 1.5, COLUMNS) if self.per_column else B_SCALE)
        right = self._right(g, rng, scales)
        y = self._matmul(g, rng, left, right, scales)
        y_shape = [f"y{axis}" for axis in range(max(len(self.rows), len(self.b_batch) + 1) + 1)]
        if self.y in ("float", "both"):
            g.output(y, "float32", y_shape)
        if self.y != "float":
            y = g.node("Relu", [y], "relu") if self.y == "relu" else y
            y_scale = A_SCALE * B_SCALE * self.alpha * sqrt(DEPTH) * 74 * 2
            y_zero = 0 if self.y == "relu" or self.a_dtype == "int8" else 117
            parameters = g.parameters("y", y_scale, y_zero, self.a_dtype)
            g.output(g.node("QuantizeLinear", [y, *parameters], "quantized"), self.a_dtype, y_shape)
        return g.model(opset)

    def _right(self, g: GraphBuilder, rng: np.random.Generator, scales: Array) -> str:
        matrix = (COLUMNS, DEPTH) if self.trans_b else (DEPTH, COLUMNS)
        if self.b_constant:
            low = 0 if self.b_dtype == "uint8" else -100
            b = g.constant("b", rng.integers(low, 100, matrix), self.b_dtype)
        else:
            b = g.input("b", self.b_dtype, [*self.b_batch, *matrix])
        zero = 60 if self.b_dtype == "uint8" else 0
        inputs = [
            b,
            g.constant("b_scale", scales, "float32"),
            g.constant("b_zero_point", np.full(np.shape(scales), zero), self.b_dtype),
        ]
        axis = 0 if self.trans_b else 1
        attributes: dict[str, Any] = {"axis": axis} if self.per_column else {}
        return g.node("DequantizeLinear", inputs, "b_float", **attributes)

    def _matmul(self, g: GraphBuilder, rng: np.random.Generator, left: str, right: str, scales: Array) -> str:
        c = []
        if self.bias == "int32":
            array = g.constant("c", rng.integers(-9000, 9000, COLUMNS), "int32")
            scale = g.constant("c_scale", np.float32(A_SCALE) * scales.astype(np.float32), "float32")
            along: dict[str, Any] = {"axis": 0} if scales.ndim else {}
            c = [g.node("DequantizeLinear", [array, scale], "c_float", **along)]
        elif self.bias:
            size = 1 if self.bias == "scalar" else COLUMNS
            c = [g.constant("c", 2 * rng.standard_normal(size), "float32")]
        if self.op == "Gemm":
            attributes: dict[str, Any] = {"alpha": self.alpha, "transA": self.trans_a, "transB": self.trans_b}
            return g.node("Gemm", [left, right, *c], "matmul", **attributes)
        y = g.node("MatMul", [left, right], "matmul")
        return g.node("Add", [y, *c], "sum") if c else y

    def inputs(self, batch: int = 2) -> dict[str, Array]:
        """Random over the whole range."""
        rng = np.random.default_rng(seed_of(self.id) + 1)
        sizes = {"N": batch, "S": 9}
        rows = [sizes[size] if isinstance(size, str) else size for size in self.rows]
        a_shape = [DEPTH, *rows] if self.trans_a else [*rows, DEPTH]
        inputs = {"a": integers(rng, self.a_dtype, a_shape)}
        if not self.b_constant:
            b_batch = [sizes[size] if isinstance(size, str) else size for size in self.b_batch]
            matrix = (COLUMNS, DEPTH) if self.trans_b else (DEPTH, COLUMNS)
            inputs["b"] = integers(rng, self.b_dtype, [*b_batch, *matrix])
        return inputs


_case = QdqMatMulCase()
_gemm = QdqMatMulCase(op="Gemm")
_batch = replace(_case, rows=("N", 4, 7), b_batch=("N", 4), b_constant=False, b_dtype="uint8")
_dynamic = replace(_case, rows=("N", "S"))

EXACT = [  # (case, the op that it becomes)
    *((replace(_case, rows=rows), "QMatMulToFloat") for rows in (("N",), ("N", 7), (2, 7), ("N", "S"), (5,))),
    (replace(_dynamic, per_column=True), "QMatMulToFloat"),
    (replace(_case, b_dtype="uint8"), "QMatMulToFloat"),
    (replace(_dynamic, bias="float"), "QMatMulToFloat"),
    (replace(_dynamic, bias="float", per_column=True), "QMatMulToFloat"),
    (replace(_case, bias="scalar"), "QMatMulToFloat"),
    (replace(_case, y="quantized"), "QMatMul"),
    (replace(_case, y="relu", bias="float"), "QMatMul"),
    (replace(_case, rows=(2, 7), y="quantized", bias="float"), "QMatMul"),
    (_batch, "QBatchMatMulToFloat"),
    (replace(_batch, b_dtype="int8"), "QBatchMatMulToFloat"),
    (replace(_batch, bias="float"), "QBatchMatMulToFloat"),
    (replace(_batch, bias="scalar"), "QBatchMatMulToFloat"),
    (replace(_batch, y="quantized"), "QBatchMatMul"),
    (replace(_batch, y="relu"), "QBatchMatMul"),
    (replace(_case, b_constant=False, b_dtype="uint8", y="quantized"), "QBatchMatMul"),
    (replace(_case, b_constant=False, b_dtype="uint8", y="quantized", bias="float"), "QBatchMatMul"),
    (replace(_gemm), "QMatMulToFloat"),
    (replace(_gemm, a_dtype="int8"), "QMatMulToFloat"),
    (replace(_gemm, a_dtype="int8", b_constant=False), "QBatchMatMulToFloat"),
    (replace(_gemm, alpha=0.37, per_column=True), "QMatMulToFloat"),
    (replace(_gemm, bias="int32", per_column=True, trans_b=1), "QMatMulToFloat"),
    (replace(_gemm, bias="int32", trans_a=1), "QMatMulToFloat"),
    (replace(_gemm, bias="int32", y="quantized", trans_a=1), "QMatMul"),
    (replace(_gemm, b_constant=False, b_dtype="uint8"), "QBatchMatMulToFloat"),
    (replace(_gemm, b_constant=False, b_dtype="uint8", bias="int32", trans_b=1), "QBatchMatMulToFloat"),
    (replace(_gemm, b_constant=False, b_dtype="uint8", bias="int32", y="relu"), "QBatchMatMul"),
    (replace(_gemm, b_constant=False, b_dtype="uint8", trans_a=1, y="quantized"), "QBatchMatMul"),
]

IN_FLOAT = [  # onnxruntime computes these in float32
    (replace(_case, bias="float"), "QMatMulToFloat"),
    (replace(_case, rows=(2, 7), bias="float"), "QMatMulToFloat"),
    (replace(_case, a_dtype="int8"), "QMatMulToFloat"),
    (replace(_case, y="both"), "QMatMulToFloat"),
    (replace(_gemm, bias="float"), "QMatMulToFloat"),
    (replace(_gemm, a_dtype="int8", b_dtype="uint8", b_constant=False), "QBatchMatMulToFloat"),
    (replace(_batch, a_dtype="int8", b_dtype="int8"), "QBatchMatMulToFloat"),
]
