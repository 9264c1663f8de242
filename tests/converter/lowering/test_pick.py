"""Gather of constant places, such as that of the class token."""

import numpy as np
import pytest
from qdq_networks import RESULT_SCALE, QdqNetwork, assert_converts


@pytest.mark.parametrize(
    ("indices", "rank"), [(0, 2), (-1, 2), ([2], 3), ([3, 0, 3], 3), ([[1, 4], [0, 2]], 4)]
)
def test_rows(indices: object, rank: int) -> None:
    net = QdqNetwork()
    x = net.pair(net.node("Tanh", [net.x(("n", 7, 20))], "t"), "t_q", RESULT_SCALE, 131)
    scale = net.constant("ones", np.ones(20), "float32")
    y = net.node("LayerNormalization", [x, scale], "l")
    y = net.pair(y, "l_q", RESULT_SCALE, 131)
    places = net.constant("places", np.array(indices), "int64")
    net.y(net.node("Gather", [y, places], "g", axis=1), rank=rank)
    assert_converts(net.model(), {"QTable": 1, "QLayerNormalization": 1, "Gather": 1}, (7, 20))


def test_rows_of_a_normalization_in_float() -> None:
    """The QuantizeLinear goes before the Gather."""
    net = QdqNetwork()
    scale = net.constant("ones", np.ones(20), "float32")
    y = net.node("LayerNormalization", [net.x(("n", 7, 20)), scale], "l")
    first = net.constant("first", np.array(0), "int64")
    net.y(net.node("Gather", [y, first], "g", axis=1), rank=2)
    assert_converts(net.model(), {"QLayerNormalization": 1, "Gather": 1}, (7, 20))
