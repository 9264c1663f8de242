"""Problems as people read them; the keys of plans spell out every field."""

_UNIT = {"alignment": 16, "x_type": 3, "y_type": 3, "group": 1}
_FLAGS = {"pads_with_value": "padded with a zero point", "clamps_above": "clamped"}


def shorten(problem: str) -> str:
    """`conv 64x56x56x64, 3x3 to 128, stride 2, pad 1` for a problem's text; what is no such text as it is."""
    kind, *words = problem.split(" ")
    try:
        fields = {name: int(value) for name, _, value in (word.partition("=") for word in words)}
        parts = {"conv": _conv, "matmul": _matmul}[kind](fields)
    except (KeyError, ValueError):
        return problem
    for name, value in fields.items():
        if name in _FLAGS:
            parts += [_FLAGS[name]] * bool(value)
        elif value != _UNIT.get(name, 0):
            parts.append(f"{name.replace('_', ' ')} {value}")
    return f"{kind} {', '.join(parts)}"


def _conv(fields: dict[str, int]) -> list[str]:
    """The parts of a convolution; takes what it says out of fields."""
    n, h, w, c, k, r, s = (fields.pop(name) for name in "nhwckrs")
    fields.pop("p"), fields.pop("q")  # these follow from the rest
    parts = [f"{n}x{h}x{w}x{c}", f"{r}x{s} to {k}"]
    for name, usual in ("stride", 1), ("dilation", 1):
        sizes = fields.pop(f"{name}_h"), fields.pop(f"{name}_w")
        if sizes != (usual, usual):
            parts.append(f"{name} {_together(*sizes)}")
    pads = tuple(fields.pop(f"pad_{side}") for side in ("top", "left", "bottom", "right"))
    if any(pads):
        parts.append(f"pad {_together(*pads)}")
    strides = [fields.pop(name) for name in list(fields) if name.startswith("x_stride")]
    if strides and strides != [h * w * c, w * c, c, 1]:
        parts.append(f"strides {_together(*strides)}")
    return parts


def _matmul(fields: dict[str, int]) -> list[str]:
    m, k, c = (fields.pop(name) for name in "mkc")
    stride = fields.pop("x_stride", c)
    return [f"{m}x{c} to {k}"] + [f"stride {stride}"] * (stride != c)


def _together(*sizes: int) -> str:
    return str(sizes[0]) if len(set(sizes)) == 1 else "x".join(map(str, sizes))
