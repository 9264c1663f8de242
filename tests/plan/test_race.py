"""The race that finds the fastest plan, with times made up."""

import random
from collections import Counter

import testing


def test_the_fastest_wins_though_times_are_noisy() -> None:
    for seed in range(50):
        rng = random.Random(seed)
        true = [rng.uniform(20, 80) for _ in range(12)]
        best = min(true)

        def measure(runners: list[int], rng: random.Random = rng, true: list[float] = true) -> list[float]:
            return [true[i] * (1 + abs(rng.gauss(0, 0.01))) for i in runners]

        medians = testing.race(len(true), measure)
        assert true[medians.index(min(medians))] < best * 1.02


def test_one_disturbed_measurement_throws_nobody_out() -> None:
    rounds = []

    def measure(runners: list[int]) -> list[float]:
        rounds.append(runners)
        return [500.0 if i == 2 and len(rounds) == 1 else 50.0 - i for i in runners]

    medians = testing.race(3, measure)
    assert medians.index(min(medians)) == 2


def test_who_is_far_behind_runs_twice_only() -> None:
    runs: Counter[int] = Counter()

    def measure(runners: list[int]) -> list[float]:
        runs.update(runners)
        return [10.0 * (i + 1) for i in runners]

    assert testing.race(4, measure) == [10.0, 20.0, 30.0, 40.0]
    assert runs[0] >= 5
    assert [runs[i] for i in (1, 2, 3)] == [2, 2, 2]


def test_slow_work_is_not_repeated() -> None:
    rounds = []

    def measure(runners: list[int]) -> list[float]:
        rounds.append(runners)
        return [30_000.0 + i for i in runners]

    assert testing.race(3, measure) == [30_000.0, 30_001.0, 30_002.0]
    assert len(rounds) == 1


def test_twins_end() -> None:
    rounds = []

    def measure(runners: list[int]) -> list[float]:
        rounds.append(runners)
        return [5.0 + (len(rounds) + i) % 2 for i in runners]

    testing.race(2, measure)
    assert len(rounds) < 50


def test_nobody_runs() -> None:
    assert testing.race(0, lambda runners: [1.0 for _ in runners]) == []


def test_where_others_disturb_it_the_least_time_counts() -> None:
    """Work of others can only make a measurement longer."""
    for seed in range(50):
        rng = random.Random(seed)
        true = [40.0, 44.0, 60.0]

        def measure(runners: list[int], rng: random.Random = rng, true: list[float] = true) -> list[float]:
            return [true[i] * (1 + (rng.uniform(0.2, 3) if rng.random() < 0.3 else 0)) for i in runners]

        times = testing.race(len(true), measure, disturbed=True)
        assert times.index(min(times)) == 0
        assert times[0] == 40.0
