"""Random geometries and networks. The examples are the same every time: a failure can be repeated."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import check
from cases import op
from cases.conv import ConvCase
from cases.graph import GraphCase, Layer
from cases.op import OpCase
from cases.pool import PoolCase

fuzz = settings(
    derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck), max_examples=400
)

small = st.integers(1, 4)
channels = st.one_of(st.integers(1, 20), st.sampled_from([24, 31, 32, 33, 48, 64]))
pads = st.tuples(*[st.integers(0, 3)] * 4)


@st.composite
def convs(draw: st.DrawFn) -> ConvCase:
    x_dtype, w_dtype = draw(st.sampled_from([("uint8", "int8"), ("uint8", "uint8"), ("int8", "int8")]))
    low, high = (0, 255) if x_dtype == "uint8" else (-128, 127)
    w_zero_point = draw(st.integers(1, 255) if w_dtype == "uint8" else st.just(0) | st.integers(-20, 20))
    w_low, w_high = (0, 255) if w_dtype == "uint8" else (-128, 127)
    w_range = (max(w_low - w_zero_point, -128), min(w_high - w_zero_point, 127))
    if draw(st.booleans()):
        group = draw(st.integers(2, 12))
        c, k = group * draw(small), group * draw(small)
    else:
        group, c, k = 1, draw(channels), draw(channels)
    case = ConvCase(
        c=c,
        k=k,
        kernel=(draw(small), draw(small)),
        size=(draw(st.integers(1, 14)), draw(st.integers(1, 14))),
        pads=draw(pads),
        strides=(draw(small), draw(small)),
        dilations=(draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        group=group,
        x_dtype=x_dtype,
        w_dtype=w_dtype,
        x_zero_point=draw(st.integers(low, high)),
        w_zero_point=w_zero_point,
        y_zero_point=draw(st.integers(low, high)),
        w_range=w_range,
        per_channel=draw(st.booleans()),
        bias=draw(st.sampled_from(["none", "small", "wrapping"])),
    )
    assume(_fits(case.size, case.kernel, case.pads, case.dilations))
    return case


def _fits(
    size: tuple[int, ...], kernel: tuple[int, ...], pads: tuple[int, ...], dilations: tuple[int, ...]
) -> bool:
    """Whether the padded image holds the kernel."""
    return all(
        size[axis] + pads[axis] + pads[axis + 2] > dilations[axis] * (kernel[axis] - 1) for axis in range(2)
    )


@st.composite
def max_pools(draw: st.DrawFn) -> PoolCase:
    kernel = (draw(small), draw(small))
    case = PoolCase(
        c=draw(channels),
        size=(draw(st.integers(1, 14)), draw(st.integers(1, 14))),
        dtype=draw(st.sampled_from(["uint8", "int8"])),
        kernel=kernel,
        # onnxruntime wants a window's padding to be less than the window.
        pads=tuple(draw(st.integers(0, kernel[axis] - 1)) for axis in (0, 1, 0, 1)),
        strides=(draw(small), draw(small)),
        dilations=(draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        ceil_mode=draw(st.integers(0, 1)),
    )
    assume(_fits(case.size, case.kernel, case.pads, case.dilations))
    # One that makes many pixels of few is cheaper outside: the smaller tensor crosses.
    assume(all(case.pads[axis] + case.pads[axis + 2] < case.kernel[axis] for axis in (0, 1)))
    return case


@st.composite
def graphs(draw: st.DrawFn) -> GraphCase:
    layers = [Layer("conv", draw(channels), draw(small), draw(st.integers(1, 2)))]
    for kind in draw(st.lists(st.sampled_from(["conv", "depthwise", "max_pool", "residual"]), max_size=4)):
        last = next(layer.channels for layer in reversed(layers) if layer.kind == "conv")
        kernel, stride = draw(st.sampled_from([1, 3])), draw(st.integers(1, 2))
        if kind == "depthwise":
            layers.append(Layer("conv", last, kernel, stride, group=last))
        else:
            layers.append(Layer(kind, draw(channels), kernel, stride))
    return GraphCase(
        tuple(layers),
        channels=draw(st.integers(1, 5)),
        size=(draw(st.integers(8, 20)), draw(st.integers(8, 20))),
        dtype=draw(st.sampled_from(["uint8", "int8"])),
        classifier=draw(st.sampled_from(["gemm", "matmul", "none"])),
        classes=draw(channels),
    )


@st.composite
def op_convs(draw: st.DrawFn) -> OpCase:
    case = draw(convs())
    x_zero_point, y_zero_point = draw(st.integers(-128, 127)), draw(st.integers(-128, 127))
    y_min, y_max = sorted([draw(st.integers(-128, 127)), draw(st.integers(-128, 127))])
    kernel, size = (case.kernel[0], case.kernel[1]), (case.size[0], case.size[1])
    two = st.just((0, 0)) | st.tuples(st.integers(0, 3), st.integers(0, 3))
    return op.conv(
        c=case.c,
        k=case.k,
        kernel=kernel,
        size=size,
        group=case.group,
        pads=list(case.pads),
        strides=list(case.strides),
        dilations=list(case.dilations),
        x_zero_point=x_zero_point,
        y_zero_point=y_zero_point,
        y_min=y_min,
        y_max=y_max,
        y_pads=[0, *draw(two), 0, 0, *draw(two), 0],
    )


@fuzz
@given(case=convs(), batch=st.integers(1, 3))
def test_conv(case: ConvCase, batch: int) -> None:
    check.assert_converts(case, {"QConv": 1}, batches=[batch])


@fuzz
@given(case=max_pools(), batch=st.integers(1, 3))
def test_max_pool(case: PoolCase, batch: int) -> None:
    check.assert_converts(case, {"QConv": 1, "QMaxPool": 1}, batches=[batch])


@settings(fuzz, max_examples=150)
@given(case=graphs(), opset=st.sampled_from([13, 17, 21]), batch=st.integers(1, 3))
def test_graph(case: GraphCase, opset: int, batch: int) -> None:
    report = check.assert_converts(case, case.ops, opset, batches=[batch])
    assert (report.islands, report.entries, report.exits) == (1, 1, 1)


@fuzz
@given(case=op_convs())
def test_conv_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.gpu
@settings(fuzz, max_examples=16)
@given(case=op_convs(), batch=st.integers(1, 3))
def test_conv_kernel(case: OpCase, batch: int) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs(batch))


@pytest.mark.gpu
@settings(fuzz, max_examples=4)
@given(case=graphs())
def test_graph_on_gpu(case: GraphCase) -> None:
    check.assert_converted_runs_on_gpu(replace(case, size=(16, 16)))
