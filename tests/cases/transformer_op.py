"""Single ops of the domain qudnn that transformers are made of, with any attributes; see cases.op."""

from dataclasses import replace
from typing import Any

import numpy as np

from cases.builder import integers, seed_of
from cases.op import INT8, UINT8, OpCase, convert_out, dequantize
from cases.vision_op import product, softmax, table

ALL = 2**63 - 1  # as channels: however many there are


def layer_normalization(
    label: str, rows: tuple[int, ...], channels: int, padded: int | None = None, /, **attributes: Any
) -> OpCase:
    """QLayerNormalization over the first of `padded` channels."""
    padded = channels if padded is None else padded
    rank = 2 + len(rows)
    given = {
        "channels": channels,
        "pads": [0] * (2 * rank - 1) + [padded - channels],
        "x_scale": 0.0371,
        "x_zero_point": 5,
        "y_scale": 0.0213,
        "y_zero_point": -7,
        "epsilon": 1e-5,
        **attributes,
    }
    label = f"{label}_{channels}of{padded}"
    rng = np.random.default_rng(seed_of(label))
    gamma, beta = (rng.normal(mean, 0.5, channels).astype(np.float32) for mean in (1, 0))
    x = {"x": ("int8", (*rows, padded))}
    return OpCase("QLayerNormalization", label, x, given, {"gamma": gamma, "beta": beta}, y_rank=rank)


def to_float(case: OpCase) -> OpCase:
    """QLayerNormalizationToFloat of the same rows."""
    names = ("channels", "x_scale", "x_zero_point", "epsilon")
    attributes = {name: case.attributes[name] for name in names}
    return OpCase(
        f"{case.op}ToFloat",
        case.label,
        case.tensors,
        attributes,
        case.constants,
        y_rank=case.y_rank,
        y_dtype="float32",
    )


def with_mean(case: OpCase) -> OpCase:
    """QLayerNormalizationGlobalAveragePool of the same rows, finely quantized."""
    attributes = {**case.attributes, "y_scale": case.attributes["y_scale"] / 4}
    return replace(case, op="QLayerNormalizationGlobalAveragePool", attributes=attributes)


def where(
    label: str,
    condition: tuple[int, ...],
    a: tuple[int, ...],
    b: tuple[int, ...],
    *,
    fixed: bool = False,
) -> OpCase:
    """QWhere of [N, *condition], a [N, *a] and b [N, *b], or, fixed, an initializer of shape b."""
    tensors = {"condition": ("bool", condition), "a": ("int8", a)}
    if not fixed:
        tensors["b"] = ("int8", b)
    constants = {"b": integers(np.random.default_rng(seed_of(label)), "int8", b)} if fixed else {}
    rank = max(*(1 + len(shape) for _, shape in tensors.values()), len(b))
    return OpCase("QWhere", label, tensors, {}, constants, y_rank=rank)


def masked_softmax(
    label: str,
    rows: tuple[int, ...],
    channels: int,
    mask: tuple[int, ...],
    padded: int | None = None,
    /,
    **attributes: Any,
) -> OpCase:
    """QMaskedSoftmax over the first of `padded` channels, with a mask [N, *mask]."""
    padded = channels if padded is None else padded
    rank = 2 + len(rows)
    given = {
        "channels": channels,
        "pads": [0] * (2 * rank - 1) + [padded - channels],
        "x_scale": 0.11,
        "x_zero_point": 5,
        "factor": 1.0,
        "divisor": 8.0,
        "y_scale": 1 / 256,
        "y_zero_point": -128,
        **attributes,
    }
    tensors = {"x": ("int8", (*rows, padded)), "mask": ("float32", mask)}
    return OpCase("QMaskedSoftmax", f"{label}_{channels}of{padded}", tensors, given, y_rank=rank)


LAYER_NORMALIZATIONS = [
    layer_normalization("base", (37,), 768),
    layer_normalization("large", (5,), 1024, x_zero_point=-128, y_zero_point=127),
    layer_normalization("matrix", (), 768),
    layer_normalization("image", (7, 9), 96, x_scale=1 / 3, epsilon=1e-12),
    layer_normalization("wide", (3,), 8192),
    layer_normalization("tail", (50,), 1001, 1008),
    layer_normalization("all", (50,), 197, channels=ALL),
    layer_normalization("padding", (9,), 20, 64),
    *(layer_normalization("tail", (9,), channels, 32) for channels in range(16, 24)),
    *(layer_normalization("odd", (9, 3), channels) for channels in (9, 13, 15, 31, 135)),
    *(layer_normalization("few", (40,), channels, 16) for channels in range(1, 9)),
    layer_normalization("coarse", (9,), 64, y_scale=1.5),
    # Quotients that overflow or vanish.
    *(layer_normalization(f"scale{scale}", (9,), 64, y_scale=scale) for scale in (1e-40, 1e-30, 1e30, 3e38)),
    layer_normalization("infinite", (9,), 64, x_scale=1e38),
    layer_normalization("fine", (9,), 64, x_scale=1e-40, epsilon=1e-12),
    # So many rows that a warp takes several at a time, the last ones fewer.
    *(layer_normalization("many", (29, 29), channels) for channels in (32, 64, 96, 128, 192, 384, 512)),
    layer_normalization("many_large", (29, 29), 96, x_zero_point=-128, y_zero_point=127),
    layer_normalization("many_infinite", (29, 29), 96, x_scale=1e38),
    layer_normalization("many_fine", (29, 29), 96, x_scale=1e-40, epsilon=1e-12),
]

NORMALIZATION_MEANS = [
    *(with_mean(case) for case in LAYER_NORMALIZATIONS if case.y_rank > 2),
    *(
        with_mean(layer_normalization("x".join(map(str, rows)), rows, 20, 32))
        for rows in ((1,), (3,), (1, 5), (2, 3, 4))
    ),
    with_mean(layer_normalization("swin", (7, 7), 768)),
]

WHERES = [
    *(
        where(f"{name}_{size}", condition, a, b, fixed=fixed)
        for size in (64, 20, 197)
        for name, condition, a, b, fixed in (
            ("full", (3, size), (3, size), (3, size), False),
            ("mask", (1, 1, size), (4, 7, size), (), True),
            ("mask_rows", (1, 7, size), (4, 7, size), (1,), True),
            ("rows", (7, 1), (7, size), (7, size), False),
            ("columns", (7, size), (1, size), (7, 1), False),
            ("outer", (1, size), (1, size), (5, 1, 1, 1), True),
            ("scalars", (4, size), (1, 1), (), True),
        )
    ),
    where("few", (3,), (3,), (3,)),
    where("large", (1, 1, 128), (12, 128, 128), (), fixed=True),
]

# Attention's scores, whose last axis is that of another tensor: as long as it is, and not padded.
UNPADDED = [
    *(
        case
        for size in (197, 198, 196, 192, 7)
        for case in (
            *(
                softmax("scores", (12, 9), size, size, x_scale=scale, dtype=dtype)
                for scale in (0.05, 0.3)
                for dtype in (UINT8, INT8)
            ),
            softmax("all", (3, 5), size, size, channels=ALL),
            product("scores", (3, 5, size), op="QAdd"),
            product("scores", (3, 5, size), op="QMul", dtype=INT8),
            product("mask", (3, 5, size), (1, 1, size), op="QAdd"),
            product("scale", (3, 5, size), (1,), op="QMul", fixed=True),
            table(f"scores{size}", (3, 5, size)),
            dequantize(f"all{size}", (3, 5, size), [0, 1, 2, 3], ALL),
            dequantize(f"all_transposed{size}", (3, 5, size), [0, 2, 1, 3], ALL),
            convert_out(f"all{size}", (3, 5, size), [0, 1, 2, 3], ALL, UINT8),
        )
    ),
    dequantize("fewer", (5, 16), [0, 2, 1], 30),
    *(softmax("rows", (12, size), size, size, x_scale=0.07) for size in (128, 384, 512)),
    softmax("rows", (2, 1024), 1024, 1024, x_scale=0.02),
]

MASKED_SOFTMAXES = [
    *(masked_softmax("keys", (3, 5), size, (1, 1, size)) for size in (128, 196, 197, 256, 384, 512, 1024)),
    masked_softmax("queries", (3, 20), 20, (1, 20, 20)),
    masked_softmax("heads", (3, 20), 20, (3, 1, 20)),
    masked_softmax("all", (3, 20), 77, (1, 20, 77), channels=ALL),
    masked_softmax("none", (3, 20), 64, (1, 1, 1), factor=0.125, divisor=1.0),
    masked_softmax("padding", (3, 5), 30, (1, 1, 30), 32, y_scale=1 / 255, y_zero_point=3),
    masked_softmax("long", (2, 3), 3000, (1, 3, 3000), x_scale=0.3),
]
