"""The plan cache, over strings that Python builds: bounded, and each value built once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import testing


def never() -> str:
    raise AssertionError("built again")


def test_second_get_is_a_hit() -> None:
    cache = testing.StringCache(2)
    assert cache.get("a", lambda: "A") == "A"
    assert cache.get("a", never) == "A"
    assert cache.statistics() == {"hits": 1, "misses": 1, "builds": 1, "evictions": 0, "entries": 1}


def test_least_recently_used_makes_room() -> None:
    cache = testing.StringCache(3)
    for key in "abc":
        cache.get(key, key.upper)
    cache.get("a", never)
    assert cache.keys() == ["a", "c", "b"]
    cache.get("d", lambda: "D")
    assert cache.keys() == ["d", "a", "c"]
    assert cache.get("b", lambda: "again") == "again"
    assert cache.keys() == ["b", "d", "a"]
    assert cache.statistics() == {"hits": 1, "misses": 5, "builds": 5, "evictions": 2, "entries": 3}


def test_clear_forgets() -> None:
    cache = testing.StringCache(3)
    cache.get("a", lambda: "old")
    cache.clear()
    assert cache.keys() == []
    assert cache.statistics()["entries"] == 0
    assert cache.get("a", lambda: "new") == "new"


@pytest.mark.parametrize("threads", [2, 8])
def test_threads_that_miss_one_key_build_it_once(threads: int) -> None:
    cache = testing.StringCache(4)
    builds = []
    barrier = threading.Barrier(threads)
    release = threading.Event()

    def build() -> str:
        builds.append(threading.get_ident())
        release.wait(10)  # until the others have come, or it proves nothing
        return "value"

    def get() -> str:
        barrier.wait(10)
        value: str = cache.get("key", build)
        return value

    with ThreadPoolExecutor(threads) as pool:
        results = [pool.submit(get) for _ in range(threads)]
        wait_for(lambda: cache.statistics()["hits"] == threads - 1)
        release.set()
        assert [result.result(10) for result in results] == ["value"] * threads
    assert len(builds) == 1
    assert cache.statistics() == {
        "hits": threads - 1,
        "misses": 1,
        "builds": 1,
        "evictions": 0,
        "entries": 1,
    }


def test_other_keys_do_not_wait_for_a_build() -> None:
    cache = testing.StringCache(4)
    cache.get("known", lambda: "known")
    building, release = threading.Event(), threading.Event()

    def build() -> str:
        building.set()
        assert release.wait(10)
        return "slow"

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(cache.get, "slow", build)
        assert building.wait(10)
        assert cache.get("known", never) == "known"
        assert cache.get("other", lambda: "other") == "other"
        assert not slow.done()
        release.set()
        assert slow.result(10) == "slow"


def test_a_failed_build_goes_to_all_who_wait_and_is_not_kept() -> None:
    cache = testing.StringCache(4)
    release = threading.Event()

    def fail() -> str:
        release.wait(10)
        raise ValueError("no such plan")

    with ThreadPoolExecutor(4) as pool:
        results = [pool.submit(cache.get, "key", fail) for _ in range(4)]
        wait_for(lambda: cache.statistics()["hits"] == 3)
        release.set()
        for result in results:
            with pytest.raises(Exception, match="no such plan"):
                result.result(10)
    assert cache.keys() == []
    assert cache.statistics()["builds"] == 0
    assert cache.get("key", lambda: "value") == "value"


def test_what_is_being_built_is_not_evicted() -> None:
    cache = testing.StringCache(1)
    building, release = threading.Event(), threading.Event()

    def build() -> str:
        building.set()
        assert release.wait(10)
        return "slow"

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(cache.get, "slow", build)
        assert building.wait(10)
        for key in "abc":
            cache.get(key, key.upper)
        release.set()
        assert slow.result(10) == "slow"
    assert cache.statistics()["entries"] == 1


def test_a_clear_during_a_build() -> None:
    cache = testing.StringCache(4)
    building, release = threading.Event(), threading.Event()

    def build() -> str:
        building.set()
        assert release.wait(10)
        return "before"

    with ThreadPoolExecutor(1) as pool:
        before = pool.submit(cache.get, "key", build)
        assert building.wait(10)
        cache.clear()
        assert cache.get("key", lambda: "after") == "after"
        release.set()
        assert before.result(10) == "before"
    assert cache.get("key", never) == "after"


def test_many_threads_and_keys() -> None:
    cache = testing.StringCache(1000)
    lock = threading.Lock()
    builds: list[str] = []

    def work(seed: int) -> None:
        for step in range(300):
            key = str((seed * 7 + step * 13) % 50)

            def build(key: str = key) -> str:
                with lock:
                    builds.append(key)
                return "value " + key

            assert cache.get(key, build) == "value " + key

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert sorted(builds) == sorted(map(str, range(50)))
    statistics = cache.statistics()
    assert (statistics["builds"], statistics["misses"], statistics["hits"]) == (50, 50, 8 * 300 - 50)


def wait_for(condition: Callable[[], bool]) -> None:
    """Until the condition holds; fails after ten seconds."""
    pause = threading.Event()
    for _ in range(1000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("waited in vain")
