"""Convolutions whose padding the op before them writes."""

from collections.abc import Callable

import onnx
import pytest
from networks import Network

from cases.builder import MICROSOFT
from check import assert_equivalent
from qudnn import converter

Producer = Callable[[Network, str], str]

AROUND = [0, 1, 1, 0, 0, 1, 1, 0]


def pads(model: onnx.ModelProto) -> dict[str, list[int]]:
    """Of the convolutions by the name of the node, and as `name/y` around their and other ops' results."""
    found = {}
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "y_pads":
                found[f"{node.name}/y"] = list(attribute.ints)
            elif attribute.name == "pads" and node.op_type in ("QConv", "QConvTable"):
                found[node.name] = list(attribute.ints)
    return {name: values for name, values in found.items() if any(values)}


def convert(net: Network, opset: int = 13) -> onnx.ModelProto:
    """Converts, and compares with the original, at a size that onnxruntime does not know."""
    model = net.model(opset)
    converted = converter.convert(model).model
    assert_equivalent(model, converted, [{"x": net.random((batch, 3, 13, 12))} for batch in (2, 1)])
    return converted


def image(net: Network, size: tuple[int | str, int | str] = (13, 12)) -> str:
    """An image after a convolution that no kernel pads the result of, 16 channels."""
    return net.conv(net.eight_bit_input(["n", 3, *size]), "first", 3, 16, 9, pads=[4, 4, 4, 4])


def pointwise(net: Network, x: str) -> str:
    return net.conv(x, "p", 16, 16)


def strided(net: Network, x: str) -> str:
    return net.conv(x, "p", 16, 16, strides=[2, 1])


def max_pool(net: Network, x: str) -> str:
    return net.node("MaxPool", [x], "p", kernel_shape=[2, 2])


def table(net: Network, x: str, y: str = "p") -> str:
    """Of a pool's results, so that no convolution looks them up."""
    if y == "p":
        x = net.node("MaxPool", [x], "m", kernel_shape=[2, 2], pads=[0, 0, 1, 1])
    return net.node("QLinearLeakyRelu", [x, *net.quantized, *net.quantized], y, MICROSOFT, alpha=0.1)


def conv_table(net: Network, x: str) -> str:
    return table(net, net.conv(x, "p", 16, 16, 3), "t")


PRODUCERS = [pointwise, strided, max_pool, table, conv_table]
by_name = pytest.mark.parametrize("producer", PRODUCERS, ids=lambda producer: producer.__name__)


@by_name
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_producer_pads(producer: Producer, dtype: str) -> None:
    net = Network(dtype)
    p = producer(net, image(net))
    net.conv(p, net.unshaped_output("y", dtype), 16, 8, 3, pads=[0, 1, 2, 3])
    assert pads(convert(net)) == {"p_node/y": [0, 0, 1, 0, 0, 2, 3, 0]}


@by_name
@pytest.mark.parametrize("opset", [13, 17, 21])
def test_sizes_known_at_run_time(producer: Producer, opset: int) -> None:
    net = Network()
    p = producer(net, image(net, ("h", "w")))
    net.conv(p, net.unshaped_output("y", "uint8"), 16, 8, 3, pads=[1, 1, 1, 1])
    assert pads(convert(net, opset)) == {"p_node/y": AROUND}


def test_stem_pads() -> None:
    net = Network()
    stem = net.conv(net.eight_bit_input(["n", 3, 13, 12]), "stem", 3, 16, 3, pads=[1, 1, 1, 1])
    net.conv(stem, net.unshaped_output("y", "uint8"), 16, 8, 3, pads=[1, 1, 1, 1])
    assert pads(convert(net)) == {"stem_node/y": AROUND}


def test_each_pads_for_the_next() -> None:
    net = Network()
    a = net.conv(image(net), "a", 16, 16)
    b = net.conv(a, "b", 16, 16, 3, pads=[1, 1, 1, 1])
    c = net.conv(b, "c", 16, 16)
    net.conv(c, net.unshaped_output("y", "uint8"), 16, 8, 5, pads=[2, 2, 2, 2])
    assert pads(convert(net)) == {"a_node/y": AROUND, "c_node/y": [0, 2, 2, 0, 0, 2, 2, 0]}


def test_several_consumers_of_one_padding() -> None:
    net = Network()
    p = pointwise(net, image(net))
    for name in ("a", "b"):
        net.conv(p, net.unshaped_output(name, "uint8"), 16, 8, 3, pads=[1, 1, 1, 1])
    assert pads(convert(net)) == {"p_node/y": AROUND}


@by_name
@pytest.mark.parametrize("consumer", ["another padding", "no padding", "a sum", "an exit"])
def test_others_read_it_without_that_padding(producer: Producer, consumer: str) -> None:
    net = Network()
    p = producer(net, image(net))
    y = net.conv(p, net.unshaped_output("y", "uint8"), 16, 16, 3, pads=[1, 1, 1, 1])
    z = net.unshaped_output("z", "uint8" if consumer != "an exit" else "float32")
    if consumer == "another padding":
        net.conv(p, z, 16, 16, 3, pads=[1, 0, 1, 0])
    elif consumer == "no padding":
        net.conv(p, z, 16, 16)
    elif consumer == "a sum":
        net.add(p, y, z)
    else:
        net.dequantize(p, z)
    found = pads(convert(net))
    assert found["y_node"] == [1, 1, 1, 1]
    assert "p_node/y" not in found


def test_padding_of_0_is_left_to_the_convolution() -> None:
    net = Network()
    net.quantized = [net.scale, net.constant("middle", 128, "uint8")]
    net.conv(pointwise(net, image(net)), net.unshaped_output("y", "uint8"), 16, 8, 3, pads=[1, 1, 1, 1])
    assert pads(convert(net)) == {"y_node": [1, 1, 1, 1]}


def test_depthwise_convolutions_pad_by_themselves() -> None:
    net = Network()
    p = pointwise(net, image(net))
    net.conv(p, net.unshaped_output("y", "uint8"), 16, 16, 3, group=16, pads=[1, 1, 1, 1])
    assert pads(convert(net)) == {"y_node": [1, 1, 1, 1]}


@pytest.mark.parametrize(("size", "attributes"), [(1, {"pads": [1, 1, 1, 1]}), (3, {})])
def test_convolutions_that_write_dense_results(size: int, attributes: dict[str, list[int]]) -> None:
    net = Network()
    p = net.conv(image(net), "p", 16, 16, size, **attributes)
    net.conv(p, net.unshaped_output("y", "uint8"), 16, 8, 3, pads=[1, 1, 1, 1])
    found = pads(convert(net))
    assert found.pop("y_node") == [1, 1, 1, 1]
    assert "p_node/y" not in found


@by_name
def test_results_stay_dense_where_nothing_is_padded(producer: Producer) -> None:
    net = Network()
    net.conv(producer(net, image(net)), net.unshaped_output("y", "uint8"), 16, 8)
    found = pads(convert(net))
    assert "p_node/y" not in found and "y_node" not in found


def test_padding_is_of_the_zero_point_behind_the_table() -> None:
    """Neither that of the convolution's own results, nor what the table makes of it."""
    net = Network()
    c = net.conv(image(net), "p", 16, 16)
    behind = [net.constant("finer", 0.01, "float32"), net.constant("zero", 17, "uint8")]
    t = net.node("QLinearSigmoid", [c, *net.quantized, *behind], "t", MICROSOFT)
    net.quantized = behind
    net.conv(t, net.unshaped_output("y", "uint8"), 16, 8, 3, pads=[1, 1, 1, 1])
    model = convert(net)
    assert pads(model) == {"p_node/y": AROUND}
    (fused,) = [node for node in model.graph.node if node.op_type == "QConvTable"]
    zero_points = {each.name: each.i for each in fused.attribute if each.name.endswith("zero_point")}
    assert (zero_points["y_zero_point"], zero_points["table_zero_point"]) == (121 - 128, 17 - 128)


def test_a_convolution_with_a_table_is_padded_by_its_producer() -> None:
    net = Network()
    c = net.conv(pointwise(net, image(net)), "c", 16, 16, 3, pads=[1, 1, 1, 1])
    table(net, c, net.unshaped_output("y", "uint8"))
    assert pads(convert(net)) == {"p_node/y": AROUND}


def test_depthwise_convolutions_with_tables_write_none() -> None:
    net = Network()
    c = net.conv(image(net), "p", 16, 16, 3, group=16)
    net.conv(table(net, c, "t"), net.unshaped_output("y", "uint8"), 16, 8, 3, pads=[1, 1, 1, 1])
    assert pads(convert(net)) == {"y_node": [1, 1, 1, 1]}
