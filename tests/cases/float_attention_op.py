"""Single Attention and MaskedAttention."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from cases.builder import Array, GraphBuilder, seed_of
from qudnn.converter.functions import DOMAIN, function_protos


@dataclass(frozen=True)
class FloatAttentionCase:
    """q of `queries` rows, k and v of `keys`; merged: all in one tensor `[batch, length, 3 * heads, size]`.

    value: the size of v's heads, if it is another. first: which heads of q, k and v are the first that count,
    of tensors with one more after the last. factors: of q, k and scores, and the scores' divisor. mask: its
    shape, which makes it MaskedAttention; hidden: what it has in 3 of 10 places, and in all of its first row
    where that is a finite number; zero elsewhere.
    """

    label: str
    queries: int
    keys: int
    heads: int = 3
    size: int = 64
    value: int | None = None
    batch: int = 2
    merged: bool = False
    first: tuple[int, int, int] | None = None
    factors: tuple[float, float, float, float] | None = None
    nan_to_zero: bool = False
    mask: tuple[int, int, int, int] | None = None
    hidden: float = float(np.finfo(np.float32).min)

    @property
    def id(self) -> str:
        """Such as Attention_bert_12x64_128x128."""
        return f"{self.op}_{self.label}_{self.heads}x{self.size}_{self.queries}x{self.keys}"

    @property
    def op(self) -> str:
        """Which of the two."""
        return "Attention" if self.mask is None else "MaskedAttention"

    @property
    def attributes(self) -> dict[str, Any]:
        """The op's."""
        first = (0, self.heads, 2 * self.heads) if self.merged else self.first or (0, 0, 0)
        factors = self.factors or (1.0, 1.0, 1.0, self.size**0.5)
        return {
            "heads": self.heads,
            **{f"{name}_first": start for name, start in zip("qkv", first, strict=True)},
            **dict(zip(("q_factor", "k_factor", "factor", "divisor"), factors, strict=True)),
            "nan_to_zero": int(self.nan_to_zero),
        }

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        if self.merged:
            assert self.queries == self.keys and self.value is None
            return {"qkv": (self.batch, self.keys, 3 * self.heads, self.size)}
        heads = [self.heads + start + 1 for start in self.first or (-1, -1, -1)]
        value = self.size if self.value is None else self.value
        return {
            "q": (self.batch, self.queries, heads[0], self.size),
            "k": (self.batch, self.keys, heads[1], self.size),
            "v": (self.batch, self.keys, heads[2], value),
        }

    def inputs(self) -> dict[str, Array]:
        """Random."""
        rng = np.random.default_rng(seed_of(self.id))
        inputs = {name: rng.standard_normal(shape, np.float32) for name, shape in self._shapes().items()}
        if self.mask is not None:
            hidden = rng.random(self.mask) < 0.3
            hidden[..., -1] = False
            hidden[0, 0, 0] = np.isfinite(self.hidden)
            inputs["mask"] = np.where(hidden, np.float32(self.hidden), np.float32(0))
        return inputs

    def arguments(self) -> list[Array]:
        """The op's inputs, in order."""
        inputs = self.inputs()
        return [inputs[name] for name in self._names()]

    def _names(self) -> list[str]:
        return [*(["qkv"] * 3 if self.merged else "qkv"), *([] if self.mask is None else ["mask"])]

    def model(self, opset: int = 13) -> onnx.ModelProto:
        """The op alone."""
        g = GraphBuilder()
        for name, x in self.inputs().items():
            g.input(name, "float32", x.shape)
        y = g.node(self.op, self._names(), "y", DOMAIN, **self.attributes)
        value = self.size if self.value is None else self.value
        g.output(y, "float32", [self.batch, self.queries, self.heads, value])
        return g.model(opset, function_protos(self.op, opset))


_INFINITY = -float("inf")

# On tensor cores.
FAST = [
    FloatAttentionCase("bert", 128, 128, 12),
    FloatAttentionCase("bert_merged", 128, 128, 12, merged=True),
    FloatAttentionCase("bert_many", 128, 128, 12, batch=16, merged=True),
    FloatAttentionCase("vit", 197, 197, 12, merged=True),
    FloatAttentionCase("long", 100, 384, batch=8, heads=12),
    FloatAttentionCase("some_heads", 37, 50, first=(1, 0, 2)),
    FloatAttentionCase("odd", 33, 47),
    FloatAttentionCase("one_key", 5, 1),
    FloatAttentionCase("one_query", 1, 200),
    FloatAttentionCase("sdpa", 40, 50, factors=(64**-0.25, 64**-0.25, 1.0, 1.0), nan_to_zero=True),
    FloatAttentionCase("negative", 40, 50, factors=(1.0, 1.0, -0.25, 1.0)),
    FloatAttentionCase("steep", 40, 50, factors=(2.0, 1.5, 1.0, 1.0)),
    *(FloatAttentionCase("size", 35, 70, size=size) for size in (4, 8, 32, 40, 80, 96, 128)),
    FloatAttentionCase("size_many", 35, 70, size=32, batch=64),
    FloatAttentionCase("value", 35, 70, value=100),
    FloatAttentionCase("bert", 128, 128, 12, mask=(2, 1, 1, 128)),
    FloatAttentionCase("bert_rows", 128, 128, 12, mask=(2, 1, 128, 128), merged=True),
    FloatAttentionCase("bert_many", 128, 128, 12, batch=16, mask=(16, 1, 128, 128)),
    FloatAttentionCase("vit", 197, 197, 12, mask=(2, 1, 197, 197)),
    FloatAttentionCase("full", 50, 72, mask=(2, 3, 50, 72)),
    FloatAttentionCase("heads", 50, 70, mask=(1, 3, 1, 70)),
    FloatAttentionCase("queries", 50, 70, mask=(2, 1, 50, 1)),
    FloatAttentionCase("one", 50, 70, mask=(1, 1, 1, 1), hidden=-1.5),
    FloatAttentionCase("infinite", 50, 72, mask=(2, 1, 50, 72), hidden=_INFINITY),
    FloatAttentionCase("infinite_rows", 50, 72, mask=(1, 1, 50, 1), hidden=_INFINITY),
    FloatAttentionCase("zeroed", 50, 72, mask=(1, 1, 50, 1), hidden=_INFINITY, nan_to_zero=True),
    FloatAttentionCase("small", 50, 72, mask=(2, 1, 1, 72), hidden=-1e4),
    *(FloatAttentionCase("size", 35, 70, size=size, mask=(2, 1, 35, 70)) for size in (16, 96, 128)),
]
# Plainly.
PLAIN = [
    FloatAttentionCase("large_heads", 20, 37, size=200),
    FloatAttentionCase("no_keys", 5, 0),
    FloatAttentionCase("large_value", 20, 37, value=300),
    FloatAttentionCase("in_twos", 20, 70, size=10, first=(1, 2, 0)),
    FloatAttentionCase("in_ones", 20, 37, size=7, value=3),
    FloatAttentionCase("large_heads", 20, 37, size=200, mask=(2, 1, 1, 37)),
    FloatAttentionCase("in_twos", 20, 70, size=10, mask=(2, 3, 20, 70), hidden=_INFINITY),
    FloatAttentionCase("zeroed", 20, 70, size=10, mask=(1, 1, 20, 1), hidden=_INFINITY, nan_to_zero=True),
]
