"""Shapes and random inputs of `qudnn tune`."""

import numpy as np
import onnx
import pytest

from qudnn.converter.cli.random_inputs import check_types, random_inputs
from qudnn.converter.cli.shapes import describe, inputs_of, shape_sets
from qudnn.converter.cli.verb import UsageError


def model(inputs: str, initializers: str = "") -> onnx.ModelProto:
    """A model with these inputs; it computes nothing with them."""
    return onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["": 17]> g ({inputs}) => (float[1] y) {initializers} '
        "{ y = Constant<value_floats = [1.0]>() }"
    )


TWO = model("float[N,3,H,W] image, int64[N,7] ids")


def sets(given: onnx.ModelProto, *texts: str) -> list[str]:
    return [describe(shapes) for shapes in shape_sets(inputs_of(given), texts)]


def test_one_input() -> None:
    assert sets(model("float[N,3] x"), "x=5,3") == ["x=5,3"]
    assert sets(model("float[N,3] x"), "x=5,3", "x=1,3", "x= 64, 3") == ["x=5,3", "x=1,3", "x=64,3"]


def test_names_may_hold_any_character() -> None:
    odd = model("float[N] x")
    odd.graph.input[0].name = "a=b:0"
    assert sets(odd, "a=b:0=7") == ["a=b:0=7"]


def test_what_is_fixed_may_be_left_out() -> None:
    assert sets(model("float[2,3] x")) == ["x=2,3"]
    assert sets(model("float[2,3] x"), "x=2,3") == ["x=2,3"]
    assert sets(model("float x")) == ["x="]
    assert sets(model("float x"), "x=") == ["x="]


def test_initializers_are_no_inputs() -> None:
    given = model("float[2] x, float[3] w", "<float[3] w = {1, 2, 3}>")
    assert sets(given) == ["x=2"]


def test_any_shape_fits_an_unknown_one() -> None:
    given = model("float[N] x")
    given.graph.input[0].type.tensor_type.ClearField("shape")
    assert sets(given, "x=4,5,6") == ["x=4,5,6"]
    odd = model("float[N] x")
    odd.graph.input[0].type.tensor_type.shape.dim[0].dim_value = -1
    assert sets(odd, "x=4") == ["x=4"]


def test_several_inputs_go_together() -> None:
    assert sets(TWO, "image=2,3,8,9", "ids=2,7") == ["image=2,3,8,9 ids=2,7"]
    assert sets(TWO, "image=2,3,8,9", "image=4,3,8,9", "ids=2,7", "ids=4,7") == [
        "image=2,3,8,9 ids=2,7",
        "image=4,3,8,9 ids=4,7",
    ]


def test_a_single_shape_goes_with_all() -> None:
    given = model("float[N] a, float[M] b")
    assert sets(given, "a=1", "b=5", "a=2") == ["a=1 b=5", "a=2 b=5"]


def test_sizes_of_the_same_name_follow() -> None:
    assert sets(TWO, "image=2,3,8,9", "image=6,3,8,9") == ["image=2,3,8,9 ids=2,7", "image=6,3,8,9 ids=6,7"]


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("1..64", [1, 2, 4, 8, 16, 32, 64]),
        ("6..20", [6, 8, 16, 20]),
        ("8..9", [8, 9]),
        ("7..8", [7, 8]),
        ("5..7", [5, 7]),
        ("1..1", [1]),
        (" 3 .. 4", [3, 4]),
    ],
)
def test_ranges_have_their_ends_and_the_powers_of_two_between(text: str, sizes: list[int]) -> None:
    assert sets(model("float[N,3] x"), f"x={text},3") == [f"x={size},3" for size in sizes]


def test_several_ranges_are_combined() -> None:
    assert sets(model("float[N,S] x"), "x=1..2,4..8") == ["x=1,4", "x=1,8", "x=2,4", "x=2,8"]


def test_ranges_of_several_inputs_go_together() -> None:
    both = ["image=1,3,8,8 ids=1,7", "image=2,3,8,8 ids=2,7", "image=4,3,8,8 ids=4,7"]
    assert sets(TWO, "image=1..4,3,8,8", "ids=1..4,7") == both
    assert sets(TWO, "image=1..4,3,8,8") == both
    assert sets(TWO, "image=1..2,3,8,8", "image=4,3,8,8") == both


IMAGE = "image [N, 3, H, W]"
BAD = [
    (["image"], "--shape image: write the input's name and its sizes, such as x=64,3,224,224"),
    (["image"], f"the model's inputs: {IMAGE}, ids [N, 7]"),
    (["pixels=1,3,8,8"], f"the model has no input 'pixels'; its inputs: {IMAGE}, ids [N, 7]"),
    (["image=1,3,8"], f"--shape image=1,3,8: has 3 dimensions, the model's input {IMAGE} has 4"),
    (["image="], "--shape image=: has 0 dimensions"),
    (["image=1,3,8,0"], "--shape image=1,3,8,0: a size is 0; give sizes of 1 and more"),
    (["image=4..1,3,8,8"], "--shape image=4..1,3,8,8: the range 4..1 is empty; give 1..4"),
    (["image=0..4,3,8,8"], "--shape image=0..4,3,8,8: a size is 0; give sizes of 1 and more"),
    (["image=1..,3,8,8"], "sizes are whole numbers, or ranges such as 1..64, with commas between them"),
    (["image=1..2..4,3,8,8"], "sizes are whole numbers, or ranges such as 1..64"),
    (["image=1...4,3,8,8"], "sizes are whole numbers, or ranges such as 1..64"),
    (["image=1,2..4,8,8"], f"dimension 1 is 2, the model's input {IMAGE} has 3 there, which is fixed"),
    (["image=1..4096,3,1..4096,1..4096"], "its ranges give 2197 shapes; give at most 1024"),
    (["image=1..4,3,8,8", "ids=1..2,7"], "gives 3 shapes for image and 2 for ids"),
    (["image=-1,3,8,8"], "--shape image=-1,3,8,8: a size is -1"),
    (["image=1,4,8,8"], f"dimension 1 is 4, the model's input {IMAGE} has 3 there, which is fixed; give 3"),
    (["image=1,3,8,x"], "--shape image=1,3,8,x: sizes are whole numbers, or ranges such as 1..64"),
    (["image=1,3,8,8.5"], "sizes are whole numbers"),
    (["image=1;3;8;8"], "sizes are whole numbers"),
    (["image=1,3,8,"], "sizes are whole numbers"),
    ([], f"the size of the model's input {IMAGE} is not fixed: give it, such as --shape image=1,3,1,1"),
    (["ids=1,7"], "such as --shape image=1,3,1,1"),
    (["image=1,3,8,8", "ids=2,7"], "--shape ids=2,7: N is 2, but 1 in image=1,3,8,8; give the same size"),
    (["image=1,3,8,8"] * 3 + ["ids=1,7"] * 2, "gives 3 shapes for image and 2 for ids"),
]


@pytest.mark.parametrize(("texts", "message"), BAD)
def test_bad_shapes(texts: list[str], message: str) -> None:
    with pytest.raises(UsageError) as error:
        sets(TWO, *texts)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_size_that_contradicts_itself() -> None:
    with pytest.raises(UsageError, match="N is 3, but 2 in x=2,3"):
        sets(model("float[N,N] x"), "x=2,3")


TYPES = ["float", "float16", "double", "uint8", "int8", "uint16", "int16", "int32", "int64", "uint64", "bool"]


@pytest.mark.parametrize("name", TYPES)
def test_random_inputs(name: str) -> None:
    inputs = inputs_of(model(f"{name}[N,50] x, {name} scalar"))
    check_types(inputs)
    values = random_inputs(inputs, {"x": (40, 50), "scalar": ()}, np.random.default_rng(0))
    tensor = inputs[0].dtype
    assert tensor is not None
    x = values["x"]
    assert x.dtype == values["scalar"].dtype == tensor.numpy()
    assert (x.shape, values["scalar"].shape) == ((40, 50), ())
    distinct = len(np.unique(x))
    assert (
        distinct == 256
        if name in ("int8", "uint8")
        else distinct > 256
        if x.dtype.kind == "f"
        else distinct == 2
    )


@pytest.mark.parametrize(
    ("inputs", "what"),
    [
        ("string[N] x", "x is a tensor of type STRING"),
        ("bfloat16[N] x", "x is a tensor of type BFLOAT16"),
        ("seq(float[N]) x", "x is no tensor"),
    ],
)
def test_inputs_that_cannot_be_made_up(inputs: str, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        check_types(inputs_of(model(inputs)))
