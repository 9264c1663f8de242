"""Attention of which one matmul makes queries, keys and values: what takes them apart goes."""

from collections.abc import Callable

import pytest
from attention_networks import HEADS, SIZE, WIDTH, AttentionNetwork
from dynamic_networks import converted, ops
from test_merge_dynamic_projections import heads_of, weights

Parts = Callable[[AttentionNetwork, str], list[str]]
MOVED = [2, 0, 3, 1, 4]  # `[n, s, 3, heads, 8] -> [3, n, heads, s, 8]`


def by_gather(net: AttentionNetwork, x: str) -> list[str]:
    moved = net.transposed(x, MOVED)
    return [net.node("Gather", [moved, net.constant(f"at{i}", i, "int64")], f"part{i}") for i in range(3)]


def by_gather_before(net: AttentionNetwork, x: str) -> list[str]:
    """The transposition after, as onnxruntime's optimizer puts it."""
    indices = [net.constant(f"at{i}", i, "int64") for i in range(3)]
    return [net.transposed(net.node("Gather", [x, at], f"part_{at}", axis=2)) for at in indices]


def by_slice(net: AttentionNetwork, x: str, axis: int = 0, step: int = 1) -> list[str]:
    moved = net.transposed(x, MOVED) if axis == 0 else x
    axes, steps = net.integers("axes", axis), net.integers("steps", step)
    parts = []
    for i in range(3):
        bounds = [net.integers(f"{what}{i}", i + n) for n, what in enumerate(("start", "end"))]
        parts.append(net.node("Slice", [moved, *bounds, axes, steps], f"slice{i}"))
    squeezed = [net.node("Squeeze", [part, axes], f"{part}_squeezed") for part in parts]
    return squeezed if axis == 0 else [net.transposed(part) for part in squeezed]


def by_slice_before(net: AttentionNetwork, x: str) -> list[str]:
    return by_slice(net, x, axis=2)


def by_split(net: AttentionNetwork, x: str, axis: int = 0) -> list[str]:
    moved = net.transposed(x, MOVED) if axis == 0 else x
    net.node("Split", [moved, net.integers("sizes", 1, 1, 1)], "split0", axis=axis)
    net.nodes[-1].output.extend(["split1", "split2"])
    axes = net.integers("axes", 0)
    parts = [f"split{i}" for i in range(3)]
    if axis != 0:
        parts = [net.transposed(part, MOVED) for part in parts]
    return [net.node("Squeeze", [part, axes], f"{part}_squeezed") for part in parts]


def by_split_before(net: AttentionNetwork, x: str) -> list[str]:
    return by_split(net, x, axis=2)


def attend(net: AttentionNetwork, parts: Parts, shape: tuple[int, ...] = (3, HEADS, SIZE)) -> None:
    y = net.matmul(net.stream(), "p", WIDTH, 3 * WIDTH)
    y = net.node("Reshape", [y, net.integers("apart", 0, 0, *shape)], "apart_heads")
    q, k, v = parts(net, y)
    net.join(net.transposed(net.attend(q, net.transposed(k, [0, 1, 3, 2]), v)))


TAKEN = [by_gather, by_gather_before, by_slice, by_slice_before, by_split, by_split_before]


@pytest.mark.parametrize("parts", TAKEN)
def test_taken_apart(parts: Parts) -> None:
    net = AttentionNetwork()
    attend(net, parts)
    model, report = converted(net.model())
    assert ops(model) == {"DynamicQuantizeToIsland": 2, "DynamicQMatMul": 2, "Reshape": 3, "Attention": 1}
    assert heads_of(model) == [0, HEADS, 2 * HEADS]
    assert weights(model) == [(3 * WIDTH, 32), (5, 32)]
    assert not report.left


def test_queries_alone_and_keys_with_values() -> None:
    """As a decoder reads an encoder's result."""
    net = AttentionNetwork()
    q = net.transposed(net.heads(net.stream(), "q"))
    y = net.matmul(net.stream("z"), "kv", WIDTH, 2 * WIDTH)
    y = net.node("Reshape", [y, net.integers("apart", 0, 0, 2, HEADS, SIZE)], "apart_heads")
    moved = net.transposed(y, MOVED)
    k, v = (net.node("Gather", [moved, net.constant(f"at{i}", i, "int64")], f"part{i}") for i in range(2))
    net.join(net.transposed(net.attend(q, net.transposed(k, [0, 1, 3, 2]), v)))
    model, _ = converted(net.model())
    assert heads_of(model) == [0, 0, HEADS]
    assert not {"Gather", "Transpose"} & ops(model).keys()


def by_gather_of_a_computed_place(net: AttentionNetwork, x: str) -> list[str]:
    moved = net.transposed(x, MOVED)
    first = net.node("Shape", [x], "three", start=2, end=3)
    zero = net.node("Squeeze", [net.node("Sub", [first, first], "difference")], "zero")
    return [net.node("Gather", [moved, zero], f"part{i}") for i in range(3)]


def by_gather_along_heads(net: AttentionNetwork, x: str) -> list[str]:
    """Of each head its queries, keys and values beside each other."""
    moved = net.transposed(x, [3, 0, 2, 1, 4])
    return [net.node("Gather", [moved, net.constant(f"at{i}", i, "int64")], f"part{i}") for i in range(3)]


def by_gather_from_the_end(net: AttentionNetwork, x: str) -> list[str]:
    moved = net.transposed(x, MOVED)
    return [net.node("Gather", [moved, net.constant(f"at{i}", -i, "int64")], f"part{i}") for i in (1, 2, 3)]


OTHERWISE: dict[Parts, tuple[int, ...]] = {
    by_gather_along_heads: (HEADS, 3, SIZE),
    by_gather_from_the_end: (3, HEADS, SIZE),
}


def test_a_place_that_is_computed_is_known() -> None:
    net = AttentionNetwork()
    attend(net, by_gather_of_a_computed_place, (3, HEADS, SIZE))
    model, _ = converted(net.model())
    assert ops(model)["Attention"] == 1


@pytest.mark.parametrize("parts", OTHERWISE)
def test_taken_apart_otherwise(parts: Parts) -> None:
    net = AttentionNetwork()
    attend(net, parts, OTHERWISE[parts])
    model, report = converted(net.model())
    assert "Attention" not in ops(model)
    (left,) = (entry for entry in report.left if entry.op_type == "Softmax")
    assert "are not heads that lie side by side" in left.reason
