"""A quantized graph's exact values: its float operators in float64, each result rounded to 8 bits once.

Between DequantizeLinear and QuantizeLinear a model says what is to be computed in real numbers, not how. This
is the yardstick for all who compute it, in float32 or in integers: `run` has only roundings that the model
asks for, and those of float64.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from numpy.lib.stride_tricks import sliding_window_view
from onnx import helper, numpy_helper
from onnx.reference.ops import load_op

Array = npt.NDArray[Any]
Attributes = dict[str, Any]

_TIE = 1e-9  # of a step: far more than the roundings of float64, far less than those of float32

# Without which onnx.reference makes no operator.
_PARAMETERS = {
    "log": lambda *_: None,
    "verbose": 0,
    "new_ops": None,
    "evaluator_cls": None,
    "existing_functions": {},
}


def run(model: onnx.ModelProto, feed: Mapping[str, Array], also: Sequence[str] = ()) -> dict[str, Array]:
    """The values of the graph's outputs, and of the tensors `also`, by name; what is real is float64.

    Operators are those of ONNX's own domain, without bodies.
    """
    graph = model.graph
    opset = next(imported.version for imported in model.opset_import if imported.domain in ("", "ai.onnx"))
    values: dict[str, Array | None] = {"": None}
    values |= {tensor.name: _real(numpy_helper.to_array(tensor)) for tensor in graph.initializer}
    values |= {name: _real(array) for name, array in feed.items()}
    wanted = [*(output.name for output in graph.output), *also]
    consumers = Counter([*(name for node in graph.node for name in node.input), *wanted])
    for node in graph.node:
        results = _compute(node, [values[name] for name in node.input], opset)
        values |= {name: _real(np.asarray(y)) for name, y in zip(node.output, results, strict=False)}
        for name in filter(None, node.input):
            consumers[name] -= 1
            if not consumers[name]:
                del values[name]
    return {name: array for name in wanted if (array := values[name]) is not None}


def _real(array: Array) -> Array:
    return array.astype(np.float64) if array.dtype in (np.float16, np.float32) else array


def _compute(node: onnx.NodeProto, inputs: list[Array | None], opset: int) -> Sequence[Array]:
    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    own = _OPERATORS.get(node.op_type)
    if own is not None:
        return [own(*inputs, **attributes)]
    operator = load_op(node.domain, node.op_type, opset)
    results: Sequence[Array] = operator(node, _PARAMETERS | {"opsets": {"": opset}}).run(*inputs)
    return results


def _along(values: Array, array: Array, axis: int) -> Array:
    """A vector, to be broadcast along an axis of the array; a single value as it is."""
    if values.size == 1:
        return values.reshape(())
    return values.reshape([-1 if place == axis % array.ndim else 1 for place in range(array.ndim)])


def _quantize(
    x: Array, scale: Array, zero_point: Array | None = None, axis: int = 1, output_dtype: int = 0, **_: Any
) -> Array:
    default = helper.tensor_dtype_to_np_dtype(output_dtype) if output_dtype else np.dtype(np.uint8)
    points = np.zeros(1, default) if zero_point is None else zero_point
    bounds = np.iinfo(points.dtype)
    steps = np.rint(_with_ties(x / _along(scale, x, axis))) + _along(points.astype(np.float64), x, axis)
    y: Array = np.clip(steps, bounds.min, bounds.max).astype(points.dtype)
    return y


def _with_ties(steps: Array) -> Array:
    """Numbers half way between two integers, where float64's own roundings moved them from there."""
    halves = np.rint(2 * steps) / 2
    return np.where(np.abs(steps - halves) < _TIE, halves, steps)


def _dequantize(x: Array, scale: Array, zero_point: Array | None = None, axis: int = 1, **_: Any) -> Array:
    steps = x.astype(np.float64)
    if zero_point is not None:
        steps -= _along(zero_point.astype(np.float64), x, axis)
    real: Array = steps * _along(scale, x, axis)
    return real


class _Window:
    """The attributes of a convolution or pool over `[N, C, *size]`."""

    def __init__(self, size: Sequence[int], kernel: Sequence[int], given: Attributes) -> None:
        rank = len(kernel)
        self.kernel = list(kernel)
        self.strides = list(given.get("strides", [1] * rank))
        self.dilations = list(given.get("dilations", [1] * rank))
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, self.dilations, strict=True)]
        auto = given.get("auto_pad", b"NOTSET").decode()
        pads = list(given.get("pads", [0] * 2 * rank))
        if auto.startswith("SAME"):
            total = [
                max((-(-s // stride) - 1) * stride + r - s, 0)
                for s, stride, r in zip(size, self.strides, reach, strict=True)
            ]
            less, more = [t // 2 for t in total], [t - t // 2 for t in total]
            pads = [*less, *more] if auto == "SAME_UPPER" else [*more, *less]
        self.before, self.after = pads[:rank], pads[rank:]
        self.reach = reach
        if given.get("ceil_mode", 0):
            for axis, length in enumerate(size):
                left = (length + self.before[axis] + self.after[axis] - reach[axis]) % self.strides[axis]
                fits = left and left + length > 0
                self.after[axis] += self.strides[axis] - left if fits else 0

    def of(self, x: Array, fill: float) -> Array:
        """`[N, C, *output, *kernel]`, a view of x padded with `fill`."""
        around = [(0, 0), (0, 0), *zip(self.before, self.after, strict=True)]
        padded = np.pad(x, around, constant_values=fill) if np.any(around) else x
        axes = tuple(range(2, x.ndim))
        windows = sliding_window_view(padded, self.reach, axes)
        steps = [slice(None, None, s) for s in self.strides]
        return windows[(slice(None), slice(None), *steps, *(slice(None, None, d) for d in self.dilations))]


def _conv(x: Array, w: Array, bias: Array | None = None, group: int = 1, **given: Any) -> Array:
    kernel = w.shape[2:]
    windows = _Window(x.shape[2:], kernel, given).of(x, 0)
    spatial = windows.shape[2 : x.ndim]
    n, k, c = x.shape[0], w.shape[0], x.shape[1]
    y = np.zeros((n, group, k // group, int(np.prod(spatial))))
    for tap in np.ndindex(*kernel):  # a matrix product for each, which takes no memory for the windows
        pixels = windows[(..., *tap)].reshape(n, group, c // group, -1)
        weights = w[(slice(None), slice(None), *tap)].reshape(group, k // group, c // group)
        y += weights * pixels if c == group and k == group else weights @ pixels
    y = y.reshape(n, k, *spatial)
    return y if bias is None else y + _along(bias, y, 1)


def _max_pool(x: Array, *, kernel_shape: Sequence[int], **given: Any) -> Array:
    signed = x.dtype.kind in "iu"
    least = np.iinfo(x.dtype).min if signed else -np.inf
    y: Array = (
        _Window(x.shape[2:], kernel_shape, given).of(x, least).max(axis=tuple(range(x.ndim, 2 * x.ndim - 2)))
    )
    return y


def _average_pool(
    x: Array, *, kernel_shape: Sequence[int], count_include_pad: int = 0, **given: Any
) -> Array:
    axes = tuple(range(x.ndim, 2 * x.ndim - 2))
    window = _Window(x.shape[2:], kernel_shape, given)
    counted = np.ones_like(x)
    if count_include_pad:
        pads = given.get("pads", [0] * 2 * len(kernel_shape))
        rank = len(kernel_shape)
        around = [(0, 0), (0, 0), *zip(pads[:rank], pads[rank:], strict=True)]
        inner = _Window(x.shape[2:], kernel_shape, given)
        inner.before = [0] * rank
        inner.after = [total - pad for total, pad in zip(inner.after, pads[rank:], strict=True)]
        counts = inner.of(np.pad(counted, around, constant_values=1), 0).sum(axis=axes)
    else:
        counts = window.of(counted, 0).sum(axis=axes)
    y: Array = window.of(x, 0).sum(axis=axes) / counts
    return y


def _global_average_pool(x: Array) -> Array:
    mean: Array = x.mean(axis=tuple(range(2, x.ndim)), keepdims=True)
    return mean


def _gemm(
    a: Array, b: Array, c: Array | None = None, alpha: float = 1, beta: float = 1, **transposed: int
) -> Array:
    a, b = a.T if transposed.get("transA") else a, b.T if transposed.get("transB") else b
    y = alpha * (a @ b)
    return y if c is None else y + beta * c


def _softmax(x: Array, axis: int = -1) -> Array:
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    y: Array = powers / powers.sum(axis=axis, keepdims=True)
    return y


def _hard_swish(x: Array) -> Array:
    return x * np.clip(x / 6 + 0.5, 0, 1)


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


_OPERATORS: dict[str, Callable[..., Array]] = {
    "AveragePool": _average_pool,
    "Conv": _conv,
    "DequantizeLinear": _dequantize,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_average_pool,
    "HardSwish": _hard_swish,
    "MatMul": np.matmul,
    "MaxPool": _max_pool,
    "QuantizeLinear": _quantize,
    "Sigmoid": _sigmoid,
    "Softmax": _softmax,
}
