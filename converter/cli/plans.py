"""Show the stored plans, or carry them to other machines.

Prints the folder of plans as a table for each GPU and version, slowest problem first: what the problem
is, which engine and plan solve it, in how many microseconds and at how many TOPS, how long cuDNN's first
suggestion takes and how many times as long that is, and how old the plan is. Needs no GPU.

With --export the plans go into one file, and with --import from there into another machine's folder, so
that many machines of a kind tune once. Plans of other GPUs or versions do no harm: they are not used.
"""

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from converter.cli.problem_text import shorten
from converter.cli.runtime import load_plans
from converter.cli.verb import UsageError

_HEADINGS = ("problem", "engine", "plan", "us", "TOPS", "first us", "age")
_LEFT = 3  # columns of words, the others are numbers
_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))

# What the library names the files of a folder of plans, and those that it has not finished writing.
_FILES = ("*.plan", ".*.aside")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cache-dir", metavar="DIR", help="the folder of plans, if not the user's own")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--export", metavar="FILE", help="write all plans into one file")
    action.add_argument("--import", metavar="FILE", dest="import_", help="add the plans of such a file")
    action.add_argument("--clear", action="store_true", help="delete the plans")


def run(arguments: argparse.Namespace) -> None:
    plans = load_plans()
    folder = plans.default_cache_dir() if arguments.cache_dir is None else arguments.cache_dir
    if not folder:
        raise UsageError("there is no folder of plans: give one with --cache-dir")
    if Path(folder).exists() and not Path(folder).is_dir():
        raise UsageError(f"{folder} is no folder: give the folder of plans with --cache-dir")
    try:
        if arguments.export is not None:
            _check_target(Path(arguments.export))
            print(f"{_count(plans.export(arguments.export, folder))} written to {arguments.export}")
        elif arguments.import_ is not None:
            imported, rejected = plans.import_(arguments.import_, folder)
            print(f"{_count(imported)} of {arguments.import_} are in {folder} now")
            if rejected:
                raise UsageError(
                    f"{_count(rejected)} of {arguments.import_} cannot be used: export them anew"
                )
        elif arguments.clear:
            print(f"{_count(_clear(Path(folder)))} deleted from {folder}")
        else:
            print(table(plans.stored(folder)) or f"there are no plans in {folder}")
    except OSError as error:
        raise UsageError(error.strerror if error.strerror and not error.filename else str(error)) from error
    except ValueError as error:
        raise UsageError(str(error)) from error


def table(stored: Sequence[Mapping[str, Any]]) -> str:
    """Plans as lines of text, empty where there are none."""
    groups = defaultdict(list)
    for info in stored:
        where = f"{info['device']}, cuDNN {info['cudnn'] or 'none'}, qudnn {info['qudnn']}"
        groups[where].append(info)
    return "\n\n".join(
        "\n".join([f"{where}: {_count(len(infos))}", *_columns([_HEADINGS, *map(_row, _sorted(infos))])])
        for where, infos in sorted(groups.items())
    )


def _sorted(infos: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(infos, key=lambda info: (-info["microseconds"], info["problem"]))


def _row(info: Mapping[str, Any]) -> tuple[str, ...]:
    time, first = info["microseconds"], info["first_microseconds"]
    return (
        shorten(info["problem"]),
        info["engine"],
        info["plan"],
        f"{time:.1f}" if time else "-",
        f"{info['tops']:.1f}" if info["tops"] else "-",
        f"{first:.1f} ({first / time:.1f}x)" if first and time else "-",
        age(info["age_seconds"]),
    )


def age(seconds: float) -> str:
    """`3 d`, `5 min`: in the largest unit of which there is one."""
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "0 s"


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if index < _LEFT else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _check_target(file: Path) -> None:
    if file.is_dir():
        raise UsageError(f"cannot write {file}: it is a folder")
    if not file.parent.is_dir():
        raise UsageError(f"cannot write {file}: there is no folder {file.parent}")


def _clear(folder: Path) -> int:
    """Delete the files of plans, and nothing else; how many plans there were."""
    files = [path for pattern in _FILES for path in folder.glob(pattern)]
    for path in files:
        path.unlink(missing_ok=True)
    return sum(path.suffix == ".plan" for path in files)


def _count(plans: int) -> str:
    return f"{plans} plan{'' if plans == 1 else 's'}"
