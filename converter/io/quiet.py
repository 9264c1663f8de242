"""Keeping the libraries that the converter uses from writing to its user's terminal."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_TALKATIVE = ("onnx_ir", "onnxscript")


@contextmanager
def quiet() -> Iterator[None]:
    """Without their warnings, tracebacks among them: what matters of these is in the report or an error."""
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
