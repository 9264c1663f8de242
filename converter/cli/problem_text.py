"""Problems as people read them; the keys of plans spell out every field."""

from math import prod

_UNIT = {"alignment": 16, "x_type": 3, "y_type": 3, "group": 1}
_FLAGS = {
    "pads_with_value": "padded with a zero point",
    "first_pads": "that of the first results",
    "clamps_first": "the first results clamped",
    "clamps_window": "the second results clamped",
    "clamps_above": "clamped",
    "adds": "adds a residual",
    "zero_point_per_channel": "a zero point for each output",
    "adds_constant": "adds a constant",
    "looks_up": "results of a table",
}


def shorten(problem: str) -> str:
    """`conv 64x56x56x64, 3x3 to 128, stride 2, pad 1` for a problem's text; what is no such text as it is."""
    kind, *words = problem.split(" ")
    try:
        fields = {name: int(value) for name, _, value in (word.partition("=") for word in words)}
        parts = _PARTS[kind](fields)
    except (KeyError, ValueError):
        return problem
    for name, value in fields.items():
        if name in _FLAGS:
            parts += [_FLAGS[name]] * bool(value)
        elif value != _UNIT.get(name, 0):
            parts.append(f"{name.replace('_', ' ')} {value}")
    return f"{kind} {', '.join(parts)}"


def _conv(fields: dict[str, int]) -> list[str]:
    """The parts of a convolution in two or three dimensions; takes what it says out of fields."""
    axes, taps, outputs, sides = "hw", "rs", "pq", ["top", "left", "bottom", "right"]
    if "d" in fields:
        axes, taps, outputs = "dhw", "trs", "zpq"
        sides = ["front", "top", "left", "back", "bottom", "right"]
    n, c, k = (fields.pop(name) for name in "nck")
    size, kernel = [fields.pop(axis) for axis in axes], [fields.pop(tap) for tap in taps]
    for name in outputs:  # these follow from the rest
        fields.pop(name)
    parts = [_times(n, *size, c), f"{_times(*kernel)} to {k}"]
    for name, usual in ("stride", 1), ("dilation", 1):
        each = [fields.pop(f"{name}_{axis}") for axis in axes]
        if each != [usual] * len(axes):
            parts.append(f"{name} {_together(*each)}")
    pads = [fields.pop(f"pad_{side}") for side in sides]
    if any(pads):
        parts.append(f"pad {_together(*pads)}")
    y_pads = [fields.pop(f"y_pad_{side}", 0) for side in ("top", "left", "bottom", "right")]
    if any(y_pads):
        parts.append(f"result padded {_together(*y_pads)}")
    strides = [fields.pop(name) for name in list(fields) if name.startswith("x_stride")]
    if strides and strides != [prod(size) * c, size[-1] * c, c, 1]:
        parts.append(f"strides {_together(*strides)}")
    return parts


def _matmul(fields: dict[str, int]) -> list[str]:
    m, k, c = (fields.pop(name) for name in "mkc")
    stride = fields.pop("x_stride", c)
    return [f"{m}x{c} to {k}"] + [f"stride {stride}"] * (stride != c)


def _batch_matmul(fields: dict[str, int]) -> list[str]:
    """The parts of a batched matmul, without the layout of its matrices."""
    batch = prod(fields.pop(f"batch_{i}") for i in range(3))
    m, n, k = (fields.pop(name) for name in "mnk")
    for name in [name for name in fields if "_stride_" in name]:
        fields.pop(name)
    padding = fields.pop("width") - n
    parts = [f"{batch} of {_times(m, k)} by {_times(k, n)}"] + [f"padded by {padding}"] * (padding > 0)
    return parts + ["b transposed"] * fields.pop("b_transposed")


def _block(fields: dict[str, int]) -> list[str]:
    """The parts of a residual block: its channels one after the other."""
    n, h, w, c, m, k = (fields.pop(name) for name in "nhwcmk")
    parts = [_times(n, h, w, c), f"3x3 of {m} to {k}"] + ["depthwise"] * fields.pop("depthwise")
    stride = fields.pop("stride")
    return parts + [f"stride {stride}"] * (stride != 1)


_PARTS = {"conv": _conv, "conv3d": _conv, "matmul": _matmul, "batch_matmul": _batch_matmul, "block": _block}


def _together(*sizes: int) -> str:
    return str(sizes[0]) if len(set(sizes)) == 1 else _times(*sizes)


def _times(*sizes: int) -> str:
    return "x".join(map(str, sizes))
