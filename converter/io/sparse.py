"""Sparse initializers => dense ones."""

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from qudnn.converter.domain import graphs_in
from qudnn.converter.errors import ConversionError
from qudnn.converter.failures import shown, text_of

_LARGEST = 2_000_000_000  # bytes of the dense tensors of a model; a protobuf message ends at 2 GB
_INDICES = (np.int8, np.int16, np.int32, np.int64)


def with_dense_initializers(proto: onnx.ModelProto) -> onnx.ModelProto:
    """proto, or a copy of it in which each sparse initializer is a dense one.

    That is what onnxruntime makes of them where it reads a model (SparseTensorProtoToDenseTensorProto in
    tensorprotoutils.cc, 1.31): values of shape [count] and indices of shape [count], of the flat tensor, or
    [count, rank]; of several values at one index the last counts, and of a dense and a sparse initializer
    of one name the latter. Raises ConversionError where they are not valid, or too large to be dense.
    """
    found = [sparse for graph in _graphs(proto.graph) for sparse in graph.sparse_initializer]
    if not found:
        return proto
    if (size := sum(map(_size, found))) > _LARGEST:
        raise ConversionError(
            f"the model's sparse initializers have {size} bytes as dense ones, more than {_LARGEST}: "
            "store them as dense initializers first, in a file beside the model"
        )
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    for graph in _graphs(copy.graph):
        _make_dense(graph)
    return copy


def _make_dense(graph: onnx.GraphProto) -> None:
    dense: dict[str, onnx.TensorProto] = {}
    for sparse in graph.sparse_initializer:
        name = sparse.values.name
        if not name or name in dense:
            raise _invalid(sparse, "it has the name of another" if name else "it has no name")
        dense[name] = numpy_helper.from_array(_dense(sparse), name)
    if not dense:
        return
    kept = [tensor for tensor in graph.initializer if tensor.name not in dense]
    if len(kept) < len(graph.initializer):
        kept = [onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in kept]
        del graph.initializer[:]
        graph.initializer.extend(kept)
    graph.initializer.extend(dense.values())
    del graph.sparse_initializer[:]


def _dense(sparse: onnx.SparseTensorProto) -> NDArray[Any]:
    values, indices = _array(sparse, sparse.values), _array(sparse, sparse.indices)
    shape = tuple(sparse.dims)
    count, rank = values.size, len(shape)
    if values.ndim != 1 or indices.dtype not in _INDICES or indices.shape not in ((count,), (count, rank)):
        raise _invalid(
            sparse, f"values {list(values.shape)} at {indices.dtype} indices {list(indices.shape)}"
        )
    sizes = (prod(shape),) if indices.ndim == 1 else shape
    places = indices.reshape(count, len(sizes)).astype(np.int64)
    if ((places < 0) | (places >= sizes)).any():
        raise _invalid(sparse, f"an index is outside of its shape {list(shape)}")
    dense = np.zeros(sizes, values.dtype)
    dense[tuple(places.T)] = values
    return dense.reshape(shape)


def _array(sparse: onnx.SparseTensorProto, tensor: onnx.TensorProto) -> NDArray[Any]:
    try:
        return numpy_helper.to_array(tensor)
    except Exception as error:  # whatever onnx finds wrong with it
        raise _invalid(sparse, text_of(error)) from error


def _size(sparse: onnx.SparseTensorProto) -> int:
    """Bytes of the dense tensor."""
    if any(size < 0 for size in sparse.dims):
        raise _invalid(sparse, f"its shape is {list(sparse.dims)}")
    try:
        dtype = onnx.helper.tensor_dtype_to_np_dtype(sparse.values.data_type)
    except KeyError:
        raise _invalid(sparse, f"its type is {sparse.values.data_type}") from None
    size: int = prod(sparse.dims) * dtype.itemsize
    return size


def _invalid(sparse: onnx.SparseTensorProto, why: str) -> ConversionError:
    return ConversionError(
        f"the model is not valid: the sparse initializer {shown(sparse.values.name)}: {why}"
    )


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """The graph and those inside of it."""
    waiting = [graph]
    while waiting:
        each = waiting.pop()
        yield each
        for node in each.node:
            waiting += graphs_in(node)
