"""The plans of the operators: which problems were met, how each is computed, and how fast.

A plan is made when a shape is first run, and kept in the process and in a cache folder. Options of
`custom_ops.register` say how: `tune`, `workspace_limit`, `cache_dir`.
"""

from collections.abc import Sequence
from os import PathLike, fspath
from typing import TypedDict, cast

from custom_ops import _native


class Statistics(TypedDict):
    """Counters since the start of the process or the last `clear`."""

    hits: int  # plans looked up and found in the process, or waited for
    misses: int  # not found there
    builds: int  # of these: plans made, by tuning or by heuristics
    evictions: int  # dropped for lack of room
    entries: int  # now in the process
    disk_hits: int  # misses that a file, or an import, answered
    disk_writes: int  # files written
    disk_rejected: int  # files that were ignored, as damaged, foreign or unusable; each is logged
    candidates_built: int
    candidates_dropped: int  # could not be built or run, took too much workspace, or gave wrong bits
    tuning_seconds: float


class PlanInfo(TypedDict):
    """One problem and its plan."""

    problem: str  # "conv n=64 h=56 ..."
    device: str
    cudnn: str  # version, '' where there was none
    qudnn: str  # version
    workspace_limit: int
    engine: str
    plan: str
    microseconds: float  # a run of it, with a cold L2 cache
    first_plan: str  # cuDNN's first heuristic plan; '' where there was none
    first_microseconds: float  # 0 where it was not timed
    tops: float  # int8 multiplications and additions, 10^12 a second; 0 where not timed
    age_seconds: int
    source: str  # "tuned", "heuristic", "disk" or "imported"


def statistics() -> Statistics:
    """Counters of this process's plans."""
    return cast(Statistics, _native.statistics())


def clear() -> None:
    """Forget all plans of this process, imported ones too, and set the counters to zero.

    Sessions find or make theirs anew as they need them. Files stay.
    """
    _native.clear()


def stored(cache_dir: str | PathLike[str] | None = None) -> Sequence[PlanInfo]:
    """The plans in a cache folder, by default the one that sessions use by default; needs no GPU.

    Their source is "tuned" or "heuristic". Files that are damaged or foreign are left out.
    """
    return cast(Sequence[PlanInfo], _native.stored_plans(_folder(cache_dir)))


def export(path: str | PathLike[str], cache_dir: str | PathLike[str] | None = None) -> int:
    """Write the plans of this process and of a cache folder to one file.

    The folder is the default one by default; "" stands for none. Returns how many. Raises OSError where the
    file cannot be written.
    """
    return _native.export_plans(fspath(path), _folder(cache_dir))


def import_(path: str | PathLike[str], cache_dir: str | PathLike[str] | None = None) -> tuple[int, int]:
    """Take the plans of an exported file over, for this process and, as files, for a cache folder.

    Each is used where its GPU, versions and workspace limit are those of the session that asks. Returns
    how many there were, and how many were damaged and left out. Raises OSError where the file cannot be
    read or the folder not written, ValueError where the file holds no exported plans.
    """
    return _native.import_plans(fspath(path), _folder(cache_dir))


def default_cache_dir() -> str:
    """Where sessions keep plans by default, '' for nowhere.

    $QUDNN_CACHE_DIR, else $XDG_CACHE_HOME/qudnn, else ~/.cache/qudnn.
    """
    return _native.default_cache_folder()


def list() -> Sequence[PlanInfo]:
    """The plans of this process, most recently used first."""
    return cast(Sequence[PlanInfo], _native.list_plans())


def _folder(cache_dir: str | PathLike[str] | None) -> str:
    return default_cache_dir() if cache_dir is None else fspath(cache_dir)
