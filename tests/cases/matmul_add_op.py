"""Cases of QMatMulAdd and QMatMulAddTable: both orders, both formulas, sums at which a rounding decides."""

from typing import Any

import numpy as np

from cases.builder import seed_of
from cases.op import INT8, NAMES, UINT8, OpCase, matmul

_ZERO_POINTS = {UINT8: (125, 120, 118), INT8: (5, -7, 0)}  # of a, b and their sum


def matmul_add(label: str = "", *, dtype: int = UINT8, result_first: bool = True, **given: Any) -> OpCase:
    """QMatMulAdd, as matmul; the constant has another scale and zero point than the result."""
    of_add = {"a_scale": 0.031, "b_scale": 0.027, "sum_scale": 0.041, "dtype": dtype}
    of_add |= dict(zip(("a_zero_point", "b_zero_point", "sum_zero_point"), _ZERO_POINTS[dtype], strict=True))
    of_add |= {name: given.pop(name) for name in of_add if name in given}
    case = matmul(label, **given)
    name = "_".join([case.label, NAMES[dtype], "ab" if result_first else "ba"])
    k = len(case.constants["bias"])
    constant = np.random.default_rng(seed_of(name) + 2).integers(-128, 128, k).astype(np.int8)
    attributes = {**case.attributes, **of_add, "result_first": int(result_first)}
    constants = {"constant": constant, **case.constants}
    return OpCase("QMatMulAdd", name, case.tensors, attributes, constants, y_rank=case.y_rank)


def matmul_add_table(label: str = "", **given: Any) -> OpCase:
    """QMatMulAddTable, as matmul_add; the table has all values in any order."""
    case = matmul_add(label, **given)
    table = (np.random.default_rng(seed_of(case.label) + 3).permutation(256) - 128).astype(np.int8)
    constants = {**case.constants, "table": table}
    return OpCase("QMatMulAddTable", case.label, case.tensors, case.attributes, constants, y_rank=case.y_rank)


# Of any number of rows: the batch's.
TOKENS = [
    make("tokens", dtype=dtype, result_first=first, c=96, k=k)
    for make in (matmul_add, matmul_add_table)
    for dtype, first, k in ((UINT8, True, 384), (INT8, False, 384), (UINT8, False, 72), (INT8, True, 72))
]

# Sums that may be too large for the epilogue: they are added by themselves.
HUGE = [
    make("huge", dtype=dtype, rows=(5,), a_scale=1e8, b_scale=1.0, sum_scale=1e-3)
    for make in (matmul_add, matmul_add_table)
    for dtype in (UINT8, INT8)
]

MATMUL_ADDS = [
    *(
        make("order", dtype=dtype, result_first=first, rows=(5,))
        for make in (matmul_add, matmul_add_table)
        for dtype in (UINT8, INT8)
        for first in (True, False)
    ),
    matmul_add("bert", c=768, k=768, rows=(128,)),
    matmul_add_table("vit", c=768, k=3072, rows=(197,), y_zero_point=-20, dtype=INT8),
    matmul_add_table("convnext", c=96, k=384, rows=(28, 28), result_first=False),
    matmul_add("clamp", c=64, k=64, rows=(70,), y_min=-10, y_max=20),
    matmul_add("low", y_zero_point=-128, rows=(7,), sum_zero_point=255),
    matmul_add("odd", c=5, k=7, rows=(3,), result_first=False),
    matmul_add("odd", c=30, k=58, rows=(90,)),
    matmul_add("odd", c=5, k=1, rows=(9,)),
    matmul_add_table("odd", c=1, k=1, rows=(4,), result_first=False),
    matmul_add("words", c=64, k=100, rows=(70,), dtype=INT8),
    matmul_add("wrapping", sums="wrapping", c=64, k=272, rows=(80,), result_first=False),
    matmul_add("ties", sums="ties", c=16, k=256, rows=(70,), a_scale=0.5, b_scale=0.25, sum_scale=0.5),
    matmul_add_table("extreme", sums="extreme", k=256, rows=(40,)),
    matmul_add("minute", rows=(40,), a_scale=2e-30, b_scale=1e-30, sum_scale=3e-30),
    matmul_add("denormal", rows=(40,), a_scale=2e-41, b_scale=1e-41, sum_scale=3e-41, dtype=INT8),
    *HUGE,
]
