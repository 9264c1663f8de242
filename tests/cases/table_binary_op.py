"""QTableAdd and its like: the broadcasts of QAdd and QMul; tables and scales for all and for each channel."""

from dataclasses import replace

import numpy as np

from cases import vision_op
from cases.builder import Array, seed_of
from cases.op import INT8, OpCase
from cases.vision_op import product

# What quantization does with these is the specification's matter, not that of what fills a table.
_SPECIAL = np.array([np.inf, -np.inf, 3e38, -3e38, 1e-39, -1e-39, 0.0, -0.0, 0.5, -0.5, 1.5, 2.5], np.float32)


def _tables(
    case: OpCase, kind: str, channels: tuple[bool, bool], y_scale: float, scales: bool = False
) -> OpCase:
    """The case with tables of its operands; channels: which of them have one for each channel of the result.

    scales: whether each channel has a scale of its own, beginning with y_scale.
    kind: random, ties (numbers of which many results lie between two), special.
    """
    flags = "_".join(str(int(each)) for each in channels) + "_scales" * scales
    label = f"{case.label.removeprefix('int8_')}_{kind}_{flags}"
    rng = np.random.default_rng(seed_of(label))
    shapes = [shape for _, shape in case.tensors.values()] + [
        array.shape for array in case.constants.values()
    ]
    width = max((shape[-1] for shape in shapes if shape), default=1)

    def table(of_channels: bool) -> Array:
        shape = (width, 256) if of_channels else (256,)
        if kind == "ties":
            return rng.integers(-128, 128, shape).astype(np.float32) / np.float32(4)
        if kind == "special":
            return rng.choice(_SPECIAL, shape)
        return rng.normal(size=shape).astype(np.float32)

    of_mul = case.op == "QMul"
    attributes = {
        "y_zero_point": case.attributes["y_zero_point"],
        "y_min": case.attributes.get("y_min", -128),
        "y_max": case.attributes.get("y_max", 127),
    }
    tables = {"a_table": table(channels[0]), "b_table": table(channels[1])}
    y_scales = np.float32(y_scale) * (1 + np.arange(width if scales else 1, dtype=np.float32) / 7)
    constants = {**case.constants, **tables, "y_scale": y_scales.astype(np.float32)}
    op = "QTableMul" if of_mul else "QTableAdd"
    return replace(case, op=op, label=label, attributes=attributes, constants=constants)


_BROADCASTS = [case for case in (*vision_op.ADDS, *vision_op.MULS) if case.attributes["dtype"] == INT8]
_ALL_PAIRS = [product("pairs", (64, 64, 16), op=op, dtype=INT8) for op in ("QAdd", "QMul")]
_CLAMPED = [
    product(f"clamped{low}_{high}", (9, 8, 20), op=op, dtype=INT8, y_min=low, y_max=high)
    for op in ("QAdd", "QMul")
    for low, high in ((0, 127), (-128, 20), (-7, -7))
]
_KINDS = ("random", "ties", "special")
_CHANNELS = ((False, False), (True, False), (False, True), (True, True))

_OF_TWO = [
    *(_tables(case, "random", channels, 0.031) for case in _BROADCASTS for channels in _CHANNELS[:2]),
    *(_tables(case, "random", channels, 0.017) for case in _ALL_PAIRS for channels in _CHANNELS),
    *(_tables(case, "ties", channels, 0.5) for case in _ALL_PAIRS for channels in _CHANNELS),
    *(_tables(case, "special", channels, 0.5) for case in _ALL_PAIRS for channels in _CHANNELS),
    *(_tables(case, "random", (True, False), 0.031) for case in _CLAMPED),
    *(_tables(case, "random", (False, False), 0.031, scales=True) for case in (*_BROADCASTS, *_CLAMPED)),
    *(_tables(case, kind, (False, True), 0.5, scales=True) for case in _ALL_PAIRS for kind in _KINDS),
]
CASES = [
    *_OF_TWO,
    *(replace(case, op="QTableDiv") for case in _OF_TWO if case.op == "QTableMul"),
]
