"""Dynamically quantized queries, keys and values of a tensor: one matmul, of which attention takes heads."""

from collections.abc import Callable

import onnx
import pytest
from attention_networks import HEADS, SIZE, WIDTH, AttentionNetwork
from dynamic_networks import converted, ops


def heads_of(model: onnx.ModelProto) -> list[int]:
    """Where queries, keys and values begin, of the model's attention."""
    (node,) = (node for node in model.graph.node if node.op_type in ("Attention", "MaskedAttention"))
    found = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    return [found[f"{name}_first"] for name in "qkv"]


def weights(model: onnx.ModelProto) -> list[tuple[int, ...]]:
    """The shapes of the weights of all matmuls."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    return [shapes[node.input[1]] for node in model.graph.node if node.op_type == "DynamicQMatMul"]


def attend(net: AttentionNetwork, q: str, k: str, v: str) -> None:
    context = net.attend(net.transposed(q), net.columns(k), net.transposed(v))
    net.join(net.transposed(context))


@pytest.mark.parametrize("masked", [False, True])
def test_one_matmul(masked: bool) -> None:
    net = AttentionNetwork()
    net.attention(mask=net.masked if masked else None)
    model, report = converted(net.model())
    assert weights(model) == [(3 * WIDTH, 32), (5, 32)]
    assert heads_of(model) == [0, HEADS, 2 * HEADS]
    assert ops(model)["Reshape"] == 2
    (merged, _) = (node for node in model.graph.node if node.op_type == "DynamicQMatMul")
    assert merged.name == "q_32_node+k_32_node+v_32_node"
    assert report.islands == 2


def test_of_two_tensors() -> None:
    """Keys and values of an encoder, queries of a decoder."""
    net = AttentionNetwork()
    x, z = net.stream(), net.stream("z")
    attend(net, net.heads(x, "q"), net.heads(z, "k"), net.heads(z, "v"))
    model, _ = converted(net.model())
    assert sorted(weights(model)) == [(5, 32), (WIDTH, 32), (2 * WIDTH, 32)]
    assert heads_of(model) == [0, 0, HEADS]


def test_two_attentions_of_one_tensor() -> None:
    """With the same keys: all five are one."""
    net = AttentionNetwork()
    x = net.stream()
    keys = net.columns(net.heads(x, "k"))
    for name in "ab":
        queries, values = (net.transposed(net.heads(x, f"{of}{name}")) for of in "qv")
        scores = net.scaled(net.node("MatMul", [queries, keys], f"scores{name}"))
        scaled = net.node("Softmax", [scores], f"weights{name}", axis=-1)
        net.y(net.transposed(net.node("MatMul", [scaled, values], f"context{name}")), 4)
    model, _ = converted(net.model())
    assert weights(model) == [(5 * WIDTH, 32)]


def read_elsewhere(net: AttentionNetwork) -> None:
    attend(net, *net.all_heads())
    net.y(net.node("Neg", ["q"], "negative"))


def heads_read_elsewhere(net: AttentionNetwork) -> None:
    attend(net, *net.all_heads())
    net.y(net.node("Neg", ["q_heads"], "negative"), 4)


def scaled_outside(net: AttentionNetwork) -> None:
    """Scaled more than once."""
    q, k, v = net.all_heads()
    attend(net, net.scaled(net.scaled(q)), k, v)


def an_output(net: AttentionNetwork) -> None:
    attend(net, *net.all_heads())
    net.y("q_heads", 4)


@pytest.mark.parametrize("build", [read_elsewhere, heads_read_elsewhere, scaled_outside, an_output])
def test_one_stays_out(build: Callable[[AttentionNetwork], None]) -> None:
    net = AttentionNetwork()
    build(net)
    model, _ = converted(net.model())
    assert sorted(weights(model)) == [(5, 32), (WIDTH, 32), (2 * WIDTH, 32)]
    assert heads_of(model) == [0, 0, HEADS]


def test_values_of_another_size_stay_out() -> None:
    net = AttentionNetwork()
    x = net.stream()
    y = net.matmul(x, "v", WIDTH, HEADS * 2 * SIZE)
    v = net.node("Reshape", [y, net.integers("v_shape", 0, 0, HEADS, 2 * SIZE)], "v_heads")
    context = net.attend(net.transposed(net.heads(x, "q")), net.columns(net.heads(x, "k")), net.transposed(v))
    net.join(net.transposed(context), 2 * WIDTH)
    model, _ = converted(net.model())
    assert sorted(weights(model)) == [(5, 64), (2 * WIDTH, 32), (2 * WIDTH, 32)]
    assert heads_of(model) == [0, HEADS, 0]


@pytest.mark.parametrize("form", ["computed", "minus_one"])
def test_shapes_of_the_heads(form: str) -> None:
    """As exporters compute them; or with a length that is known."""
    net = AttentionNetwork()
    length: int | str = "s" if form == "computed" else 7
    x = net.quantize(net.x(("n", length, WIDTH)))
    if form == "computed":
        sizes = [net.node("Shape", [x], f"size{axis}", start=axis, end=axis + 1) for axis in range(2)]
        target = net.node("Concat", [*sizes, net.integers("heads", -1, SIZE)], "target", axis=0)
    else:
        target = net.integers("target", -1, 7, HEADS, SIZE)
    q, k, v = (net.node("Reshape", [net.matmul(x, n, WIDTH, WIDTH), target], f"{n}_heads") for n in "qkv")
    attend(net, q, k, v)
    model, _ = converted(net.model())
    assert weights(model) == [(3 * WIDTH, 32), (5, 32)]
    assert not {"Shape", "Concat"} & ops(model).keys()
