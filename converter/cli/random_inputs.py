"""Random inputs for any model."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from qudnn.converter.cli.shapes import Input, Shape
from qudnn.converter.cli.verb import UsageError

_FLOATS = {ir.DataType.FLOAT, ir.DataType.FLOAT16, ir.DataType.DOUBLE}
_EIGHT_BIT = {ir.DataType.INT8, ir.DataType.UINT8}
_OTHERS = {ir.DataType[f"{sign}INT{bits}"] for sign in ("", "U") for bits in (16, 32, 64)} | {
    ir.DataType.BOOL
}


def check_types(inputs: Sequence[Input]) -> None:
    """Raises UsageError for an input that random_inputs cannot make."""
    for value in inputs:
        if value.dtype not in _FLOATS | _EIGHT_BIT | _OTHERS:
            kind = "no tensor" if value.dtype is None else f"a tensor of type {value.dtype.name}"
            raise UsageError(
                f"the model's input {value.name} is {kind}, which qudnn cannot make up: run the model once "
                "with inputs of your own instead, in a session of qudnn.InferenceSession"
            )


def random_inputs(
    inputs: Sequence[Input], shapes: Mapping[str, Shape], rng: np.random.Generator
) -> dict[str, npt.NDArray[Any]]:
    """Floats are normally distributed, 8-bit numbers uniformly.

    Wider integers are 0 or 1: they may be indices into who knows how short an axis.
    """
    return {value.name: _random(value, shapes[value.name], rng) for value in inputs}


def _random(value: Input, shape: Shape, rng: np.random.Generator) -> npt.NDArray[Any]:
    assert value.dtype is not None, "check_types came before"
    dtype = value.dtype.numpy()
    if value.dtype in _FLOATS:
        return rng.standard_normal(shape, dtype=np.float32).astype(dtype)
    if value.dtype in _EIGHT_BIT:
        return np.frombuffer(rng.bytes(int(np.prod(shape))), dtype).reshape(shape)
    return rng.integers(0, 2, shape).astype(dtype)
