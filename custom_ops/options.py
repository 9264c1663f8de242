"""How plans are found and kept: the options of `register` and their entries in a session's configuration."""

import operator
import os
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Literal, get_args

import onnxruntime

from qudnn.converter.cli.units import size

Tune = Literal["full", "background", "heuristic", "cached"]

TUNE = "qudnn.tune"
WORKSPACE_LIMIT = "qudnn.workspace_limit"
CACHE_DIR = "qudnn.cache_dir"

_DEFAULTS = {TUNE: "full", WORKSPACE_LIMIT: str(2**30)}

_LARGEST = 2**63 - 1


def config_entries(
    tune: Tune | None, workspace_limit: int | None, cache_dir: str | os.PathLike[str] | None
) -> dict[str, str]:
    """The session config entries of those options that are not None; the library reads them.

    Raises TypeError or ValueError where one cannot be.
    """
    entries = {}
    if tune is not None:
        entries[TUNE] = _checked_tune(tune)
    if workspace_limit is not None:
        entries[WORKSPACE_LIMIT] = _checked_limit(workspace_limit)
    if cache_dir is not None:
        entries[CACHE_DIR] = _checked_folder(cache_dir)
    return entries


def default(key: str) -> str | None:
    """What the library takes where the entry is not set; None for the folder, which it finds itself.

    Raises ValueError where the environment's cannot be.
    """
    if key == TUNE:
        return os.environ.get("QUDNN_TUNE") or _DEFAULTS[key]
    if key == WORKSPACE_LIMIT and (limit := os.environ.get("QUDNN_WORKSPACE_LIMIT")):
        try:
            return str(size(limit))
        except ArgumentTypeError as error:
            raise ValueError(f"QUDNN_WORKSPACE_LIMIT: {error}") from error
    return _DEFAULTS.get(key)


def config_entry(session_options: onnxruntime.SessionOptions, key: str) -> str | None:
    """A session config entry, None where it is not set."""
    try:
        return str(session_options.get_session_config_entry(key))
    except RuntimeError:
        return None


def _checked_tune(tune: str) -> str:
    modes = get_args(Tune)
    if tune not in modes:
        raise ValueError(f"tune is {tune!r}; it has to be one of {', '.join(map(repr, modes))}")
    return tune


def _checked_limit(limit: int) -> str:
    try:
        size = None if isinstance(limit, bool) else operator.index(limit)
    except TypeError:
        size = None
    if size is None:
        raise TypeError(f"workspace_limit is {limit!r}; it has to be a number of bytes, an int")
    if not 0 <= size <= _LARGEST:
        raise ValueError(f"workspace_limit is {size}; it has to be a number of bytes from 0 to 2**63 - 1")
    return str(size)


def _checked_folder(folder: str | os.PathLike[str]) -> str:
    """The folder's full path, as the current folder may change; "" stays what it is."""
    if not isinstance(folder, (str, os.PathLike)) or not isinstance(os.fspath(folder), str):
        raise TypeError(f"cache_dir is {folder!r}; it has to be a folder's path, or '' for none")
    if folder == "":
        return ""
    path = Path(folder).absolute()
    if "\0" in str(path):
        raise ValueError(f"cache_dir is {folder!r}; a path has no null characters")
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"cache_dir is {folder}, which is there and no folder")
    return str(path)
