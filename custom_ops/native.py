"""libqudnn's state in this process, through its C interface: see csrc/c_api/qudnn.h.

Importing this loads libqudnn.so, and raises ImportError where that cannot be.
"""

import atexit
import ctypes
import json
from os import fsdecode
from pathlib import Path
from typing import Any

from qudnn.custom_ops.c_interface import CInterface
from qudnn.custom_ops.location import LIBRARY

_library = CInterface(LIBRARY)


def statistics() -> dict[str, Any]:
    """Counters of the process's plans."""
    return dict(_ask("qudnn_statistics"))


def answers(problem: str) -> list[tuple[str, str, list[str]]]:
    """(engine, why it has no plan for the problem of this text, its plans) on the current GPU, in order.

    Raises ValueError where it is no problem's.
    """
    return [tuple(each) for each in _ask("qudnn_answers", problem)]


def read_problem(text: str) -> tuple[str, int]:
    """The full text of a problem that may leave out what follows from the rest; its multiplications and
    additions. Raises ValueError where it is no problem's."""
    full, operations = _ask("qudnn_read_problem", text)
    return full, operations


def rates() -> tuple[float, float]:
    """Int8 operations and bytes of memory a second of the current GPU at best, by its properties; 0: unknown.

    Raises RuntimeError where there is no GPU.
    """
    operations, moved = _ask("qudnn_rates")
    return operations, moved


def replay(problem: str, only: str, with_unlikely: bool) -> list[tuple[str, str, str, int, float, bool]]:
    """What came of each plan of the problem of this text on the current GPU.

    (engine, plan, why it does not run, bytes that differ from the reference's, microseconds, whether it is
    the reference). only: the name of an engine or a plan, "" for all. with_unlikely: plans too that no
    heuristics name. Raises ValueError where it is no problem's, RuntimeError where nothing runs it.
    """
    return [tuple(each) for each in _ask("qudnn_replay", problem, only, int(with_unlikely))]


def wait_for_tuning(seconds: float) -> bool:
    """Waits until no plan is looked for aside any more, at most so long; whether none is."""
    return bool(_ask("qudnn_wait_for_tuning", ctypes.c_double(seconds)))


def stop_tuning(seconds: float = 10) -> bool:
    """Looks for no plans aside any more; waits for what is being built, at most so long; whether it is."""
    return bool(_ask("qudnn_stop_tuning", ctypes.c_double(seconds)))


def clear() -> None:
    """Forgets every plan of the process, and the counters."""
    _ask("qudnn_clear")


def list_plans() -> list[dict[str, Any]]:
    """The process's plans, most recently used first."""
    return list(_ask("qudnn_list_plans"))


def stored_plans(folder: str) -> tuple[list[dict[str, Any]], list[tuple[Path, str]]]:
    """The plans of a cache folder, and the files that are none, with why. Raises OSError."""
    plans, left_out = _ask("qudnn_stored_plans", folder)
    return plans, [(Path(_path(path)), why) for path, why in left_out]


def delete_plans(folder: str) -> int:
    """Deletes the plans of a cache folder; how many. Raises OSError."""
    return int(_ask("qudnn_delete_plans", folder))


def export_plans(folder: str) -> tuple[bytes, int]:
    """An exported file of the process's plans and those of a folder ("": none); how many. Raises OSError."""
    return _library.call("qudnn_export_plans", folder)


def import_plans(path: str, folder: str) -> tuple[int, int]:
    """Takes an exported file's plans over, into a folder ("": none) too; how many, how many damaged.

    Raises OSError, ValueError where it is no exported file.
    """
    count, damaged = _ask("qudnn_import_plans", path, folder)
    return count, damaged


def default_cache_folder() -> str:
    """Where plans are kept if a session does not say; "" for nowhere."""
    return _path(_ask("qudnn_default_cache_folder"))


def versions() -> dict[str, str]:
    """What the library is built against, and the cuDNN found at run time ("" where there is none)."""
    return dict(_ask("qudnn_versions"))


def cuda_devices() -> list[tuple[str, int]]:
    """(name, compute capability as 90 for 9.0) of every GPU; none without a driver."""
    return [(name, capability) for name, capability in _ask("qudnn_cuda_devices")]


def no_usable_device() -> str:
    """Why no operators are registered in this process; "" where they are."""
    return str(_ask("qudnn_no_usable_device"))


def _ask(function: str, *arguments: object) -> Any:
    return json.loads(_library.call(function, *arguments)[0].decode(errors="surrogateescape"))


def _path(text: str) -> str:
    """A path in JSON, which has the bytes that the system has for it."""
    return fsdecode(text.encode(errors="surrogateescape"))


# The library does it at exit(), which Python does not call after an interrupt.
atexit.register(stop_tuning)
