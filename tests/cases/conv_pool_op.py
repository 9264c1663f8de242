"""Cases of QConvMaxPool and ConvMaxPoolToIsland: what the kernel takes, and what runs as several."""

from typing import Any

from cases.op import OpCase, conv


def conv_max_pool(label: str, *, k: int = 64, size: tuple[int, int] = (37, 44), **given: Any) -> OpCase:
    """QConvMaxPool, as conv with 4 channels, a 7x7 filter and strides of 2."""
    pool = {
        name: given.pop(name, default)
        for name, default in {"kernel_shape": [3, 3], "pool_pads": [1] * 4, "pool_strides": [2, 2]}.items()
    }
    defaults = {"c": 4, "kernel": (7, 7), "strides": [2, 2], "pads": [3, 3, 3, 3]}
    case = conv(label, k=k, size=size, **{**defaults, **given})
    return OpCase("QConvMaxPool", case.label, case.tensors, {**case.attributes, **pool}, case.constants)


TAKEN = [
    conv_max_pool("resnet", size=(64, 64), x_zero_point=-128, y_zero_point=-128),
    conv_max_pool("odd_height", x_zero_point=9),
    conv_max_pool("wide", size=(19, 232), k=128, x_zero_point=3, y_zero_point=-3, y_min=-40, y_max=100),
    conv_max_pool("even_filter", kernel=(6, 8), pads=[2, 3, 3, 4], size=(30, 64), x_zero_point=-7),
    conv_max_pool("small_filter", kernel=(3, 3), pads=[1, 0, 1, 1], size=(32, 32)),
    conv_max_pool("wrapping", sums="wrapping", x_zero_point=77),
    conv_max_pool("padded", k=192, y_zero_point=-128, y_pads=[0, 1, 1, 0, 0, 1, 1, 0]),
    conv_max_pool("unevenly_padded", size=(24, 40), y_zero_point=7, y_pads=[0, 0, 3, 0, 0, 2, 1, 0]),
    conv_max_pool("tiny", size=(7, 8), pads=[0, 0, 0, 0]),
]
LEFT = [
    conv_max_pool("narrow", size=(19, 21)),
    conv_max_pool("channels", k=48),
    conv_max_pool("stride", strides=[1, 2]),
    conv_max_pool("no_stem", c=16, kernel=(3, 3), pads=[1, 1, 1, 1]),
    conv_max_pool("pool_2x2", kernel_shape=[2, 2], pool_pads=[0] * 4),
    conv_max_pool("pool_stride", pool_strides=[1, 2], y_zero_point=3, y_pads=[0, 1, 1, 0, 0, 1, 1, 0]),
    conv_max_pool("pool_over_the_edge", size=(28, 48), pool_pads=[1, 1, 2, 2], pads=[3, 3, 2, 2]),
]


def to_island(
    label: str, *, x_scale: float = 0.0186584499, dtype: str = "float32", x_dtype: int = 1, **given: Any
) -> OpCase:
    """ConvMaxPoolToIsland, as conv_max_pool of an image of 3 channels that is not quantized yet.

    x_dtype: 1, which is left out, or 10: the image is rounded to float16 first.
    """
    case = conv_max_pool(label, **{"x_zero_point": -14, **given})
    _, (height, width, _) = case.tensors["x"]
    tensors = {"x": (dtype, (3, height, width))}
    attributes = {**case.attributes, "x_scale": x_scale}
    if x_dtype != 1:
        attributes["x_dtype"] = x_dtype
    return OpCase("ConvMaxPoolToIsland", f"{case.label}_{dtype}", tensors, attributes, case.constants)


ENTRIES_TAKEN = [
    to_island("resnet", size=(64, 64), y_zero_point=-128),
    to_island("half", size=(64, 64), dtype="float16", x_scale=0.0186584499, y_zero_point=-128),
    to_island("rounded", size=(64, 64), x_dtype=10, y_zero_point=-128),
    to_island("rounded_half", size=(64, 64), dtype="float16", x_dtype=10, y_zero_point=-128),
    to_island("rounded_wide", size=(19, 232), x_dtype=10, x_zero_point=0, x_scale=0.0371),
    to_island("rounded_tiny", x_dtype=10, x_zero_point=9, x_scale=1e-7),
    to_island("odd_height", x_zero_point=9, y_zero_point=3),
    to_island("wide", size=(19, 232), k=128, x_zero_point=-128, y_min=-40, y_max=100),
    to_island("very_wide", size=(9, 464), x_zero_point=127, x_scale=3e-20),
    to_island("half_wide", size=(19, 232), dtype="float16", x_zero_point=0, x_scale=1.0),
    to_island("even_filter", kernel=(6, 8), pads=[2, 3, 3, 4], size=(30, 64), x_zero_point=-7),
    to_island("small_filter", kernel=(3, 3), pads=[1, 1, 1, 1], size=(32, 32), x_scale=2e25),
    to_island("other_pads", kernel=(5, 5), pads=[2, 2, 2, 2], size=(32, 40)),
    to_island("no_pads", kernel=(5, 5), pads=[0, 0, 0, 0], size=(32, 40)),
    to_island("wrapping", sums="wrapping", x_zero_point=77),
    to_island("padded", k=192, y_zero_point=-128, y_pads=[0, 1, 1, 0, 0, 1, 1, 0]),
]
ENTRIES_LEFT = [
    to_island("narrow", size=(19, 21)),
    to_island("half_narrow", size=(19, 21), dtype="float16"),
    to_island("rounded_narrow", size=(19, 21), x_dtype=10),
    to_island("channels", k=48),
    to_island("half_channels", k=48, dtype="float16"),
    to_island("tiny_scale", x_scale=1e-35),
    to_island("pool_2x2", kernel_shape=[2, 2], pool_pads=[0] * 4),
]
