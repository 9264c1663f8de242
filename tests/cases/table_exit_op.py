"""TableFromIsland: exits of all layouts, tables for all and for each channel."""

import numpy as np

from cases.builder import seed_of
from cases.op import OpCase

ALL = 2**63 - 1  # as channels: however many there are


def _exit(
    label: str, size: tuple[int, ...], perm: list[int], channels: int, *, per_channel: bool = False
) -> OpCase:
    """size: inside, without the batch."""
    label = f"{label}_{min(channels, size[-1])}of{size[-1]}" + ("_channels" if per_channel else "")
    rng = np.random.default_rng(seed_of(label))
    shape = (min(channels, size[-1]), 256) if per_channel else (256,)
    table = rng.normal(size=shape).astype(np.float32)
    table[..., :3] = np.inf, -0.0, 1e-45
    tensors = {"x": ("int8", size)}
    attributes = {"perm": perm, "channels": channels}
    return OpCase(
        "TableFromIsland", label, tensors, attributes, {"table": table}, "float32", y_rank=len(perm)
    )


CASES = [
    case
    for per_channel in (False, True)
    for case in (
        _exit("rows", (7, 32), [0, 1, 2], 32, per_channel=per_channel),
        _exit("odd", (7, 32), [0, 1, 2], 21, per_channel=per_channel),
        _exit("all", (7, 21), [0, 1, 2], ALL, per_channel=per_channel),
        _exit("matrix", (48,), [0, 1], 40, per_channel=per_channel),
        _exit("image", (5, 6, 32), [0, 3, 1, 2], 20, per_channel=per_channel),
        _exit("heads", (12, 4, 16), [0, 2, 1, 3], 16, per_channel=per_channel),
        _exit("volume", (2, 3, 4, 16), [0, 4, 1, 2, 3], 9, per_channel=per_channel),
        _exit("large", (56, 56, 64), [0, 3, 1, 2], 64, per_channel=per_channel),
    )
]
