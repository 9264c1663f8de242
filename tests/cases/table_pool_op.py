"""QTableGlobalAveragePool and ToFloat: images of any number of pixels, tables for all and each channel."""

import numpy as np

from cases.builder import seed_of
from cases.op import OpCase


def _pool(
    label: str,
    size: tuple[int, ...],
    c: int,
    *,
    per_channel: bool = False,
    scale: float = 0.004,
    zero_point: int = -90,
    special: bool = False,
    to_float: bool = False,
) -> OpCase:
    """Of a function like SiLU; special: with infinite numbers and large ones for some inputs."""
    label = "_".join([label, "x".join(map(str, size)), str(c), *(["channels"] if per_channel else [])])
    rng = np.random.default_rng(seed_of(label))
    numbers = np.arange(-128, 128) * rng.uniform(0.01, 0.04, (c if per_channel else 1, 1))
    table = (numbers / (1 + np.exp(-numbers))).astype(np.float32)
    if special:
        table[:, :4] = np.array([np.inf, 3e38, -3e38, np.nan], np.float32)
    if to_float:
        return OpCase(
            "QTableGlobalAveragePoolToFloat",
            f"{label}_to_float",
            {"x": ("int8", (*size, c))},
            {},
            {"table": table if per_channel else table[0]},
            y_rank=2 + len(size),
            y_dtype="float32",
        )
    return OpCase(
        "QTableGlobalAveragePool",
        label,
        {"x": ("int8", (*size, c))},
        {"y_scale": scale, "y_zero_point": zero_point},
        {"table": table if per_channel else table[0]},
        y_rank=2 + len(size),
    )


CASES = [
    *(_pool("image", size, 32) for size in ((8, 8), (7, 7), (1, 1), (1, 3), (5, 1), (15, 17), (56, 56))),
    *(_pool("image", (7, 9), c) for c in (1, 3, 16, 31, 33, 100, 1280)),
    *(_pool("image", (7, 9), c, per_channel=True) for c in (5, 16, 48, 100)),
    _pool("row", (50,), 24),
    _pool("volume", (3, 4, 5), 20),
    _pool("special", (9, 8), 64, special=True),
    *(_pool(f"scale{scale}", (9, 8), 16, scale=scale) for scale in (1e-40, 1e-5, 0.1, 1e30)),
    _pool("zero_point", (9, 8), 16, zero_point=127, scale=0.01),
    *(_pool("image", size, 32, to_float=True) for size in ((8, 8), (7, 7), (1, 1), (1, 3), (56, 56))),
    *(_pool("image", (7, 9), c, to_float=True) for c in (1, 3, 16, 33, 100, 1280)),
    *(_pool("image", (7, 9), c, per_channel=True, to_float=True) for c in (5, 48)),
    _pool("row", (50,), 24, to_float=True),
    _pool("volume", (3, 4, 5), 20, to_float=True),
    _pool("special", (9, 8), 64, special=True, to_float=True),
]
