"""Operations of layers, by their nodes and shapes, against counts by hand."""

from typing import Any

import onnx
import pytest

from qudnn.custom_ops.measuring import work

WINDOW = {"pads": [1, 1, 1, 1], "strides": [2, 2], "dilations": [1, 1], "group": 1}
VOLUME = {"pads": [1, 0, 0, 1, 0, 0], "strides": [1, 1, 2], "dilations": [1, 1, 1], "group": 1}


def layer(op: str, x: list[int], w: list[int], y: list[int]) -> dict[str, Any]:
    return {"node": "n", "op": op, "x": x, "w": w, "y": y}


def node(op_type: str, **attributes: Any) -> onnx.NodeProto:
    return onnx.helper.make_node(op_type, [], [], "n", domain="qudnn", **attributes)


IMAGES = [2, 8, 8, 16], [32, 3, 3, 16], [2, 4, 4, 32]


@pytest.mark.parametrize(
    ("op", "shapes", "attributes", "expected"),
    [
        ("QConv", IMAGES, WINDOW, 2 * 2 * 4 * 4 * 32 * 3 * 3 * 16),
        ("QConvAdd", IMAGES, WINDOW, 2 * 2 * 4 * 4 * 32 * 3 * 3 * 16),
        ("QConvTable", IMAGES, WINDOW, 2 * 2 * 4 * 4 * 32 * 3 * 3 * 16),
        ("DynamicQConv", IMAGES, WINDOW, 2 * 2 * 4 * 4 * 32 * 3 * 3 * 16),
        # Results are pooled: the convolution has more.
        ("QConvMaxPool", (*IMAGES[:2], [2, 2, 2, 32]), WINDOW, 2 * 2 * 4 * 4 * 32 * 3 * 3 * 16),
        # So have those within padding.
        (
            "QConv",
            (*IMAGES[:2], [2, 6, 6, 32]),
            {**WINDOW, "y_pads": [0, 1, 1, 0, 0, 1, 1, 0]},
            2 * 2 * 4 * 4 * 32 * 3 * 3 * 16,
        ),
        ("QConv", ([1, 8, 8, 16], [16, 3, 3, 1], [1, 4, 4, 16]), WINDOW, 2 * 4 * 4 * 16 * 3 * 3),
        (
            "QConv3D",
            ([1, 4, 8, 8, 16], [16, 3, 1, 1, 16], [1, 4, 8, 4, 16]),
            VOLUME,
            2 * 4 * 8 * 4 * 16 * 3 * 16,
        ),
        ("QMatMul", ([2, 5, 64], [32, 64], [2, 5, 32]), {}, 2 * 10 * 32 * 64),
        ("QMatMulTable", ([2, 5, 64], [32, 64], [2, 5, 32]), {}, 2 * 10 * 32 * 64),
        ("QMatMulAdd", ([2, 5, 64], [32, 64], [2, 5, 32]), {}, 2 * 10 * 32 * 64),
        ("QMatMulAddTable", ([2, 5, 64], [32, 64], [2, 5, 32]), {}, 2 * 10 * 32 * 64),
        ("DynamicQMatMul", ([2, 5, 64], [32, 64], [2, 5, 32]), {}, 2 * 10 * 32 * 64),
        ("QAdd", ([2, 5], [2, 5], [2, 5]), {}, 0),
        ("QChannelTableAdd", ([2, 5, 16], [16, 256], [2, 5, 16]), {}, 0),
        ("QAttention", ([1, 8, 2, 4], [1, 8, 2, 4], [1, 8, 2, 4]), {}, None),
        ("QBatchMatMul", ([2, 4, 8], [2, 8, 4], [2, 4, 4]), {}, None),
        ("QSqueezeExcitation", ([2, 7, 7, 96], [16, 1, 1, 96], [2, 7, 7, 96]), {}, 2 * 2 * 2 * 96 * 16),
        ("QConv", ([0, 8, 8, 16], [32, 3, 3, 16], [0, 4, 4, 32]), WINDOW, None),
    ],
)
def test_of_converted_nodes(
    op: str, shapes: tuple[list[int], ...], attributes: dict[str, Any], expected: int | None
) -> None:
    assert work.operations(layer(op, *shapes), node(op, **attributes)) == expected


@pytest.mark.parametrize("op", ["QBottleneck", "QBottleneckAdd", "QBottleneckFloatAdd"])
@pytest.mark.parametrize(
    ("shapes", "window", "expected"),
    [
        (
            ([2, 7, 8, 256], [64, 1, 1, 256], [2, 7, 8, 256]),
            [64, 3, 3, 64],
            2 * 2 * 7 * 8 * (256 * 64 + 3 * 3 * 64 * 64 + 64 * 256),
        ),
        (
            ([1, 9, 8, 64], [32, 1, 1, 64], [1, 5, 4, 128]),
            [32, 3, 3, 32],
            2 * (9 * 8 * 64 * 32 + 5 * 4 * 32 * (3 * 3 * 32 + 128)),
        ),
        (
            ([2, 14, 14, 32], [192, 1, 1, 32], [2, 7, 7, 64]),
            [192, 3, 3, 1],
            2 * 2 * (14 * 14 * 32 * 192 + 7 * 7 * 192 * (3 * 3 + 64)),
        ),
        (
            ([1, 9, 9, 64], [32, 1, 1, 64], [1, 5, 9, 128]),
            [48, 3, 1, 8],
            2 * (9 * 9 * 64 * 32 + 5 * 9 * 48 * (3 * 8 + 128)),
        ),
    ],
)
def test_of_blocks(op: str, shapes: tuple[list[int], ...], window: list[int], expected: int) -> None:
    assert work.operations({**layer(op, *shapes), "w_window": window}, node(op)) == expected


BLOCK = {
    **{"pads": [1, 1, 1, 1], "strides": [2, 2], "dilations": [1, 1], "padding_zero_point": -128},
    **{"reduced_zero_point": -128, "reduced_max": 127, "window_max": 90, "y_max": 127},
}


@pytest.mark.parametrize(
    ("window", "given", "fields"),
    [
        ([64, 3, 3, 64], {}, "stride=2 depthwise=0 pads_with_value=1 first_pads=1 clamps_first=0"),
        ([64, 3, 3, 1], {}, "stride=2 depthwise=1 pads_with_value=1 first_pads=0 clamps_first=0"),
        (
            [64, 3, 3, 64],
            {"padding_zero_point": 0, "reduced_zero_point": 0, "reduced_max": 3, "strides": [1, 1]},
            "stride=1 depthwise=0 pads_with_value=0 first_pads=0 clamps_first=1",
        ),
    ],
)
def test_problems_of_blocks(window: list[int], given: dict[str, Any], fields: str) -> None:
    attributes = {**BLOCK, **given}
    side = 4 * 2 // attributes["strides"][0]
    block = {
        **layer("QBottleneck", [2, 8, 8, 256], [64, 1, 1, 256], [2, side, side, 512]),
        "w_window": window,
    }
    found = work.problem(block, node("QBottleneck", **attributes))
    assert found is not None
    text = work.text(found)
    assert text == f"block n=2 h=8 w=8 c=256 m=64 k=512 {fields} clamps_window=1 clamps_above=0 y_type=3"
    assert work.operations(block, node("QBottleneck", **attributes)) == work.operations(
        block, node("QBottleneck")
    )
    fields_of_plan = {name: int(value) for name, value in (each.split("=") for each in text.split()[1:])}
    for op, adds, other in (("QBottleneck", 0, 1), ("QBottleneckAdd", 1, 0), ("QBottleneckFloatAdd", 2, 0)):
        assert work.fits(found, {**fields_of_plan, "adds": adds}, node(op))
        assert not work.fits(found, {**fields_of_plan, "adds": other}, node(op))


@pytest.mark.parametrize(
    ("window", "given"),
    [
        ([64, 5, 5, 64], {}),
        ([64, 3, 3, 8], {}),
        ([64, 3, 3, 64], {"pads": [0, 0, 2, 2]}),
        ([64, 3, 3, 64], {"strides": [1, 2]}),
        ([64, 3, 3, 64], {"dilations": [2, 2]}),
    ],
)
def test_blocks_that_are_no_problems(window: list[int], given: dict[str, Any]) -> None:
    block = {**layer("QBottleneck", [2, 8, 8, 256], [64, 1, 1, 256], [2, 4, 4, 512]), "w_window": window}
    assert work.problem(block, node("QBottleneck", **{**BLOCK, **given})) is None


@pytest.mark.parametrize(
    ("op", "shapes", "expected"),
    [
        ("Conv", ([1, 4, 8, 8], [6, 2, 3, 3], [1, 6, 6, 6]), 2 * 6 * 6 * 6 * 2 * 3 * 3),
        ("MatMul", ([3, 5, 7], [7, 2], [3, 5, 2]), 2 * 3 * 5 * 7 * 2),
        ("Gemm", ([7, 5], [7, 2], [5, 2]), 2 * 5 * 7 * 2),  # x is transposed
        ("Relu", ([5], [], [5]), 0),
        ("FusedMatMul", ([5, 5], [5, 5], [5, 5]), None),
    ],
)
def test_of_others(op: str, shapes: tuple[list[int], ...], expected: int | None) -> None:
    assert work.operations(layer(op, *shapes), None) == expected


def test_its_text_replays() -> None:
    found = work.problem(layer("QConv", *IMAGES), node("QConv", **WINDOW))
    assert found is not None
    assert work.text(found).startswith(
        "conv n=2 h=8 w=8 c=16 k=32 r=3 s=3 pad_top=1 pad_left=1 pad_bottom=1 "
    )
