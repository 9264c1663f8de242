"""The plans of the operators: which problems were met, how each is computed, and how fast.

A plan is made when a shape is first run, and kept in the process and in a cache folder. Options of
`qudnn.register` say how: `tune`, `workspace_limit`, `cache_dir`.
"""

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TypedDict, cast

from qudnn.custom_ops import native
from qudnn.custom_ops.metrics import prometheus


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
    pending: int  # problems whose fastest plan is looked for aside, or will be: tune="background"
    swapped: int  # plans that took the place of guesses, between two runs


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
    first_plan: str  # cuDNN's first heuristic plan; '' where none was tried
    first_microseconds: float  # 0 where it was not timed
    tops: float  # int8 multiplications and additions, 10^12 a second; 0 where not timed
    age_seconds: int
    source: str  # "tuned", "heuristic", "disk" or "imported"


def statistics() -> Statistics:
    """Counters of this process's plans."""
    return cast(Statistics, native.statistics())


def metrics() -> str:
    """The same counters in Prometheus' text format, for a service's `/metrics`: `qudnn_plan_hits_total 7`.

    The service's replicas are processes of their own, each with its own counters.
    """
    return prometheus(cast(Mapping[str, float], statistics()))


def clear() -> None:
    """Forget all plans of this process, imported ones too, and set the counters to zero.

    Sessions find or make theirs anew as they need them. Files stay.
    """
    native.clear()


def wait_for_tuning(seconds: float = 600) -> bool:
    """Wait until no plan is looked for aside any more, at most so long; whether none is.

    Sessions with tune="background" look for plans aside.
    """
    return native.wait_for_tuning(seconds)


def stored(cache_dir: str | PathLike[str] | None = None) -> Sequence[PlanInfo]:
    """The plans in a cache folder, by default the one that sessions use by default; needs no GPU.

    Their source is "tuned" or "heuristic". Files that are damaged or foreign are left out, and told by
    `left_out`. Raises OSError where there is a folder that cannot be read.
    """
    return cast(Sequence[PlanInfo], native.stored_plans(_folder(cache_dir))[0])


def left_out(cache_dir: str | PathLike[str] | None = None) -> Mapping[Path, str]:
    """The files of a cache folder that have a plan's name and are no plan for this user, and why.

    A plan is code: one counts only if this user, root or, in a folder that a group shares (of mode 2770), a
    member of the group has written it. Raises OSError as `stored` does.
    """
    return dict(native.stored_plans(_folder(cache_dir))[1])


def delete(cache_dir: str | PathLike[str] | None = None) -> int:
    """Delete the plans in a cache folder, nothing else, and return how many there were.

    Raises OSError where one cannot be deleted.
    """
    return native.delete_plans(_folder(cache_dir))


def export(path: str | PathLike[str], cache_dir: str | PathLike[str] | None = None) -> int:
    """Write the plans of this process and of a cache folder to one file.

    The folder is the default one by default; "" stands for none. The file is written as
    `qudnn.convert_file` does it; "-" is standard output. Returns how many. Raises ValueError where there
    are no plans, OSError where the folder cannot be read or the file not written.
    """
    from qudnn.converter.io import output

    content, count = native.export_plans(_folder(cache_dir))
    if not count:
        raise ValueError("there are no plans to export")
    output.write(path, content)
    return count


def import_(path: str | PathLike[str], cache_dir: str | PathLike[str] | None = None) -> tuple[int, int]:
    """Take the plans of an exported file over, for this process and, as files, for a cache folder.

    An exported file is code, which runs on the GPU: take none from people whose programs you would not run.
    Each plan is used where its GPU, versions and workspace limit are those of the session that asks. Returns
    how many there were, and how many were damaged and left out. Raises OSError where the file cannot be
    read or the folder not written, ValueError where the file holds no exported plans, or is larger than 1 GB.
    """
    return native.import_plans(fspath(path), _folder(cache_dir))


def default_cache_dir() -> str:
    """Where sessions keep plans by default, '' for nowhere.

    $QUDNN_CACHE_DIR, else $XDG_CACHE_HOME/qudnn, else ~/.cache/qudnn.
    """
    return native.default_cache_folder()


def list() -> Sequence[PlanInfo]:
    """The plans of this process, most recently used first."""
    return cast(Sequence[PlanInfo], native.list_plans())


def _folder(cache_dir: str | PathLike[str] | None) -> str:
    return default_cache_dir() if cache_dir is None else fspath(cache_dir)
