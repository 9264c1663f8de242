"""How far results are from one another, in steps of the results' own quantization."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

Array = npt.NDArray[Any]

_SAME = 1e-3  # of a step, which float64 and float32 tell apart


class Distance(NamedTuple):
    """elements: how many were compared. different: how many are not the same. largest, total: in steps.

    A step is the scale of a result that a DequantizeLinear writes, 1 of integers, and else the last place of
    eight bits: 1/256 of the largest value.
    """

    elements: int = 0
    different: int = 0
    largest: float = 0.0
    total: float = 0.0

    def plus(self, other: "Distance") -> "Distance":
        """Of both results together."""
        return Distance(
            self.elements + other.elements,
            self.different + other.different,
            max(self.largest, other.largest),
            self.total + other.total,
        )


def distance(model: onnx.ModelProto, a: Mapping[str, Array], b: Mapping[str, Array]) -> Distance:
    """Between two results of the model, by name."""
    scales = _scales(model)
    found = Distance()
    for name, values in b.items():
        left, right = a[name].astype(np.float64), values.astype(np.float64)
        if name in scales:
            step = scales[name]
        else:
            step = 1.0 if values.dtype.kind in "iub" else float(np.abs(right).max(initial=0)) / 256 or 1.0
        steps = np.abs(left - right) / step
        found = found.plus(
            Distance(
                steps.size,
                int(np.count_nonzero(steps > _SAME)),
                float(steps.max(initial=0)),
                float(steps.sum()),
            )
        )
    return found


def _scales(model: onnx.ModelProto) -> dict[str, float]:
    """Of the outputs that a DequantizeLinear writes, per tensor."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    outputs = {output.name for output in model.graph.output}
    found = {}
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and node.output[0] in outputs and node.input[1] in constants:
            scale = numpy_helper.to_array(constants[node.input[1]])
            if scale.size == 1:
                found[node.output[0]] = float(scale.reshape(()))
    return found
