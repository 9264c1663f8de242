"""The sliding window of a convolution or pool in two dimensions."""

from dataclasses import dataclass

import onnx_ir as ir

from converter.errors import Refusal
from converter.sizes import Shape, Size, Unknown, windows


@dataclass(frozen=True)
class Geometry:
    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    pads: tuple[int, int, int, int]  # top, left, bottom, right
    ceil_mode: bool = False

    def output(self, height: Size, width: Size) -> tuple[Size, Size]:
        return self._output(height, 0), self._output(width, 1)

    def _output(self, size: Size, axis: int) -> Size:
        padding = self.pads[axis] + self.pads[axis + 2]
        if (
            self.ceil_mode
        ):  # runtimes differ in the last window: the size is a function of its inputs, no more
            parts = (
                size,
                self.kernel[axis],
                self.dilations[axis],
                self.strides[axis],
                self.pads[axis],
                padding,
            )
            return Unknown(f"ceil{parts}")
        return windows(size, self.kernel[axis], self.dilations[axis], self.strides[axis], padding)


def geometry(node: ir.Node, kernel: tuple[int, ...], shape: Shape | None) -> Geometry:
    """The geometry of a convolution or pool node with a kernel of the given shape.

    shape: `[N, C, H, W]` of its input, needed where auto_pad is SAME_UPPER or SAME_LOWER.
    """
    if len(kernel) != 2:
        raise Refusal(f"it has {len(kernel)} spatial dimensions, not 2")
    strides = _numbers(node, "strides", 2, 1)
    dilations = _numbers(node, "dilations", 2, 1)
    pads = _numbers(node, "pads", 4, 0)
    auto_pad = node.attributes.get_string("auto_pad", "NOTSET")
    if auto_pad == "VALID":
        pads = [0] * 4
    elif auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        if dilations != [1, 1]:
            raise Refusal(f"auto_pad {auto_pad} together with dilations is not defined by onnxruntime")
        pads = _same_pads(auto_pad, kernel, strides, shape)
    elif auto_pad != "NOTSET":
        raise Refusal(f"auto_pad {auto_pad} is not supported")
    if min(pads) < 0:
        raise Refusal("its pads are negative")
    return Geometry(
        (kernel[0], kernel[1]),
        (strides[0], strides[1]),
        (dilations[0], dilations[1]),
        (pads[0], pads[1], pads[2], pads[3]),
        bool(node.attributes.get_int("ceil_mode", 0)),
    )


def _numbers(node: ir.Node, name: str, count: int, default: int) -> list[int]:
    numbers = list(node.attributes.get_ints(name, [default] * count))
    if len(numbers) != count:
        raise Refusal(f"its {name} are {numbers}, not {count} numbers")
    return numbers


def _same_pads(auto_pad: str, kernel: tuple[int, ...], strides: list[int], shape: Shape | None) -> list[int]:
    sizes = shape[2:] if shape is not None else (None, None)
    pads = [0] * 4
    for axis, size in enumerate(sizes):
        if not isinstance(size, int):
            raise Refusal(f"auto_pad {auto_pad} needs the height and width of its input to be known")
        outputs = -(-size // strides[axis])
        needed = max(0, (outputs - 1) * strides[axis] + kernel[axis] - size)
        smaller = needed // 2
        before = smaller if auto_pad == "SAME_UPPER" else needed - smaller
        pads[axis], pads[axis + 2] = before, needed - before
    return pads
