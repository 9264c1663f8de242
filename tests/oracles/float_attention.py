"""Attention and MaskedAttention, in float64."""

from dataclasses import dataclass

import numpy as np

from oracles.arithmetic import Array


@dataclass(frozen=True)
class FloatAttention:
    """The parts of an attention that results and their bounds are made of.

    q `[B,H,M,D]`, k `[B,H,N,D]`, v `[B,H,N,C]` of the heads that count; scores and weights `[B,H,M,N]`.
    """

    q: Array
    k: Array
    v: Array
    scores: Array
    weights: Array
    factor: float

    @property
    def y(self) -> Array:
        """`[B,M,H,C]`."""
        with np.errstate(invalid="ignore"):
            y = self.weights @ self.v
        return np.transpose(y, (0, 2, 1, 3))

    def bound(self, product: float) -> Array:
        """How far from y results may be where what each product sums is off by `product`, relatively.

        A score is off by e at most, so that the quotient of an exponential and their sum is off by
        exp(2 e) - 1. Sums and exponentials in float32 are in `product`, but for what a large mask cuts off.
        """
        finite = np.abs(self.scores[np.abs(self.scores) < 1e30])
        e = abs(self.factor) * product * (np.abs(self.q) @ np.abs(self.k).swapaxes(2, 3))
        e = e.max(-1, keepdims=True, initial=0) + 2.0**-22 * finite.max(initial=0)
        with np.errstate(invalid="ignore"):
            size = self.weights @ np.abs(self.v)
        return np.transpose(size * (np.expm1(2 * e) + product), (0, 2, 1, 3))


def float_attention(
    q: Array,
    k: Array,
    v: Array,
    mask: Array | None = None,
    *,
    heads: int,
    q_first: int,
    k_first: int,
    v_first: int,
    q_factor: float,
    k_factor: float,
    factor: float,
    divisor: float,
    nan_to_zero: int,
) -> FloatAttention:
    """Takes what the ops take."""
    total = q_factor * k_factor * factor / divisor
    first = {"q": q_first, "k": k_first, "v": v_first}
    part = {
        name: x[:, :, first[name] : first[name] + heads].transpose(0, 2, 1, 3).astype(np.float64)
        for name, x in {"q": q, "k": k, "v": v}.items()
    }
    scores = part["q"] @ part["k"].swapaxes(2, 3) * total
    if mask is not None:
        scores = scores + mask.astype(np.float64)
    with np.errstate(invalid="ignore"):
        weights = np.exp(scores - scores.max(-1, keepdims=True, initial=-np.inf))
        weights /= weights.sum(-1, keepdims=True)
    if nan_to_zero:
        weights = np.nan_to_num(weights)
    return FloatAttention(**part, scores=scores, weights=weights, factor=total)
