"""Relu and Clip that onnxruntime lets remain before a QuantizeLinear, or removes."""

import numpy as np
import pytest
from qdq_networks import QdqNetwork, normal

import check
from qudnn import converter

TINY = 1e-20  # of which 255 quanta are less than the tolerance of bounds


def network(activation: str, scale: float, zero_point: int, ranks: tuple[int, ...]) -> QdqNetwork:
    """x + z -> activation -> pair, whose parameters have these dimensions."""
    net = QdqNetwork()
    x, z = (net.pair(net.input(name, "float32", ["n", 4, 3, 3]), f"{name}_q", 0.05, 120) for name in "xz")
    bounds = [net.constant("low", 0.0, "float32"), net.constant("high", 6.0, "float32")]
    y = net.node("Add", [x, z], "a")
    y = net.node(activation, [y, *bounds[: 2 * (activation == "Clip")]], "r")
    parameters = [
        net.constant("y_scale", np.full(ranks, scale), "float32"),
        net.constant("y_zero_point", np.full(ranks, zero_point), "uint8"),
    ]
    net.output("y", "float32", ["n", 4, 3, 3])
    net.dequantize(net.node("QuantizeLinear", [y, *parameters], "y_8"), parameters, "y")
    return net


@pytest.mark.parametrize("opset", [13, 21])
@pytest.mark.parametrize("ranks", [(), (1,)])
@pytest.mark.parametrize(
    ("scale", "zero_point"), [(6 / 255, 0), (0.02, 0), (0.05, 82), (TINY, 82), (TINY, 0), (1e-12, 255)]
)
@pytest.mark.parametrize("activation", ["Relu", "Clip"])
def test_add(activation: str, scale: float, zero_point: int, ranks: tuple[int, ...], opset: int) -> None:
    if ranks and activation == "Relu" and zero_point == 0:
        pytest.skip("onnxruntime opens no QLinearAdd whose scale has a dimension")
    model = network(activation, scale, zero_point, ranks).model(opset)
    conversion = converter.convert(model)
    remains = zero_point > 0 if activation == "Relu" else bool(ranks) or scale == 0.05
    assert conversion.report.converted == {"QFloatAdd" if remains else "QAdd": 1}
    assert not conversion.report.approximate
    feeds = [{"x": normal(batch, 4, 3, 3), "z": 1 - normal(batch, 4, 3, 3)[..., ::-1]} for batch in (2, 1)]
    check.assert_equivalent(model, conversion.model, feeds)
