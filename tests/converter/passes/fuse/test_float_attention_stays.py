"""What is no attention for one op, although matmuls are beside it: the report says why."""

from collections.abc import Callable

import pytest
from attention_networks import HEADS, SIZE, WIDTH, AttentionNetwork
from dynamic_networks import converted, ops

_BROADCAST = (
    "its inputs are not known to broadcast: fix their sizes in the model, or give equal sizes one name"
)


def scores_read(net: AttentionNetwork) -> None:
    net.attention()
    net.y(net.node("Neg", ["scores"], "negative"), 4)


def scores_are_output(net: AttentionNetwork) -> None:
    net.attention()
    net.y("scores_Mul", 4)


def weights_read(net: AttentionNetwork) -> None:
    net.attention()
    net.y(net.node("Neg", ["weights"], "negative"), 4)


def guarded_weights_read(net: AttentionNetwork) -> None:
    net.attention(guard=net.without_nan)
    net.y(net.node("Neg", ["kept"], "negative"), 4)


def result_read(net: AttentionNetwork) -> None:
    net.attention()
    net.y(net.node("Neg", ["context"], "negative"), 4)


def result_transposed_otherwise(net: AttentionNetwork) -> None:
    q, k, v = net.all_heads()
    context = net.attend(net.transposed(q), net.columns(k), net.transposed(v))
    moved = net.transposed(context, [2, 0, 1, 3])
    net.end(net.node("Reshape", [moved, net.integers("joined_shape", 0, 0, WIDTH)], "joined"), WIDTH)


def queries_transposed_otherwise(net: AttentionNetwork) -> None:
    """Heads that have one element of each size beside each other."""
    x = net.stream()
    y = net.matmul(x, "q", WIDTH, WIDTH)
    q = net.node("Reshape", [y, net.integers("q_shape", 0, 0, SIZE, HEADS)], "q_heads")
    k, v = net.heads(x, "k"), net.heads(x, "v")
    queries = net.transposed(q, [0, 3, 1, 2])
    net.join(net.transposed(net.attend(queries, net.columns(k), net.transposed(v))))


def unknown_number_of_heads(net: AttentionNetwork) -> None:
    q, k, v = net.outside(heads="h")
    context = net.transposed(net.attend(net.transposed(q), net.columns(k), net.transposed(v)))
    net.join(context, HEADS * SIZE)


def shared_keys(net: AttentionNetwork) -> None:
    """One head of keys and values for all queries."""
    x = net.stream()
    q, k, v = net.heads(x, "q"), net.heads(x, "k", 1), net.heads(x, "v", 1)
    net.join(net.transposed(net.attend(net.transposed(q), net.columns(k), net.transposed(v))))


def keys_of_another_batch(net: AttentionNetwork) -> None:
    q, v = (net.heads(x, name) for x, name in ((net.stream(), "q"), (net.stream("z"), "v")))
    k = net.x(("m", "s", HEADS, SIZE), "k")
    net.join(net.transposed(net.attend(net.transposed(q), net.columns(k), net.transposed(v))))


def short_mask(net: AttentionNetwork) -> None:
    net.attention(mask=lambda scores: net.masked(scores, ("s", "s")))


def mask_of_another_batch(net: AttentionNetwork) -> None:
    net.attention(mask=lambda scores: net.masked(scores, ("m", 1, "s", "s")))


def mask_that_is_larger(net: AttentionNetwork) -> None:
    """Scores of one sequence, seen through several masks."""
    x = net.quantize(net.x((1, "s", WIDTH)))
    q, k, v = (net.heads(x, name) for name in "qkv")
    q, k, v = net.transposed(q), net.columns(k), net.transposed(v)
    context = net.attend(q, k, v, mask=lambda scores: net.masked(scores, (3, 1, "s", "s")))
    net.join(net.transposed(context))


def along_the_queries(net: AttentionNetwork) -> None:
    net.attention(axis=2)


NOT_HEADS = "its queries are not heads that lie side by side and are transposed by [0, 2, 1, 3]"
REFUSED: dict[Callable[[AttentionNetwork], None], str] = {
    scores_read: "its scores or its weights have other consumers",
    scores_are_output: "its scores or its weights have other consumers",
    guarded_weights_read: "its scores or its weights have other consumers",
    weights_read: "its scores or its weights have other consumers",
    result_read: "its result is not just transposed",
    result_transposed_otherwise: "its result is transposed by [2, 0, 1, 3], not by [0, 2, 1, 3]",
    queries_transposed_otherwise: NOT_HEADS,
    unknown_number_of_heads: "the number of heads of its queries is unknown",
    shared_keys: "its queries, keys and values have different numbers of heads",
    keys_of_another_batch: "its queries, keys and values are not known to be of one batch",
    short_mask: "its mask has 2 dimensions, not 4",
    mask_of_another_batch: _BROADCAST,
    mask_that_is_larger: "its mask broadcasts the scores to a larger shape",
    along_the_queries: "its axis is not the last one",
}


@pytest.mark.parametrize("build", REFUSED)
def test_refused(build: Callable[[AttentionNetwork], None]) -> None:
    net = AttentionNetwork()
    build(net)
    sizes = (HEADS,) if build is unknown_number_of_heads else (2, 1)
    model, report = converted(net.model(), sizes)
    assert not {"Attention", "MaskedAttention"} & ops(model).keys()
    (left,) = (entry for entry in report.left if entry.op_type == "Softmax")
    assert left.reason == REFUSED[build]
    assert REFUSED[build] in str(report)


def scaled_for_each_head(net: AttentionNetwork) -> None:
    net.attention(scale=lambda scores: net.scaled(scores, number=[[[0.1]], [[0.2]], [[0.3]], [[0.4]]]))


def divided_by_zero(net: AttentionNetwork) -> None:
    net.attention(scale=lambda scores: net.scaled(scores, "Div", 0))


def scaled_after_the_mask(net: AttentionNetwork) -> None:
    net.attention(mask=lambda scores: net.scaled(net.masked(scores), number=0.8))


def another_number_for_nan(net: AttentionNetwork) -> None:
    net.attention(guard=lambda weights: net.without_nan(weights, 0.5))


def clipped(net: AttentionNetwork) -> None:
    net.attention(scale=lambda scores: net.node("Relu", [scores], "scaled"))


@pytest.mark.parametrize(
    "build", [scaled_for_each_head, divided_by_zero, scaled_after_the_mask, another_number_for_nan, clipped]
)
def test_something_else(build: Callable[[AttentionNetwork], None]) -> None:
    net = AttentionNetwork()
    build(net)
    model, _ = converted(net.model())
    assert not {"Attention", "MaskedAttention"} & ops(model).keys()
    assert ops(model)["Softmax"] == 1
