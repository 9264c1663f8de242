"""Single QAttention and QMaskedAttention, and the chains of ops that they replace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import onnx

from cases.builder import Array, GraphBuilder, integers, seed_of
from cases.op import INT8, UINT8
from qudnn.converter.functions import DOMAIN, function_protos

ALL = 2**63 - 1
_HEADS_LAST, _HEADS_FIRST = [0, 2, 1, 3], [0, 1, 2, 3]


@dataclass(frozen=True)
class AttentionOpCase:
    """q of `queries` rows, k and v of `keys`, in one of these layouts:

    rows `[batch, length, heads, size]`, heads `[batch, heads, length, size]`, merged: the three side by side
    in one tensor `[batch, length, 3 * heads, size]`, turned: rows, but k is `[batch, heads, size, keys]`.

    stored: the size in memory, if it is not `size`. value: the size of v's heads, if it is another. table:
    identity, scale (of 3/4, as a product with a scale becomes one) or random. mask: its shape, which makes it
    QMaskedAttention. zero_points: of q, k, scores, weights, v and y.
    """

    label: str
    queries: int
    keys: int
    heads: int = 3
    size: int = 64
    batch: int = 2
    layout: str = "rows"
    stored: int | None = None
    value: int | None = None
    padding: int = 0
    table: str = "identity"
    mask: tuple[int, ...] | None = None
    dtype: int = UINT8
    zero_points: Sequence[int] = (3, -5, 7, -128, 11, -2)
    softmax_scale: float = 0.05
    y_multiplier: float = 0.01

    @property
    def id(self) -> str:
        """Such as QAttention_bert_12x64_128x128."""
        return f"{self.op}_{self.label}_{self.heads}x{self.size}_{self.queries}x{self.keys}"

    @property
    def op(self) -> str:
        """Which of the two."""
        return "QAttention" if self.mask is None else "QMaskedAttention"

    @property
    def attributes(self) -> dict[str, Any]:
        """The op's."""
        q_zp, k_zp, score_zp, weight_zp, v_zp, y_zp = self.zero_points
        in_order = _HEADS_FIRST if self.layout == "heads" else _HEADS_LAST
        value = self.size if self.value is None else self.value
        softmax: dict[str, Any] = (
            {"dtype": self.dtype, "softmax_zero_point": 131 if self.dtype == UINT8 else 3}
            if self.mask is None
            else {"factor": 0.5, "divisor": 3.0, "softmax_zero_point": 3}
        )
        is_uint8 = self.mask is None and self.dtype == UINT8
        return {
            "q_perm": in_order,
            "k_perm": _HEADS_FIRST if self.layout == "turned" else [*in_order[:2], 3, in_order[2]],
            "v_perm": in_order,
            "y_perm": _HEADS_LAST,
            **self._part("q", 0, self.size),
            **self._part("k", 1, self.size),
            **self._part("v", 2, value),
            "pads": [0] * 7 + [self.padding],
            "q_zero_point": q_zp,
            "k_zero_point": k_zp,
            "score_multiplier": 50 / (sqrt(self.size) * 74 * 74),
            "score_zero_point": score_zp,
            **softmax,
            "softmax_scale": self.softmax_scale,
            "probability_scale": 1 / 256,
            "probability_zero_point": weight_zp + 128 if is_uint8 else weight_zp,
            "weight_zero_point": weight_zp,
            "v_zero_point": v_zp,
            "y_multiplier": self.y_multiplier if self.mask is None else 1 / 300,
            "y_zero_point": y_zp,
        }

    def _part(self, name: str, number: int, size: int) -> dict[str, list[int]]:
        starts, ends = [0] * 4, [ALL] * 3 + [size]
        if self.layout == "turned" and name == "k":
            ends[-1] = ALL
        if self.layout == "merged":
            starts[2], ends[2] = number * self.heads, (number + 1) * self.heads
        return {f"{name}_starts": starts, f"{name}_ends": ends}

    def _shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Of the graph's inputs that hold q, k and v."""
        stored = self.size if self.stored is None else self.stored
        if self.layout == "merged":
            assert self.queries == self.keys
            return {"qkv": (self.batch, self.keys, 3 * self.heads, stored)}
        value = stored if self.value is None else self.value
        sizes = {"q": (self.queries, stored), "k": (self.keys, stored), "v": (self.keys, value)}
        if self.layout == "heads":
            return {name: (self.batch, self.heads, *shape) for name, shape in sizes.items()}
        shapes = {name: (self.batch, rows, self.heads, size) for name, (rows, size) in sizes.items()}
        return shapes | (
            {"k": (self.batch, self.heads, stored, self.keys)} if self.layout == "turned" else {}
        )

    def inputs(self) -> dict[str, Array]:
        """Random over the whole range; the mask lets most through, of every row the first."""
        rng = np.random.default_rng(seed_of(self.id))
        inputs = {name: integers(rng, "int8", shape) for name, shape in self._shapes().items()}
        values = np.arange(-128, 128)
        tables = {
            "identity": values,
            "scale": np.rint(values * 0.75 + 4),
            "random": rng.integers(-128, 128, 256),
        }
        inputs["table"] = tables[self.table].astype(np.int8)
        if self.mask is not None:
            hidden = rng.random(self.mask) < 0.3
            hidden[..., 0] = False
            inputs["mask"] = np.where(hidden, np.finfo(np.float32).min, np.float32(0))
        return inputs

    def arguments(self) -> list[Array]:
        """The op's inputs, in order."""
        inputs = self.inputs()
        return [inputs[name] for name in self._names()]

    def _names(self) -> list[str]:
        q, k, v = ("qkv",) * 3 if self.layout == "merged" else ("q", "k", "v")
        return [q, k, v, "table"] + ([] if self.mask is None else ["mask"])

    def model(self, opset: int = 13) -> onnx.ModelProto:
        """The op, from inputs of unknown sizes."""
        g = self._builder()
        return self._finish(g, g.node(self.op, self._names(), "y", DOMAIN, **self.attributes), opset)

    def chain(self, opset: int = 13) -> onnx.ModelProto:
        """The same as ops of its own."""
        g, given, names = self._builder(), self.attributes, self._names()
        q_zp, k_zp, score_zp, weight_zp, v_zp, y_zp = self.zero_points
        in_place = {"a_perm": _HEADS_FIRST, "a_starts": [0] * 4, "a_ends": [ALL] * 4}
        of_scores = {**_renamed(given, "q", "a"), **_renamed(given, "k", "b"), "y_perm": _HEADS_FIRST}
        of_result = {**in_place, **_renamed(given, "v", "b"), "y_perm": given["y_perm"]}
        softmax = {
            "channels": ALL,
            "x_scale": given["softmax_scale"],
            "x_zero_point": given["softmax_zero_point"],
            "y_scale": given["probability_scale"],
            "y_zero_point": given["probability_zero_point"],
        }
        scores = _matmul(g, "scores", names[:2], given["score_multiplier"], (q_zp, k_zp, score_zp), of_scores)
        looked_up = g.node("QTable", [scores, "table"], "looked_up", DOMAIN)
        if self.mask is None:
            softmax["dtype"] = given["dtype"]
            weights = g.node("QSoftmax", [looked_up], "weights", DOMAIN, **softmax)
        else:
            softmax |= {"factor": given["factor"], "divisor": given["divisor"], "pads": [0] * 8}
            weights = g.node("QMaskedSoftmax", [looked_up, "mask"], "weights", DOMAIN, **softmax)
        of_result["pads"] = given["pads"]
        zero_points = weight_zp, v_zp, y_zp
        y = _matmul(g, "y", [weights, names[2]], given["y_multiplier"], zero_points, of_result)
        return self._finish(g, y, opset)

    def _builder(self) -> GraphBuilder:
        g = GraphBuilder()
        for name, array in self.inputs().items():
            g.input(name, str(array.dtype), [f"{name}{axis}" for axis in range(array.ndim)])
        return g

    def _finish(self, g: GraphBuilder, y: str, opset: int) -> onnx.ModelProto:
        g.output(y, "int8", [f"y{axis}" for axis in range(4)])
        return g.model(opset, function_protos(self.op, opset))


def _matmul(
    g: GraphBuilder,
    name: str,
    inputs: Sequence[str],
    multiplier: float,
    zero_points: tuple[int, int, int],
    layout: dict[str, Any],
) -> str:
    constants = [
        g.constant(f"{name}_bias", [0], "int32"),
        g.constant(f"{name}_multiplier", [multiplier], "float32"),
        g.constant(f"{name}_b_zero_point", [zero_points[1]], "int8"),
    ]
    attributes = {
        "pads": [0] * 8,
        **layout,
        "a_zero_point": zero_points[0],
        "y_zero_point": zero_points[2],
        "y_min": -128,
        "y_max": 127,
    }
    return g.node("QBatchMatMul", [*inputs, *constants], name, DOMAIN, **attributes)


def _renamed(attributes: dict[str, Any], name: str, operand: str) -> dict[str, Any]:
    return {f"{operand}_{what}": attributes[f"{name}_{what}"] for what in ("perm", "starts", "ends")}


LINEAR = [
    AttentionOpCase("bert", 128, 128, 12, table="scale"),
    AttentionOpCase("bert_batch1", 128, 128, 12, batch=1, layout="merged"),
    AttentionOpCase("bert_many", 130, 130, 12, batch=16, layout="merged", table="scale"),
    AttentionOpCase("bert_more", 90, 90, 12, batch=12, table="scale"),
    AttentionOpCase("long", 100, 384, table="scale"),
    AttentionOpCase("vit", 197, 197, 12, layout="merged"),
    AttentionOpCase("heads", 65, 66, layout="heads"),
    AttentionOpCase("random_table", 33, 40, table="random"),
    AttentionOpCase("int8", 40, 50, dtype=INT8),
    AttentionOpCase("symmetric", 40, 50, zero_points=(0, 0, 0, -128, 0, 0)),
    AttentionOpCase("extreme", 40, 50, zero_points=(127, -128, -128, -128, -128, -128), y_multiplier=0.004),
    AttentionOpCase("steep", 40, 50, softmax_scale=1.5),
    *(AttentionOpCase("size", 35, 70, size=size) for size in (16, 32, 48, 80, 96, 128)),
    AttentionOpCase("padded", 35, 70, size=10, stored=16, padding=6),
    AttentionOpCase("value", 35, 70, value=144),
    AttentionOpCase("one_key", 5, 1),
    AttentionOpCase("one_query", 1, 200),
    AttentionOpCase("keys_2048", 40, 2048, heads=2, batch=1),
    # What the kernel does not take.
    AttentionOpCase("apart_unaligned", 20, 37, size=10),
    AttentionOpCase("apart_turned", 20, 37, layout="turned"),
    AttentionOpCase("apart_large_heads", 20, 37, size=1024),
    AttentionOpCase("apart_keys", 17, 7000, heads=1, batch=1),
]
MASKED = [
    AttentionOpCase("bert", 128, 128, 12, mask=(2, 1, 1, 128)),
    AttentionOpCase("rows", 50, 70, mask=(50, 70), table="scale"),
    AttentionOpCase("full", 50, 70, mask=(2, 3, 50, 70)),
    AttentionOpCase("scalar", 50, 70, mask=(1,)),
    AttentionOpCase("merged", 197, 197, layout="merged", mask=(2, 1, 197, 197)),
    AttentionOpCase("long", 60, 500, mask=(2, 1, 1, 500)),
    AttentionOpCase("longer", 60, 1500, mask=(2, 1, 60, 1500)),
    AttentionOpCase("apart_unaligned", 20, 37, size=10, mask=(2, 1, 1, 37)),
]
