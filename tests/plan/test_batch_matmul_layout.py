"""From shapes and permutations to the problem of a matmul: its strides compute what numpy.matmul does."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import testing
from numpy.lib.stride_tricks import as_strided

from cases.builder import Array

ALL = 2**63 - 1


@dataclass
class Slices:
    """Shapes and attributes of a matmul; starts and ends are of the last axes, of the others all is read."""

    a: Sequence[int]
    b: Sequence[int]
    a_perm: Sequence[int] = ()
    b_perm: Sequence[int] = ()
    y_perm: Sequence[int] = ()
    a_starts: Sequence[int] = ()
    a_ends: Sequence[int] = ()
    b_starts: Sequence[int] = ()
    b_ends: Sequence[int] = ()
    padding: int = 0
    problem: Any = field(init=False)
    a_offset: int = field(init=False)
    b_offset: int = field(init=False)
    y: list[int] = field(init=False)

    def __post_init__(self) -> None:
        rank = max(len(self.a), len(self.b))
        self.a_perm = self.a_perm or list(range(len(self.a)))
        self.b_perm = self.b_perm or list(range(len(self.b)))
        self.y_perm = self.y_perm or list(range(rank))
        self.a_starts = [0] * (len(self.a) - len(self.a_starts)) + list(self.a_starts)
        self.b_starts = [0] * (len(self.b) - len(self.b_starts)) + list(self.b_starts)
        self.a_ends = [ALL] * (len(self.a) - len(self.a_ends)) + list(self.a_ends)
        self.b_ends = [ALL] * (len(self.b) - len(self.b_ends)) + list(self.b_ends)
        self.problem, self.a_offset, self.b_offset, self.y = testing.batch_matmul(
            list(self.a),
            list(self.b),
            a_perm=list(self.a_perm),
            b_perm=list(self.b_perm),
            y_perm=list(self.y_perm),
            a_starts=self.a_starts,
            a_ends=self.a_ends,
            b_starts=self.b_starts,
            b_ends=self.b_ends,
            padding=self.padding,
        )

    @property
    def fields(self) -> dict[str, int]:
        return {name: int(value) for name, value in (w.split("=") for w in str(self.problem).split(" ")[1:])}

    def expected(self, a: Array, b: Array) -> Array:
        """y, 0 in its padding."""
        rows = a[tuple(map(slice, self.a_starts, self.a_ends))].transpose(self.a_perm)
        y = np.matmul(rows, b[tuple(map(slice, self.b_starts, self.b_ends))].transpose(self.b_perm))
        return np.pad(y, [(0, 0)] * (y.ndim - 1) + [(0, self.padding)]).transpose(self.y_perm)

    def computed(self, a: Array, b: Array) -> Array:
        """What the problem's strides say, over the memory of a and b."""
        f = self.fields
        batch = tuple(f[f"batch_{i}"] for i in range(3))

        def view(tensor: Array, name: str, matrix: tuple[int, int], offset: int = 0) -> Array:
            memory = tensor.reshape(-1)[offset:]
            steps = [f[f"{name}_stride_{i}"] for i in (0, 1, 2, "row")] + [1]
            assert sum((n - 1) * step for n, step in zip(batch + matrix, steps, strict=True)) < memory.size
            return as_strided(memory, batch + matrix, [step * memory.itemsize for step in steps])

        rows_of_b = (f["n"], f["k"]) if f["b_transposed"] else (f["k"], f["n"])
        b = view(b, "b", rows_of_b, self.b_offset)
        a = view(a, "a", (f["m"], f["k"]), self.a_offset)
        matmul = np.matmul(a, b.swapaxes(-1, -2) if f["b_transposed"] else b)
        y = np.full(self.y, -1, np.int64)
        view(y, "y", (f["m"], f["width"]))[...] = np.pad(matmul, [(0, 0)] * 4 + [(0, f["width"] - f["n"])])
        return y

    def check(self) -> dict[str, int]:
        rng = np.random.default_rng(0)
        a, b = (rng.integers(-9, 9, shape, np.int64) for shape in (self.a, self.b))
        np.testing.assert_array_equal(self.computed(a, b), self.expected(a, b))
        return self.fields


def test_attention_is_read_and_written_where_it_lies() -> None:
    q = k = [8, 128, 12, 64]
    scores = Slices(q, k, a_perm=[0, 2, 1, 3], b_perm=[0, 2, 3, 1]).check()
    assert (scores["batch_1"], scores["batch_2"], scores["m"], scores["n"], scores["k"]) == (
        8,
        12,
        128,
        128,
        64,
    )
    assert scores["b_transposed"] == 1
    assert scores["a_stride_row"] == scores["b_stride_row"] == 12 * 64

    p, v = [2, 12, 197, 208], [2, 197, 12, 64]
    context = Slices(p, v, b_perm=[0, 2, 1, 3], y_perm=[0, 2, 1, 3], a_ends=[197])
    assert context.y == [2, 197, 12, 64]
    found = context.check()
    assert (found["k"], found["a_stride_row"], found["b_stride_row"]) == (197, 208, 768)
    assert (found["b_transposed"], found["y_stride_row"]) == (0, 768)


def test_rows_that_share_b_are_one_matrix() -> None:
    found = Slices([3, 5, 7, 11], [11, 13]).check()
    assert (found["batch_0"], found["batch_1"], found["batch_2"], found["m"]) == (1, 1, 1, 3 * 5 * 7)
    found = Slices([3, 5, 7, 11], [5, 11, 13]).check()
    assert (found["batch_1"], found["batch_2"], found["m"]) == (3, 5, 7)
    found = Slices([3, 5, 7, 11], [3, 1, 11, 13]).check()
    assert (found["batch_2"], found["m"]) == (3, 35)


def test_heads_of_tensors_that_lie_side_by_side() -> None:
    joined = [2, 21, 8, 16]  # four heads of Q, two of K and V each
    grouped = Slices(
        joined,
        joined,
        [0, 2, 1, 3],
        [0, 2, 3, 1],
        a_ends=[4, ALL],
        b_starts=[4, 0],
        b_ends=[5, ALL],
    )
    assert (grouped.a_offset, grouped.b_offset, grouped.y) == (0, 4 * 16, [2, 4, 21, 21])
    found = grouped.check()
    assert (found["a_stride_row"], found["b_stride_row"], found["b_stride_2"]) == (8 * 16, 8 * 16, 0)


def test_a_part_beyond_the_tensor_is_empty() -> None:
    empty = Slices([5, 16], [16, 9], b_starts=[0, 12], b_ends=[ALL, 20])
    assert (empty.b_offset, empty.y) == (0, [5, 0])


def test_batch_is_joined() -> None:
    found = Slices([2, 3, 4, 5, 6], [2, 3, 4, 6, 7]).check()
    assert (found["batch_0"], found["batch_1"], found["batch_2"]) == (1, 1, 24)


def test_padding() -> None:
    found = Slices([2, 9, 16], [2, 16, 32], a_ends=[11], b_ends=[11, 30], padding=2).check()
    assert (found["k"], found["n"], found["width"]) == (11, 30, 32)


@pytest.mark.parametrize("seed", range(300))
def test_any_layout(seed: int) -> None:
    rng = random.Random(seed)
    rank = rng.randint(2, 5)
    batch = [rng.choice((1, 2, 3)) for _ in range(rank - 2)]
    m, k, n = (rng.choice((1, 2, 5)) for _ in range(3))

    def operand(rows: int, columns: int) -> list[int]:
        own = [1 if rng.random() < 0.3 else extent for extent in batch]
        while own and rng.random() < 0.3:
            own = own[1:]
        return [*own, rows, columns]

    def lies(shape: list[int], fixed: int) -> tuple[list[int], list[int]]:
        """A shape that the permutation makes this one, and the permutation, whose last axes are fixed."""
        order = list(range(len(shape) - fixed))
        rng.shuffle(order)
        perm = [*order, *range(len(shape) - fixed, len(shape))]
        stored = [0] * len(shape)
        for i, axis in enumerate(perm):
            stored[axis] = shape[i]
        return stored, perm

    def part_of_more(shape: list[int]) -> tuple[list[int], list[int], list[int]]:
        """A larger shape, and where in it this one starts and ends."""
        starts = [rng.choice((0, 0, 2)) for _ in shape]
        after = [rng.choice((0, 0, 3)) for _ in shape]
        larger = [sum(sizes) for sizes in zip(starts, shape, after, strict=True)]
        ends = [
            start + extent if more or rng.random() < 0.5 else ALL
            for start, extent, more in zip(starts, shape, after, strict=True)
        ]
        return larger, starts, ends

    a, a_perm = lies(operand(m, k), 1)
    if rng.random() < 0.5:
        b, b_perm = lies(operand(k, n), 1)
    else:  # rows of b are columns: the logical last axis is any, the last stored one is k
        b, perm = lies(operand(n, k), 1)
        b_perm = [*perm[:-2], perm[-1], perm[-2]]
    rank = max(len(a), len(b))
    y_perm = [*rng.sample(range(rank - 1), rank - 1), rank - 1]
    a, *of_a = part_of_more(a)
    b, *of_b = part_of_more(b)
    matmul = Slices(
        a, b, a_perm, b_perm, y_perm, of_a[0], of_a[1], of_b[0], of_b[1], padding=rng.choice((0, 4))
    )
    found = matmul.check()
    assert found["width"] == found["n"] + matmul.padding


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"a": [2, 3, 4], "b": [3, 4, 5]}, "do not broadcast"),
        ({"a": [3, 4], "b": [5, 6]}, "depths of a and b differ"),
        ({"a": [4], "b": [4, 5], "a_perm": [0]}, "at least two dimensions"),
        ({"a": [2, 2, 2, 2, 3, 4], "b": [2, 1, 2, 1, 4, 3], "y_perm": [4, 3, 2, 1, 0, 5]}, "more than 3 dim"),
    ],
    ids=["batch", "depth", "vector", "dimensions"],
)
def test_refused(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Slices(**given)
