"""A tensor that is quantized once for each consumer, with numbers of its own each time, is one tensor."""

import pytest
from same_bits import Graph, assert_same_bits

ZERO_POINTS = {"uint8": 131, "int8": 3}


class Twice(Graph):
    """Each pair has constants of its own, so that onnxruntime takes none for another."""

    def __init__(self, dtype: str) -> None:
        super().__init__()
        self.dtype = dtype

    def own_pair(self, x: str, y: str, scale: float) -> str:
        return self.pair(x, y, self.number(scale), self.number(ZERO_POINTS[self.dtype], self.dtype))

    def weights(self, y: str, shape: tuple[int, ...]) -> str:
        w = self.constant(f"{y}_w", self.values("int8", shape) // 2, "int8")
        return self.dequantize(w, f"{y}_dw", self.number(0.01), self.number(0, "int8"))

    def two_convolutions(self, x: str, scale: float) -> None:
        """Of the pairs a and b of x, and their sum."""
        convolved = [
            self.own_pair(
                self.node("Conv", [self.own_pair(x, a, scale), self.weights(a, (16, 16, 1, 1))], f"{a}_y"),
                f"{a}_z",
                0.4,
            )
            for a in ("a", "b")
        ]
        self.y(self.own_pair(self.node("Add", convolved, "sum"), "end", 0.5), rank=4)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_an_input_of_two_convolutions(dtype: str) -> None:
    graph = Twice(dtype)
    graph.x("x", "float32", (2, 16, 5, 5), ("n", 16, 5, 5))
    graph.two_convolutions("x", 0.03)
    model = assert_same_bits(graph, {"QConv": 1, "QConvAdd": 1})
    assert sum(node.op_type == "QuantizeToIsland" for node in model.graph.node) == 1


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_the_result_of_a_convolution(dtype: str) -> None:
    """onnxruntime computes it in float32: the report says so."""
    graph = Twice(dtype)
    graph.x("x", "float32", (2, 16, 5, 5), ("n", 16, 5, 5))
    y = graph.node("Conv", [graph.own_pair("x", "dx", 0.03), graph.weights("y", (16, 16, 3, 3))], "y")
    graph.two_convolutions(graph.node("Relu", [y], "relu"), 0.2)
    model = assert_same_bits(graph, {"QConv": 2, "QConvAdd": 1}, quantum=0.5)
    assert len(model.graph.node) == 5


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("op_type", ["Add", "Mul", "Sigmoid", "LeakyRelu", "MaxPool"])
def test_operators_that_are_exact_in_float32(op_type: str, dtype: str) -> None:
    graph = Twice(dtype)
    graph.x("x", "float32", (2, 16, 9, 9), ("n", 16, 9, 9))
    graph.feeds["x"] *= 3
    inputs = [graph.own_pair("x", "dx", 0.031)]
    if op_type in ("Add", "Mul"):
        graph.x("s", "float32", (2, 16, 9, 9), ("n", 16, 9, 9))
        inputs.append(graph.own_pair("s", "ds", 0.0173))
    is_pool = op_type == "MaxPool"
    y = graph.node(op_type, inputs, "y", **({"kernel_shape": [2, 2]} if is_pool else {}))  # type: ignore[arg-type]
    graph.two_convolutions(y, 0.0091)
    ops = {"Add": "QFloatAdd", "Mul": "QFloatMul", "MaxPool": "QMaxPool"}
    assert_same_bits(graph, {ops.get(op_type, "QTable"): 1, "QConv": 1, "QConvAdd": 1})


def test_what_stays_outside_of_islands_stays_in_float32() -> None:
    """An Add that broadcasts a matrix of floats is not converted; nor does onnxruntime fuse it then."""
    graph = Twice("uint8")
    graph.x("x", "float32", (64, 32))
    graph.feeds["x"] *= 2
    a = graph.own_pair("x", "dx", 0.0312)
    y = graph.node("Mul", [a, graph.own_pair("x", "dx2", 0.0173)], "y")
    for name in ("p", "q"):
        graph.y(graph.own_pair(y, name, 0.0291))
    assert_same_bits(graph, {})


def test_other_numbers_stay_apart() -> None:
    graph = Twice("uint8")
    graph.x("x", "float32", (2, 16, 5, 5), ("n", 16, 5, 5))
    for name, scale in ("a", 0.03), ("b", 0.04):
        x = graph.own_pair("x", name, scale)
        y = graph.node("Conv", [x, graph.weights(name, (16, 16, 1, 1))], f"{name}_y")
        graph.y(graph.own_pair(y, f"{name}_z", 0.4), rank=4)
    model = assert_same_bits(graph, {"QConv": 2})
    assert sum(node.op_type == "QuantizeToIsland" for node in model.graph.node) == 2
