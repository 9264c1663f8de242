"""Calls of functions with quantized nodes => the nodes: rules and passes look at the graph alone."""

from collections import Counter
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

import onnx
import onnx_ir as ir

from qudnn.converter.domain import DOMAIN
from qudnn.converter.graph.op_traits import Trait, has_trait, is_quantized_operator
from qudnn.converter.io import calls, files

_MOST_GROWTH = 4  # by how many times a model may grow
_FEW = 10_000  # nodes that it may have in any case
_DEEPEST = 100  # calls in one another

_Key = tuple[str, str, str]  # domain, name, overload


def read_inlined(proto: onnx.ModelProto) -> ir.Model:
    """The model, with the nodes of such functions in the place of their calls.

    onnxruntime does so with all functions before it looks for patterns (GraphPartitioner::InlineFunctionsAOT,
    graph_partitioner.cc, 1.30). Calls stay where a function is of other opsets than the model, where it has
    overloads or calls itself, or where the model would grow to many times its size.

    Raises ConversionError as files.to_ir does.
    """
    model = files.to_ir(proto)
    wanted = _wanted(model.functions)
    wanted = {key for key in wanted if _agrees(model.functions[key], model.opset_imports)}
    if not any(node.op_identifier() in wanted for node in model.graph.all_nodes()):
        return model
    sizes = _sizes(model, wanted)
    if sizes is None or sizes[1] > max(_MOST_GROWTH * sizes[0], _FEW):
        return model
    bare = calls.without_weights(proto)
    try:
        return files.to_ir(calls.inlined(bare, [key[:2] for key in wanted], proto))
    except RuntimeError:  # of the inliner, which onnxruntime's is not
        return model


def _wanted(functions: Mapping[_Key, ir.Function]) -> set[_Key]:
    """The functions that quantize, dequantize or compute with quantized tensors, and those that call them."""
    callers: dict[_Key, list[_Key]] = {}
    waiting: list[_Key] = []
    for key, function in functions.items():
        if function.domain == DOMAIN:
            continue
        for node in function.all_nodes():
            callers.setdefault(node.op_identifier(), []).append(key)
            if has_trait(node, Trait.CONVERTS) or is_quantized_operator(node):
                waiting.append(key)
    found: set[_Key] = set()
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += callers.get(key, [])
    names = Counter(key[:2] for key in functions)
    return {key for key in found if names[key[:2]] == 1}


def _agrees(function: ir.Function, imports: Mapping[str, int]) -> bool:
    return all(imports.get(domain, version) == version for domain, version in function.opset_imports.items())


def _sizes(model: ir.Model, wanted: set[_Key]) -> tuple[int, int] | None:
    """How many nodes the model has now, and its graph without calls of the functions that are wanted.

    None where functions call themselves, or one another in too long a row.
    """
    sorter: TopologicalSorter[_Key] = TopologicalSorter()
    called = {
        key: Counter(node.op_identifier() for node in model.functions[key].all_nodes()) for key in wanted
    }
    for key, counts in called.items():
        sorter.add(key, *(each for each in counts if each in wanted))
    sizes: dict[_Key, int] = {}
    depths: dict[_Key, int] = {}
    try:
        for key in sorter.static_order():
            sizes[key] = sum(sizes.get(each, 1) * count for each, count in called[key].items())
            depths[key] = 1 + max((depths.get(each, 0) for each in called[key]), default=0)
    except CycleError:
        return None
    if max(depths.values()) > _DEEPEST:
        return None
    in_graph = Counter(node.op_identifier() for node in model.graph.all_nodes())
    before = in_graph.total() + sum(counts.total() for counts in called.values())
    return before, sum(sizes.get(key, 1) * count for key, count in in_graph.items())
