"""Conversions that are compared with the original at once, and what tests ask of them."""

import numpy as np
import onnx

from cases.builder import Array
from check import assert_equivalent, assert_true_report
from qudnn import converter


def convert(model: onnx.ModelProto, **inputs: Array) -> converter.Conversion:
    """Converts, and compares with the original on these inputs."""
    before = model.SerializeToString(deterministic=True)
    conversion = converter.convert(model)
    assert model.SerializeToString(deterministic=True) == before
    assert_equivalent(model, conversion.model, [inputs])
    assert_true_report(model, conversion)
    return conversion


def reasons(conversion: converter.Conversion) -> dict[str, str]:
    return {entry.name: entry.reason for entry in conversion.report.left}


def floats(*shape: int) -> Array:
    return np.random.default_rng(1).normal(0, 4, shape).astype(np.float32)
