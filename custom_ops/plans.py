"""The plan cache: which problems the operators have met in this process, and how they were built."""

from custom_ops import _native


def statistics() -> dict[str, int]:
    """Counters since the start of the process, and how many plans there are now (entries).

    hits: looked up and found, or waited for; misses: had to be built; builds: plans built;
    evictions: plans dropped for lack of room.
    """
    return dict(_native.statistics())


def clear() -> None:
    """Forget all plans; sessions build theirs anew as they need them. The counters stay."""
    _native.clear()
