"""Changes of constants: numbers, types, shapes, and where they stand."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from mutants.draw import chance, one

Rng = np.random.Generator

_REAL = (0.0, -0.0, -0.1, 1e-45, 1e-20, 0.004, 1.0, 1e20, 3e38, float("nan"), float("inf"), -float("inf"))
_WHOLE = (-(2**63), -(2**31), -129, -128, -2, -1, 0, 0, 1, 2, 3, 127, 128, 255, 2**31 - 1, 2**63 - 1)
_DTYPES = ("float32", "float16", "float64", "uint8", "int8", "int32", "int64", "uint16", "bool")


def _initializer(model: onnx.ModelProto, rng: Rng, small: bool = False) -> TensorProto | None:
    """Any; small: a scale or zero point more probably."""
    found = list(model.graph.initializer)
    if small and chance(rng, 0.7):
        found = [tensor for tensor in found if np.prod(tensor.dims) <= 8] or found
    return one(rng, found) if found else None


def _array(tensor: TensorProto) -> NDArray[Any] | None:
    try:
        return numpy_helper.to_array(tensor)
    except Exception:  # a change before broke it
        return None


def _change(
    model: onnx.ModelProto, rng: Rng, function: Callable[[NDArray[Any]], NDArray[Any]], small: bool = False
) -> None:
    tensor = _initializer(model, rng, small)
    array = None if tensor is None else _array(tensor)
    if tensor is not None and array is not None:
        tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(function(array)), tensor.name))


def change_number(model: onnx.ModelProto, rng: Rng) -> None:
    """One element of a constant, or all."""

    def changed(array: NDArray[Any]) -> NDArray[Any]:
        array = array.copy()
        if array.dtype.kind == "f":
            value: Any = one(rng, _REAL)
        elif array.dtype.kind in "iu":
            bounds = np.iinfo(array.dtype)
            value = min(max(one(rng, _WHOLE), int(bounds.min)), int(bounds.max))
        else:
            return array
        with np.errstate(all="ignore"):
            if array.size and chance(rng, 0.5):
                array.reshape(-1)[rng.integers(array.size)] = value
            else:
                array[...] = value
        return array

    _change(model, rng, changed, small=True)


def change_dtype(model: onnx.ModelProto, rng: Rng) -> None:
    dtype = one(rng, _DTYPES)
    with np.errstate(all="ignore"):
        _change(model, rng, lambda array: array.astype(dtype), small=True)


def change_shape(model: onnx.ModelProto, rng: Rng) -> None:
    def changed(array: NDArray[Any]) -> NDArray[Any]:
        size = array.size
        shapes: list[tuple[int, ...]] = [(size,), (size, 1), (1, size), (1, 1, size), (1, size, 1, 1)]
        if size == 1:
            shapes += [(), (1, 1), (1,)]
        return array.reshape(one(rng, shapes))

    _change(model, rng, changed, small=chance(rng, 0.5))


def change_length(model: onnx.ModelProto, rng: Rng) -> None:
    """Some more or fewer along an axis, or none, or as many as another has."""

    def changed(array: NDArray[Any]) -> NDArray[Any]:
        if not array.ndim:
            return np.repeat(array, one(rng, [1, 2, 4]))
        axis = int(rng.integers(array.ndim))
        count = one(rng, [0, 1, 2, array.shape[axis] - 1, array.shape[axis] + 1, 2 * array.shape[axis]])
        places = np.arange(max(count, 0)) % max(array.shape[axis], 1)
        return np.take(array, places, axis) if array.shape[axis] else array

    _change(model, rng, changed, small=chance(rng, 0.5))


def break_storage(model: onnx.ModelProto, rng: Rng) -> None:
    """Dimensions and bytes that do not fit, or a type that is none."""
    tensor = _initializer(model, rng)
    if tensor is None:
        return
    kind = rng.integers(5)
    if kind == 0 and tensor.dims:
        tensor.dims[0] = one(rng, [0, -1, 1, 2**40, 2**62])
    elif kind == 1:
        tensor.data_type = one(rng, [0, 1, 2, 3, 6, 7, 8, 16, 21, 22, 99])
    elif kind == 2:
        tensor.raw_data = tensor.raw_data[: len(tensor.raw_data) // 2]
    elif kind == 3:
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="missing.bin")
    else:
        store_by_number(model, rng)


def store_by_number(model: onnx.ModelProto, rng: Rng) -> None:
    """Without raw_data."""
    tensor = _initializer(model, rng)
    array = None if tensor is None else _array(tensor)
    if tensor is not None and array is not None and array.dtype.kind in "iuf":
        flat = array.reshape(-1).tolist()
        tensor.CopyFrom(helper.make_tensor(tensor.name, tensor.data_type, array.shape, flat))


def to_node(model: onnx.ModelProto, rng: Rng) -> None:
    """An initializer becomes a Constant, before all nodes or last."""
    places = range(len(model.graph.initializer))
    if places:
        place = one(rng, places)
        tensor = model.graph.initializer[place]
        node = helper.make_node("Constant", [], [tensor.name], value=tensor)
        del model.graph.initializer[place]
        model.graph.node.insert(0 if chance(rng, 0.9) else len(model.graph.node), node)


def all_to_nodes(model: onnx.ModelProto, rng: Rng) -> None:
    """As exporters write them: each before the node that reads it first."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        for name in node.input:
            if name in constants:
                nodes.append(helper.make_node("Constant", [], [name], value=constants.pop(name)))
        nodes.append(node)
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    left = [onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in constants.values()]
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(left)


def to_input(model: onnx.ModelProto, rng: Rng) -> None:
    """An initializer that is an input too, a default of it; or an input alone."""
    tensor = _initializer(model, rng)
    if tensor is not None:
        model.graph.input.add().CopyFrom(
            helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
        )
        if chance(rng, 0.5):
            model.graph.initializer.remove(tensor)


def all_to_inputs(model: onnx.ModelProto, rng: Rng) -> None:
    """As IR version 3 wants it."""
    for tensor in model.graph.initializer:
        model.graph.input.add().CopyFrom(
            helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
        )
    if not model.functions and chance(rng, 0.7):
        model.ir_version = 3


def duplicate(model: onnx.ModelProto, rng: Rng) -> None:
    """A second initializer, of the same name or another."""
    tensor = _initializer(model, rng)
    if tensor is not None:
        again = model.graph.initializer.add()
        again.CopyFrom(tensor)
        if chance(rng, 0.7):
            again.name += "_again"


def through_node(model: onnx.ModelProto, rng: Rng) -> None:
    """A constant that a node gives on as it is."""
    tensor = _initializer(model, rng, small=chance(rng, 0.5))
    if tensor is not None:
        op_type = one(rng, ["Identity", "Identity", "Cast", "Reshape"])
        before = [f"{tensor.name}_before"]
        if op_type == "Reshape":
            shape = numpy_helper.from_array(np.array(list(tensor.dims), np.int64), f"{tensor.name}_shape")
            model.graph.initializer.append(shape)
            before.append(shape.name)
        node = helper.make_node(op_type, before, [tensor.name])
        if op_type == "Cast":
            node.attribute.append(helper.make_attribute("to", tensor.data_type))
        for other in model.graph.initializer:
            if other.name == tensor.name:
                other.name = before[0]
        model.graph.node.insert(0, node)


CHANGES: Sequence[Callable[[onnx.ModelProto, Rng], None]] = (
    change_number, change_number, change_number, change_dtype, change_dtype, change_shape, change_shape,
    change_length, break_storage, store_by_number, to_node, all_to_nodes, to_input, all_to_inputs, duplicate,
    through_node,
)  # fmt: skip
