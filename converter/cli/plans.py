"""Show the stored plans, or carry them to other machines.

Prints the folder of plans as a table for each GPU and version, slowest problem first: what the problem
is, which engine and plan solve it, in how many microseconds and at how many TOPS, how long cuDNN's first
suggestion takes and how many times as long that is, and how old the plan is. Needs no GPU.

With --export the plans go into one file, and with --import from there into another machine's folder, so
that many machines of a kind tune once; - is standard output and input. Plans of other GPUs or versions do no
harm: they are not used. But a plan is code, which runs on the GPU: import no file from people whose programs
you would not run.

  qudnn plans
  qudnn plans --export h200.plans
"""

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from qudnn.converter.cli.console import Console
from qudnn.converter.cli.problem_text import shorten
from qudnn.converter.cli.runtime import load_plans
from qudnn.converter.cli.terminal import cell, columns
from qudnn.converter.cli.verb import Exit, UsageError
from qudnn.converter.io import output

_HEADINGS = ("problem", "engine", "plan", "us", "TOPS", "first us", "age")
_LEFT = 3  # columns of words, the others are numbers
_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cache-dir", metavar="DIR", help="the folder of plans, if not the user's own")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--export", metavar="FILE", help="write all plans into one file")
    action.add_argument("--import", metavar="FILE", dest="import_", help="add the plans of such a file")
    action.add_argument(
        "--problems", action="store_true", help="print the problems' full texts, as `qudnn bench` takes them"
    )
    action.add_argument("--clear", action="store_true", help="delete the plans")


def run(arguments: argparse.Namespace, console: Console) -> Exit:
    plans = load_plans()
    folder = plans.default_cache_dir() if arguments.cache_dir is None else arguments.cache_dir
    if not folder:
        raise UsageError("there is no folder of plans: give one with --cache-dir")
    if Path(folder).exists() and not Path(folder).is_dir():
        raise UsageError(f"{folder} is no folder: give the folder of plans with --cache-dir")
    try:
        if arguments.export is not None:
            _export(plans, arguments.export, folder, console)
        elif arguments.import_ is not None:
            _import(plans, arguments.import_, folder, console)
        elif arguments.clear:
            deleted = plans.delete(folder)
            console.answer(
                lambda: {"folder": folder, "deleted": deleted},
                lambda: f"{_count(deleted)} deleted from {folder}",
            )
        else:
            _show(plans, folder, arguments.problems, console)
    except OSError as error:
        raise UsageError(error.strerror if error.strerror and not error.filename else str(error)) from error
    except ValueError as error:
        raise UsageError(str(error)) from error
    return Exit.DONE


def _show(plans: ModuleType, folder: str, problems: bool, console: Console) -> None:
    stored = plans.stored(folder)
    none = f"there are no plans in {folder}"
    texts = sorted({info["problem"] for info in stored})
    console.answer(
        lambda: {"folder": folder, "plans": [dict(info) for info in stored]},
        lambda: ("\n".join(texts) if problems else table(stored)) or none,
    )
    _check_left_out(plans, folder)


def _export(plans: ModuleType, target: str, folder: str, console: Console) -> None:
    if problem := output.problem(target):
        raise UsageError(f"cannot write {target}: {problem}")
    count = plans.export(target, folder)
    if output.is_standard(target):
        console.leave_standard_output()
    name = output.name(target, "output")
    console.answer(lambda: {"file": name, "exported": count}, lambda: f"{_count(count)} written to {name}")
    _check_left_out(plans, folder)


def _import(plans: ModuleType, source: str, folder: str, console: Console) -> None:
    name = output.name(source, "input")
    imported, rejected = plans.import_("/dev/stdin" if source == output.STANDARD else source, folder)
    console.answer(
        lambda: {"file": name, "folder": folder, "imported": imported, "rejected": rejected},
        lambda: f"{_count(imported)} of {name} copied to {folder}",
    )
    if rejected:
        raise UsageError(f"{_count(rejected)} of {name} cannot be used: export them anew")


def _check_left_out(plans: ModuleType, folder: str) -> None:
    """Raises UsageError that says which files of the folder are no plans, and why."""
    reasons = defaultdict(list)
    for path, reason in sorted(plans.left_out(folder).items()):
        reasons[reason].append(path.name)
    if not reasons:
        return
    count = sum(map(len, reasons.values()))
    why = "; ".join(f"{cell(reason)} ({len(names)}, such as {names[0]})" for reason, names in reasons.items())
    raise UsageError(
        f"{count} file{'' if count == 1 else 's'} of {folder} left out: {why}. Delete them, or, where they "
        "are another user's, share the folder with a group: see docs/tuning.md"
    )


def table(stored: Sequence[Mapping[str, Any]]) -> str:
    """Plans as lines of text, empty where there are none."""
    groups = defaultdict(list)
    for info in stored:
        device, cudnn, qudnn = (cell(info[name]) for name in ("device", "cudnn", "qudnn"))
        groups[f"{device}, cuDNN {cudnn or 'none'}, qudnn {qudnn}"].append(info)
    return "\n\n".join(
        "\n".join(
            [f"{where}: {_count(len(infos))}", *columns([_HEADINGS, *map(_row, _sorted(infos))], _LEFT)]
        )
        for where, infos in sorted(groups.items())
    )


def _sorted(infos: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(infos, key=lambda info: (-info["microseconds"], info["problem"]))


def _row(info: Mapping[str, Any]) -> tuple[str, ...]:
    time, first = info["microseconds"], info["first_microseconds"]
    return (
        cell(shorten(info["problem"])),
        cell(info["engine"]),
        cell(info["plan"]),
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


def _count(plans: int) -> str:
    return f"{plans} plan{'' if plans == 1 else 's'}"
