"""Sizes of dimensions, known or not, and what a sliding window makes of them.

Two sizes that are equal here are equal whenever the model runs; unequal ones may be equal or not.
"""

import hashlib
from dataclasses import dataclass, field

from qudnn.converter.errors import Refusal

_LONGEST = 200  # characters of a name


@dataclass(frozen=True, repr=False)
class Unknown:
    """A size known only at run time: `name + offset`, where one name stands for one number.

    guess: a likely number, for estimates.

    Names of sizes that are computed tell how. Where that takes long, a digest of it is the name.
    """

    name: str
    offset: int = 0
    guess: int = field(default=32, compare=False)

    def __post_init__(self) -> None:
        if len(self.name) > _LONGEST:
            object.__setattr__(self, "name", f"size {hashlib.sha256(self.name.encode()).hexdigest()[:32]}")

    def __repr__(self) -> str:
        return f"({self.name}{self.offset:+})" if self.offset else self.name


Size = int | Unknown
Shape = tuple[Size, ...]


def shifted(size: Size, by: int) -> Size:
    """size + by"""
    return size + by if isinstance(size, int) else Unknown(size.name, size.offset + by, size.guess + by)


def divided(size: Size, by: int) -> Size:
    """floor(size / by)"""
    if isinstance(size, int):
        return size // by
    if by == 1:
        return size
    # (name + offset) // by = (name + offset % by) // by + offset // by: one form for equal numbers.
    return Unknown(f"(({size.name}+{size.offset % by})//{by})", size.offset // by, size.guess // by)


def guessed(size: Size) -> int:
    """The size, or a likely one."""
    return size if isinstance(size, int) else max(size.guess, 1)


def windows(size: Size, kernel: int, dilation: int, stride: int, padding: int) -> Size:
    """How many windows fit into `size` elements and `padding` (both ends together) more."""
    return shifted(divided(shifted(size, padding - dilation * (kernel - 1) - 1), stride), 1)


def broadcast(a: Shape, b: Shape) -> Shape:
    """The shape of what two shapes are broadcast to. Sizes that are unknown have to be equal, or one be 1."""
    rank = max(len(a), len(b))
    out: list[Size] = []
    for x, y in zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True):
        if x != y and 1 not in (x, y):
            raise Refusal(
                "its inputs are not known to broadcast: "
                "fix their sizes in the model, or give equal sizes one name"
            )
        out.append(y if x == 1 else x)
    return tuple(out)
