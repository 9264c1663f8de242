"""Batches of the sizes that have plans."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

Array = npt.NDArray[Any]


def run(
    session: onnxruntime.InferenceSession, examples: Sequence[Array], sizes: Sequence[int]
) -> list[Array]:
    """The results of examples of one shape, all run as one batch: filled up to the next of the sizes.

    sizes: in ascending order; the last is at least the number of examples. The model has one input and one
    output, both with the batch as their first dimension.
    """
    size = next(size for size in sizes if size >= len(examples))
    padding = [np.zeros_like(examples[0])] * (size - len(examples))
    batch = np.stack([*examples, *padding])
    (results,) = session.run(None, {session.get_inputs()[0].name: batch})
    return list(results[: len(examples)])
