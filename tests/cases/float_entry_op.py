"""AddToIsland, MulToIsland, SoftmaxToIsland: broadcasts, transpositions, padding, numbers that are none."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cases.builder import Array, seed_of
from cases.op import OpCase

IMAGE, LAST = (0, 2, 3, 1), (0, 3, 1, 2)  # channels first -> last, and back
_SPECIAL = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45, 30, -30], np.float32)


@dataclass(frozen=True, eq=False)
class FloatEntryCase(OpCase):
    """special: whether operands hold such numbers."""

    special: bool = False

    def inputs(self, batch: int = 2) -> dict[str, Array]:
        rng = np.random.default_rng(seed_of(self.id))
        found = {}
        for name, (_, shape) in self.tensors.items():
            x = rng.normal(0, 2, (batch, *shape)).astype(np.float32)
            if self.special:
                x = np.where(rng.random(x.shape) < 0.2, rng.choice(_SPECIAL, x.shape), x)
            found[name] = x
        return found


def _entry(
    op: str,
    label: str,
    a: tuple[int, ...],
    b: tuple[int, ...],
    *,
    special: bool = False,
    constants: dict[str, Array] | None = None,
    **given: Any,
) -> FloatEntryCase:
    """a, b: without the batch."""
    rank = max(len(a), len(b)) + 1
    order = list(range(rank))
    attributes: dict[str, Any] = {
        "a_perm": list(range(len(a) + 1)),
        "b_perm": list(range(len(b) + 1)),
        "perm": order,
        "pads": [0] * 2 * rank,
        "low": float("-inf"),
        "high": float("inf"),
        **({"gelu": 0, "gate": 0, "alpha": 0.2, "beta": 0.5} if op == "MulToIsland" else {}),
        "scale": 0.0271,
        "zero_point": -13,
        **given,
    }
    neutral = {"bias": np.full(1, -0.0, np.float32)} if op == "AddToIsland" else {}
    constants = {**neutral, "divisor": np.ones(1, np.float32), **(constants or {})}
    tensors = {"a": ("float32", a), "b": ("float32", b)}
    return FloatEntryCase(op, label, tensors, attributes, constants, y_rank=rank, special=special)


def _of_channels(count: int, *ones: int, seed: int = 0) -> Array:
    rng = np.random.default_rng(count + seed)
    return rng.uniform(0.3, 2, (count, *ones)).astype(np.float32)


def _both(label: str, a: tuple[int, ...], b: tuple[int, ...], **given: Any) -> list[FloatEntryCase]:
    return [_entry(op, label, a, b, **given) for op in ("AddToIsland", "MulToIsland")]


def _image_pads(before: int, after: int, channels: int) -> list[int]:
    return [0, before, before, 0, 0, after, after, channels]


_GATES: dict[int, dict[str, Any]] = {1: {"gate": 1}, 2: {"gate": 2, "alpha": 1 / 6, "beta": 0.47}}
_DIVISOR = {"divisor": _of_channels(20, 1, 1)}
_BIAS_AND_DIVISOR = {"bias": _of_channels(32), "divisor": _of_channels(32, seed=1)}

EXACT = [
    *_both("rows", (7, 32), (7, 32)),
    *_both("odd", (7, 21), (7, 21), pads=[0, 0, 0, 0, 0, 11]),
    *_both("unpadded", (7, 21), (7, 21)),
    *_both("special", (40, 20), (40, 20), special=True, low=0.0, high=6.0),
    *_both("special_unclipped", (40, 20), (40, 20), special=True),
    *_both("image", (20, 5, 6), (20, 5, 6), perm=IMAGE, pads=_image_pads(1, 2, 12)),
    *_both("channels_last", (5, 6, 20), (20, 5, 6), a_perm=LAST, perm=IMAGE, pads=_image_pads(0, 0, 12)),
    *_both("both_last", (5, 6, 16), (5, 6, 16), a_perm=LAST, b_perm=LAST, perm=IMAGE),
    *_both("image_times_channels", (20, 5, 6), (20, 1, 1), perm=IMAGE, pads=_image_pads(0, 0, 12)),
    *_both("pixels", (20, 5, 6), (1, 5, 6), perm=IMAGE, pads=_image_pads(0, 0, 12)),
    *_both("fewer_dimensions", (3, 2, 16), (16,), a_perm=(1, 0, 2, 3), special=True),
    *_both("volume", (2, 3, 4, 17), (2, 3, 4, 17), perm=(0, 2, 3, 4, 1)),
    *_both("large", (64, 56, 56), (64, 1, 1), perm=IMAGE),
    *_both("scale_1e-30", (7, 32), (7, 32), scale=1e-30),
    *_both("scale_1e30", (7, 32), (7, 32), scale=1e30, zero_point=127),
    _entry("AddToIsland", "bias", (7, 32), (7, 32), constants={"bias": _of_channels(32)}),
    *_both("divisors", (20, 5, 6), (20, 5, 6), perm=IMAGE, low=0.0, constants=_DIVISOR, scale=1.0),
    _entry("AddToIsland", "both", (7, 32), (7, 32), high=1.5, constants=_BIAS_AND_DIVISOR),
    *(
        _entry("MulToIsland", f"{label}_gate{gate}", a, b, low=0.0, high=6.0, **_GATES[gate], **given)
        for label, a, b, given in (
            ("rows", (40, 32), (40, 32), {}),
            ("special", (40, 32), (40, 32), {"special": True}),
            ("image", (20, 5, 6), (20, 1, 1), {"perm": IMAGE, "pads": _image_pads(0, 0, 12)}),
            ("divisors", (20, 5, 6), (20, 5, 6), {"perm": IMAGE, "constants": _DIVISOR, "scale": 1.0}),
        )
        for gate in _GATES
    ),
]

GELU = [
    _entry("MulToIsland", "gelu", (50, 64), (50, 64), gelu=1),
    _entry("MulToIsland", "gelu_channels", (50, 64), (1, 64), gelu=1, scale=0.003),
    _entry("MulToIsland", "gelu_sigmoid", (50, 64), (50, 64), gelu=1, gate=1, scale=0.003),
]


def _softmax(
    label: str, rows: tuple[int, ...], channels: int, mask: tuple[int, ...], padding: int = 0, **given: Any
) -> FloatEntryCase:
    rank = 2 + len(rows)
    attributes = {
        "pads": [0] * (2 * rank - 1) + [padding],
        "factor": 1.0,
        "divisor": 2.0,
        "y_scale": 1 / 256,
        "y_zero_point": -128,
        **given,
    }
    tensors = {"x": ("float32", (*rows, channels)), "mask": ("float32", mask)}
    return FloatEntryCase("SoftmaxToIsland", f"{label}_{channels}", tensors, attributes, y_rank=rank)


SOFTMAXES = [
    *(_softmax("keys", (3, 5), size, (1, 1, size)) for size in (12, 128, 196, 197, 256, 512, 1024, 1500)),
    _softmax("queries", (3, 20), 20, (1, 20, 20), 12),
    _softmax("heads", (3, 20), 20, (3, 1, 20)),
    _softmax("one", (3, 20), 77, (1, 1, 1), 3, factor=0.3, divisor=1.0),
    _softmax("rows", (9,), 30, (1, 1), 2, y_scale=1 / 255, y_zero_point=3),
]
