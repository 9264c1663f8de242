"""QAttention and QMaskedAttention: the oracles of the ops they are made of, one after the other."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from oracles.arithmetic import Array
from oracles.batch_matmul import q_batch_matmul
from oracles.masked_softmax import q_masked_softmax
from oracles.softmax import q_softmax
from oracles.table import q_table

_WHOLE = {"a_perm": range(4), "a_starts": [0] * 4, "a_ends": [None] * 4}


def q_attention(q: Array, k: Array, v: Array, table: Array, **attributes: Any) -> Array:
    """int8 y, whose padding is 0."""

    def softmax(scores: Array) -> Array:
        return q_softmax(
            scores,
            channels=scores.shape[-1],
            x_zero_point=attributes["softmax_zero_point"],
            dtype=attributes["dtype"],
            **_scales(attributes),
        )

    return _attention(q, k, v, table, softmax, attributes)


def q_masked_attention(q: Array, k: Array, v: Array, table: Array, mask: Array, **attributes: Any) -> Array:
    """int8 y, whose padding is 0; the softmax in float64."""

    def softmax(scores: Array) -> Array:
        return q_masked_softmax(
            scores,
            mask,
            channels=scores.shape[-1],
            pads=[0],
            x_zero_point=attributes["softmax_zero_point"],
            factor=attributes["factor"],
            divisor=attributes["divisor"],
            **_scales(attributes),
        )

    return _attention(q, k, v, table, softmax, attributes)


def _scales(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "x_scale": attributes["softmax_scale"],
        "y_scale": attributes["probability_scale"],
        "y_zero_point": attributes["probability_zero_point"],
    }


def _attention(
    q: Array,
    k: Array,
    v: Array,
    table: Array,
    softmax: Callable[[Array], Array],
    attributes: Mapping[str, Any],
) -> Array:
    scores = _product(
        q,
        k,
        attributes["score_multiplier"],
        attributes["k_zero_point"],
        **_part("a", "q", attributes),
        **_part("b", "k", attributes),
        y_perm=range(4),
        pads=[0],
        a_zero_point=attributes["q_zero_point"],
        y_zero_point=attributes["score_zero_point"],
    )
    return _product(
        softmax(q_table(scores, table)),
        v,
        attributes["y_multiplier"],
        attributes["v_zero_point"],
        **_WHOLE,
        **_part("b", "v", attributes),
        y_perm=attributes["y_perm"],
        pads=attributes["pads"],
        a_zero_point=attributes["weight_zero_point"],
        y_zero_point=attributes["y_zero_point"],
    )


def _product(a: Array, b: Array, multiplier: float, b_zero_point: int, **given: Any) -> Array:
    vectors = np.zeros(1, np.int32), np.array([multiplier], np.float32), np.array([b_zero_point])
    return q_batch_matmul(a, b, *vectors, y_min=-128, y_max=127, **given)


def _part(operand: str, name: str, attributes: Mapping[str, Any]) -> dict[str, Sequence[int]]:
    return {f"{operand}_{what}": attributes[f"{name}_{what}"] for what in ("perm", "starts", "ends")}
