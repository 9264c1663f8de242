"""Float32 numbers that follow from known sizes: an attention takes them, and its body keeps the bits."""

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from attention_networks import HEADS, SIZE, AttentionNetwork
from dynamic_networks import DynamicNetwork, converted, ops
from test_fuse_float_attention import attributes


def root_of_size(net: DynamicNetwork, x: str, axis: int, inverse: bool = False) -> str:
    """sqrt(size), or sqrt(1 / sqrt(size)), as PyTorch's older exporter writes it."""
    bounds = [net.integers(name, n) for name, n in (("from", axis), ("to", axis + 1))]
    size = net.node("Slice", [net.node("Shape", [x], "sizes"), *bounds], "size")
    number = net.node("Sqrt", [net.node("Cast", [size], "real", to=onnx.TensorProto.FLOAT)], "root")
    if not inverse:
        return number
    return net.node(
        "Sqrt", [net.node("Div", [net.constant("one", [1], "float32"), number], "inverse")], "scale"
    )


@pytest.mark.parametrize("opset", [13, 17, 21])
def test_scale_of_queries_and_keys(opset: int) -> None:
    """onnxruntime's optimizer takes constant scales into a product, and rounds once less: not these."""
    net = AttentionNetwork()
    q, k, v = net.all_heads()
    queries, keys = net.transposed(q), net.columns(k)
    scale = root_of_size(net, queries, 3, inverse=True)
    queries, keys = (net.node("Mul", [x, scale], f"{x}_scaled") for x in (queries, keys))
    context = net.attend(queries, keys, net.transposed(v), lambda scores: scores)
    net.join(net.transposed(context))
    model, _ = converted(net.model(opset))
    wanted = np.sqrt(np.float32(1) / np.sqrt(np.float32(SIZE)))
    assert attributes(model)["q_factor"] == attributes(model)["k_factor"] == wanted
    assert attributes(model)["q_factor_shape"] == attributes(model)["k_factor_shape"] == [HEADS, 1, 1]
    assert not {"Shape", "Sqrt", "Div", "Cast"} & ops(model).keys()


# What scales queries, keys and scores: a constant, or a number computed of sizes.
SCALES = {
    "queries and keys": ("sizes", "sizes", "", ""),
    "queries and keys by constants": ("constant", "constant", "", ""),
    "queries, keys by a constant": ("sizes", "constant", "", ""),
    "keys": ("", "sizes", "", ""),
    "scores": ("", "", "sizes", ""),
    "scores, divided": ("", "", "", "sizes"),
    "scores, divided by a constant": ("", "", "", "constant"),
    "all, scores by a constant": ("sizes", "sizes", "constant", "sizes"),
}


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("scales", SCALES)
def test_scales(scales: str, masked: bool, known: bool) -> None:
    """known: of all sizes, so that onnxruntime makes a constant of what is computed of them."""
    net = AttentionNetwork()
    q, k, v = net.all_heads()
    queries, keys = net.transposed(q), net.columns(k)
    root = root_of_size(net, queries, 3)
    numbers = {"sizes": root, "constant": net.constant("number", 2.7, "float32")}

    def scaled(x: str, op_type: str, by: str) -> str:
        return net.node(op_type, [x, numbers[by]], f"{x}_{op_type}") if by else x

    by = SCALES[scales]
    context = net.attend(
        scaled(queries, "Mul", by[0]),
        scaled(keys, "Mul", by[1]),
        net.transposed(v),
        lambda scores: scaled(scaled(scores, "Mul", by[2]), "Div", by[3]),
        net.masked if masked else None,
    )
    net.join(net.transposed(context))
    model = net.model()
    if known:
        for value in model.graph.input:
            for axis in value.type.tensor_type.shape.dim:
                axis.dim_value = axis.dim_value or {"n": 2, "s": 9}[axis.dim_param]
    sizes = 3 if known else 2
    result, _ = converted(model, [sizes])
    found = attributes(result, "MaskedAttention" if masked else "Attention")
    names = ("q_factor", "k_factor", "factor", "divisor")
    computed = [name for name, source in zip(names, by, strict=True) if source == "sizes" and not known]
    for name in names:
        assert found[f"{name}_shape"] == ([HEADS, 1, 1] if name in computed else [1]), name
        assert (found[name] != 1) == bool(by[names.index(name)])


def test_one_head() -> None:
    """A constant of the shape [1, 1, 1] would be taken into the product: its nodes stay."""
    net = AttentionNetwork()
    x = net.stream()
    q, k, v = (net.heads(x, name, 1) for name in "qkv")
    queries = net.transposed(q)
    scaled = net.node("Mul", [queries, root_of_size(net, queries, 3)], "scaled_queries")
    context = net.attend(scaled, net.columns(k), net.transposed(v), lambda scores: scores)
    net.join(net.transposed(context), SIZE)
    model, report = converted(net.model())
    assert ops(model)["Softmax"] == ops(model)["Sqrt"] == 1
    reasons = {entry.op_type: entry.reason for entry in report.left}
    assert "it has one head" in reasons["Softmax"]


def test_scale_of_an_attention_that_stays() -> None:
    """Then it is computed as before."""
    net = AttentionNetwork()
    q, k, v = net.all_heads()
    queries = net.transposed(q)
    scaled = net.node("Mul", [queries, root_of_size(net, queries, 3)], "scaled_queries")
    net.y(net.attend(scaled, net.columns(k), net.transposed(v), lambda scores: scores), 4)
    model, _ = converted(net.model())
    assert ops(model)["Softmax"] == ops(model)["Sqrt"] == 1


@pytest.mark.parametrize(("shape", "axis"), [(("n", 7, "c"), 2), (("n", 7, "c"), 0)])
def test_unknown_sizes_stay(shape: Sequence[int | str], axis: int) -> None:
    net = DynamicNetwork()
    x = net.x(shape)
    net.y(net.node("Mul", [x, root_of_size(net, x, axis)], "scaled"))
    net.end(net.x(("n", 7, 20), "z"), 20)
    model, _ = converted(net.model())
    assert ops(model)["Sqrt"] == ops(model)["Shape"] == 1


def test_result_of_the_model_stays() -> None:
    net = DynamicNetwork()
    net.y(root_of_size(net, net.x(("n", 7, 20)), 2), 1)
    net.end("x", 20)
    model, _ = converted(net.model())
    assert ops(model)["Sqrt"] == 1
