"""Ctrl-C and its like: an interrupted command leaves no files and prints nothing."""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

from qudnn.converter.io import output

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PATIENCE = 0.1  # seconds


def endable(work: Callable[[], int]) -> int:
    """What work() returns or raises, unless a signal ends the process first: with 128 and its number.

    The work is done in another thread. So it is not disturbed where an exception would be dropped, and nobody
    waits for it where it would hear no signal.
    """
    results: list[int] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:  # as under nohup
                signal.signal(number, _end)
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(_PATIENCE)  # the other thread may get the signal, which wakes nobody here
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
    if errors:
        raise errors[0]
    return results[0]


def _end(number: int, _: FrameType | None) -> None:
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    output.tidy()
    os._exit(128 + number)  # as a shell gives it; threads and finalizers may never notice
