"""Single matmuls of two tensors whose zero points and scales come at run time: DynamicQBatchMatMul."""

from dataclasses import replace

import numpy as np

from cases.batch_matmul import CASES as STATIC
from cases.batch_matmul import NO_DEPTH as STATIC_WITHOUT_DEPTH
from cases.batch_matmul import BatchMatMulCase
from cases.batch_matmul import matmul as static_matmul
from cases.builder import Array


def dynamic(
    case: BatchMatMulCase, zero_points: tuple[int, int] | None = None, a_scale: float = 0.0371
) -> BatchMatMulCase:
    """From QBatchMatMulToFloat; without zero_points, with its own."""
    attributes = {**case.attributes}
    given = attributes.pop("a_zero_point"), case.constants["b_zero_point"][0]
    a_zero_point, b_zero_point = given if zero_points is None else zero_points
    constants: dict[str, Array] = {
        "a_zero_point": np.array([a_zero_point], np.int32),
        "b_zero_point": np.array([b_zero_point], np.int32),
        "a_scale": np.array([a_scale], np.float32),
        "b_scale": np.array([0.0123], np.float32),
    }
    return replace(case, op="DynamicQBatchMatMul", attributes=attributes, constants=constants)


_FLOAT = [case for case in STATIC if case.op == "QBatchMatMulToFloat"]
_ALIKE = static_matmul("extremes", (2, 40, 48), (2, 48, 72), op="QBatchMatMulToFloat")
_LONG = static_matmul("long", (33, 40000), (40000, 24), op="QBatchMatMulToFloat")

CASES = [
    *(dynamic(case) for case in _FLOAT),
    *(
        dynamic(replace(_ALIKE, label=f"zeros{a}_{b}"), (a, b))
        for a in (-128, 0, 127)
        for b in (-128, 0, 127)
    ),
    dynamic(replace(_LONG, label="beyond_float32"), (-128, -128)),
    dynamic(replace(_ALIKE, label="denormal"), a_scale=1e-45),
    dynamic(replace(_ALIKE, label="infinite"), a_scale=np.inf),
]
NO_DEPTH = [dynamic(case) for case in STATIC_WITHOUT_DEPTH if case.op == "QBatchMatMulToFloat"]
