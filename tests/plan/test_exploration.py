"""Which candidates that no heuristics name the tuner tries."""

import pytest

from custom_ops._native import testing

Exploration = testing.Exploration


def product(m: int, y_type: int = 0) -> testing.MatMulProblem:
    return testing.MatMulProblem(m=m, c=1024, k=1024, y_type=y_type)


def test_the_first_problems_of_each_size() -> None:
    exploration = Exploration()
    assert [exploration.begins("e", product(m)) for m in (1024, 1100, 1200, 1300)] == [True] * 3 + [False]
    assert exploration.begins("e", product(16 * 1024))
    assert exploration.begins("another", product(1024))
    assert exploration.begins("e", product(1024, y_type=1))


def test_small_problems_are_not_worth_it() -> None:
    exploration = Exploration()
    exploration.learn("e", product(1024), "fast")
    small = product(2)
    assert not exploration.begins("e", small)
    assert not exploration.knows("e", small, "fast")


@pytest.mark.parametrize(
    ("engine", "m", "y_type", "candidate", "known"),
    [
        ("e", 1024, 0, "fast", True),
        ("e", 64 * 1024, 0, "fast", True),
        ("e", 1024, 0, "slow", False),
        ("e", 1024, 1, "fast", False),
        ("another", 1024, 0, "fast", False),
    ],
)
def test_what_was_fast_is_tried(engine: str, m: int, y_type: int, candidate: str, known: bool) -> None:
    exploration = Exploration()
    exploration.learn("e", product(1024), "fast")
    assert exploration.knows(engine, product(m, y_type), candidate) is known
