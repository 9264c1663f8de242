"""Numbers in a node's attributes: what no op can use is refused when its session is made."""

import random
from typing import Any

import pytest
import testing

LARGE = 2**31 - 1  # the most that a size or count may be
ZERO_POINTS = dict.fromkeys(("x_zero_point", "y_zero_point", "a_zero_point", "b_zero_point"), 0)
SCALES = dict.fromkeys(("x_scale", "y_scale", "a_scale", "b_scale", "sum_scale", "epsilon", "factor"), 0.5)
COMMON: dict[str, Any] = {
    **ZERO_POINTS,
    **SCALES,
    **{"dtype": 2, "y_min": -128, "y_max": 127, "divisor": 1.0, "scale": 1.0, "zero_point": 0},
}
PART = {"starts": [0] * 4, "ends": [2**63 - 1] * 4, "perm": [0, 1, 2, 3]}
PARTS = {f"{tensor}_{name}": value for tensor in "abqkv" for name, value in PART.items()}
WINDOW = {"pads": [0] * 4, "strides": [1, 1], "dilations": [1, 1], "kernel_shape": [3, 3]}
VOLUME_WINDOW = {"pads": [0] * 6, "strides": [1] * 3, "dilations": [1] * 3, "kernel_shape": [3] * 3}
BETWEEN = {
    f"{step}_{name}": value
    for step in ("reduced", "window")
    for name, value in (("zero_point", 3), ("min", -128), ("max", 127))
}
BETWEEN |= {"padding_zero_point": 3}
FLOAT_ENTRY = {
    "a_perm": [0, 3, 1, 2],
    "b_perm": [0, 1, 2, 3],
    "perm": [0, 2, 3, 1],
    "pads": [0] * 8,
    "low": 0.0,
    "high": 6.0,
}
FLOAT_ACTIVATION = {"low": 0.0, "high": 6.0}

# Each op that has such attributes: those that it takes, and of these, which are sizes, with their least.
OPS: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "QChannelTableAdd": ({"sum_zero_point": 0, "result_first": 1}, {}),
    "QConv": ({**WINDOW, "group": 1}, {"pads": 0, "strides": 1, "dilations": 1, "group": 1}),
    "QConvTable": ({**WINDOW, "group": 1}, {"pads": 0, "strides": 1, "dilations": 1, "group": 1}),
    "QConvMaxPool": (
        {**WINDOW, "group": 1, "pool_pads": [1] * 4, "pool_strides": [2, 2]},
        {"pads": 0, "strides": 1, "dilations": 1, "group": 1}
        | {"kernel_shape": 1, "pool_pads": 0, "pool_strides": 1},
    ),
    "ConvMaxPoolToIsland": (
        {**WINDOW, "group": 1, "pool_pads": [1] * 4, "pool_strides": [2, 2]},
        {"pads": 0, "strides": 1, "dilations": 1, "group": 1}
        | {"kernel_shape": 1, "pool_pads": 0, "pool_strides": 1},
    ),
    "QBottleneck": (
        {**WINDOW, **BETWEEN, "group": 1},
        {"pads": 0, "strides": 1, "dilations": 1, "group": 1},
    ),
    "QBottleneckAdd": (
        {**WINDOW, **BETWEEN, "group": 1, "sum_zero_point": 0, "result_first": 1},
        {"pads": 0, "strides": 1, "dilations": 1, "group": 1},
    ),
    "QBottleneckFloatAdd": (
        {**WINDOW, **BETWEEN, "group": 1, "r_scale": 0.5, "r_zero_point": 0},
        {"pads": 0, "strides": 1, "dilations": 1, "group": 1},
    ),
    "QConvToInt32": ({**WINDOW, "group": 1}, {"pads": 0, "strides": 1, "dilations": 1, "group": 1}),
    "QConvToFloat": ({**WINDOW, "group": 1}, {"pads": 0, "strides": 1, "dilations": 1, "group": 1}),
    "QConvFloatAdd": (
        {**WINDOW, "group": 1, "r_scale": 0.5, "r_zero_point": 0},
        {"pads": 0, "strides": 1, "dilations": 1, "group": 1},
    ),
    "DynamicQConv": (
        {**WINDOW, "group": 1, "first": 0},
        {"strides": 1, "dilations": 1, "group": 1, "first": 0},
    ),
    "DynamicQMatMul": ({"first": 0}, {"first": 0}),
    "DynamicQLSTM": (
        {
            "direction": "forward",
            "hidden_size": 8,
            "input_size": 8,
            "input_forget": 0,
            "clip": 1.0,
            "activation_kinds": [6, 1, 1],
            "activation_alpha": [0.2],
            "activation_beta": [0.5],
        },
        {"input_size": 1},
    ),
    "QConv3D": (
        {"pads": [0] * 6, "strides": [1] * 3, "dilations": [1] * 3, "group": 1},
        {"pads": 0, "strides": 1, "dilations": 1, "group": 1},
    ),
    "QMaxPool": (
        {**WINDOW, "ceil_mode": 0, "y_pads": [0, 1, 1, 0, 0, 1, 1, 0]},
        {"pads": 0, "strides": 1, "dilations": 1, "kernel_shape": 1},
    ),
    "QAveragePool": (
        {**WINDOW, "ceil_mode": 0, "count_include_pad": 0},
        {"strides": 1, "kernel_shape": 1},
    ),
    "FloatMaxPool": (
        {**WINDOW, "ceil_mode": 0, **FLOAT_ACTIVATION},
        {"pads": 0, "strides": 1, "dilations": 1, "kernel_shape": 1},
    ),
    "FloatAveragePool": (
        {**WINDOW, "ceil_mode": 0, "count_include_pad": 1, **FLOAT_ACTIVATION, "silu": 0},
        {"pads": 0, "strides": 1, "kernel_shape": 1},
    ),
    "FloatGlobalAveragePool": ({**FLOAT_ACTIVATION, "silu": 0}, {}),
    "FloatPointwise": ({**FLOAT_ACTIVATION, "silu": 1}, {}),
    "QLayerNormalizationToFloat": ({"channels": 8}, {}),
    "QMaxPool3D": (
        {**VOLUME_WINDOW, "ceil_mode": 0},
        {"pads": 0, "strides": 1, "dilations": 1, "kernel_shape": 1},
    ),
    "QAveragePool3D": (
        {**VOLUME_WINDOW, "ceil_mode": 0, "count_include_pad": 0},
        {"strides": 1, "kernel_shape": 1},
    ),
    "QuantizeToIsland": ({"perm": [0, 2, 3, 1], "pads": [0] * 8}, {"pads": 0}),
    "QuantizeHalfToIsland": ({"perm": [0, 2, 3, 1], "pads": [0] * 8}, {"pads": 0}),
    "StepsToIsland": ({"perm": [0, 2, 3, 1], "pads": [0] * 8}, {"pads": 0}),
    "AddToIsland": (FLOAT_ENTRY, {"pads": 0}),
    "MulToIsland": ({**FLOAT_ENTRY, "gelu": 1, "gate": 2, "alpha": 0.2, "beta": 0.5}, {"pads": 0}),
    "ConvertToIsland": ({"perm": [0, 2, 3, 1], "pads": [0] * 8}, {"pads": 0}),
    "DynamicQuantizeToIsland": ({"perm": [0, 1], "pads": [0] * 4}, {"pads": 0}),
    "QDepthToSpace": ({"blocksize": 2, "crop": [0] * 4}, {"crop": 0}),
    "QBatchMatMulToFloat": ({**PARTS, "y_perm": [0, 1, 2, 3]}, {}),
    "DynamicQBatchMatMul": ({**PARTS, "y_perm": [0, 1, 2, 3]}, {}),
    "QGroupNormalization": (
        {"channels": 8, "pads": [0] * 8, "view": [0, -1, 2, 4], "centered": 1},
        {},
    ),
    "Attention": (
        {
            "heads": 4,
            "q_first": 0,
            "k_first": 0,
            "v_first": 0,
            "q_factor": 1.0,
            "k_factor": 1.0,
            "nan_to_zero": 0,
        },
        {"heads": 1, "q_first": 0, "k_first": 0, "v_first": 0},
    ),
}
EXTREMES = [-(2**63), -(2**32), -(2**31), -1, 0, 1, 2**15 + 1, LARGE, 2**31, 2**32, 2**62, 2**63 - 1]


def with_value(value: Any, index: int, number: int) -> Any:
    """An integer, or a list with the number in the place of one of its elements."""
    return [*value[:index], number, *value[index + 1 :]] if isinstance(value, list) else number


@pytest.mark.parametrize("op", OPS)
def test_sizes_are_bounded(op: str) -> None:
    attributes, sizes = {**COMMON, **OPS[op][0]}, OPS[op][1]
    testing.read_attributes(op, attributes)
    for name, least in sizes.items():
        count = len(attributes[name]) if isinstance(attributes[name], list) else 1
        for index in range(count):
            for number in EXTREMES:
                changed = attributes | {name: with_value(attributes[name], index, number)}
                if least <= number <= LARGE:
                    testing.read_attributes(op, changed)
                else:
                    with pytest.raises(ValueError, match=rf"attribute {name} = {number} is outside"):
                        testing.read_attributes(op, changed)


@pytest.mark.parametrize("op", OPS)
def test_any_numbers_are_read_or_refused(op: str) -> None:
    """In as many places as there are; the process lives on."""
    rng = random.Random(op)
    read = refused = 0
    for _ in range(400):
        attributes = {**COMMON, **OPS[op][0]}
        for name in rng.sample(sorted(attributes), 3):
            value = attributes[name]
            if isinstance(value, float):
                attributes[name] = rng.choice([0.0, -1.0, 1e38, float("inf"), float("nan")])
            else:
                index = rng.randrange(len(value)) if isinstance(value, list) else 0
                attributes[name] = with_value(value, index, rng.choice(EXTREMES))
        try:
            testing.read_attributes(op, attributes)
            read += 1
        except (ValueError, RuntimeError):
            refused += 1
    assert read
    assert refused or op == "Attention"


def test_an_op_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="no op is called QNothing"):
        testing.read_attributes("QNothing", COMMON)
    with pytest.raises(RuntimeError, match="no attribute strides"):
        testing.read_attributes("QConv", COMMON)


def test_images_are_rounded_to_no_other_type_than_float16() -> None:
    attributes = {**COMMON, **OPS["ConvMaxPoolToIsland"][0]}
    for number in (1, 10):
        testing.read_attributes("ConvMaxPoolToIsland", attributes | {"x_dtype": number})
    for number in (-1, 0, 11, 16, 2**32 + 10, 2**63 - 1):
        with pytest.raises(ValueError, match="x_dtype is neither float32 nor float16"):
            testing.read_attributes("ConvMaxPoolToIsland", attributes | {"x_dtype": number})


def test_padding_of_results_is_bounded() -> None:
    attributes = {**COMMON, **OPS["QMaxPool"][0]}
    for number in (-1, 2**31, 2**63 - 1):
        for index in (1, 2, 5, 6):
            y_pads = with_value([0, 1, 1, 0, 0, 1, 1, 0], index, number)
            with pytest.raises(ValueError, match=f"attribute y_pads = {number} is outside"):
                testing.read_attributes("QMaxPool", attributes | {"y_pads": y_pads})


def test_windows_of_numbers_that_are_none() -> None:
    assert testing.window_count(9, 1, 1, 3, 2, 1) == 5
    assert testing.window_count(LARGE, LARGE, LARGE, 1, 1, LARGE) == 3 * LARGE
    good: dict[str, Any] = {"extent": 9, "before": 1, "after": 1, "taps": 3, "stride": 2, "dilation": 1}
    for name in good:
        least = 0 if name in ("extent", "before", "after") else 1
        for number in EXTREMES:
            if least <= number <= LARGE:
                assert testing.window_count(**good | {name: number}) >= 0
                continue
            with pytest.raises(ValueError, match=f"= {number} is outside"):
                testing.window_count(**good | {name: number})


def batch_matmul(a: list[int], b: list[int], padding: int = 0, **parts: list[int]) -> Any:
    everything = {f"{tensor}_{name}": value for tensor in "ab" for name, value in PART.items()}
    return testing.batch_matmul(a, b, **everything | parts, y_perm=[0, 1, 2, 3], padding=padding)


def test_matmuls_of_sizes_that_have_no_address() -> None:
    _, a, b, y = batch_matmul([2, 3, 4, 5], [2, 3, 5, 6])
    assert (a, b, y) == (0, 0, [2, 3, 4, 6])
    with pytest.raises(ValueError, match="too large"):
        batch_matmul([2**20, 2**20, 2**20, 0], [2**20, 2**20, 0, 2**20])
    # Of a part that is empty, wherever it is said to start, nothing is read.
    empty: Any = {"a_starts": [0, 0, 2**63 - 1, 0], "a_ends": [2**63 - 1] * 4}
    _, start, _, shape = batch_matmul([2, 3, 4, 5], [2, 3, 5, 6], **empty)
    assert (start, shape) == (0, [2, 3, 0, 6])


@pytest.mark.parametrize("op", ["QBottleneck", "QBottleneckAdd", "QBottleneckFloatAdd"])
def test_results_between_convolutions_are_8_bits(op: str) -> None:
    attributes = {**COMMON, **OPS[op][0]}
    for name in (*BETWEEN, "y_zero_point", "y_min", "y_max"):
        for number in (-129, 128, 2**32):
            with pytest.raises(ValueError, match=f"attribute {name} = {number} is outside"):
                testing.read_attributes(op, attributes | {name: number})
    with pytest.raises(ValueError, match="window_min is above window_max"):
        testing.read_attributes(op, attributes | {"window_max": -3, "window_min": 3})


def test_what_a_block_adds_first() -> None:
    attributes = {**COMMON, **OPS["QBottleneckAdd"][0]}
    for number in (-1, 2):
        with pytest.raises(ValueError, match="result_first"):
            testing.read_attributes("QBottleneckAdd", attributes | {"result_first": number})


@pytest.mark.parametrize("op", ["QConvFloatAdd", "QBottleneckFloatAdd"])
def test_scales_that_divide(op: str) -> None:
    attributes = {**COMMON, **OPS[op][0]}
    testing.read_attributes(op, attributes | {"y_scale": 2e-30})
    for scale in (0.0, -0.5, 1e-31, 1e31):
        with pytest.raises(ValueError, match="y_scale"):
            testing.read_attributes(op, attributes | {"y_scale": scale})
    for zero_point in (-129, 128):
        with pytest.raises(ValueError, match="r_zero_point"):
            testing.read_attributes(op, attributes | {"r_zero_point": zero_point})
