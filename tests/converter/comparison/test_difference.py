"""How arrays differ: in bits, by how much, or in type and shape."""

import numpy as np
import pytest

from qudnn.converter.comparison.difference import Difference, difference


def test_bits() -> None:
    zeros = np.array([0.0, 1.0, np.nan], np.float32)
    assert difference(zeros.copy(), zeros) is None
    found = difference(np.array([-0.0, 1.0, np.nan], np.float32), zeros)
    assert found == Difference(1, 3, 0.0, (0,), "-0.0", "0.0")
    found = difference(np.array([0.0, 1.0, 2.0], np.float32), zeros)
    assert found is not None
    assert (found.largest, found.place) == (np.inf, (2,))


def test_how_much_and_where() -> None:
    want = np.arange(6, dtype=np.uint8).reshape(2, 3)
    got = want.copy()
    got[0, 2], got[1, 1] = 255, 5
    found = difference(got, want)
    assert found == Difference(2, 6, 253.0, (0, 2), "255", "2")
    assert str(found) == "2 of 6 differ, by 253 at most; the first at [0, 2]: 255 for 2"
    assert difference(got, want, tolerance=253) is None
    assert difference(got, want, tolerance=1) == Difference(1, 6, 253.0, (0, 2), "255", "2")


@pytest.mark.parametrize("dtype", [np.bool_, np.int64, np.float16, np.float64, np.complex128, object])
def test_types(dtype: type) -> None:
    want: np.ndarray = np.array([0, 1, 1]).astype(dtype)
    assert difference(want.copy(), want) is None
    found = difference(want[::-1].copy(), want)
    assert found is not None and found.elements == 2
    mismatch = difference(np.zeros(3, np.int8), want)
    assert mismatch is not None and str(mismatch).startswith("its type is int8, not ")
    assert str(difference(want[:2], want)) == "its shape is [2], not [3]"
