"""QFloatAdd and QFloatMul: the cases of QAdd and QMul on int8, and scales at which a division decides."""

from dataclasses import replace

import numpy as np

from cases import op, vision_op
from cases.op import INT8, OpCase
from cases.vision_op import product


def _in_float(case: OpCase) -> OpCase:
    """The same case of the op that computes in float32, which has no dtype."""
    attributes = {"y_min": -128, "y_max": 127} | dict(case.attributes)
    del attributes["dtype"]
    name = case.op.replace("Q", "QFloat", 1)
    return replace(case, op=name, label=case.label.removeprefix("int8_"), attributes=attributes)


def _random(name: str, seed: int) -> OpCase:
    """All 65,536 pairs, or nearly so; scales whose reciprocals are not floats."""
    rng = np.random.default_rng(seed)
    a, b, y = (float(np.float32(np.exp(rng.uniform(-4, 0)))) for _ in range(3))
    zero_points = rng.integers(-128, 128, 3).tolist()
    return product(
        f"random{seed}",
        (64, 64, 16),
        op=name,
        dtype=INT8,
        a_scale=a,
        b_scale=b,
        y_scale=y * (a + b) if name == "QAdd" else 64 * y * a * b,
        a_zero_point=zero_points[0],
        b_zero_point=zero_points[1],
        y_zero_point=zero_points[2],
    )


_INT8 = [
    *vision_op.ADDS,
    *vision_op.MULS,
    *op.ADDS,
    *(_random(name, seed) for name in ("QAdd", "QMul") for seed in range(8)),
    *(
        product(f"clamped{low}_{high}", op=name, dtype=INT8, y_min=low, y_max=high)
        for name in ("QAdd", "QMul")
        for low, high in ((0, 127), (-128, 20), (-7, -7))
    ),
    product("denormal", op="QAdd", dtype=INT8, a_scale=1e-39, b_scale=1e-40, y_scale=1e-39),
    product("denormal", op="QMul", dtype=INT8, a_scale=1e-20, b_scale=1e-20, y_scale=1e-40),
]

CASES = [_in_float(case) for case in _INT8 if case.attributes["dtype"] == INT8]
