"""The window of a transposed convolution, and by how much its result is larger than its sums need."""

from collections.abc import Sequence

import onnx_ir as ir

from qudnn.converter.analysis.geometry import Geometry, make_geometry, numbers_of
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.sizes import Shape


def read_transposed_geometry(
    node: ir.Node, kernel: tuple[int, ...], shape: Shape
) -> tuple[Geometry, tuple[int, ...]]:
    """The window, with a kernel of one to three dimensions, and output_padding for each of its axes.

    shape: `[N, C, spatial...]` of its input. Its pads are what the result lacks at the beginning and the end
    of an axis; at the end they may be negative.
    """
    rank = len(kernel)
    if not 1 <= rank <= 3:
        raise Refusal(f"it has {rank} spatial dimensions, not 1 to 3")
    strides = numbers_of(node, "strides", rank, 1)
    dilations = numbers_of(node, "dilations", rank, 1)
    more = numbers_of(node, "output_padding", rank, 0)
    pads = numbers_of(node, "pads", 2 * rank, 0)
    auto_pad = node.attributes.get_string("auto_pad", "NOTSET")
    if auto_pad not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise Refusal(f"auto_pad {auto_pad} is not supported")
    # The result without pads is stride * (size - 1) + reach long.
    reach = [
        (width - 1) * dilation + 1 + extra
        for width, dilation, extra in zip(kernel, dilations, more, strict=True)
    ]
    if "output_shape" in node.attributes:
        sizes = node.attributes["output_shape"].as_ints()[-rank:]
        pads = _distributed(auto_pad, _beyond(sizes, strides, reach, shape[2:]), keeps_size=True)
    elif auto_pad.startswith("SAME"):
        pads = _distributed(auto_pad, [r - stride for r, stride in zip(reach, strides, strict=True)])
    elif auto_pad == "VALID":
        pads = [0] * 2 * rank
    if min(pads[:rank]) < 0 or ("output_shape" not in node.attributes and min(pads) < 0):
        raise Refusal("its pads are negative")
    if min(*strides, *dilations) < 1 or min(more) < 0:
        raise Refusal("its strides, dilations or output_padding are too small")
    return make_geometry(kernel, strides, dilations, pads), (*[0] * (2 - rank), *more)


def _beyond(sizes: Sequence[int], strides: Sequence[int], reach: Sequence[int], spatial: Shape) -> list[int]:
    """By how much the result without pads is longer than output_shape."""
    if len(sizes) != len(spatial):
        raise Refusal(f"its output_shape has {len(sizes)} numbers for {len(spatial)} dimensions")
    found = []
    for wanted, stride, length, size in zip(sizes, strides, reach, spatial, strict=True):
        if not isinstance(size, int):
            raise Refusal("it has an output_shape, and the size of its input is unknown")
        found.append(stride * (size - 1) + length - wanted)
    return found


def _distributed(auto_pad: str, totals: Sequence[int], keeps_size: bool = False) -> list[int]:
    """Pads of these sums for each axis, as onnxruntime has them (1.31, conv_transpose_attributes.h).

    Where a sum is negative there are no pads; keeps_size: the end is longer by it then.
    """
    before = []
    for total in totals:
        half = max(total, 0) // 2
        before.append(half if auto_pad == "SAME_UPPER" else max(total, 0) - half)
    ends = [total if keeps_size else max(total, 0) for total in totals]
    return [*before, *(end - first for end, first in zip(ends, before, strict=True))]
