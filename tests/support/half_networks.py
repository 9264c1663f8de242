"""Networks in float16 between Q/DQ pairs, for tests."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from cases.builder import Array

HALF = np.float16


class HalfNetwork:
    """Nodes in float16, as tools write them that quantize for TensorRT: zero points are 0."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, array: Array) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, op_type: str, inputs: Sequence[str], y: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op_type, inputs, [y], f"{y}_node", **attributes))
        return y

    def pair(self, x: str, scale: float, y: str = "") -> str:
        y = y or f"{x}_dq"
        parameters = [self.constant(np.array(scale, HALF)), self.constant(np.array(0, np.int8))]
        return self.node(
            "DequantizeLinear", [self.node("QuantizeLinear", [x, *parameters], f"{x}_q"), *parameters], y
        )

    def weights(self, *shape: int, axis: int = 0) -> str:
        scales = self.rng.uniform(0.005, 0.02, shape[axis]).astype(HALF)
        parameters = [self.constant(scales), self.constant(np.zeros(shape[axis], np.int8))]
        values = self.rng.normal(0, 0.6, shape).astype(HALF)
        q = self.node(
            "QuantizeLinear", [self.constant(values), *parameters], f"w{len(self.nodes)}", axis=axis
        )
        return self.node("DequantizeLinear", [q, *parameters], f"{q}_dq", axis=axis)

    def conv(self, x: str, y: str, c: int = 4, k: int = 4) -> str:
        bias = self.constant(self.rng.normal(0, 1, k).astype(HALF))
        return self.node("Conv", [x, self.weights(k, c, 3, 3), bias], y, pads=[1, 1, 1, 1])

    def model(
        self,
        shape: Sequence[int | str] = ("n", 4, 8, 8),
        rank: int | None = None,
        dtype: int = TensorProto.FLOAT16,
    ) -> onnx.ModelProto:
        """shape, dtype: of x. rank: of y, where it is another one."""
        x = helper.make_tensor_value_info("x", dtype, shape)
        y = helper.make_tensor_value_info(
            "y", TensorProto.FLOAT16, [f"y{axis}" for axis in range(rank or len(shape))]
        )
        graph = helper.make_graph(self.nodes, "g", [x], [y], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
        onnx.checker.check_model(model, full_check=True)
        return model
