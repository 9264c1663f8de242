"""A Q/DQ pair for each consumer of an int8 tensor: onnxruntime merges equal ones, the tensor stays int8."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from same_bits import Graph

import check
from qudnn import converter

MERGED: dict[str, dict[str, Any]] = {
    "all shared": {},
    "scales of their own": {"own": ["scale"]},
    "scales of their own, of one dimension": {"own": ["scale"], "shape": (1,), "op_type": "Abs"},
    "one domain": {"domains": ["com.microsoft"] * 2},
    "an axis written out": {"axes": [1, None]},
    "after equal nodes": {"before": "Relu"},
    "after equal nodes with constants of their own": {"before": "Reshape"},
    "an output": {"output": True},
}
APART: dict[str, dict[str, Any]] = {
    "zero points of their own": {"own": ["zero_point"]},
    "all their own": {"own": ["scale", "zero_point"]},
    "two domains": {"domains": ["", "com.microsoft"]},
    "two axes": {"axes": [0, 1]},
}


def dedicated(
    own: Sequence[str] = (),
    domains: Sequence[str] = ("", ""),
    axes: Sequence[int | None] = (None, None),
    shape: Sequence[int] = (),
    before: str = "",
    output: bool = False,
    op_type: str = "Add",
    dtype: str = "int8",
) -> Graph:
    """x is read by two operators, from a pair for each."""
    g = Graph()
    zero_point = 0 if dtype == "int8" else 128
    values = np.arange(-128, 128, dtype=np.float32) * np.float32(0.02)
    g.feeds = dict(zip("ab", np.meshgrid(values, values), strict=True))
    for name in g.feeds:
        g.input(name, "float32", ["n", 256])
    scales = [g.number(0.02, shape=shape)]
    zero_points = [g.number(zero_point, dtype, shape)]
    scales.append(g.number(0.02, shape=shape) if "scale" in own else scales[0])
    zero_points.append(g.number(zero_point, dtype, shape) if "zero_point" in own else zero_points[0])
    for i in range(2):
        shape_of = [g.constant(f"shape{i}", np.array([-1, 256]))] if before == "Reshape" else []
        x = g.node(before, ["a", *shape_of], f"before{i}") if before else "a"
        attributes: dict[str, Any] = {} if axes[i] is None else {"axis": axes[i]}
        q = g.node("QuantizeLinear", [x, scales[i], zero_points[i]], f"q{i}", domains[i], **attributes)
        g.node("DequantizeLinear", [q, scales[i], zero_points[i]], f"x{i}", domains[i], **attributes)
    result = g.number(0.04), g.number(zero_point, dtype)
    if op_type == "Add":
        b = g.pair("b", "bd", g.number(0.02), g.number(zero_point, dtype))
        y = g.node("Add", ["x0", b], "t")
    else:
        y = g.node(op_type, ["x0"], "t")
    g.y(g.pair(y, "y", *result))
    g.y(g.pair(g.node("Sigmoid", ["x1"], "s"), "z", g.number(1 / 256), g.number(zero_point - 128, dtype)))
    if output:
        g.y("q1", dtype)
    return g


@pytest.mark.parametrize("case", MERGED)
def test_merged(case: str) -> None:
    """The sum is one of float32: all 65,536 pairs have its bits."""
    g = dedicated(**MERGED[case])
    model = g.model(17)
    conversion = converter.convert(model)
    if "op_type" not in MERGED[case]:
        assert conversion.report.converted["QFloatAdd"] == 1, str(conversion.report)
    quantized = [
        n for n in conversion.model.graph.node if n.op_type in ("QuantizeToIsland", "QuantizeLinear")
    ]
    assert len(quantized) == len({node.input[0] for node in quantized})  # each tensor once
    assert not conversion.report.approximate
    check.assert_equivalent(model, conversion.model, [g.feeds])


@pytest.mark.parametrize("case", APART)
def test_apart(case: str) -> None:
    """Each becomes uint8, and the sum is one of integers: all 65,536 pairs have its bits."""
    g = dedicated(**APART[case])
    model = g.model(17)
    conversion = converter.convert(model)
    assert {"QAdd": 1, "QTable": 1}.items() <= conversion.report.converted.items()
    assert not conversion.report.approximate
    check.assert_equivalent(model, conversion.model, [g.feeds])


@pytest.mark.parametrize("case", [*MERGED, *APART])
def test_uint8(case: str) -> None:
    """There it makes no difference."""
    g = dedicated(**(MERGED | APART)[case], dtype="uint8")
    model = g.model(17)
    conversion = converter.convert(model)
    assert not conversion.report.approximate
    assert conversion.report.converted["QTable"] >= 1
    check.assert_equivalent(model, conversion.model, [g.feeds])


@pytest.mark.parametrize("op_type", ["Transpose", "MaxPool", "LeakyRelu"])
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_after_equal_nodes_of_a_quantized_tensor(dtype: str, op_type: str) -> None:
    """Each has a DequantizeLinear of its own in onnxruntime, which takes these for different ones.

    So one of them stands between two pairs, which become one.
    """
    g = Graph(3)
    zero_point = g.number(0 if dtype == "int8" else 128, dtype)
    given: dict[str, Any] = {"Transpose": {"perm": [0, 2, 3, 1]}, "MaxPool": {"kernel_shape": [2, 2]}}
    x = g.pair(g.x("x", "float32", [2, 4, 6, 6]), "d", g.number(0.05), zero_point)
    parameters = g.number(0.05), zero_point
    for name in "ab":
        y = g.pair(g.node(op_type, [x], name, **given.get(op_type, {})), f"{name}_1", *parameters)
        if name == "b":
            y = g.pair(y, "b_2", g.number(0.07), g.number(5 if dtype == "int8" else 133, dtype))
        g.y(g.pair(g.node("Sigmoid", [y], f"{name}_s"), f"{name}_y", g.number(1 / 256), zero_point), rank=4)
    model = g.model(17)
    conversion = converter.convert(model)
    assert conversion.report.converted["QTable"] >= 2
    assert not conversion.report.approximate
    check.assert_equivalent(model, conversion.model, [g.feeds])
