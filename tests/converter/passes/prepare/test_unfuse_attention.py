"""QAttention, as onnxruntime's quantizer makes it of an Attention that its optimizer fused."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from same_bits import Graph

import check
from qudnn import converter
from qudnn.converter.functions import DOMAIN

HEADS, SIZE, DEPTH = 3, 16, 40
WIDTH = HEADS * SIZE


class QAttention(Graph):
    """Of `[n,s,40]`, with 3 heads of 16."""

    def quantized(self, dynamic: bool) -> list[str]:
        """x in 8 bits, its scale and its zero point."""
        x = self.x("x", "float32", (2, 7, DEPTH), ("n", "s", DEPTH))
        if dynamic:
            names = ["q", "q_s", "q_z"]
            self.nodes.append(onnx.helper.make_node("DynamicQuantizeLinear", [x], names, name="dq"))
            return names
        parameters = [self.number(0.05), self.number(121, "uint8")]
        return [self.quantize(x, "q", *parameters), *parameters]

    def attention(
        self,
        dynamic: bool = True,
        per_channel: bool = False,
        dtype: str = "int8",
        mask: Sequence[int | str] = (),
        heads: int = HEADS,
        past: int = 0,
        **attributes: Any,
    ) -> str:
        q, scale, zero_point = self.quantized(dynamic)
        w = self.random(dtype, (DEPTH, 3 * WIDTH))
        w_scale = self.rng.uniform(0.002, 0.004, 3 * WIDTH if per_channel else ())
        parameters = [scale, self.constant("w_scale", w_scale, "float32")]
        inputs = [q, w, self.random("float32", (3 * WIDTH,)), *parameters, ""]
        if mask:
            sizes = {"n": 2, "m": 2, "s": 7, "t": 7 + past}
            shape = [sizes[size] if isinstance(size, str) else size for size in mask]
            self.feeds["mask"] = (self.rng.random(shape) < 0.7).astype(np.int32)
            if len(mask) == 1:
                self.feeds["mask"] = np.array([5, 7], np.int32)
            inputs[-1] = self.input("mask", "int32", list(mask))
        inputs += [zero_point, self.number(-3 if dtype == "int8" else 119, dtype)]
        if past:
            inputs.append(self.x("past", "float32", (2, 2, heads, past, SIZE), (2, "n", heads, "p", SIZE)))
        y = self.node("QAttention", inputs, "y", "com.microsoft", num_heads=heads, **attributes)
        if past:
            self.nodes[-1].output.append("present")
            self.y("present", rank=5)
        return y


def unfused(g: QAttention) -> onnx.ModelProto:
    """The converted model: one matmul, one attention, and the bits that onnxruntime's kernel has."""
    model = g.model(17)
    conversion = converter.convert(model)
    report = conversion.report
    assert report.quantized_nodes == report.converted_nodes, str(report)
    check.assert_true_report(model, conversion)
    check.assert_equivalent(model, conversion.model, [g.feeds])
    return conversion.model


def ours(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node if node.domain == DOMAIN]


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("dynamic", [True, False])
def test_without_mask(dynamic: bool, dtype: str, per_channel: bool) -> None:
    g = QAttention(1)
    g.y(g.attention(dynamic, per_channel, dtype), rank=3)
    names = ours(unfused(g))
    assert "Attention" in names
    assert not dynamic or names == ["DynamicQuantizeToIsland", "DynamicQMatMul", "Attention"]


@pytest.mark.parametrize("mask", [("n", "s"), ("n", "s", "s")])
@pytest.mark.parametrize("filtered", [None, -3e4])
def test_masked(filtered: float | None, mask: Sequence[int | str]) -> None:
    g = QAttention(2)
    given: dict[str, Any] = {} if filtered is None else {"mask_filter_value": filtered}
    g.y(g.attention(mask=mask, **given), rank=3)
    assert ours(unfused(g)) == ["DynamicQuantizeToIsland", "DynamicQMatMul", "MaskedAttention"]


def test_ends_of_keys() -> None:
    """As many as there are sequences: each says where its keys end."""
    g = QAttention(4)
    g.y(g.attention(mask=("n",)), rank=3)
    assert ours(unfused(g)) == ["DynamicQuantizeToIsland", "DynamicQMatMul", "MaskedAttention"]


@pytest.mark.parametrize("mask", [(), ("n", "s"), ("n",)])
@pytest.mark.parametrize("dynamic", [True, False])
def test_unidirectional(dynamic: bool, mask: Sequence[int | str]) -> None:
    g = QAttention(5)
    g.y(g.attention(dynamic, mask=mask, unidirectional=1), rank=3)
    assert "MaskedAttention" in ours(unfused(g))


@pytest.mark.parametrize("mask", [(), ("n", "t")])
@pytest.mark.parametrize("unidirectional", [0, 1])
def test_past_keys_and_values(unidirectional: int, mask: Sequence[int | str]) -> None:
    """As a decoder has them; what attends in float32 stays on the GPU."""
    g = QAttention(6)
    g.y(g.attention(mask=mask, past=4, unidirectional=unidirectional), rank=3)
    names = ours(unfused(g))
    assert names[:2] == ["DynamicQuantizeToIsland", "DynamicQMatMul"]


@pytest.mark.parametrize(
    ("reason", "given"),
    [
        ("starts and ends, or ends alone", {"mask": ("m",)}),
        ("one number for all keys", {"mask": ("n", 1)}),
    ],
)
def test_declined(reason: str, given: dict[str, Any]) -> None:
    g = QAttention(3)
    if given.get("mask") == ("n", 1):
        given = {**given, "mask": (2, 1)}
    g.y(g.attention(**given), rank=3)
    model = g.model(17)
    (left,) = (n for n in converter.convert(model).report.left if n.op_type == "QAttention")
    assert reason in left.reason
