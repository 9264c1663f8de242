"""Float32 numbers that follow from known sizes become constants."""

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from attention_networks import SIZE, AttentionNetwork
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
    """onnxruntime's optimizer takes constant scales into a product, and rounds once less."""
    net = AttentionNetwork()
    q, k, v = net.all_heads()
    queries, keys = net.transposed(q), net.columns(k)
    scale = root_of_size(net, queries, 3, inverse=True)
    queries, keys = (net.node("Mul", [x, scale], f"{x}_scaled") for x in (queries, keys))
    context = net.attend(queries, keys, net.transposed(v), lambda scores: scores)
    net.join(net.transposed(context))
    model, _ = converted(net.model(opset), optimized=False)
    wanted = np.sqrt(np.float32(1) / np.sqrt(np.float32(SIZE)))
    assert attributes(model)["q_factor"] == attributes(model)["k_factor"] == wanted
    assert not {"Shape", "Sqrt", "Div", "Cast"} & ops(model).keys()


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
