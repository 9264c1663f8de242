"""What changes draw."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

_NUMBERS = (-(2**63), -(2**31) - 1, -5, -2, -1, 0, 1, 1, 2, 2, 3, 4, 5, 7, 16, 255, 2**31, 2**40, 2**63 - 1)


def one(rng: np.random.Generator, items: Sequence[T]) -> T:
    return items[int(rng.integers(len(items)))]


def chance(rng: np.random.Generator, probability: float) -> bool:
    return bool(rng.random() < probability)


def number(rng: np.random.Generator) -> int:
    """An int64: small, or as large as they get."""
    return one(rng, _NUMBERS)
