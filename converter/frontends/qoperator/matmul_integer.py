"""MatMulInteger with zero points that are constant => QBatchMatMulToInt32"""

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.frontends.qoperator.factor import factor_of
from qudnn.converter.graph.constants import constant, node_input, required_input
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.gemm.choose_matmul import choose_matmul
from qudnn.converter.lowering.gemm.factor import Factor
from qudnn.converter.lowering.matmul_result import Sums


def matmul_integer(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: a, b, and as options a_zero_point, b_zero_point."""
    a = _factor(node, 0, -1, facts, "left input")
    b = _factor(node, 1, -2, facts, "right input")
    return choose_matmul((node,), a, b, Sums(node.outputs[0]), facts)


def _factor(node: ir.Node, index: int, contracted: int, facts: Facts, what: str) -> Factor:
    zero_point = node_input(node, index + 2)
    zero_points: NDArray[Any] | None = None
    if zero_point is not None:
        zero_points = constant(zero_point, f"{what}'s zero point")
    scale = np.ones(1, np.float32)
    return factor_of(required_input(node, index), scale, zero_points, contracted, facts, what)
