"""Calls of a model's functions => what the functions compute."""

from collections.abc import Collection, Iterable

import onnx
import onnx.inliner


def without_weights(proto: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose initializers have types and shapes alone: 2 GB is the most that onnx's inliner takes."""
    bare = onnx.ModelProto()
    _copy(proto, bare, "graph")
    _copy(proto.graph, bare.graph, "initializer")
    for tensor in proto.graph.initializer:
        bare.graph.initializer.add(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)
    return bare


def inlined(
    bare: onnx.ModelProto, functions: Collection[tuple[str, str]], proto: onnx.ModelProto
) -> onnx.ModelProto:
    """The model `bare` without calls of these functions (domain, name), and with proto's initializers."""
    result = onnx.inliner.inline_selected_functions(bare, list(functions))
    del result.graph.initializer[:]
    result.graph.initializer.extend(proto.graph.initializer)
    return result


def _copy(
    message: onnx.ModelProto | onnx.GraphProto, to: onnx.ModelProto | onnx.GraphProto, without: str
) -> None:
    for field, value in message.ListFields():
        if field.name == without:
            continue
        if isinstance(value, str | bytes | int | float):
            setattr(to, field.name, value)
        elif isinstance(value, Iterable):
            getattr(to, field.name).extend(value)
        else:
            getattr(to, field.name).CopyFrom(value)
