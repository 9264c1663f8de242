"""Single matmuls of two computed tensors: QBatchMatMul, and its forms with float32 and int32 results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

import numpy as np
import onnx

from cases.builder import TIES_MULTIPLIER, Array, GraphBuilder, integers, seed_of, ties
from cases.op import OpCase
from qudnn.converter.functions import DOMAIN, function_proto

ALL = 2**63 - 1
_RESULTS = {"QBatchMatMul": "int8", "QBatchMatMulToFloat": "float32", "QBatchMatMulToInt32": "int32"}
_CONSTANTS = {
    "QBatchMatMul": ("bias", "multiplier", "b_zero_point"),
    "QBatchMatMulToFloat": ("bias", "multiplier", "b_zero_point", "addend"),
    "QBatchMatMulToInt32": ("b_zero_point",),
}


@dataclass(frozen=True, eq=False)
class BatchMatMulCase(OpCase):
    """A matmul whose graph inputs a and b have the shapes of tensors, all of each.

    fixed: the graph says so; otherwise only their ranks.
    """

    fixed: bool = False
    small: bool = field(default=False, kw_only=True)

    def model(self, opset: int = 13) -> onnx.ModelProto:
        g = GraphBuilder()
        inputs = [
            g.input(name, dtype, list(shape) if self.fixed else [f"{name}{i}" for i in range(len(shape))])
            for name, (dtype, shape) in self.tensors.items()
        ]
        inputs += [g.constant(name, value) for name, value in self.constants.items()]
        y = g.node(self.op, inputs, "y", DOMAIN, **self.attributes)
        g.output(y, self.y_dtype, [f"y{axis}" for axis in range(self.y_rank)])
        return g.model(opset, [function_proto(self.op, opset)])

    def inputs(self, batch: int = 2) -> dict[str, Array]:
        """Random over the whole range; small: -1, 0 and 1. They do not depend on batch."""
        rng = np.random.default_rng(seed_of(self.id))
        values = {name: integers(rng, dtype, shape) for name, (dtype, shape) in self.tensors.items()}
        return {name: np.sign(value) if self.small else value for name, value in values.items()}


def matmul(
    label: str,
    a: Sequence[int],
    b: Sequence[int],
    *,
    op: str = "QBatchMatMul",
    a_perm: Sequence[int] | None = None,
    b_perm: Sequence[int] | None = None,
    y_perm: Sequence[int] | None = None,
    a_starts: Sequence[int] = (),
    a_ends: Sequence[int] = (),
    b_starts: Sequence[int] = (),
    b_ends: Sequence[int] = (),
    padding: int = 0,
    a_zero_point: int = -7,
    b_zero_point: int | str = 5,
    vectors: str = "all",
    sums: str = "random",
    fixed: bool = False,
    **requantization: int,
) -> BatchMatMulCase:
    """A matmul of tensors a and b, or of parts of them: starts and ends are of the last axes.

    b_zero_point: a number, or "columns". vectors: which of bias, multiplier and addend have a value for each
    column: all, none or bias. sums: random, wrapping (around int32), ties (see builder.ties).
    """
    perms = [list(perm or range(len(shape))) for perm, shape in ((a_perm, a), (b_perm, b))]
    rank = max(len(a), len(b))
    parts = {
        **_part("a", len(a), a_starts, a_ends),
        **_part("b", len(b), b_starts, b_ends),
    }
    k = _extent(a, parts["a_starts"], parts["a_ends"], -1)
    n = _extent(b, parts["b_starts"], parts["b_ends"], perms[1][-1])
    rng = np.random.default_rng(seed_of(label) + 1)
    deviation = int(sqrt(max(k, 1)) * 74 * 74)
    bias = rng.integers(-deviation, deviation, n)
    multiplier = 60 / deviation * rng.uniform(0.2, 1.8, n)
    if sums == "wrapping":
        bias = np.where(bias < 0, -(2**31), 2**31 - 1) - bias // 20
        multiplier = np.full(n, 2.0**-24)
    if sums == "ties":
        bias, multiplier = ties(n), np.full(n, TIES_MULTIPLIER)
    addend = np.where(np.arange(n) % 5 == 0, -0.0, rng.normal(0, 30, n))
    zero_points = rng.integers(-128, 128, n) if b_zero_point == "columns" else np.array([b_zero_point])
    constants: Mapping[str, Array] = {
        "bias": (bias if vectors in ("all", "bias") else bias[:1]).astype(np.int32),
        "multiplier": (multiplier if vectors == "all" else multiplier[:1]).astype(np.float32),
        "b_zero_point": zero_points.astype(np.int8),
        "addend": (addend if vectors == "all" else addend[:1]).astype(np.float32),
    }
    attributes: dict[str, Any] = {
        "a_perm": perms[0],
        "b_perm": perms[1],
        "y_perm": list(y_perm or range(rank)),
        **parts,
        "a_zero_point": a_zero_point,
    }
    if op == "QBatchMatMul":
        attributes["pads"] = [0] * (2 * rank - 1) + [padding]
        attributes |= {"y_zero_point": 3, "y_min": -128, "y_max": 127, **requantization}
    return BatchMatMulCase(
        op,
        label,
        {"a": ("int8", tuple(a)), "b": ("int8", tuple(b))},
        attributes,
        {name: constants[name] for name in _CONSTANTS[op]},
        _RESULTS[op],
        rank,
        fixed,
        small=sums == "ties",
    )


def _part(name: str, rank: int, starts: Sequence[int], ends: Sequence[int]) -> dict[str, list[int]]:
    return {
        f"{name}_starts": [0] * (rank - len(starts)) + list(starts),
        f"{name}_ends": [ALL] * (rank - len(ends)) + list(ends),
    }


def _extent(shape: Sequence[int], starts: Sequence[int], ends: Sequence[int], axis: int) -> int:
    return len(range(shape[axis])[starts[axis] : ends[axis]])


def _forms(label: str, a: Sequence[int], b: Sequence[int], **given: Any) -> list[BatchMatMulCase]:
    """The matmul with results of every type."""
    padding = given.pop("padding", 0)
    return [
        matmul(label, a, b, op=op, **given, **({"padding": padding} if op == "QBatchMatMul" else {}))
        for op in _RESULTS
    ]


def scores(label: str, batch: int, length: int, heads: int, size: int, **given: Any) -> BatchMatMulCase:
    """Q * K^T of tensors [batch,length,heads,size], to rows of `length` rounded up to 16."""
    shape = (batch, length, heads, size)
    return matmul(
        f"scores_{label}",
        shape,
        shape,
        a_perm=(0, 2, 1, 3),
        b_perm=(0, 2, 3, 1),
        **{"padding": -length % 16, **given},
    )


def context(label: str, batch: int, length: int, heads: int, size: int, **given: Any) -> BatchMatMulCase:
    """P * V of P [batch,heads,length,length rounded up to 16] and V [batch,length,heads,size]."""
    given = {"a_zero_point": -128, "a_ends": (length,), **given}
    return matmul(
        f"context_{label}",
        (batch, heads, length, (length + 15) // 16 * 16),
        (batch, length, heads, size),
        b_perm=(0, 2, 1, 3),
        y_perm=(0, 2, 1, 3),
        **given,
    )


_ZERO_POINTS = [(0, 0), (-128, 0), (0, -128), (127, -128)]

ATTENTION = [
    case
    for form in (scores, context)
    for case in (
        form("bert", 2, 128, 3, 64),
        form("bert", 2, 128, 3, 64, fixed=True, a_zero_point=0, b_zero_point=0),
        form("bert_long", 1, 384, 2, 64, vectors="none"),
        form("vit", 2, 197, 3, 64, vectors="none"),
        form("short", 3, 7, 2, 16),
        form("odd_heads", 2, 33, 3, 20, vectors="bias"),
        form("float", 2, 77, 2, 64, op="QBatchMatMulToFloat", **({"padding": 0} if form is scores else {})),
        form("int32", 2, 77, 2, 64, op="QBatchMatMulToInt32", **({"padding": 0} if form is scores else {})),
    )
]

MATMULS = [
    # Rows of an unknown width lie as they do outside of an island.
    scores("unpadded", 2, 197, 2, 64, padding=0),
    matmul("context_unpadded", (2, 3, 197, 197), (2, 197, 3, 64), b_perm=(0, 2, 1, 3), y_perm=(0, 2, 1, 3)),
    *(
        case
        for i, (a_zero_point, b_zero_point) in enumerate(_ZERO_POINTS)
        for b, b_perm in (((3, 144, 80), None), ((3, 80, 144), (0, 2, 1)))
        for case in _forms(
            f"zeros{i}_{'across' if b_perm is None else 'along'}",
            (3, 70, 144),
            b,
            b_perm=b_perm,
            a_zero_point=a_zero_point,
            b_zero_point=b_zero_point,
        )
    ),
    # onnxruntime takes a zero point for each column of a matrix only, not of a batch of them.
    *(
        case
        for a_zero_point in (-128, 0)
        for b, b_perm in (((144, 80), None), ((80, 144), (1, 0)))
        for case in _forms(
            f"columns{a_zero_point}_{'across' if b_perm is None else 'along'}",
            (3, 70, 144),
            b,
            b_perm=b_perm,
            a_zero_point=a_zero_point,
            b_zero_point="columns",
        )
    ),
    *_forms("matrices", (130, 96), (96, 112)),
    *_forms("unaligned", (5, 37, 29), (5, 29, 43)),
    *_forms("unaligned_along", (5, 37, 29), (5, 43, 29), b_perm=(0, 2, 1)),
    matmul("words", (2, 100, 100), (2, 100, 100)),
    matmul("one", (1, 1), (1, 1)),
    matmul("row", (1, 64), (64, 48)),
    matmul("column", (50, 64), (64, 1), b_zero_point="columns"),
    matmul("long", (33, 4000), (4000, 40), vectors="none"),
    matmul("padding_of_all", (2, 40, 48), (2, 48, 64), a_ends=(41,), b_ends=(41, 50), padding=14),
    matmul(
        "padding_along",
        (2, 40, 48),
        (2, 64, 48),
        b_perm=(0, 2, 1),
        a_ends=(41,),
        b_ends=(50, 41),
        padding=14,
    ),
    *(
        case
        for size in (64, 16, 10)  # a part of heads of 10 channels starts anywhere
        for case in _forms(
            f"scores_of_joined{size}",
            (2, 33, 9, size),
            (2, 33, 9, size),
            a_perm=(0, 2, 1, 3),
            b_perm=(0, 2, 3, 1),
            a_starts=(0, 0),
            a_ends=(3, ALL),
            b_starts=(3, 0),
            b_ends=(6, ALL),
        )
    ),
    matmul(
        "context_of_joined",
        (2, 3, 33, 48),
        (2, 33, 9, 64),
        b_perm=(0, 2, 1, 3),
        y_perm=(0, 2, 1, 3),
        a_ends=(33,),
        b_starts=(6, 0),
        b_ends=(ALL, ALL),
    ),
    matmul(
        "part_of_all",
        (4, 50, 60),
        (5, 70, 80),
        a_starts=(1, 3, 7),
        a_ends=(3, 47, 55),
        b_starts=(3, 5, 16),
        b_ends=(5, 53, 75),
        fixed=True,
    ),
    *_forms("shared_b", (2, 3, 33, 64), (64, 48)),
    *_forms("shared_a", (33, 64), (2, 3, 64, 48)),
    matmul("heads_of_b", (2, 3, 33, 64), (3, 64, 48)),
    matmul("batch_of_b", (2, 3, 33, 64), (2, 1, 64, 48)),
    matmul("both_repeat", (2, 1, 33, 64), (3, 48, 64), b_perm=(0, 2, 1)),
    matmul("five_axes", (2, 1, 3, 20, 32), (1, 4, 1, 32, 16), y_perm=(2, 0, 3, 1, 4)),
    matmul("six_axes", (2, 2, 2, 2, 9, 16), (2, 2, 2, 2, 16, 16), fixed=True),
    matmul("shuffled", (4, 9, 2, 3, 32), (3, 16, 4, 2, 32), a_perm=(2, 3, 0, 1, 4), b_perm=(3, 0, 2, 4, 1)),
    *_forms("wrapping", (2, 50, 64), (2, 64, 80), sums="wrapping"),
    *_forms("ties", (2, 40, 16), (2, 16, 256), sums="ties", a_zero_point=0, b_zero_point=0),
    matmul("clamped", (2, 50, 64), (2, 64, 80), y_zero_point=-128, y_min=-100, y_max=57),
    matmul("relu", (2, 50, 64), (2, 64, 80), y_zero_point=11, y_min=11),
    *_forms("no_rows", (2, 0, 16), (2, 16, 32)),
    *_forms("no_columns", (2, 5, 16), (2, 16, 0), vectors="none"),
    *_forms("no_batch", (0, 5, 16), (0, 16, 32)),
]

CASES = [*ATTENTION, *MATMULS]

# NOTE: onnxruntime's MatMulInteger leaves its result unset where there is nothing to sum: these have no body.
NO_DEPTH = _forms("no_depth", (2, 5, 0), (2, 0, 32))
