"""Models that are converted before any is measured, each in a process of its own."""

import multiprocessing
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt
import onnxruntime

from benchmarks.report import outcome
from qudnn import custom_ops
from qudnn.custom_ops.measuring.bound import cast, on_gpu
from qudnn.custom_ops.profile import kernels

_PROCESSES = 5  # at a time

Array = npt.NDArray[Any]
Feed = dict[str, Array]


@dataclass(frozen=True)
class Prepared:
    """A converted model, what its conversion says, and what the CPU provider computes, by batch size."""

    converted: bytes
    row: outcome.Row
    feeds: dict[int, Feed]
    expected: dict[int, list[Array]]


def prepare_all(prepare: Mapping[str, Callable[[], Prepared]]) -> dict[str, Prepared | str]:
    """Each model prepared, or why it could not be; several at a time."""
    found: dict[str, Prepared | str] = {}
    count = min(_PROCESSES, len(prepare), os.cpu_count() or 1)
    with ProcessPoolExecutor(count, multiprocessing.get_context("spawn")) as pool:
        waiting = {name: pool.submit(each) for name, each in prepare.items()}
        for name, future in waiting.items():
            try:
                found[name] = future.result()
            except Exception as error:
                found[name] = str(error) or repr(error)
    return found


def off_the_gpu(converted: bytes, feed: Feed, folder: str) -> dict[str, int]:
    """The kernels of a run that were not on the GPU, and copies. folder: for the profile."""
    profiled = onnxruntime.SessionOptions()
    profiled.enable_profiling = True
    profiled.profile_file_prefix = str(Path(folder, "profile"))
    session = custom_ops.InferenceSession(converted, profiled, providers=on_gpu())
    session.run(None, cast(session, feed))
    return outcome.off_the_gpu(kernels(session))
