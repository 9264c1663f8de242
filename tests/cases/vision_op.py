"""Single ops of the domain qudnn that whole vision models are made of, with any attributes; see cases.op."""

from typing import Any

import numpy as np

from cases.builder import Array, integers, seed_of
from cases.op import INT8, NAMES, UINT8, OpCase
from cases.op import add as same_shape_add

_SCALES = {
    "a_scale": 0.031,
    "a_zero_point": 3,
    "b_scale": 0.057,
    "b_zero_point": 5,
    "y_scale": 0.063,
    "y_zero_point": 7,
    "dtype": UINT8,
}


def product(
    label: str,
    a: tuple[int, ...] = (9, 8, 48),
    b: tuple[int, ...] | None = None,
    *,
    op: str = "QMul",
    fixed: bool = False,
    **attributes: Any,
) -> OpCase:
    """QMul or QAdd of a [N, *a] and b [N, *b], or, fixed, an initializer of shape b."""
    given = {**_SCALES, "y_scale": 0.063 if op == "QAdd" else 0.31, **attributes}
    b = a if b is None else b
    label = f"{NAMES[given['dtype']]}_{label}"
    tensors = {"a": ("int8", a)} if fixed else {"a": ("int8", a), "b": ("int8", b)}
    constants = {"b": integers(np.random.default_rng(seed_of(label)), "int8", b)} if fixed else {}
    rank = max(1 + len(a), len(b) if fixed else 1 + len(b))
    return OpCase(op, label, tensors, given, constants, y_rank=rank)


def _broadcasts(op: str, **attributes: Any) -> list[OpCase]:
    """b for each image and channel, each channel, each pixel, all; and a where b is now; aligned and not."""
    # Sixths: many results are ties but for roundings, whose number and order then show.
    sixths = {"a_scale": 1.0, "b_scale": 2.0 if op == "QAdd" else 1.0, "y_scale": 6.0}

    def case(label: str, a: tuple[int, ...], b: tuple[int, ...], fixed: bool = False) -> OpCase:
        return product(label, a, b, op=op, fixed=fixed, **sixths, **attributes)

    return [
        *(
            case(f"{name}_c{c}", a, b, fixed)
            for c in (48, 5)
            for name, a, b, fixed in (
                ("channels_of_images", (9, 8, c), (1, 1, c), False),
                ("of_channels_of_images", (1, 1, c), (9, 8, c), False),
                ("channels", (9, 8, c), (1, 1, 1, c), True),
                ("vector", (9, 8, c), (c,), True),
                ("pixels", (9, 8, c), (9, 8, 1), False),
                ("of_pixels", (9, 8, 1), (9, 8, c), False),
                ("images", (9, 8, c), (1, 1, 1), False),
                ("one", (9, 8, c), (1,), True),
                ("scalar", (9, 8, c), (), True),
                ("rows", (9, 8, c), (9, 1, c), False),
                ("columns", (9, 8, c), (1, 8, c), False),
                ("both", (9, 1, c), (1, 8, 1), False),
                ("both_channels", (9, 1, c), (1, 8, c), False),
                ("matrix", (c,), (c,), True),
            )
        ),
        case("outer_axes", (2, 1, 3, 1, 16), (1, 5, 1, 4, 16)),
        case("one_channel", (9, 8, 1), (1,), True),
        case("large", (56, 56, 96), (1, 1, 96)),
    ]


def table(label: str, shape: tuple[int, ...], *, per_channel: bool = False, **attributes: Any) -> OpCase:
    """QTable of a random table, or of one for each channel."""
    label = f"channels_{label}" if per_channel else label
    tables = (shape[-1], 256) if per_channel else (256,)
    values = integers(np.random.default_rng(seed_of(label)), "int8", tables)
    return OpCase(
        "QTable", label, {"x": ("int8", shape)}, attributes, {"table": values}, y_rank=1 + len(shape)
    )


def average_pool(label: str, *, size: tuple[int, int] = (9, 8), c: int = 16, **attributes: Any) -> OpCase:
    """QAveragePool."""
    is_uint8 = attributes.get("dtype", UINT8) == UINT8
    given = {
        "kernel_shape": [3, 3],
        "pads": [0, 0, 0, 0],
        "strides": [1, 1],
        "ceil_mode": 0,
        "count_include_pad": 0,
        "x_scale": 0.0371,
        "x_zero_point": 121 if is_uint8 else 7,
        "y_scale": 0.0153,
        "y_zero_point": 113 if is_uint8 else -13,
        "dtype": UINT8,
        **attributes,
    }
    return OpCase("QAveragePool", f"{NAMES[given['dtype']]}_{label}", {"x": ("int8", (*size, c))}, given)


def resize(
    label: str,
    scales: tuple[float, float],
    *,
    size: tuple[int, int] = (9, 8),
    c: int = 16,
    mode: str = "nearest",
    coordinates: str = "half_pixel",
    nearest: str = "round_prefer_floor",
    dtype: int = UINT8,
) -> OpCase:
    """QResize of the rows and columns by scales."""
    attributes = {
        "scales": [1.0, *scales, 1.0],
        "mode": mode,
        "coordinate_transformation_mode": coordinates,
        "nearest_mode": nearest,
        "dtype": dtype,
    }
    name = f"{mode}_{coordinates}_{nearest if mode == 'nearest' else NAMES[dtype]}_{label}"
    return OpCase("QResize", name, {"x": ("int8", (*size, c))}, attributes)


def float_resize(
    label: str,
    scales: tuple[float, float],
    *,
    size: tuple[int, int] = (9, 8),
    c: int = 16,
    coordinates: str = "half_pixel",
    **quantization: Any,
) -> OpCase:
    """QFloatResize of the rows and columns by scales."""
    attributes = {
        "scales": [1.0, *scales, 1.0],
        "coordinate_transformation_mode": coordinates,
        "x_scale": 0.0217,
        "x_zero_point": 7,
        "y_scale": 0.0193,
        "y_zero_point": -13,
        **quantization,
    }
    return OpCase("QFloatResize", f"{coordinates}_{label}", {"x": ("int8", (*size, c))}, attributes)


def depth_to_space(
    size: tuple[int, int], c: int, block: int, crop: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> OpCase:
    """QDepthToSpace into c channels."""
    label = f"{size[0]}x{size[1]}_c{c}_b{block}_crop{''.join(map(str, crop))}"
    attributes = {"blocksize": block, "crop": list(crop)}
    return OpCase("QDepthToSpace", label, {"x": ("int8", (*size, block * block * c))}, attributes)


def softmax(label: str, rows: tuple[int, ...], channels: int, padded: int, /, **attributes: Any) -> OpCase:
    """QSoftmax over the first of `padded` channels."""
    given = {
        "channels": channels,
        "x_scale": 0.0371,
        "x_zero_point": 5,
        "y_scale": 1 / 256,
        "y_zero_point": 0 if attributes.get("dtype", UINT8) == UINT8 else -128,
        "dtype": UINT8,
        **attributes,
    }
    name = f"{NAMES[given['dtype']]}_{label}_{channels}of{padded}_zero{given['y_zero_point']}"
    return OpCase("QSoftmax", name, {"x": ("int8", (*rows, padded))}, given, y_rank=2 + len(rows))


_LARGE: list[dict[str, Any]] = [
    # Values beyond int32, infinite ones and 0 * infinity.
    {"a_scale": 3e9, "b_scale": 1.0, "y_scale": 1.0},
    {"a_scale": 3e38, "b_scale": 3e38, "y_scale": 1.0},
    {"a_scale": 1.0, "b_scale": 1.0, "y_scale": 1e-40},
]

ADDS = [
    *_broadcasts("QAdd"),
    *_broadcasts("QAdd", dtype=INT8, a_zero_point=-20),
    same_shape_add("tail", shape=(3, 5, 7), dtype=INT8),
]

MULS = [
    *(
        product(f"zeros{zero}", a_zero_point=zero, b_zero_point=zero, y_zero_point=zero)
        for zero in (0, 128, 255)
    ),
    *(
        product(f"zeros{zero}", a_zero_point=zero, b_zero_point=zero, y_zero_point=zero, dtype=INT8)
        for zero in (-128, 0, 127)
    ),
    product("ties", a_scale=0.5, b_scale=0.25, y_scale=16.0),
    product("ties", a_scale=0.5, b_scale=0.25, y_scale=16.0, dtype=INT8),
    *(product(f"large{i}", **scales) for i, scales in enumerate(_LARGE)),
    *(product(f"large{i}", dtype=INT8, **scales) for i, scales in enumerate(_LARGE)),
    product("tail", (3, 7, 5)),
    product("small", (3,)),
    product("image", (112, 112, 32), a_zero_point=130, b_zero_point=121),
    *_broadcasts("QMul"),
    *_broadcasts("QMul", dtype=INT8, a_zero_point=-20),
]

TABLES = [
    table("image", (56, 56, 48)),
    table("tail", (3, 7, 5)),
    table("matrix", (48,)),
    table("one", (1,)),
    *(table(f"c{c}", (9, 8, c), per_channel=True) for c in (1, 5, 16, 48, 64, 80, 128, 144, 1024)),
    table("image", (56, 56, 96), per_channel=True),
    table("padded", (56, 56, 48), y_zero_point=-128, y_pads=[0, 1, 1, 0, 0, 1, 1, 0]),
    table("padded_unevenly", (7, 9, 16), y_zero_point=9, y_pads=[0, 3, 0, 0, 0, 1, 2, 0]),
    table("padded_odd", (3, 7, 5), y_zero_point=9, y_pads=[0, 1, 0, 0, 0, 0, 2, 0]),
    table("padded_channels", (9, 8, 48), per_channel=True, y_zero_point=1, y_pads=[0, 1, 1, 0, 0, 1, 1, 0]),
    table("matrix", (48,), per_channel=True),
    table("sequence", (30, 64), per_channel=True),
]

AVERAGE_POOLS = [
    average_pool("plain"),
    average_pool("plain", dtype=INT8),
    average_pool("inception", size=(35, 35), c=48, pads=[1, 1, 1, 1]),
    average_pool("counted", size=(35, 35), c=48, pads=[1, 1, 1, 1], count_include_pad=1, dtype=INT8),
    average_pool("densenet", size=(14, 14), c=64, kernel_shape=[2, 2], strides=[2, 2]),
    average_pool("uneven", kernel_shape=[5, 2], pads=[4, 1, 2, 0], strides=[2, 3], c=32),
    average_pool("ceil", strides=[2, 2], ceil_mode=1, dtype=INT8),
    average_pool(
        "ceil_pads", kernel_shape=[2, 2], strides=[3, 3], pads=[0, 0, 1, 1], size=(5, 5), ceil_mode=1
    ),
    average_pool(
        "ceil_counted", strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1, count_include_pad=1, dtype=INT8
    ),
    average_pool("whole", kernel_shape=[9, 8]),
    average_pool("odd", c=5, pads=[1, 0, 2, 1]),
    average_pool("coarse", y_scale=0.9, dtype=INT8),
    average_pool("beyond", y_scale=1e-38),
]

COORDINATES = (
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "tf_half_pixel_for_nn",
    "asymmetric",
    "align_corners",
)
_SIZES = (("up", (2.0, 2.0)), ("uneven", (7 / 3, 1.5)), ("down", (2 / 3, 0.37)), ("columns", (1.0, 10 / 3)))

RESIZES = [
    *(
        resize(label, scales, coordinates=coordinates, nearest=nearest)
        for coordinates in COORDINATES
        for nearest in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
        for label, scales in _SIZES
    ),
    *(
        resize(label, scales, mode="linear", coordinates=coordinates, dtype=dtype, c=c)
        for coordinates in COORDINATES
        for dtype in (UINT8, INT8)
        for (label, scales), c in zip(_SIZES, (32, 16, 5, 16), strict=True)
    ),
    resize("same", (1.05, 1.1), nearest="ceil"),
    resize("same", (1.05, 1.1), mode="linear"),
    resize("one_row", (1.5, 4.0), size=(1, 5), coordinates="pytorch_half_pixel", c=3),
    resize("large", (2.0, 2.0), size=(28, 28), c=96, coordinates="asymmetric", nearest="floor"),
    resize("large", (8.0, 8.0), size=(16, 16), c=32, mode="linear"),
]

_TIES: dict[str, Any] = {"x_scale": 0.02, "y_scale": 0.02, "x_zero_point": -128, "y_zero_point": -128}

FLOAT_RESIZES = [
    *(
        float_resize(label, scales, coordinates=coordinates, c=c)
        for coordinates in COORDINATES
        for (label, scales), c in zip(_SIZES[:-1], (32, 16, 5), strict=True)
    ),
    *(float_resize(f"ties_{label}", scales, c=48, **_TIES) for label, scales in _SIZES[:-1]),
    float_resize("same", (1.05, 1.1)),
    float_resize("same_scales", (1.0, 1.0), c=5),
    float_resize("rows", (3.0, 1.0)),
    float_resize("one_row", (1.5, 4.0), size=(1, 5), coordinates="pytorch_half_pixel", c=3),
    float_resize("saturated", (2.0, 2.0), y_scale=1e-3),
    float_resize("tiny", (2.0, 2.0), x_scale=1e-39, y_scale=1e-39),
    float_resize("large", (8.0, 8.0), size=(16, 16), c=32),
]

DEPTH_TO_SPACES = [
    depth_to_space((7, 5), 16, 2),
    depth_to_space((7, 5), 48, 3, (1, 0, 2, 1)),
    depth_to_space((4, 4), 5, 2, (0, 3, 1, 0)),
    depth_to_space((6, 6), 32, 1),
    depth_to_space((1, 1), 16, 4, (3, 3, 0, 0)),
]

SOFTMAXES = [
    softmax("classes", (), 1000, 1008),
    softmax("classes", (), 1000, 1008, dtype=INT8),
    softmax("pixels", (9, 8), 19, 32),
    softmax("pixels", (9, 8), 19, 32, dtype=INT8, x_scale=0.3),
    softmax("long", (3,), 1500, 1504, x_scale=0.002),
    softmax("whole", (5,), 32, 32, x_scale=1.7),
    *(softmax("one", (5,), 1, 16, dtype=dtype, y_zero_point=9) for dtype in (UINT8, INT8)),
    # Results beyond 8, 32 and 64 bits, and exponentials that overflow when scaled.
    *(
        softmax(f"fine{scale}", (9,), channels, 16, y_scale=scale, y_zero_point=zero_point, dtype=dtype)
        for scale in (1e-3, 1e-12, 1e-30)
        for channels in (2, 10)
        for zero_point, dtype in ((77, UINT8), (77, INT8), (-77, INT8))
    ),
    softmax("coarse", (9,), 10, 16, y_scale=1.5),
]

CASES = [*ADDS, *MULS, *TABLES, *AVERAGE_POOLS, *RESIZES, *FLOAT_RESIZES, *DEPTH_TO_SPACES, *SOFTMAXES]


def opset_of(case: OpCase) -> int:
    """The oldest opset whose operators the case's body can use."""
    return 19 if case.attributes.get("coordinate_transformation_mode") == "half_pixel_symmetric" else 13


def inputs_of(case: OpCase, batch: int = 2) -> dict[str, Array]:
    """The case's inputs; those of a softmax with some rows close together."""
    inputs = case.inputs(batch)
    if case.op == "QSoftmax":
        inputs["x"][1:] //= 8
    return inputs
