"""Shapes that follow from others, although ONNX's inference does not know them."""

import numpy as np
import pytest
from qdq_networks import RESULT_SCALE, QdqNetwork

import check
from qudnn import converter


def vector(net: QdqNetwork, name: str, *numbers: int) -> str:
    return net.constant(name, np.array(numbers), "int64")


def sizes(net: QdqNetwork, x: str, old: bool) -> tuple[str, str]:
    """The first two sizes of x, as vectors; old: as exporters wrote it before Shape could say which."""
    if not old:
        return (
            net.node("Shape", [x], "batch", start=0, end=1),
            net.node("Shape", [x], "length", start=1, end=2),
        )
    shape = net.node("Shape", [x], "shape")
    found = []
    for axis, name in enumerate(("batch", "length")):
        number = net.node("Gather", [shape, net.constant(f"axis_{name}", axis, "int64")], f"{name}_0")
        found.append(net.node("Unsqueeze", [number, vector(net, f"axes_{name}", 0)], name))
    return found[0], found[1]


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("source", ["x", "x_q"])
def test_a_reshape_to_computed_sizes(source: str, old: bool) -> None:
    """Where the tensor's own shape is asked for, that is not a reason for it to leave the island."""
    net = QdqNetwork()
    x = net.x(("n", "s", 48))
    y = net.pair(net.node("Tanh", [x], "t"), "t_q", RESULT_SCALE, 131)
    batch, length = sizes(net, source, old)
    parts = [batch, length, vector(net, "heads", -1, 16)]
    y = net.node("Reshape", [y, net.node("Concat", parts, "target", axis=0)], "r")
    y = net.pair(net.node("Transpose", [y], "p", perm=[0, 2, 1, 3]), "p_q", RESULT_SCALE, 131)
    net.y(net.node("Sigmoid", [y], "s"))
    model = net.model()
    conversion = converter.convert(model)
    report = conversion.report
    assert (report.islands, report.entries, report.exits) == (1, 1, 1), str(report)
    rng = np.random.default_rng(0)
    feeds = [{"x": rng.normal(0, 3, (n, s, 48)).astype(np.float32)} for n, s in ((2, 5), (1, 1), (3, 7))]
    check.assert_equivalent(model, conversion.model, feeds)


def test_a_sum_of_what_was_expanded_and_cut() -> None:
    """x + table[:s] + expand(row): of one size, whatever that is."""
    net = QdqNetwork()
    x = net.x(("n", "s", 32))
    batch, length = sizes(net, "x", False)
    table = net.constant("table", net.rng.normal(0, 1, (1, 64, 32)), "float32")
    cut = net.node("Slice", [table, vector(net, "zero", 0), length, vector(net, "one", 1)], "cut")
    row = net.constant("row", net.rng.normal(0, 1, (1, 1, 32)), "float32")
    target = net.node("Concat", [batch, length, vector(net, "last", 32)], "target", axis=0)
    expanded = net.node("Expand", [row, target], "expanded")
    y = net.node("Add", [x, net.pair(cut, "cut_q", 0.03, 128)], "a")
    y = net.pair(y, "a_q", RESULT_SCALE, 131)
    net.y(net.node("Add", [y, net.pair(expanded, "expanded_q", 0.03, 128)], "b"), rank=3)
    conversion = converter.convert(net.model())
    assert conversion.report.converted == {"QAdd": 2}, str(conversion.report)
    feeds = [{"x": np.ones((n, s, 32), np.float32)} for n, s in ((2, 5), (1, 1))]
    check.assert_equivalent(net.model(), conversion.model, feeds)
