"""The plan cache: which problems the operators have met in this process, and how they were built."""

from custom_ops import _native


def statistics() -> dict[str, int]:
    """Counters since the start of the process or the last `clear`.

    hits: runs that found their plan; misses: runs that did not; builds: plans built.
    """
    return dict(_native.statistics())


def clear() -> None:
    """Forget all plans and set the counters to zero. Sessions go on and build their plans anew."""
    _native.clear()
