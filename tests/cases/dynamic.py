"""Single operators of dynamic quantization, and those that onnxruntime or other tools make of them."""

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import onnx

from cases.builder import MICROSOFT, SHORT, Array, GraphBuilder, integers, seed_of


@dataclass(frozen=True)
class DynamicMatMulCase:
    """x float32 `[N, rows..., C]`, quantized dynamically, * b `[C, K]` -> float32.

    op: MatMulInteger with the operators after it, MatMulIntegerToFloat, or DynamicQuantizeMatMul.
    """

    op: str = "MatMulInteger"
    rows: tuple[int, ...] = ()
    c: int = 128
    k: int = 128
    b_dtype: str = "int8"
    per_column: bool = False
    has_zero_point: bool = True
    has_bias: bool = True
    b_batch: tuple[int, ...] = ()  # leading dimensions of b
    form: str = ""  # of MatMulInteger, another one: see _after
    x_dtype: str = "float32"  # or of 8 bits, with constant parameters, for MatMulIntegerToFloat

    @property
    def id(self) -> str:
        """Such as MatMulInteger_s8_c128_k128_bias."""
        parts = [
            self.op,
            SHORT[self.b_dtype],
            f"c{self.c}",
            f"k{self.k}",
            "rows" + "x".join(map(str, self.rows)) if self.rows else "",
            "percolumn" if self.per_column else "",
            "zero" if self.has_zero_point else "",
            "bias" if self.has_bias else "",
            "batch" + "x".join(map(str, self.b_batch)) if self.b_batch else "",
            self.form,
            f"static_{SHORT[self.x_dtype]}" if self.x_dtype != "float32" else "",
        ]
        return "_".join(part for part in parts if part)

    def model(self, opset: int = 13) -> onnx.ModelProto:
        """x -> y float32 `[N, rows..., K]`."""
        rng = np.random.default_rng(seed_of(self.id))
        g = GraphBuilder()
        columns = (*self.b_batch, *[1] * bool(self.b_batch), self.k) if self.per_column else ()
        zero_points = integers(rng, self.b_dtype, columns)
        x = g.input("x", self.x_dtype, ["N", *self.rows, self.c])
        b = g.constant("b", integers(rng, self.b_dtype, (*self.b_batch, self.c, self.k)))
        b_scale = g.constant("b_scale", rng.uniform(0.01, 0.02, columns), "float32")
        b_zero_point = g.constant("b_zero_point", zero_points) if self.has_zero_point else ""
        bias = g.constant("bias", rng.standard_normal(self.k), "float32") if self.has_bias else ""
        if self.op == "DynamicQuantizeMatMul":
            g.node(self.op, [x, b, b_scale, b_zero_point, bias], "y", MICROSOFT)
        elif self.x_dtype != "float32":
            scale, zero_point = g.parameters("x", 0.02, 7, self.x_dtype)
            inputs = [x, b, scale, b_scale, zero_point, b_zero_point, bias]
            g.node(self.op, inputs, "y", MICROSOFT)
        else:
            _dynamic_quantize(g, x)
            if self.op == "MatMulInteger":
                g.node(self.op, ["x_q", b, "x_zero_point", b_zero_point], "matmul")
                _after(g, self.form, bias)
            else:
                inputs = ["x_q", b, "x_scale", b_scale, "x_zero_point", b_zero_point, bias]
                g.node(self.op, inputs, "y", MICROSOFT)
        g.output("y", "float32", ["N", *self.rows, self.k])
        return g.model(opset)

    def inputs(self, batch: int = 2) -> dict[str, Array]:
        """Random numbers, more of them positive."""
        rng = np.random.default_rng(seed_of(self.id) + 1)
        shape = (batch, *self.rows, self.c)
        if self.x_dtype != "float32":
            return {"x": integers(rng, self.x_dtype, shape)}
        return {"x": rng.uniform(-1, 2, shape).astype(np.float32)}


def _dynamic_quantize(g: GraphBuilder, x: str) -> None:
    g.node("DynamicQuantizeLinear", [x], "x_q")
    g.nodes[-1].output.extend(["x_scale", "x_zero_point"])


def _after(g: GraphBuilder, form: str, bias: str) -> None:
    """matmul -> y. form: how it differs from what onnxruntime's quantizer writes."""
    g.node("Cast", ["matmul"], "real", to=onnx.TensorProto.FLOAT)
    if form == "quantized_is_output":
        g.output("x_q", "uint8", ["N", "K"])
    if form == "matmul_is_output":
        g.output("matmul", "int32", ["N", "K"])
    if form in ("input_scale_first", "weight_scale_first"):
        first, second = ("x_scale", "b_scale") if form == "input_scale_first" else ("b_scale", "x_scale")
        g.node("Mul", ["real", first], "half")
        result = g.node("Mul", [second, "half"], "scaled" if bias else "y")
    else:
        g.node("Mul", ["b_scale", "x_scale"], "scale")
        result = g.node("Mul", ["scale", "real"], "scaled" if bias else "y")
    if bias:
        g.node("Add", [bias, result], "y")


@dataclass(frozen=True)
class ConvIntegerCase:
    """One ConvInteger, x `[N, C, size...]` of 8 bits."""

    c: int = 3
    k: int = 10
    kernel: tuple[int, ...] = (3, 3)
    size: tuple[int, ...] = (8, 9)
    group: int = 1
    w_dtype: str = "int8"
    x_zero_point: int = 131
    w_zero_point: int = 0
    attributes: tuple[tuple[str, Any], ...] = ()

    @property
    def id(self) -> str:
        """Such as convinteger_s8_c3_k10_3x3."""
        parts = [
            "convinteger",
            SHORT[self.w_dtype],
            f"c{self.c}",
            f"k{self.k}",
            "x".join(map(str, self.kernel)),
            f"g{self.group}" if self.group > 1 else "",
            f"zx{self.x_zero_point}",
            f"zw{self.w_zero_point}",
            *(name for name, _ in self.attributes),
        ]
        return "_".join(part for part in parts if part)

    def model(self, opset: int = 13) -> onnx.ModelProto:
        """x uint8 -> y int32."""
        rng = np.random.default_rng(seed_of(self.id))
        g = GraphBuilder()
        w = integers(rng, self.w_dtype, (self.k, self.c // self.group, *self.kernel))
        inputs = [
            g.input("x", "uint8", ["N", self.c, *self.size]),
            g.constant("w", w),
            g.constant("x_zero_point", self.x_zero_point, "uint8"),
            g.constant("w_zero_point", self.w_zero_point, self.w_dtype),
        ]
        g.node("ConvInteger", inputs, "y", group=self.group, **dict(self.attributes))
        g.output("y", "int32", ["N", self.k, *(f"size{axis}" for axis in range(len(self.size)))])
        return g.model(opset)

    def inputs(self, batch: int = 2) -> dict[str, Array]:
        """Random x over its whole range."""
        rng = np.random.default_rng(seed_of(self.id) + 1)
        return {"x": integers(rng, "uint8", (batch, self.c, *self.size))}


_OPS = ("MatMulInteger", "MatMulIntegerToFloat", "DynamicQuantizeMatMul")
_conv = ConvIntegerCase()

MATMULS = [
    *(
        DynamicMatMulCase(op, (4,), 128, 128, b_dtype, per_column, has_zero_point, has_bias)
        for op in _OPS
        for b_dtype in ("int8", "uint8")
        for per_column, has_zero_point, has_bias in product((False, True), repeat=3)
    ),
    *(DynamicMatMulCase(op, (14,), 13, 27, "uint8", per_column=True) for op in _OPS),
    *(DynamicMatMulCase(op, (), 1, 1) for op in _OPS),
    DynamicMatMulCase(form="quantized_is_output", c=20, k=5),
]
STATIC = [
    replace(case, x_dtype=x_dtype)
    for case in MATMULS
    if case.op == "MatMulIntegerToFloat"
    for x_dtype in (["uint8"] if case.b_dtype == "uint8" else ["uint8", "int8"])
]
CONVS = [
    _conv,
    replace(_conv, w_dtype="uint8", w_zero_point=97, attributes=(("pads", [1, 2, 0, 1]),)),
    replace(_conv, c=16, k=16, group=16, attributes=(("strides", [2, 1]), ("auto_pad", "SAME_UPPER"))),
    replace(_conv, c=16, k=16, group=16, w_dtype="uint8", w_zero_point=130),
    replace(_conv, c=12, k=8, group=4, w_dtype="uint8", w_zero_point=200, x_zero_point=0),
    replace(_conv, c=32, k=32, kernel=(1, 1), x_zero_point=255, attributes=(("dilations", [2, 2]),)),
    replace(_conv, kernel=(4,), size=(20,), attributes=(("pads", [2, 1]), ("strides", [3]))),
]
GPU_CASES = [*MATMULS[::7], *STATIC[::5], *CONVS]
BATCHED = [DynamicMatMulCase(op, (15, 14), 13, 27, b_batch=(15,)) for op in _OPS]
DECLINED = [  # (case, operator, what the reason says)
    (DynamicMatMulCase(form="weight_scale_first"), "MatMulInteger", "something other than the scale"),
    (DynamicMatMulCase(form="matmul_is_output"), "MatMulInteger", "not just cast"),
    (replace(_conv, kernel=(1, 2, 2), size=(3, 4, 5)), "ConvInteger", "3 spatial dimensions"),
]
