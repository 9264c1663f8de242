"""How outputs change, of arrays that are known."""

import math

import numpy as np
import pytest

from qudnn.converter.quantization.fidelity import Change, decibels


def test_change_over_samples() -> None:
    change = Change("y")
    change.add(np.array([[1.0, 2.5]], np.float32), np.array([[1.0, 2.0]], np.float32))
    change.add(np.array([[4.0, 3.0]], np.float32), np.array([[3.0, 4.0]], np.float32))
    assert (change.elements, change.largest, change.mean) == (4, 1.0, 0.625)
    assert (change.same_top, change.tops) == (1, 2)
    assert change.sqnr == pytest.approx(10 * math.log10((1 + 4 + 9 + 16) / 2.25))
    assert change.document()["top_1"] == {"same_top": 1, "of": 2}


@pytest.mark.parametrize("shape", [(2, 1), (3,), (2, 3, 4)])
def test_top_1_is_of_classes_only(shape: tuple[int, ...]) -> None:
    change = Change("y")
    change.add(np.ones(shape, np.float32), np.ones(shape, np.float32))
    assert change.tops == 0
    assert change.document() == {
        "name": "y",
        "max_error": 0.0,
        "mean_error": 0.0,
        "sqnr_db": None,
        "top_1": None,
    }


def test_decibels() -> None:
    assert decibels(100.0, 1.0) == 20.0
    assert decibels(0.0, 0.0) == math.inf
    assert decibels(0.0, 1.0) == -math.inf
