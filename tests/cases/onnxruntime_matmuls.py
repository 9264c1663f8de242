"""Configurations of onnxruntime's own tests of QLinearMatMul, MatMulInteger and QGemm; other numbers."""

from dataclasses import replace

from cases.matmul import GemmCase
from cases.qlinear_matmul import QLinearMatMulCase

_types = (  # a and y, b, their zero points, scales
    ("uint8", "uint8", 113, 114, 118, (0.0066, 0.00705, 0.0107)),
    ("uint8", "int8", 113, -2, 118, (0.0066, 0.00802, 0.0123)),
    ("uint8", "int8", 113, 0, 118, (0.0066, 0.00802, 0.0123)),
    ("int8", "int8", -15, -2, -10, (0.0066, 0.00802, 0.0123)),
    ("int8", "int8", -15, 0, -10, (0.0066, 0.00802, 0.0123)),
)
_columns = (
    ("uint8", "int8", 133, 0, 130, (0.1, 0.2, 0.2)),
    ("int8", "int8", 5, 0, 2, (0.1, 0.2, 0.2)),
)

QLINEAR_MATMULS = [
    QLinearMatMulCase(a, b, dtype, b_dtype, za, zb, zy, b_constant=constant, columns=columns, scales=scales)
    for a, b, constants, columns, types in (
        ((2, 4), (4, 3), (False, True), "", _types),
        ((2, 2, 4), (2, 4, 3), (False,), "", _types),
        (("empty", 4), (4, 3), (False, True), "", _types[:1]),
        ((2, 4), (4, 4), (False, True), "both", _columns),
        ((2, 4), (4, 4), (False, True), "both-ranked", _columns),
    )
    for dtype, b_dtype, za, zb, zy, scales in types
    for constant in constants
]

MATRIX_BY_MATRIX = [  # each of the batch with scales of its own: onnxruntime keeps these
    QLinearMatMulCase((2, 2, 4), (2, 4, 4), dtype, b_dtype, za, zb, zy, columns="each-matrix", scales=scales)
    for dtype, b_dtype, za, zb, zy, scales in _columns
]

_INTEGER_SIZES = (  # rows, columns, depth; without those that only take longer
    (1, 1, 32), (1, 1, 260), (1, 1, 288), (1, 2, 16), (1, 2, 64), (2, 2, 40), (2, 48, 33), (2, 51, 40),
    (6, 10, 34), (8, 16, 64), (1, 3328, 400), (1, 400, 3328), (40, 3328, 80),
)  # fmt: skip

MATMUL_INTEGERS = [
    QLinearMatMulCase((4, 3), (3, 2), a_zero_point=12, op="MatMulInteger"),
    QLinearMatMulCase((1, 1), (1, 1), a_zero_point=12, b_zero_point=12, op="MatMulInteger"),
    QLinearMatMulCase((4, 3), (3, 2), op="MatMulInteger"),
    *(
        QLinearMatMulCase((m, k), (k, n), b_dtype="int8", b_constant=True, op="MatMulInteger")
        for m, n, k in _INTEGER_SIZES
    ),
]

_GEMM_SIZES = (  # rows, columns, depth
    (1, 1, 32), (1, 1, 260), (1, 1, 288), (1, 2, 16), (1, 2, 64), (1, 8, 36), (1, 8, 68), (1, 8, 400),
    (1, 512, 1024), (2, 2, 40), (2, 48, 33), (2, 51, 40), (4, 8, 68),
)  # fmt: skip
_GEMM_FORMS = (  # transA, transB, bias, b constant, scales by column
    (0, 0, False, False, False),
    (0, 0, True, True, True),
    (1, 0, False, True, False),
    (1, 0, True, False, True),
    (0, 1, False, False, False),
    (0, 1, True, True, True),
    (1, 1, False, True, True),
    (1, 1, True, False, False),
)
_GEMM_TYPES = (("uint8", "int8"), ("uint8", "uint8"), ("int8", "int8"))

QGEMMS = [  # (rows, case): each form in one of the types in turn, with float and with 8-bit results
    (
        m,
        replace(
            GemmCase(c=k, k=n, alpha=1.37, trans_a=trans_a, trans_b=trans_b, per_column=per_column),
            a_dtype=a_dtype,
            b_dtype=b_dtype,
            a_zero_point=127 if a_dtype == "uint8" else -1,
            b_zero_point=128 if b_dtype == "uint8" else 1,
            b_range=(-128, 126),
            bias="small" if with_bias else "none",
            b_constant=constant,
            float_output=float_output,
        ),
    )
    for size_index, (m, n, k) in enumerate(_GEMM_SIZES)
    for index, (trans_a, trans_b, with_bias, constant, per_column) in enumerate(_GEMM_FORMS)
    for a_dtype, b_dtype in [_GEMM_TYPES[(size_index + index) % 3]]
    for float_output in (False, True)
]
