"""The sliding window of a convolution or pool; one dimension is taken as a row of two."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.op_traits import Trait, has_trait
from qudnn.converter.graph.sizes import Shape, Size, guessed, unknown, windows

_MOST = 2**31 - 1  # pixels: what onnxruntime and an op count with


@dataclass(frozen=True)
class Geometry:
    """In two dimensions, or three; pads: (front,) top, left, (back,) bottom, right."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]
    ceil_mode: bool = False

    def output(self, *spatial: Size) -> tuple[Size, ...]:
        """The spatial sizes of the result, or where the window is that of a row its width alone."""
        first = len(self.kernel) - len(spatial)
        return tuple(self._output(size, first + axis) for axis, size in enumerate(spatial))

    def padded(self, more: tuple[int, ...]) -> "Geometry":
        """The same window over an input with more padding around it."""
        return replace(self, pads=tuple(map(sum, zip(self.pads, more, strict=True))))

    def _output(self, size: Size, axis: int) -> Size:
        padding = self.pads[axis] + self.pads[axis + len(self.kernel)]
        kernel, dilation, stride = self.kernel[axis], self.dilations[axis], self.strides[axis]
        if self.ceil_mode:  # runtimes differ in the last window: the size is a function of these, no more
            likely = -(-(guessed(size) + padding - dilation * (kernel - 1) - 1) // stride) + 1
            return unknown(f"ceil{(size, kernel, dilation, stride, self.pads[axis], padding)}", guess=likely)
        return windows(size, kernel, dilation, stride, padding)


def read_geometry(node: ir.Node, kernel: tuple[int, ...], shape: Shape | None, most: int = 2) -> Geometry:
    """The geometry of a convolution or pool node with a kernel of the given shape.

    shape: `[N, C, spatial...]` of its input, needed where auto_pad is SAME_UPPER or SAME_LOWER and a stride
    is not 1. most: how many spatial dimensions it may have.
    """
    rank = len(kernel)
    if not 1 <= rank <= most:
        raise Refusal(f"it has {rank} spatial dimensions, not 1 to {most}")
    strides = numbers_of(node, "strides", rank, 1)
    dilations = numbers_of(node, "dilations", rank, 1)
    pads = numbers_of(node, "pads", 2 * rank, 0)
    ceil_mode = bool(node.attributes.get_int("ceil_mode", 0))
    auto_pad = node.attributes.get_string("auto_pad", "NOTSET")
    if auto_pad == "VALID":
        pads = [0] * 2 * rank
    elif auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        sizes = shape[2:] if shape is not None else (None,) * rank
        is_pool = has_trait(node, Trait.POOLS)
        if any(dilation != 1 for dilation in dilations) and not is_pool:
            raise Refusal(f"auto_pad {auto_pad} together with dilations is not defined by onnxruntime")
        needed = _needed_pads(auto_pad, kernel, strides, sizes)
        if min(needed) < 0:
            # A window that ends before its input does is cut off in front as well, from 2 or 3 pixels on.
            least = -1 if is_pool and auto_pad == "SAME_UPPER" else -2
            if min(needed) < least or ceil_mode or any(dilation != 1 for dilation in dilations):
                raise Refusal(
                    f"auto_pad {auto_pad} crops its input, as its strides are larger than its kernel"
                )
        pads = [max(number, 0) // 2 for number in needed]
        if auto_pad == "SAME_LOWER":
            pads = [max(number, 0) - pad for number, pad in zip(needed, pads, strict=True)]
        pads += [max(number, 0) - pad for number, pad in zip(needed, pads, strict=True)]
    elif auto_pad != "NOTSET":
        raise Refusal(f"auto_pad {auto_pad} is not supported")
    if min(pads) < 0:
        raise Refusal("its pads are negative")
    return make_geometry(kernel, strides, dilations, pads, ceil_mode)


def make_geometry(
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
    ceil_mode: bool = False,
) -> Geometry:
    """The geometry of these numbers, in one to three dimensions as a node has them."""
    reach = [(width - 1) * dilation + 1 for width, dilation in zip(kernel, dilations, strict=True)]
    if max(*kernel, *strides, *pads, *reach) > _MOST:
        raise Refusal("its window is larger than any image")
    rank = len(kernel)
    row, no_pad = [1] * (2 - rank), [0] * (2 - rank)
    return Geometry(
        (*row, *kernel),
        (*row, *strides),
        (*row, *dilations),
        (*no_pad, *pads[:rank], *no_pad, *pads[rank:]),
        ceil_mode,
    )


def numbers_of(node: ir.Node, name: str, count: int, default: int) -> list[int]:
    """An attribute of so many numbers, all of them the default where it is left out."""
    numbers = list(node.attributes.get_ints(name, [default] * count))
    if len(numbers) != count:
        raise Refusal(f"its {name} are {numbers}, not {count} numbers")
    return numbers


def _needed_pads(
    auto_pad: str, kernel: tuple[int, ...], strides: list[int], sizes: Sequence[Size | None]
) -> list[int]:
    """For as many windows as there are pixels, divided by the stride and rounded up.

    Negative where the windows leave pixels over. Dilations do not count. (onnxruntime 1.30, common.h,
    ComputePad for convolutions; pool_attributes.h, PoolAttributes for pools.)
    """
    needed = []
    for stride, width, size in zip(strides, kernel, sizes, strict=True):
        if stride == 1:
            needed.append(width - 1)
        elif isinstance(size, int):
            needed.append((-(-size // stride) - 1) * stride + width - size)
        else:
            raise Refusal(f"auto_pad {auto_pad} needs the height and width of its input to be known")
    return needed
