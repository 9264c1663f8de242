"""Calls over the C interface of the package's libraries, csrc/c_api/qudnn.h: answers and errors.

ctypes gives up the interpreter's lock while a function of the library runs.
"""

import ctypes
import os
from typing import Any

from qudnn.custom_ops.location import find_library


class BadRecord(ValueError):  # noqa: N818
    """Bytes that are no plans."""


class Answer(ctypes.Structure):
    """QudnnAnswer."""

    _fields_ = (("text", ctypes.c_void_p), ("size", ctypes.c_uint64), ("number", ctypes.c_int64))

    text: int | None
    size: int
    number: int

    def content(self) -> bytes:
        return b"" if self.text is None else ctypes.string_at(self.text, self.size)


_OK, _SYSTEM = 0, 2
_ERRORS: dict[int, type[Exception]] = {1: ValueError, 3: MemoryError, 4: BadRecord}


class CInterface:
    """A library of the package, loaded. Raises ImportError where it is not there or cannot be loaded."""

    def __init__(self, name: str) -> None:
        try:
            self.path = find_library(name)
            self.library = ctypes.CDLL(self.path)
            self._release = self.library.qudnn_release
        except (OSError, AttributeError) as error:
            raise ImportError(f"{error}") from error
        self._release.argtypes, self._release.restype = (ctypes.POINTER(Answer),), None

    def call(self, function: str, *arguments: object) -> tuple[bytes, int]:
        """The text and the number of a function's answer.

        arguments: texts and paths, or what ctypes takes. Raises ValueError, OSError, MemoryError, or
        RuntimeError where the library fails otherwise, with its message.
        """
        answer = Answer()
        try:
            status = getattr(self.library, function)(*map(_as_c, arguments), ctypes.byref(answer))
            content, number = answer.content(), answer.number
        finally:
            self._release(ctypes.byref(answer))
        if status == _OK:
            return content, number
        message = content.decode(errors="backslashreplace")
        if status == _SYSTEM:
            raise OSError(number, message)  # of the kind that the number stands for
        raise _ERRORS.get(status, RuntimeError)(message)


def _as_c(argument: object) -> Any:
    if not isinstance(argument, (str, os.PathLike)):
        return argument
    encoded = os.fsencode(argument)
    if b"\0" in encoded:
        raise ValueError(f"{os.fspath(argument)!r} has a null character")
    return encoded
