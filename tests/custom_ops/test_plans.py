"""The plan cache as Python sees it."""

from qudnn.custom_ops import plans


def test_a_cleared_cache_has_no_entries() -> None:
    plans.clear()
    statistics = plans.statistics()
    assert statistics.keys() == plans.Statistics.__annotations__.keys()
    assert set(statistics.values()) == {0}
    assert list(plans.list()) == []
