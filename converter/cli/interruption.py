"""Ctrl-C and its like: a command that is ended leaves nothing behind and says nothing."""

import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

_Result = TypeVar("_Result")

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PERIOD = 0.1  # seconds between looks for a signal
_PATIENCE = 5  # seconds in which to tidy up

_abandoned: list[threading.Thread] = []


class Ended(BaseException):
    """The command was ended by a signal: not an Exception, which somebody may take for an error."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number  # as a shell gives it


@contextmanager
def raising() -> Iterator[None]:
    """In the block, a signal that ends a command raises Ended; others do nothing while that is under way."""
    if threading.current_thread() is not threading.main_thread():  # only there they can be handled
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    last = -math.inf

    def end(number: int, _: FrameType | None) -> None:
        nonlocal last
        now = time.monotonic()
        # It may have been raised where exceptions are dropped, as in a destructor: whoever insists is heard.
        if now - last >= _PATIENCE:
            last = now
            raise Ended(number)

    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:  # as under nohup
                signal.signal(number, end)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def endable(work: Callable[[], _Result]) -> _Result:
    """What work() returns or raises. A signal does not wait for it: it may be in a call that hears none."""
    results: list[_Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_PERIOD)
    except Ended:
        _abandoned.append(thread)
        raise
    if errors:
        raise errors[0]
    return results[0]


def leave(status: int) -> int:
    """The exit status to return. Where work was abandoned, ends the process at once: it may never notice."""
    if any(thread.is_alive() for thread in _abandoned):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status
