"""Permutations of axes, as Transpose has them."""

from collections.abc import Sequence


def before(perm: Sequence[int], values: Sequence[int]) -> list[int]:
    """What belongs to the axes of a tensor, from what belongs to those of its transposition."""
    return [values[perm.index(axis)] for axis in range(len(perm))]


def after(first: Sequence[int], second: Sequence[int]) -> list[int]:
    """The one transposition that does what both do, one after the other."""
    return [first[axis] for axis in second]
