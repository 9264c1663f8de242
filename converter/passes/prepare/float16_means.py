"""Means, in float16, of a function of a dequantized tensor or of a convolution's result"""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import onnx_ir as ir

from qudnn.converter.graph.constants import constant_or_none, node_input
from qudnn.converter.graph.edit import sole_view
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.qdq.linear import dequantizes

_MOST_NODES = 32  # of a function, and of views after a mean
_KEEPS_FLOAT16 = Trait.MOVES | Trait.CHOOSES  # onnxruntime's CPU provider has kernels for float16


class Mean(NamedTuple):
    """nodes: the mean, the elementwise ones before it, and those after it that give it another shape.

    may_differ: where onnxruntime rounds to float16 before or after them.
    """

    node: ir.Node
    nodes: list[ir.Node]
    may_differ: bool


def means_of_functions(nodes: Iterable[ir.Node], sources: Collection[ir.Node]) -> Iterator[Mean]:
    """Those means that are computed of one source each: a DequantizeLinear, a convolution or matmul."""
    for node in nodes:
        if _reduces_pixels(node):
            function = _function_before(node, sources)
            if function is not None:
                source, between = function
                views = _views_after(node)
                last = (views or [node])[-1].outputs[0]
                kept = any(has_trait(use.node, _KEEPS_FLOAT16) for use in last.uses())
                x = node_input(source, 0)
                rounded = dequantizes(source) and x is not None and x.is_graph_input()
                yield Mean(node, [node, *between, *views], kept or rounded)


def _reduces_pixels(node: ir.Node) -> bool:
    """Whether it is a mean over the pixels of images, or over the rows of each of several matrices.

    Not one over the last axis alone, as a normalization has it that the model computes step by step.
    """
    if is_onnx(node, "GlobalAveragePool"):
        return True
    if not is_onnx(node, "ReduceMean"):
        return False
    axes = node_input(node, 1)
    array = None if axes is None else constant_or_none(axes)
    numbers = list(node.attributes.get_ints("axes", [])) if array is None else array.reshape(-1).tolist()
    return len(numbers) > 1 or numbers == [1]


def _function_before(node: ir.Node, sources: Collection[ir.Node]) -> tuple[ir.Node, list[ir.Node]] | None:
    """The one source that the node's input is a function of, and the elementwise nodes between."""
    found: dict[ir.Node, None] = {}
    between: dict[ir.Node, None] = {}
    x = node_input(node, 0)
    waiting = [None if x is None else x.producer()]
    while waiting:
        reached = waiting.pop()
        if reached is None or len(between) > _MOST_NODES:
            return None
        if reached in sources and (dequantizes(reached) or has_trait(reached, Trait.CONTRACTS)):
            x = node_input(reached, 0)
            if not dequantizes(reached) or x is None or constant_or_none(x) is None:
                found[reached] = None
        elif not has_trait(reached, Trait.ELEMENTWISE):
            return None
        elif reached not in between:
            between[reached] = None
            read = [value for value in reached.inputs if value is not None]
            waiting += [value.producer() for value in read if constant_or_none(value) is None]
    return (next(iter(found)), list(between)) if len(found) == 1 else None


def _views_after(node: ir.Node) -> list[ir.Node]:
    """What alone reads the mean and only gives it another shape, one after the other."""
    views: list[ir.Node] = []
    view = sole_view(node.outputs[0])
    while view is not None and len(views) < _MOST_NODES:
        views.append(view)
        view = sole_view(view.outputs[0])
    return views
