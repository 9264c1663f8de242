"""QBottleneck, QBottleneckAdd and QBottleneckFloatAdd: body = oracle on the CPU, kernel = body on the GPU."""

from typing import Any

import numpy as np
import pytest

import check
from cases.bottleneck_op import (
    DEPTHWISE,
    FLOAT_HALVES,
    FLOAT_LEFT,
    FLOAT_RESNET50,
    FLOAT_TAKEN,
    HALVES,
    HALVES_DEPTHWISE,
    LEFT,
    MOBILENET_V2,
    RESNET50,
    STRIDED,
    TAKEN,
)
from cases.builder import Array, by_id
from cases.op import OpCase
from oracles import ORACLES
from oracles.arithmetic import requantize


def formula(case: OpCase, inputs: dict[str, Array]) -> Array:
    return np.asarray(ORACLES[case.op](*inputs.values(), *case.constants.values(), **case.attributes))


ALL = [*TAKEN, *DEPTHWISE, *LEFT, *FLOAT_TAKEN, *FLOAT_LEFT]


@pytest.mark.parametrize("case", ALL, ids=by_id)
def test_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.parametrize("opset", [17, 18, 21, 23])
def test_body_of_other_opsets(opset: int) -> None:
    for case in (HALVES[0], HALVES_DEPTHWISE[1], FLOAT_HALVES[0]):
        check.assert_body_matches_oracle(case, opset=opset)


@pytest.mark.parametrize(
    "case",
    [
        *[*RESNET50, *TAKEN[len(RESNET50) : 20], *STRIDED, *MOBILENET_V2, *DEPTHWISE[-6:]],
        *FLOAT_TAKEN[:14],
    ],
    ids=by_id,
)
def test_cases_hold_what_decides(case: OpCase) -> None:
    """Results take all values, not too many of them the extremes, and the residual plays its part."""
    inputs = case.inputs(3)
    y = formula(case, inputs)
    possible = 128 - case.attributes["y_min"] if case.op == "QBottleneckFloatAdd" else 256
    assert len(np.unique(y)) > possible * (0.78 if y.size > 4000 else 0.46)
    assert np.mean(np.abs(y.astype(int)) > 120) < 0.6
    if "residual" not in inputs:
        return
    without = formula(case, {**inputs, "residual": np.zeros_like(inputs["residual"])})
    assert np.mean(y != without) > 0.4


@pytest.mark.parametrize("case", [*HALVES, *HALVES_DEPTHWISE], ids=by_id)
@pytest.mark.parametrize("step", range(3))
def test_each_rounding_decides(monkeypatch: pytest.MonkeyPatch, case: OpCase, step: int) -> None:
    """Whether halves are rounded to even or up."""
    inputs = case.inputs()
    expected, calls = formula(case, inputs), iter(range(3))

    def upwards(acc: Array, multiplier: Any, *rest: int) -> Array:
        if next(calls) != step:
            return requantize(acc, multiplier, *rest)
        scaled = acc * multiplier.astype(np.float64)
        halves = scaled % 1 == 0.5
        assert halves.any()
        return requantize(np.where(halves, np.ceil(scaled), scaled), np.float32(1), *rest)

    monkeypatch.setattr("oracles.bottleneck.requantize", upwards)
    assert np.mean(formula(case, inputs) != expected) > 0.005
    assert next(calls, None) is None


@pytest.mark.parametrize("case", FLOAT_HALVES, ids=by_id)
def test_nothing_is_rounded_before_the_sum(case: OpCase) -> None:
    """Nor are results the same as those of an addition to rounded ones."""
    inputs = case.inputs()
    expected = formula(case, inputs)
    attributes = {name: value for name, value in case.attributes.items() if not name.startswith("r_")}
    y_scale = attributes.pop("y_scale")
    constants = {**case.constants, "multiplier": case.constants["multiplier"] / np.float32(y_scale)}
    x, residual = inputs.values()
    y = ORACLES["QBottleneck"](x, *constants.values(), **attributes).astype(np.float64)
    r = (residual.astype(np.float64) - case.attributes["r_zero_point"]) * case.attributes["r_scale"] / y_scale
    rounded = np.clip(np.rint(y + r), -128, 127)
    assert 0.05 < np.mean(rounded != expected) < 0.9
    assert np.max(np.abs(rounded - expected)[np.abs(y) < 120]) <= 1


@pytest.mark.parametrize(
    "case", [case for case in [*TAKEN, *DEPTHWISE, *FLOAT_TAKEN] if "clamped" in case.label], ids=by_id
)
def test_each_clamp_decides(case: OpCase) -> None:
    (low,) = [name for name in case.attributes if name.endswith("_min") and case.attributes[name] > -128]
    high = low.replace("min", "max")
    inputs = case.inputs()
    expected = formula(case, inputs)
    for name, value in ((low, -128), (high, 127)):
        changed = {**case.attributes, name: value}
        y = ORACLES[case.op](*inputs.values(), *case.constants.values(), **changed)
        assert np.mean(y != expected) > 0.02


@pytest.mark.parametrize(
    "name",
    [
        *["other_padding", "padding_of_0", "depthwise_other_padding", "depthwise_padding_of_0"],
        "float_other_padding",
    ],
)
def test_padding_is_seen(name: str) -> None:
    """Its value is that of an attribute, not what the first convolution makes of 0."""
    (case,) = [case for case in [*TAKEN, *DEPTHWISE, *FLOAT_TAKEN] if case.label.startswith(name)]
    inputs, attributes = case.inputs(), case.attributes
    own = {**attributes, "padding_zero_point": attributes["reduced_zero_point"]}
    y = ORACLES[case.op](*inputs.values(), *case.constants.values(), **own)
    differs = (np.asarray(y) != formula(case, inputs)).any(axis=(0, 3))
    assert differs[0].all() and differs[-1].all() and differs[:, 0].all() and differs[:, -1].all()
    assert not differs[1:-1, 1:-1].any()


@pytest.mark.gpu
@pytest.mark.parametrize("case", ALL, ids=by_id)
def test_kernel(case: OpCase) -> None:
    for batch in (1, 2, 3):
        check.assert_kernels_match_bodies(case.model(), case.inputs(batch))


@pytest.mark.gpu
@pytest.mark.parametrize("case", [*RESNET50, *STRIDED, TAKEN[11], *MOBILENET_V2, *FLOAT_RESNET50], ids=by_id)
@pytest.mark.parametrize("batch", [4, 7, 32])
def test_kernel_of_batches(case: OpCase, batch: int) -> None:
    """Where three convolutions take less time than one kernel, or images are shared out in other ways."""
    check.assert_kernels_match_bodies(case.model(), case.inputs(batch))


@pytest.mark.gpu
def test_kernel_of_the_tensor_that_it_adds() -> None:
    """The residual is x, as in most blocks of a network."""
    adding = [case for case in MOBILENET_V2 if case.op == "QBottleneckAdd"]
    for case in [*RESNET50[1:], *FLOAT_RESNET50[1:4], *adding]:
        model = case.model()
        (node,) = model.graph.node
        node.input[1] = "x"
        del model.graph.input[1]
        x = case.inputs(2)["x"]
        check.assert_kernels_match_bodies(model, {"x": x})
