"""Self-attention as exporters write it, quantized by onnxruntime's quantizer."""

from dataclasses import dataclass, replace
from functools import cache
from math import prod
from typing import Literal

import numpy as np
import onnx

from cases.builder import Array, GraphBuilder, seed_of


@dataclass(frozen=True)
class AttentionCase:
    """x `[N, S, E]` -> y `[N, S, E]`, E = heads * size.

    batch, sequence: known sizes, or symbolic ones. shapes: how heads are parted: zeros, of Reshape; computed,
    by Shape, Gather and Concat. scaled: scores, or factors: queries and keys each by the root of the scale,
    and keys transposed in one batch of N * heads, as PyTorch exports scaled_dot_product_attention. key_heads,
    value_heads: how many if not `heads`; one broadcasts. value_size: of a head of the values, if another.
    """

    form: Literal["QOperator", "QDQ"] = "QOperator"
    batch: int | str = "N"
    sequence: int | str = "S"
    heads: int = 4
    size: int = 16
    shapes: Literal["zeros", "computed"] = "zeros"
    biases: bool = True
    scaled: Literal["scores", "factors"] = "scores"
    key_heads: int | None = None
    value_heads: int | None = None
    value_size: int | None = None

    @property
    def id(self) -> str:
        """Such as QDQ_NxS_4x16_zeros."""
        biases = "" if self.biases else "_nobias"
        scaled = "_factors" if self.scaled == "factors" else ""
        sizes = f"{self.batch}x{self.sequence}_{self.heads}x{self.size}"
        others = "".join(
            f"_{name}{number}"
            for name, number in zip("kvc", (self.key_heads, self.value_heads, self.value_size), strict=True)
            if number is not None
        )
        return f"{self.form}_{sizes}_{self.shapes}{biases}{scaled}{others}"

    def model(self, opset: int = 17) -> onnx.ModelProto:
        """The quantized model."""
        assert opset == 17
        return _quantized(self)

    def inputs(self, batch: int = 2, sequence: int = 21) -> dict[str, Array]:
        """Random numbers; the sizes count where the model leaves them open."""
        rng = np.random.default_rng(seed_of(self.id) + 1)
        n = batch if isinstance(self.batch, str) else self.batch
        s = sequence if isinstance(self.sequence, str) else self.sequence
        return {"x": rng.standard_normal((n, s, self.heads * self.size)).astype(np.float32)}

    def in_float(self) -> onnx.ModelProto:
        """The model before it is quantized."""
        rng = np.random.default_rng(seed_of(self.id))
        g = GraphBuilder()
        width = self.heads * self.size
        x = g.input("x", "float32", [self.batch, self.sequence, width])
        size = self.value_size or self.size
        parts = {
            "q": [self.heads, self.size],
            "k": [self.key_heads or self.heads, self.size],
            "v": [self.value_heads or self.heads, size],
        }
        q, k, v = (
            self._reshape(g, self._linear(g, rng, x, name, (width, prod(part))), f"{name}_heads", part)
            for name, part in parts.items()
        )
        query = g.node("Transpose", [q], "query", perm=[0, 2, 1, 3])
        value = g.node("Transpose", [v], "value", perm=[0, 2, 1, 3])
        weights = g.node("Softmax", [self._scores(g, query, k)], "weights", axis=-1)
        context = g.node("MatMul", [weights, value], "context")
        merged = g.node("Transpose", [context], "merged", perm=[0, 2, 1, 3])
        most = max(count for count, _ in parts.values())
        joined = self._reshape(g, merged, "joined", [most * size])
        y = self._linear(g, rng, joined, "y", (most * size, width))
        g.output(y, "float32", [self.batch, self.sequence, width])
        return g.model(17)

    def _scores(self, g: GraphBuilder, query: str, k: str) -> str:
        if self.scaled == "scores":
            key = g.node("Transpose", [k], "key", perm=[0, 2, 3, 1])
            scores = g.node("MatMul", [query, key], "scores")
            return g.node("Mul", [scores, g.constant("scale", self.size**-0.5, "float32")], "scaled")
        assert isinstance(self.sequence, int)
        key = g.node("Transpose", [k], "key_heads", perm=[0, 2, 1, 3])
        shapes = [-1, self.sequence, self.size], [-1, self.heads, self.size, self.sequence]
        merged, parted = (g.constant(f"key_shape{n}", shape, "int64") for n, shape in enumerate(shapes))
        key = g.node("Reshape", [key, merged], "key_merged")
        key = g.node("Transpose", [key], "key_transposed", perm=[0, 2, 1])
        key = g.node("Reshape", [key, parted], "key")
        root = g.constant("scale", self.size**-0.25, "float32")
        factors = [g.node("Mul", [x, root], f"{x}_scaled") for x in (query, key)]
        return g.node("MatMul", factors, "scores")

    def _linear(
        self, g: GraphBuilder, rng: np.random.Generator, x: str, name: str, shape: tuple[int, int]
    ) -> str:
        weight = g.constant(f"{name}_weight", rng.standard_normal(shape) * shape[0] ** -0.5, "float32")
        if not self.biases:
            return g.node("MatMul", [x, weight], name)
        bias = g.constant(f"{name}_bias", rng.standard_normal(shape[1]), "float32")
        return g.node("Add", [g.node("MatMul", [x, weight], f"{name}_matmul"), bias], name)

    def _reshape(self, g: GraphBuilder, x: str, name: str, last: list[int]) -> str:
        """x `[N, S, ...]` -> `[N, S, last...]`."""
        if self.shapes == "zeros":
            return g.node("Reshape", [x, g.constant(f"{name}_shape", [0, 0, *last], "int64")], name)
        shape = g.node("Shape", [x], f"{name}_of")
        sizes = [
            g.node("Gather", [shape, g.constant(f"{name}_axis{axis}", [axis], "int64")], f"{name}_{axis}")
            for axis in (0, 1)
        ]
        parts = [*sizes, g.constant(f"{name}_last", [*last[:-1], -1], "int64")]
        return g.node("Reshape", [x, g.node("Concat", parts, f"{name}_shape", axis=0)], name)


@cache
def _quantized(case: AttentionCase) -> onnx.ModelProto:
    from zoo.quantize import quantize  # not every onnxruntime comes with its quantizer

    rng = np.random.default_rng(seed_of(case.id) + 2)
    sizes = [21 if isinstance(size, str) else size for size in (case.batch, case.sequence)]
    samples = rng.standard_normal((4, *sizes[1:], case.heads * case.size)).astype(np.float32)
    return quantize(case.in_float(), samples, form=case.form)


_FORMS: tuple[Literal["QOperator"], Literal["QDQ"]] = ("QOperator", "QDQ")
_SIZES: tuple[tuple[int | str, int | str], ...] = ((1, 24), (1, 21), ("N", 21), ("N", "S"))

CASES = [  # without biases, which onnxruntime adds in float32 where sizes of a QDQ model are unknown
    replace(case, batch=batch, sequence=sequence)
    for form in _FORMS
    for case in (
        AttentionCase(form, biases=False),
        AttentionCase(form, biases=False, shapes="computed"),
        AttentionCase(form, biases=False, heads=3, size=10),
        AttentionCase(form, biases=False, scaled="factors"),
    )
    for batch, sequence in _SIZES
    if case.scaled == "scores" or sequence != "S"
]
CASES += [AttentionCase("QOperator", batch, sequence) for batch, sequence in _SIZES[2:]]

# The quantizer makes a Gemm of a MatMul and an Add, between Reshapes, where all sizes are known.
GEMMS = [AttentionCase(form, 1, sequence) for form in _FORMS for sequence in (24, 21)]

# One head of keys or values for all queries, heads of other sizes.
UNLIKE = [
    AttentionCase(form, biases=False, heads=heads, key_heads=keys, value_heads=values, value_size=size)
    for form in _FORMS
    for heads, keys, values, size in (
        (4, 1, 1, None),
        (4, 1, 4, None),
        (4, 4, 1, 40),
        (1, 4, 4, 8),
        (1, 1, 4, None),
        (1, 4, 1, 24),
    )
]
