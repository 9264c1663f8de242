"""Matmuls of matrices that onnxruntime's optimizer made one long matrix of rows."""

from collections.abc import Callable

import pytest
from attention_networks import HEADS, SIZE, WIDTH, AttentionNetwork
from dynamic_networks import DynamicNetwork, converted, ops, qudnn_ops

N, S = 2, 7


class Network(AttentionNetwork):
    """Tensors [2, 7, 32], all sizes known."""

    def rows(self, x: str, width: int = WIDTH) -> str:
        shape = self.integers(f"{x}_rows_shape", N * S, width)
        return self.quantize(self.node("Reshape", [x, shape], f"{x}_rows"))

    def again(self, rows: str, *shape: int) -> str:
        return self.node("Reshape", [rows, self.integers(f"{rows}_shape", *shape)], f"{rows}_again")


def known(net: DynamicNetwork, name: str = "x") -> str:
    return net.x((N, S, WIDTH), name)


def test_perceptron() -> None:
    """All that is between the matmuls is taken in then."""
    net = Network()
    x = known(net)
    y = net.again(net.matmul(net.rows(x), "up", WIDTH, 48), N, S, 48)
    y = net.node("Gelu", [y], "gelu")
    y = net.again(net.matmul(net.rows(y, 48), "down", 48, WIDTH), N, S, WIDTH)
    total = net.node("Add", [y, x], "total")
    norm = [net.numbers("gamma", WIDTH), net.numbers("beta", WIDTH)]
    net.end(net.node("LayerNormalization", [total, *norm], "norm"), WIDTH)
    model, _ = converted(net.model(20))
    assert "Reshape" not in ops(model)
    assert qudnn_ops(model) == {
        "DynamicQuantizeToIsland": 1,
        "DynamicQMatMul": 3,
        "DynamicGeluToIsland": 1,
        "DynamicAddLayerNormalizationToIsland": 1,
    }


def test_heads_of_rows() -> None:
    """What goes on to other dimensions stays; the matmuls are one all the same."""
    net = Network()
    x = net.rows(known(net))
    heads = [net.again(net.matmul(x, name, WIDTH, WIDTH), N, S, HEADS, SIZE) for name in "qkv"]
    q, k, v = net.transposed(heads[0]), net.columns(heads[1]), net.transposed(heads[2])
    net.join(net.transposed(net.attend(q, k, v)))
    model, _ = converted(net.model())
    assert [op for op in ops(model) if not op.startswith("Dynamic")] == ["Reshape", "Attention"]
    assert ops(model)["Reshape"] == 2 and ops(model)["DynamicQMatMul"] == 2


def test_one_quantization_of_rows_and_of_the_tensor() -> None:
    net = Network()
    x = known(net)
    net.y(net.again(net.matmul(net.rows(x), "a", WIDTH, 5), N, S, 5))
    net.y(net.matmul(net.quantize(x), "b", WIDTH, 6))
    model, _ = converted(net.model())
    assert ops(model) == {"DynamicQuantizeToIsland": 1, "DynamicQMatMul": 2}


def of_other_rows(net: Network) -> None:
    """Two rows beside each other become one."""
    x = net.quantize(net.again(known(net), N * S // 2, 2 * WIDTH))
    net.y(net.again(net.matmul(x, "y", 2 * WIDTH, 4), N, S, 2))


def with_rows_read(net: Network) -> None:
    y = net.matmul(net.rows(known(net)), "y", WIDTH, 4)
    net.y(net.node("Neg", [y], "negative"), 2)


def with_rows_as_output(net: Network) -> None:
    net.y(net.matmul(net.rows(known(net)), "y", WIDTH, 4), 2)


def with_dimensions_of_the_rows(net: Network) -> None:
    """A target that refers to the dimensions of what it reads."""
    y = net.matmul(net.rows(known(net)), "y", WIDTH, 4)
    net.y(net.again(y, 0, 2, 2))


@pytest.mark.parametrize(
    "build", [of_other_rows, with_rows_read, with_rows_as_output, with_dimensions_of_the_rows]
)
def test_stays(build: Callable[[Network], None]) -> None:
    net = Network()
    build(net)
    original = net.model()
    model, _ = converted(original)
    assert ops(model)["Reshape"] == ops(original)["Reshape"]
