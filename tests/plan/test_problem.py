"""The key under which plans are kept: equality, hash and text."""

import random
from typing import Any

import pytest
import testing


def conv_of_volumes(**given: int) -> testing.ConvProblem:
    return testing.ConvProblem(**{"d": 2, **given})


PROBLEMS: dict[str, Any] = {
    "conv": testing.ConvProblem,
    "matmul": testing.MatMulProblem,
    "conv3d": conv_of_volumes,
    "batch_matmul": testing.BatchMatMulProblem,
    "block": testing.BlockProblem,
}

FLAGS = (
    "pads_with_value",
    "clamps_above",
    "adds",
    "zero_point_per_channel",
    "adds_constant",
    "looks_up",
    "b_transposed",
    "depthwise",
    "first_pads",
    "clamps_first",
    "clamps_window",
)


def fields(problem: Any) -> dict[str, int]:
    """The fields of a problem as its text has them."""
    kind, *pairs = str(problem).split(" ")
    assert kind in PROBLEMS
    return {name: int(value) for name, value in (pair.split("=") for pair in pairs)}


def other_value(name: str, value: int) -> int:
    """A valid value of the field that is not `value`; flags have two."""
    return 1 - value if name in FLAGS else value // 2 if name == "alignment" else value + 1


def random_problem(kind: str, rng: random.Random) -> Any:
    values = fields(PROBLEMS[kind]())
    for name, value in values.items():
        if not name.endswith("_type") and rng.random() < 0.5:  # not every number is a type
            values[name] = other_value(name, value)
    if values.get("adds") or values.get("zero_point_per_channel"):  # neither sums nor results of a table
        values.pop("looks_up", None)
        values.pop("adds_constant", None)
    if not values.get("pads_with_value"):
        values.pop("first_pads", None)  # there is nothing to pad with
    return PROBLEMS[kind](**values)


@pytest.mark.parametrize("kind", PROBLEMS)
def test_every_field_counts(kind: str) -> None:
    base = PROBLEMS[kind]()
    changed = [
        PROBLEMS[kind](**{name: other_value(name, value)}) for name, value in fields(PROBLEMS[kind]()).items()
    ]
    problems = [base, *changed]
    assert len(problems) > 6
    assert len({str(problem) for problem in problems}) == len(problems)
    assert len({hash(problem) for problem in problems}) == len(problems)
    for i, one in enumerate(problems):
        for j, other in enumerate(problems):
            assert (one == other) == (i == j)


@pytest.mark.parametrize("kind", PROBLEMS)
def test_equal_problems_have_one_hash_and_text(kind: str) -> None:
    values = {name: value + 2 for name, value in fields(PROBLEMS[kind]()).items() if "_" not in name}
    one, other = PROBLEMS[kind](**values), PROBLEMS[kind](**dict(reversed(values.items())))
    assert one == other
    assert hash(one) == hash(other)
    assert str(one) == str(other)


@pytest.mark.parametrize("kind", PROBLEMS)
def test_hashes_of_similar_problems_differ(kind: str) -> None:
    rng = random.Random(0)
    problems = {str(problem): problem for problem in (random_problem(kind, rng) for _ in range(3000))}
    assert len({hash(problem) for problem in problems.values()}) == len(problems)


@pytest.mark.parametrize("kind", PROBLEMS)
def test_text_is_read_back(kind: str) -> None:
    rng = random.Random(1)
    for _ in range(100):
        problem = random_problem(kind, rng)
        read = testing.parse(str(problem))
        assert type(read) is type(problem)
        assert read == problem


def test_text_is_stable() -> None:
    # Files and logs of other versions hold these texts: a change here is a change of format.
    assert str(testing.MatMulProblem(m=64, k=1008, c=2048, x_stride=2048)) == (
        "matmul m=64 k=1008 c=2048 x_stride=2048 clamps_above=0 zero_point_per_channel=0 "
        "adds_constant=0 looks_up=0 alignment=16 x_type=3 y_type=3"
    )
    assert str(testing.ConvProblem(n=2, h=9, w=8, pad_top=1, pads_with_value=1)) == (
        "conv n=2 h=9 w=8 c=1 k=1 r=1 s=1 p=1 q=1 pad_top=1 pad_left=0 pad_bottom=0 pad_right=0 stride_h=1 "
        "stride_w=1 dilation_h=1 dilation_w=1 group=1 y_pad_top=0 y_pad_left=0 y_pad_bottom=0 y_pad_right=0 "
        "x_stride_n=0 x_stride_h=0 x_stride_w=0 x_stride_c=0 "
        "pads_with_value=1 clamps_above=0 adds=0 looks_up=0 alignment=16 x_type=3 y_type=3"
    )
    assert str(testing.ConvProblem(n=2, d=7, h=9, w=8, t=3, pad_back=1)) == (
        "conv3d n=2 d=7 h=9 w=8 c=1 k=1 t=3 r=1 s=1 z=1 p=1 q=1 pad_front=0 pad_top=0 pad_left=0 pad_back=1 "
        "pad_bottom=0 pad_right=0 stride_d=1 stride_h=1 stride_w=1 dilation_d=1 dilation_h=1 dilation_w=1 "
        "group=1 pads_with_value=0 clamps_above=0 alignment=16 x_type=3 y_type=3"
    )
    assert str(testing.BlockProblem(n=2, h=9, w=8, c=64, m=32, k=48, stride=2, adds=1)) == (
        "block n=2 h=9 w=8 c=64 m=32 k=48 stride=2 depthwise=0 pads_with_value=0 first_pads=0 "
        "clamps_first=0 clamps_window=0 clamps_above=0 adds=1 alignment=16 x_type=3 y_type=3"
    )


@pytest.mark.parametrize("kind", PROBLEMS)
def test_other_texts_are_refused(kind: str) -> None:
    text = str(PROBLEMS[kind]())
    assert testing.parse(text) is not None
    mutations = [text[:end] for end in range(len(text))]
    mutations += [text + tail for tail in (" ", "x", "\n", " z=1")]
    mutations += [" " + text, text.upper(), text.replace("=1", "=+1"), text.replace("=1", "=01"), "x" + text]
    mutations += [text.replace("=1", f"={value}", 1) for value in ("", "x", "1.0", "9" * 30)]
    flag = "b_transposed=0" if kind == "batch_matmul" else "clamps_above=0"
    mutations += [text.replace(flag, flag[:-1] + "2"), text.replace(" ", "  ", 1)]
    for mutation in mutations:
        assert mutation != text
        assert testing.parse(mutation) is None, mutation


@pytest.mark.parametrize("kind", PROBLEMS)
@pytest.mark.parametrize("value", [-1, -(2**31), -(2**63), 2**31, 2**32, 2**61, 2**62, 2**63 - 1])
def test_numbers_that_no_problem_has(kind: str, value: int) -> None:
    """A file may say anything; whatever is computed of a problem relies on this check."""
    for name in fields(PROBLEMS[kind]()):
        if name.endswith("_type"):
            continue  # in test_types_of_results
        joined = name == "m" or name.startswith("batch_")  # of several axes
        if value in (2**31, 2**32) and (joined or ("stride_" in name and not name.startswith("stride"))):
            continue
        if value in (2**31, 2**32) and kind == "matmul" and name == "x_stride":
            continue
        problem = PROBLEMS[kind](**{name: value})
        if name in FLAGS:
            continue  # the hook makes a flag of any number
        with pytest.raises(ValueError, match=rf"{name} = {value} |{name}.*no power of two|too large"):
            testing.check(problem)
        assert testing.parse(str(problem)) is None
    assert testing.parse(str(PROBLEMS[kind]())) is not None


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(
            (kind, name)
            for kind in ("conv", "conv3d")
            for name in ("group", "stride_h", "stride_w", "dilation_h", "dilation_w", "alignment")
        ),
        ("block", "stride"),
        ("block", "alignment"),
    ],
)
def test_numbers_that_are_at_least_one(kind: str, name: str) -> None:
    problem = PROBLEMS[kind](**{name: 0})
    with pytest.raises(ValueError, match=f"{name} = 0"):
        testing.check(problem)
    assert testing.parse(str(problem)) is None


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("conv", {"n": 2**20, "h": 2**20, "w": 2**21}),
        ("conv", {"n": 2**20, "p": 2**20, "q": 2**21}),
        ("conv", {"pad_top": 2**31 - 1}),
        ("conv", {"n": 2**30, "x_stride_n": 2**31}),
        ("conv", {"k": 0, "n": 2**30, "p": 2**30, "q": 2**30}),  # products of some of its sizes
        ("conv", {"n": 2**20, "y_pad_top": 2**30, "y_pad_left": 2**30}),
        ("conv3d", {"n": 2**20, "d": 2**20, "h": 2**21}),
        ("conv3d", {"pad_back": 2**31 - 1}),
        ("conv3d", {"k": 2**30, "t": 2**20, "r": 2**20}),
        ("matmul", {"m": 2**40, "k": 2**30}),
        ("matmul", {"m": 2**40, "x_stride": 2**30}),
        ("batch_matmul", {"batch_0": 2**30, "batch_1": 2**31}),
        ("batch_matmul", {"batch_0": 2**30, "a_stride_0": 2**31}),
        ("batch_matmul", {"batch_0": 0, "m": 2**31, "n": 2**30}),
        ("block", {"n": 2**20, "h": 2**20, "w": 2**21}),
        ("block", {"h": 2**31 - 1}),
        ("block", {"n": 2**20, "h": 2**20, "m": 2**21}),
        ("block", {"n": 0, "m": 2**30}),  # its filters
        ("block", {"n": 2**30, "m": 2**15}),  # its work
    ],
)
def test_sizes_that_have_no_address(kind: str, given: dict[str, int]) -> None:
    problem = PROBLEMS[kind](**given)
    with pytest.raises(ValueError, match="too large to have an address"):
        testing.check(problem)
    assert testing.parse(str(problem)) is None


@pytest.mark.parametrize("y_type", [1, 6])
def test_blocks_have_int8_results(y_type: int) -> None:
    problem = testing.BlockProblem(y_type=y_type)
    with pytest.raises(ValueError, match=f"y_type = {y_type} of a residual block"):
        testing.check(problem)
    assert testing.parse(str(problem)) is None


def test_a_block_pads_with_what_it_has() -> None:
    problem = testing.BlockProblem(first_pads=1)
    with pytest.raises(ValueError, match="first_pads = 1 without pads_with_value = 1"):
        testing.check(problem)
    testing.check(testing.BlockProblem(first_pads=1, pads_with_value=1))


@pytest.mark.parametrize("kind", sorted(PROBLEMS.keys() - {"block"}))
def test_types_of_results(kind: str) -> None:
    problems = [PROBLEMS[kind](y_type=y_type) for y_type in (1, 3, 6)]
    assert len(set(problems)) == 3
    assert [testing.parse(str(problem)) for problem in problems] == problems
    for field in ("x_type=2", "x_type=6", "x_type=1", "y_type=2", "y_type=7", "y_type=0"):
        text = str(PROBLEMS[kind]()).replace(field[:7] + "3", field)
        assert field in text
        assert testing.parse(text) is None


@pytest.mark.parametrize(
    "given",
    [{"d": 2}, {"t": 2}, {"z": 2}, {"pad_front": 1}, {"pad_back": 1}, {"stride_d": 2}, {"dilation_d": 2}],
)
def test_what_makes_a_convolution_one_of_volumes(given: dict[str, int]) -> None:
    assert str(testing.ConvProblem(**given)).startswith("conv3d n=1 ")


def test_images_have_one_text() -> None:
    """A volume of depth 1 is an image: its problem has the text of one, and no other is read."""
    image = testing.ConvProblem(n=2, h=9)
    assert image == testing.ConvProblem(n=2, d=1, h=9, t=1, z=1)
    assert str(image).startswith("conv n=2 h=9 ")
    of_volumes = str(conv_of_volumes())
    assert testing.parse(of_volumes) == conv_of_volumes()
    assert testing.parse(of_volumes.replace(" d=2", " d=1")) is None


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValueError, match="no such field"):
        testing.ConvProblem(nonsense=1)


def dense_conv(**given: int) -> Any:
    sizes = {"n": 2, "h": 5, "w": 4, "c": 16, "k": 32, **given}
    h, w, c = sizes["h"], sizes["w"], sizes["c"]
    strides = {"x_stride_n": h * w * c, "x_stride_h": w * c, "x_stride_w": c, "x_stride_c": 1}
    return testing.ConvProblem(**{"p": h, "q": w, **strides, **sizes})


def test_pointwise_conv_is_a_matmul() -> None:
    matmul = testing.as_matmul(dense_conv())
    assert matmul == testing.MatMulProblem(m=2 * 5 * 4, k=32, c=16, x_stride=16)


def test_conv_of_the_whole_image_is_a_matmul() -> None:
    matmul = testing.as_matmul(dense_conv(r=5, s=4, p=1, q=1))
    assert matmul == testing.MatMulProblem(m=2, k=32, c=5 * 4 * 16, x_stride=5 * 4 * 16)


@pytest.mark.parametrize(
    "given",
    [
        {"r": 3, "s": 3, "p": 3, "q": 2},
        {"stride_h": 2, "stride_w": 2, "p": 3, "q": 2},
        {"pad_top": 1, "pad_left": 1, "pad_bottom": 1, "pad_right": 1, "p": 7, "q": 6},
        {"pad_right": 1, "q": 5},
        {"group": 2},
        {"y_pad_left": 1},
        {"adds": 1},
        {"x_stride_w": 32, "x_stride_h": 128, "x_stride_n": 640, "r": 5, "s": 4, "p": 1, "q": 1},
    ],
    ids=lambda given: "_".join(f"{name}{value}" for name, value in given.items()),
)
def test_other_convs_are_none(given: dict[str, int]) -> None:
    assert testing.as_matmul(dense_conv(**given)) is None


def test_additions_are_of_three_kinds() -> None:
    for problem in (testing.ConvProblem(), testing.BlockProblem()):
        texts = [str(problem).replace("adds=0", f"adds={number}") for number in range(-1, 4)]
        assert [testing.parse(text) is not None for text in texts] == [False, True, True, True, False]
        assert str(testing.parse(texts[3])) == texts[3]
        assert len({hash(testing.parse(text)) for text in texts[1:4]}) == 3


@pytest.mark.parametrize(
    ("kind", "given", "what"),
    [
        ("conv", {"y_type": 6}, "results that are not int8"),
        ("conv", {"y_type": 1}, "results that are not int8"),
        ("conv", {"adds": 1}, "a residual"),
        ("matmul", {"y_type": 1}, "results that are not int8"),
        ("matmul", {"zero_point_per_channel": 1}, "a zero point per channel"),
    ],
)
def test_tables_are_of_int8_results_alone(kind: str, given: dict[str, int], what: str) -> None:
    problem = PROBLEMS[kind](**given, looks_up=1)
    with pytest.raises(ValueError, match=f"looks_up = 1 with {what}"):
        testing.check(problem)
    assert testing.parse(str(problem)) is None
    assert testing.parse(str(problem).replace("looks_up=1", "looks_up=0")) is not None


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"y_type": 6}, "results that are not int8"),
        ({"y_type": 1}, "results that are not int8"),
        ({"zero_point_per_channel": 1}, "a zero point per channel"),
    ],
)
def test_constants_are_added_to_int8_results(given: dict[str, int], what: str) -> None:
    problem = testing.MatMulProblem(**given, adds_constant=1)
    with pytest.raises(ValueError, match=f"adds_constant = 1 with {what}"):
        testing.check(problem)
    assert testing.parse(str(problem)) is None
    assert testing.parse(str(problem).replace("adds_constant=1", "adds_constant=0")) is not None


def test_sums_with_a_constant_may_be_looked_up() -> None:
    problem = testing.MatMulProblem(adds_constant=1, looks_up=1)
    testing.check(problem)
    assert testing.parse(str(problem)) == problem


@pytest.mark.parametrize(
    ("kind", "field"), [("conv", "looks_up=0 "), ("matmul", "looks_up=0 "), ("matmul", "adds_constant=0 ")]
)
def test_texts_from_before_a_field_are_refused(kind: str, field: str) -> None:
    """Plans of theirs are made anew."""
    text = str(PROBLEMS[kind]())
    assert field in text
    assert testing.parse(text.replace(field, "")) is None


def test_what_else_a_problem_says_is_kept_by_the_matmul() -> None:
    matmul = testing.as_matmul(dense_conv(clamps_above=1, alignment=4, looks_up=1))
    assert fields(matmul)["looks_up"] == 1
    assert fields(matmul)["clamps_above"] == 1
    assert fields(matmul)["alignment"] == 4


def conv3d(**given: int) -> testing.ConvProblem:
    sizes = {"n": 2, "d": 6, "h": 5, "w": 4, "c": 16, "k": 32, **given}
    return testing.ConvProblem(**{"z": sizes["d"], "p": sizes["h"], "q": sizes["w"], **sizes})


def test_flat_filter_takes_the_slices_of_volumes_for_images() -> None:
    attributes = {"group": 2, "pad_top": 1, "pads_with_value": 1, "stride_w": 2, "dilation_h": 2, "s": 3}
    flat = testing.flattened(conv3d(**attributes, r=2, p=4, q=1, alignment=4))
    assert flat == dense_conv(**attributes, n=2 * 6, r=2, p=4, q=1, alignment=4)


def test_filter_through_the_depth_takes_slices_for_rows() -> None:
    attributes = {"t": 3, "pad_front": 1, "pad_back": 2, "stride_d": 2, "dilation_d": 2, "clamps_above": 1}
    line = testing.flattened(conv3d(**attributes, z=3))
    assert line == dense_conv(
        h=6, w=5 * 4, p=3, r=3, pad_top=1, pad_bottom=2, stride_h=2, dilation_h=2, clamps_above=1
    )


def test_pointwise_filter_of_volumes_becomes_a_matmul() -> None:
    flat = testing.flattened(conv3d())
    assert flat is not None
    assert testing.as_matmul(flat) == testing.MatMulProblem(m=2 * 6 * 5 * 4, k=32, c=16, x_stride=16)


def test_images_are_flat_already() -> None:
    assert testing.flattened(dense_conv(group=2)) == dense_conv(group=2)


@pytest.mark.parametrize(
    "given",
    [
        {"t": 3, "r": 3, "z": 4, "p": 3},
        {"t": 3, "s": 3, "z": 4, "q": 2},
        {"t": 3, "stride_w": 2, "z": 4, "q": 2},
        {"t": 3, "pad_left": 1, "z": 4, "q": 5},
        {"r": 3, "pad_back": 1, "z": 7, "p": 3},
        {"r": 3, "stride_d": 2, "z": 3, "p": 3},
    ],
    ids=lambda given: "_".join(f"{name}{value}" for name, value in given.items()),
)
def test_other_convs_of_volumes_are_none(given: dict[str, int]) -> None:
    assert testing.flattened(conv3d(**given)) is None
