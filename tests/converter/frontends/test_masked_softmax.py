"""Attention's softmax, whose mask stays in floating point."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from qdq_networks import SCALE, QdqNetwork, reasons

import check
from qudnn import converter

S = 21
SCALES = [("Mul", 0.3), ("Div", 5.6568), None]
_BROADCAST = (
    "its inputs are not known to broadcast: fix their sizes in the model, or give equal sizes one name"
)


def network(
    scale: tuple[str, float] | None,
    mask: Sequence[int | str] | None,
    mask_first: bool = False,
    dtype: str = "uint8",
) -> QdqNetwork:
    net = QdqNetwork(dtype)
    y = net.x(("n", 4, "s", "s"))
    if scale is not None:
        y = net.node(scale[0], [y, net.constant("scale", scale[1], "float32")], "scaled")
    if mask is not None:
        inputs = [y, net.input("mask", "float32", mask)]
        y = net.node("Add", inputs[:: -1 if mask_first else 1], "masked")
    net.y(net.node("Softmax", [y], "s", axis=-1), 1 / 255, 0)
    return net


def inputs(mask: Sequence[int | str] | None, size: int = S) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    x = rng.uniform(-128 * SCALE, 128 * SCALE, (2, 4, size, size)).astype(np.float32)
    if mask is None:
        return {"x": x}
    shape = [axis if isinstance(axis, int) else {"n": 2, "s": size}[axis] for axis in mask]
    hidden = rng.random(shape) < 0.3
    return {"x": x, "mask": np.where(hidden, np.finfo(np.float32).min, 0).astype(np.float32)}


@pytest.mark.parametrize("mask_first", [False, True])
@pytest.mark.parametrize(
    ("scale", "mask"),
    [
        *((scale, mask) for scale in SCALES for mask in (("n", 1, 1, "s"), ("n", 1, "s", "s"), ("s", "s"))),
        *((scale, None) for scale in SCALES if scale is not None),  # without both it is an ordinary one
    ],
)
def test_it_becomes_one_op(
    scale: tuple[str, float] | None, mask: Sequence[int | str] | None, mask_first: bool
) -> None:
    model = network(scale, mask, mask_first).model()
    conversion = converter.convert(model)
    report = conversion.report
    assert not report.left, str(report)
    assert report.converted == {"QMaskedSoftmax": 1}
    assert [entry.reason for entry in report.approximate] == [
        "it is computed in float32: results on a GPU may differ by one quantum"
    ]
    check.assert_equivalent(model, conversion.model, [inputs(mask), inputs(mask, 8)])


def test_int8() -> None:
    model = network(("Div", 8.0), ("n", 1, 1, "s"), dtype="int8").model()
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QMaskedSoftmax": 1}
    check.assert_equivalent(model, conversion.model, [inputs(("n", 1, 1, "s"))])


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        ((3, "n", 1, 1, "s"), "its mask broadcasts it to a larger shape"),
        (("m", 1, 1, "s"), _BROADCAST),
    ],
)
def test_masks_of_other_shapes(mask: Sequence[int | str], reason: str) -> None:
    conversion = converter.convert(network(None, mask).model())
    (left,) = (entry for entry in conversion.report.left if entry.op_type == "Softmax")
    assert left.reason == reason


def test_a_softmax_in_float_stays() -> None:
    net = QdqNetwork()
    net.y(net.node("Softmax", [net.node("Neg", [net.input("x", "float32", ("n", 4, 9, 8))], "n")], "s"))
    assert reasons(net.model())["s_node"] == "it works in floating point"
