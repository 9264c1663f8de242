"""Normalizations of groups of channels, and by mean squares, between DequantizeLinear and QuantizeLinear."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from operators import DTYPES
from qdq_networks import QdqNetwork, assert_converts, reasons

OPS = {"QGroupNormalization": 1}


def affine(net: QdqNetwork, channels: int) -> list[str]:
    scale, bias = net.rng.normal(1, 0.3, channels), net.rng.normal(0, 1, channels)
    return [net.constant("scale", scale, "float32"), net.constant("bias", bias, "float32")]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(9,), (9, 8), (4, 5, 6)], ids=len)
@pytest.mark.parametrize("channels", [16, 21])
def test_instances(channels: int, size: tuple[int, ...], dtype: str) -> None:
    net = QdqNetwork(dtype)
    inputs = [net.x(("n", channels, *size)), *affine(net, channels)]
    net.y(net.node("InstanceNormalization", inputs, "i", epsilon=1e-4), 0.02, rank=2 + len(size))
    assert_converts(net.model(), OPS, (channels, *size), exact=False, scale=0.02)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("groups", [1, 2, 6, 12])
def test_groups(groups: int, dtype: str) -> None:
    net = QdqNetwork(dtype)
    inputs = [net.x(("n", 12, 7, 5)), *affine(net, 12)]
    net.y(net.node("GroupNormalization", inputs, "g", num_groups=groups), 0.02)
    assert_converts(net.model(21), OPS, (12, 7, 5), exact=False, scale=0.02)


def test_sizes_that_are_unknown() -> None:
    net = QdqNetwork()
    inputs = [net.x(("n", 12, "h", "w")), *affine(net, 12)]
    net.y(net.node("InstanceNormalization", inputs, "i"), 0.02)
    assert_converts(net.model(), OPS, (12, 7, 5), exact=False, scale=0.02)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [("n", 20), ("n", "s", 32), ("n", 4, 5, 24)], ids=len)
def test_mean_squares(shape: Sequence[int | str], dtype: str) -> None:
    net = QdqNetwork(dtype)
    channels = int(shape[-1])
    inputs = [net.x(shape), affine(net, channels)[0]]
    net.y(net.node("RMSNormalization", inputs, "r", axis=-1, epsilon=1e-6), 0.02, rank=len(shape))
    sizes = [size if isinstance(size, int) else 6 for size in shape[1:]]
    assert_converts(net.model(23), OPS, sizes, exact=False, scale=0.02)


def test_mean_squares_as_onnxruntime_names_it() -> None:
    net = QdqNetwork()
    inputs = [net.x(("n", 7, 20)), affine(net, 20)[0]]
    net.y(net.node("SimplifiedLayerNormalization", inputs, "s", epsilon=1e-6), 0.02, rank=3)
    graph = helper.make_graph(net.nodes, "test", net.inputs, net.outputs, net.constants)
    model: onnx.ModelProto = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    assert_converts(model, OPS, (7, 20), exact=False, scale=0.02)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"axis": 1}, "its axis 1 is not the last one"),
        ({"stash_type": 16}, "it does not compute in float32"),
    ],
)
def test_others_stay(attributes: dict[str, Any], reason: str) -> None:
    net = QdqNetwork()
    shape = (7, 20) if "axis" in attributes else (20,)
    inputs = [net.x(("n", 7, 20)), net.constant("scale", np.ones(shape), "float32")]
    net.y(net.node("RMSNormalization", inputs, "r", **attributes), 0.02, rank=3)
    assert reasons(net.model(23), 7, 20)["r_node"] == reason
