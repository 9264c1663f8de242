"""The plan cache as Python sees it."""

from custom_ops import plans


def test_a_cleared_cache_has_no_entries() -> None:
    plans.clear()
    statistics = plans.statistics()
    assert set(statistics) == {"hits", "misses", "builds", "evictions", "entries"}
    assert statistics["entries"] == 0
