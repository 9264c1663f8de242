"""Which operators go inside: none that only makes tensors cross, each that would run on the CPU."""

from conversions import convert, floats, reasons
from networks import Network


def pool(net: Network, x: str, y: str) -> str:
    return net.node("MaxPool", [x], y, kernel_shape=[3, 3], pads=[1, 1, 1, 1])


def test_a_cheap_operator_between_others_comes_along() -> None:
    net = Network()
    x = net.conv(net.eight_bit_input(["n", 3, 8, 8]), "a", 3, 16)
    net.conv(pool(net, x, "p"), net.unshaped_output("y", "uint8"), 16, 16)
    report = convert(net.model(13), x=net.random((2, 3, 8, 8))).report
    assert (report.converted["QMaxPool"], report.entries, report.exits) == (1, 1, 1)


def test_cheap_operators_by_themselves_stay() -> None:
    net = Network()
    x = pool(net, pool(net, net.eight_bit_input(["n", 16, 8, 8]), "p"), "q")
    net.node("Transpose", [x], net.unshaped_output("y", "uint8"), perm=[0, 2, 3, 1])
    assert not convert(net.model(13), x=net.random((2, 16, 8, 8))).report.converted


def test_a_cheap_operator_in_front_comes_along_if_less_crosses_then() -> None:
    for stride, inside in ((1, True), (2, False)):
        net = Network()
        x = net.eight_bit_input(["n", 16, 16, 16])
        x = net.node("MaxPool", [x], "p", kernel_shape=[2, 2], pads=[0, 0, 1, 1], strides=[stride] * 2)
        net.conv(x, net.unshaped_output("y", "uint8"), 16, 16)
        report = convert(net.model(13), x=net.random((2, 16, 16, 16))).report
        assert ("QMaxPool" in report.converted) == inside


def test_after_a_cheap_operator_that_stays_an_island_may_begin_again() -> None:
    net = Network()
    x = net.conv(net.eight_bit_input(["n", 3, 8, 8]), "a", 3, 16)
    x = net.node("Tile", [x, net.constant("repeats", [1, 1, 2, 1], "int64")], "e")
    net.conv(pool(net, x, "p"), net.unshaped_output("y", "uint8"), 16, 16)
    conversion = convert(net.model(13), x=net.random((2, 3, 8, 8)))
    assert (conversion.report.entries, conversion.report.exits) == (2, 2)
    assert {crossing.reason for crossing in conversion.report.crossings} == {
        "an input of the graph",
        "an output of the graph",
        "consumed by Tile, which is not converted: it repeats several elements, not a single one",
        "produced by Tile, which is not converted: it repeats several elements, not a single one",
    }


def test_an_addition_alone_is_worth_its_crossings() -> None:
    """Outside it would run on the CPU, and its tensors go there and back."""
    net = Network()
    a = net.quantize(net.input("a", "float32", ["n", 16, 8, 8]), "aq")
    b = net.quantize(net.input("b", "float32", ["n", 16, 8, 8]), "bq")
    net.dequantize(net.add(a, b, "sum"), net.unshaped_output("y", "float32"))
    conversion = convert(net.model(13), a=floats(2, 16, 8, 8), b=floats(2, 16, 8, 8))
    assert conversion.report.converted == {"QAdd": 1}
    assert not reasons(conversion)


def test_a_tensor_that_leaves_anyway_does_not_leave_twice() -> None:
    """A Reshape that could come along stays, where its input is outside already."""
    net = Network()
    x = net.conv(net.eight_bit_input(["n", 3, 8, 8]), net.output("a", "uint8", ["n", 16, 8, 8]), 3, 16)
    target = net.constant("target", [0, 16, 64], "int64")
    net.node("Reshape", [x, target], net.unshaped_output("y", "uint8", 3))
    conversion = convert(net.model(13), x=net.random((2, 3, 8, 8)))
    assert reasons(conversion) == {
        "y_node": "carrying its tensors into an island and back would cost more than its int8 kernel saves"
    }
    assert conversion.report.exits == 1


def test_windows_of_a_batch_are_as_large_as_the_images_that_they_are_of() -> None:
    """No fewer elements enter where the batch is of windows, so that the Reshape before it comes along."""
    net = Network()
    x = net.quantize(net.input("x", "float32", ["n", "h", 8, 16]), "xq")
    x = net.node("Reshape", [x, net.constant("target", [-1, 8, 16], "int64")], "windows")
    net.matmul(x, net.unshaped_output("y", "uint8", 3), 16, 16)
    report = convert(net.model(13), x=floats(2, 3, 8, 16)).report
    assert report.converted == {"QMatMul": 1, "Reshape": 1}
    assert not report.left_quantized and (report.entries, report.exits) == (1, 1), str(report)
