"""Attention in float32 on dynamically quantized matmuls, as exporters write it and otherwise."""

from collections.abc import Callable, Sequence
from typing import Any

from dynamic_networks import DynamicNetwork

HEADS, SIZE = 4, 8
WIDTH = HEADS * SIZE
Change = Callable[[str], str]


class AttentionNetwork(DynamicNetwork):
    """Tensors [n, s, 32], of 4 heads."""

    def stream(self, name: str = "x") -> str:
        return self.quantize(self.x(("n", "s", WIDTH), name))

    def heads(self, x: str, name: str, heads: int = HEADS) -> str:
        """`[n, s, heads, 8]`"""
        y = self.matmul(x, name, WIDTH, heads * SIZE)
        return self.node("Reshape", [y, self.integers(f"{name}_shape", 0, 0, heads, SIZE)], f"{name}_heads")

    def all_heads(self) -> list[str]:
        x = self.stream()
        return [self.heads(x, name) for name in "qkv"]

    def outside(self, names: str = "qkv", heads: int | str = HEADS) -> list[str]:
        """Heads that no matmul made."""
        return [self.x(("n", "s", heads, SIZE), name) for name in names]

    def transposed(self, x: str, perm: Sequence[int] = (0, 2, 1, 3)) -> str:
        return self.node("Transpose", [x], f"{x}_moved", perm=perm)

    def columns(self, k: str) -> str:
        return self.transposed(k, [0, 2, 3, 1])

    def scaled(self, x: str, op_type: str = "Mul", number: Any = 0.35) -> str:
        number_of_x = self.constant(f"{x}_{op_type}_number", number, "float32")
        return self.node(op_type, [x, number_of_x], f"{x}_{op_type}")

    def attend(
        self,
        queries: str,
        keys: str,
        values: str,
        scale: Change | None = None,
        mask: Change | None = None,
        guard: Change | None = None,
        axis: int = -1,
    ) -> str:
        """`[n, heads, s, 8]`"""
        scores = self.node("MatMul", [queries, keys], "scores")
        scores = (scale or self.scaled)(scores)
        scores = mask(scores) if mask else scores
        weights = self.node("Softmax", [scores], "weights", axis=axis)
        return self.node("MatMul", [guard(weights) if guard else weights, values], "context")

    def attention(self, **options: Any) -> None:
        """Of one tensor, up to a result of the model."""
        q, k, v = self.all_heads()
        context = self.attend(self.transposed(q), self.columns(k), self.transposed(v), **options)
        self.join(self.transposed(context))

    def join(self, context: str, width: int = WIDTH) -> None:
        joined = self.node("Reshape", [context, self.integers("joined_shape", 0, 0, width)], "joined")
        self.end(joined, width)

    def masked(self, scores: str, shape: Sequence[int | str] = ("n", 1, "s", "s")) -> str:
        return self.node("Add", [scores, self.x(shape, "mask")], "masked")

    def without_nan(self, weights: str, number: float = 0) -> str:
        """0 in the place of NaN, as PyTorch exports scaled_dot_product_attention."""
        is_nan = self.node("IsNaN", [weights], "is_nan")
        return self.node("Where", [is_nan, self.constant("instead", number, "float32"), weights], "kept")
