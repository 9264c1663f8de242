"""A progress bar over work whose amount is only estimated: one line on a terminal, plain lines elsewhere."""

import shutil
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TextIO

_PERIOD = 0.2  # seconds between looks
_BAR = 24  # characters


class Progress:
    """Watches a counter from a thread of its own, while the work is done in the `with` block.

    done: how much is done; expected: how much there is to do, as far as is known now, which may grow.
    """

    def __init__(
        self, what: str, done: Callable[[], int], expected: Callable[[], int], stream: TextIO
    ) -> None:
        self._what = what
        self._done = done
        self._expected = expected
        self._stream = stream
        self._terminal = stream.isatty()
        self._start = time.monotonic()
        self._shown = ""
        self._counted = -1
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Progress":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()
        self._show()
        if self._terminal:
            self._stream.write("\n")
            self._stream.flush()

    def _watch(self) -> None:
        while not self._end.wait(_PERIOD):
            self._show()

    def _show(self) -> None:
        done, seconds = self._done(), time.monotonic() - self._start
        expected = max(done, self._expected())
        if self._terminal:
            text = f"{bar(done, expected)} {line(self._what, done, expected, seconds)}"
            text = text[: shutil.get_terminal_size().columns - 1]
            self._stream.write("\r" + text.ljust(len(self._shown)))
            self._shown = text
        elif done != self._counted:
            self._stream.write(line(self._what, done, expected, seconds) + "\n")
        self._counted = done
        self._stream.flush()


def line(what: str, done: int, expected: int, seconds: float) -> str:
    """`12 of 24 problems, 0:20, about 0:20 left`."""
    text = f"{done} of {expected} {what}, {clock(seconds)}"
    if 0 < done < expected:
        text += f", about {clock(seconds / done * (expected - done))} left"
    return text


def bar(done: int, expected: int) -> str:
    filled = _BAR * done // expected if expected else _BAR
    return f"[{'#' * filled}{'.' * (_BAR - filled)}]"


def clock(seconds: float) -> str:
    """`1:05`, or `1:01:05` from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
