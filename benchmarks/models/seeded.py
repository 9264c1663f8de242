"""Models whose weights come from seeds: a folder of them is small, and any machine fills them in.

A drawn weight is an integer between -127 and 127 times a factor. leave_out empties those initializers of
a model that are drawn: in float32, cast to float16, or quantized by onnxruntime's quantizer. fill writes them
again. Only integers are drawn, so that no processor and no version of NumPy rounds them in another way.
"""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

SPREAD = 36.9  # the standard deviation of what is drawn
_KEY = "seeded weights"
_FACTORS = ".factors"  # ends the name of the initializer that holds them while a model is empty
_QUANTIZED, _SCALE, _ZERO_POINT = "_quantized", "_scale", "_zero_point"  # as the quantizer names them
_TYPES: dict[int, Any] = {onnx.TensorProto.FLOAT: np.float32, onnx.TensorProto.FLOAT16: np.float16}

Integers = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float32]


class Draw(NamedTuple):
    """Integers `shape` from a seed. Their first axis is that of the channels of a layer's result."""

    seed: int
    shape: tuple[int, ...]

    def integers(self) -> Integers:
        """Near a normal distribution: of each four random bytes the mean, with another center."""
        count = math.prod(self.shape)
        drawn = np.frombuffer(np.random.RandomState(self.seed).bytes(4 * count), np.uint8)
        sums = drawn.reshape(count, 4).sum(axis=1, dtype=np.int16) - 510
        integers: Integers = np.maximum(sums >> 2, -127).astype(np.int8).reshape(self.shape)
        return integers


class Recipe(NamedTuple):
    """How a float32 initializer is made. factors: one a channel. transposed: a matmul's `[in, out]`."""

    draw: Draw
    factors: Floats
    transposed: bool

    def values(self) -> Floats:
        by_channel = self.factors.reshape(-1, *[1] * (len(self.draw.shape) - 1))
        values = self.draw.integers() * by_channel
        return np.ascontiguousarray(values.T) if self.transposed else values


def draw_weights(model: onnx.ModelProto, draws: Iterable[Draw]) -> dict[str, Recipe]:
    """The recipes of the model's initializers that are, but for a factor for each channel, one of draws.

    These become exactly what their recipes give: exporters fold a batch norm's factor with rounding.
    """
    by_size: dict[int, list[Draw]] = {}
    for draw in draws:
        by_size.setdefault(math.prod(draw.shape), []).append(draw)
    found = {}
    for tensor in model.graph.initializer:
        candidates = by_size.get(math.prod(tensor.dims), [])
        if tensor.data_type != onnx.TensorProto.FLOAT or not candidates:
            continue
        values = numpy_helper.to_array(tensor)
        for draw in candidates:
            recipe = _recipe(values, draw)
            if recipe is not None:
                tensor.CopyFrom(numpy_helper.from_array(recipe.values(), tensor.name))
                found[tensor.name] = recipe
                candidates.remove(draw)
                break
    return found


def redraw(model: onnx.ModelProto, least: int) -> dict[str, Recipe]:
    """Draw the float32 weights of convolutions and matmuls anew that have `least` elements, or more.

    Each channel keeps its spread. Returns their recipes.
    """
    transposed = {
        node.input[1]: node.op_type == "MatMul" or not _attribute(node, "transB")
        for node in model.graph.node
        if node.op_type in ("MatMul", "Gemm")
    }
    weights = {node.input[1] for node in model.graph.node if node.op_type == "Conv"} | set(transposed)
    found: dict[str, Recipe] = {}
    for tensor in model.graph.initializer:
        if tensor.name not in weights or math.prod(tensor.dims) < least:
            continue
        if tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        turned = values.ndim == 2 and transposed.get(tensor.name, False)
        rows = values.T if turned else values
        factors = rows.reshape(len(rows), -1).std(axis=1) / np.float32(SPREAD)
        recipe = Recipe(Draw(len(found), rows.shape), factors.astype(np.float32), turned)
        tensor.CopyFrom(numpy_helper.from_array(recipe.values(), tensor.name))
        found[tensor.name] = recipe
    return found


def _attribute(node: onnx.NodeProto, name: str) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == name), 0)


def _recipe(values: Floats, draw: Draw) -> Recipe | None:
    transposed = values.shape != draw.shape
    if transposed and values.T.shape != draw.shape:
        return None
    integers = draw.integers().reshape(draw.shape[0], -1)
    rows = (values.T if transposed else values).reshape(integers.shape)
    each, largest = np.arange(len(rows)), np.abs(integers).argmax(axis=1)
    factors = (rows[each, largest] / integers[each, largest]).astype(np.float32)
    if not np.allclose(integers * factors[:, None], rows, rtol=1e-4, atol=1e-6 * float(np.abs(rows).max())):
        return None
    return Recipe(draw, factors, transposed)


def leave_out(model: onnx.ModelProto, recipes: Mapping[str, Recipe]) -> int:
    """Empty the initializers that fill makes again, bit for bit; how many bytes all take then."""
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    entries, factors = [], []
    for name, recipe in recipes.items():
        for tensor in filter(None, (tensors.get(name), tensors.get(name + _QUANTIZED))):
            entry = {
                "name": tensor.name,
                "seed": recipe.draw.seed,
                "shape": recipe.draw.shape,
                "transposed": recipe.transposed,
            }
            present = numpy_helper.to_array(tensor)
            made = _made(entry, recipe.factors, tensors)
            if made.dtype != present.dtype or made.tobytes() != present.tobytes():
                continue
            tensor.CopyFrom(onnx.TensorProto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims))
            entries.append(entry)
            factors.append(numpy_helper.from_array(recipe.factors, tensor.name + _FACTORS))
    model.graph.initializer.extend(factors)
    model.metadata_props.add(key=_KEY, value=json.dumps(entries))
    return sum(tensor.ByteSize() for tensor in model.graph.initializer)


def fill(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model itself, with the weights that were left out."""
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    properties = [each for each in model.metadata_props if each.key == _KEY]
    for entry in json.loads(properties[0].value) if properties else ():
        factors = tensors[entry["name"] + _FACTORS]
        made = _made(entry, numpy_helper.to_array(factors), tensors)
        tensors[entry["name"]].CopyFrom(numpy_helper.from_array(made, entry["name"]))
        model.graph.initializer.remove(factors)
    for each in properties:
        model.metadata_props.remove(each)
    return model


def _made(
    entry: Mapping[str, Any], factors: Floats, tensors: Mapping[str, onnx.TensorProto]
) -> npt.NDArray[Any]:
    """An initializer's values; of a quantized one those that round(values / scale) + zero point gives."""
    draw = Draw(entry["seed"], tuple(entry["shape"]))
    values = Recipe(draw, factors, entry["transposed"]).values()
    name = str(entry["name"])
    if not name.endswith(_QUANTIZED):
        return values.astype(_TYPES.get(tensors[name].data_type, np.float32))
    base = name.removesuffix(_QUANTIZED)
    scale, zero = (numpy_helper.to_array(tensors[base + end]) for end in (_SCALE, _ZERO_POINT))
    if scale.ndim and not entry["transposed"]:
        scale, zero = (each.reshape(-1, *[1] * (values.ndim - 1)) for each in (scale, zero))
    kind = np.iinfo(zero.dtype)
    rounded = np.rint(values / scale) + zero.astype(np.float32)
    quantized: npt.NDArray[Any] = np.clip(rounded, kind.min, kind.max).astype(zero.dtype)
    return quantized
