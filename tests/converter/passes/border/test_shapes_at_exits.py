"""A shape is read of an island's tensor where nothing else needs it outside."""

from collections import Counter
from typing import Any

import pytest
from conversions import convert, reasons
from networks import Network
from onnx import helper

from qudnn import converter
from session import open_session, outputs


def network(start: int | None = None, end: int | None = None, dtype: str = "uint8") -> Network:
    """Two convolutions; the shape of what is between is a result, or a part of it."""
    net = Network(dtype)
    x = net.conv(net.eight_bit_input(["n", 3, "h", "w"]), "a", 3, 5, 3)
    attributes: dict[str, Any] = {"start": start, "end": end}
    net.nodes.append(helper.make_node("Shape", [x], ["s"], name="s_node", **attributes))
    net.output("s", "int64", ["k"])
    net.conv(x, net.unshaped_output("y", dtype), 5, 4)
    return net


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize(("start", "end"), [(None, None), (2, None), (-3, -1), (0, 1)])
def test_the_tensor_stays_inside(start: int | None, end: int | None, dtype: str) -> None:
    net = network(start, end, dtype)
    inputs = {"x": net.random((2, 3, 9, 8))}
    conversion = convert(net.model(15), **inputs)
    report = conversion.report
    assert (report.converted["QConv"], report.islands, report.exits) == (2, 1, 1)
    assert [each.value for each in report.crossings if each.kind == "exit"] == ["y"]
    sizes = outputs(open_session(conversion.model), inputs)["s"].tolist()
    assert sizes == [2, 5, 7, 6][start:end]


def test_what_leaves_anyway_is_asked_outside() -> None:
    net = network()
    net.dequantize("a", net.unshaped_output("z", "float32"))
    net.node("Neg", ["z"], net.unshaped_output("w", "float32"))
    conversion = convert(net.model(15), x=net.random((2, 3, 9, 8)))
    found = Counter(node.op_type for node in conversion.model.graph.node)
    assert (found["Shape"], found["Concat"]) == (1, 0)
    assert reasons(conversion)["s_node"] == "qudnn has no op for it"
    declined = converter.convert(net.model(15), explain=True).report.declined
    assert [each.reason for each in declined if each.step == "ShapesAtExits"] == [
        "its input leaves the island for other consumers, too"
    ]
