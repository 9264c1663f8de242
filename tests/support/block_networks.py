"""Networks of residual blocks of three convolutions, and what becomes of them."""

from collections import Counter
from typing import Any

import onnx
from networks import Network

from check import assert_equivalent
from qudnn import converter

SIZE = (9, 8)
AROUND = {"pads": [1, 1, 1, 1]}
OPS = ("QBottleneck", "QBottleneckAdd")


def start(dtype: str = "uint8", c: int = 256) -> tuple[Network, str]:
    """Of a network whose block has a convolution in front of it."""
    net = Network(dtype)
    return net, net.conv(net.eight_bit_input(["n", 16, *SIZE]), "x0", 16, c)


def convolutions(
    net: Network, x: str, name: str = "", y: str = "", c: int = 256, m: int = 64, k: int = 256, **window: Any
) -> str:
    """Those of a block, the last of which, named y, adds nothing so far."""
    reduced = net.conv(x, f"{name}reduced", c, m)
    between = net.conv(reduced, f"{name}window", m, m, 3, **{**AROUND, **window})
    return net.conv(between, y or f"{name}expanded", m, k)


def block(net: Network, x: str, y: str, *, x_first: bool = False, **given: Any) -> str:
    last = convolutions(net, x, f"{y}_", **given)
    return net.add(*((x, last) if x_first else (last, x)), y)


def inputs(net: Network) -> list[dict[str, Any]]:
    return [{"x": net.random((batch, 16, *SIZE))} for batch in (2, 1)]


def converted(net: Network) -> onnx.ModelProto:
    """The converted model, once it is known to compute the same."""
    model = net.model(13)
    result = converter.convert(model).model
    assert_equivalent(model, result, inputs(net))
    onnx.checker.check_model(result, full_check=False)
    return result


def ops(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


def attributes(model: onnx.ModelProto) -> dict[str, Any]:
    """Of the block."""
    (node,) = [node for node in model.graph.node if node.op_type in OPS]
    return {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}


def apart(net: Network, reason: str, last: str = "QConvAdd") -> None:
    """The block stays several operators, and the report can say why; without a reason it is none."""
    model = net.model(13)
    conversion = converter.convert(model, explain=True)
    found = ops(conversion.model)
    assert not any(found[op] for op in OPS) and found[last] > 0, found
    assert found["QConvAdd"] == (last == "QConvAdd"), found
    report = str(conversion.report)
    assert ("FuseBottleneck" in report) == bool(reason), report
    assert reason in report, report
    assert_equivalent(model, conversion.model, inputs(net))
