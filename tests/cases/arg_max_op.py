"""ArgMaxFromIsland: rows of few and of many channels, greatest and least, first and last."""

from cases.op import OpCase


def arg_max(
    label: str, size: tuple[int, ...], channels: int, padded: int, /, sign: int = 1, last: int = 0
) -> OpCase:
    """Of `[N, *size, padded]`."""
    given = {"channels": channels, "sign": sign, "select_last_index": last}
    name = f"{label}_{channels}of{padded}_{sign}_{last}"
    x = {"x": ("int8", (*size, padded))}
    return OpCase("ArgMaxFromIsland", name, x, given, y_dtype="int64", y_rank=1 + len(size))


CASES = [
    *(
        arg_max("pixels", (9, 8), channels, padded, sign, last)
        for channels, padded in ((1, 16), (2, 16), (21, 32), (64, 64), (150, 160))
        for sign in (1, -1)
        for last in (0, 1)
    ),
    arg_max("image", (130, 129), 19, 32),
    arg_max("classes", (), 1000, 1008),
    arg_max("classes", (), 1000, 1008, -1, 1),
    arg_max("words", (3,), 32000, 32000),
    arg_max("words", (3,), 32000, 32000, 1, 1),
    arg_max("odd", (7,), 33, 33),
    arg_max("odd", (7,), 333, 333, -1),
    arg_max("all", (7,), 2**63 - 1, 48),
]
