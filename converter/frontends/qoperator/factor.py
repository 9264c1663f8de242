"""An operand of a matmul: an 8-bit tensor, computed or constant, with its scales and zero points."""

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import (
    EIGHT_BIT,
    constant,
    constant_or_none,
    node_input,
    required_input,
    scale_array,
)
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.packing import Float32Array
from qudnn.converter.lowering.gemm.factor import Factor, make_factor


def read_factor(
    node: ir.Node,
    index: int,
    contracted: int,
    facts: Facts,
    what: str,
    shape: Shape | None = None,
    half: bool = False,
) -> Factor:
    """Three inputs of the node from `index` on: tensor, scales, zero points. half: scales may be float16."""
    zero_point = node_input(node, index + 2)
    return factor_of(
        required_input(node, index),
        scale_array(node_input(node, index + 1), f"{what} scale", half),
        None if zero_point is None else constant(zero_point, f"{what} zero point"),
        contracted,
        facts,
        what,
        shape,
    )


def factor_of(
    value: ir.Value,
    scales: Float32Array,
    zero_points: NDArray[Any] | None,
    contracted: int,
    facts: Facts,
    what: str,
    shape: Shape | None = None,
) -> Factor:
    """contracted: the axis that is summed over, from the end where negative.

    shape: of a computed tensor, where the operator tells more of it than the facts do.
    """
    array = constant_or_none(value)
    dtype = facts.dtype(value) if array is None else ir.DataType.from_numpy(array.dtype)
    if dtype is None and zero_points is not None:
        dtype = ir.DataType.from_numpy(zero_points.dtype)
    if dtype not in EIGHT_BIT:
        known = "of an unknown type" if dtype is None else dtype.name.lower()
        raise Refusal(f"its {what} is {known}, not 8 bits wide")
    if array is not None:
        shape = array.shape
    elif shape is None:
        shape = facts.ranked(value)
    if zero_points is None:
        zero_points = np.zeros(1, dtype.numpy())
    return make_factor(value, array, shape, dtype, contracted, scales, zero_points)
