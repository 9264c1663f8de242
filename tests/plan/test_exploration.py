"""Which kernels that no heuristics name the tuner tries."""

import pytest
import testing

Exploration = testing.Exploration


def matmul(m: int, y_type: int = 0) -> testing.MatMulProblem:
    return testing.MatMulProblem(m=m, c=1024, k=1024, y_type=y_type)


def test_all_until_they_have_taken_too_long() -> None:
    exploration = Exploration()
    assert exploration.worth("any", matmul(1024))
    exploration.spend(2)
    assert exploration.worth("another", matmul(1024))
    exploration.spend(60)
    assert not exploration.worth("any", matmul(1024))


def test_small_problems_are_not_worth_it() -> None:
    exploration = Exploration()
    exploration.learn("fast", matmul(1024))
    assert not exploration.worth("fast", matmul(2))


@pytest.mark.parametrize(
    ("kernel", "m", "y_type", "worth"),
    [
        ("fast", 1024, 0, True),
        ("fast", 64 * 1024, 0, True),
        ("fast", 1024, 1, False),
        ("slow", 1024, 0, False),
    ],
)
def test_afterwards_what_was_fast(kernel: str, m: int, y_type: int, worth: bool) -> None:
    exploration = Exploration()
    exploration.learn("fast", matmul(1024))
    exploration.spend(60)
    assert exploration.worth(kernel, matmul(m, y_type)) is worth
