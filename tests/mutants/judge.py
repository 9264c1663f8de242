"""What has to hold of the conversion of any model that onnxruntime's CPU provider opens."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from cases.builder import Array
from mutants.declared import are_as_declared, without_false_sizes
from mutants.difference import difference, differing
from qudnn import converter
from qudnn.converter.failures import shown
from qudnn.converter.frontends import QUANTIZED
from session import CPU, session_options

_SIZES = (2, 1, 3)  # of what is symbolic
_MOST_ELEMENTS = 1_000_000  # of an input


class Fault(Exception):  # noqa: N818
    """What does not hold. Its first argument is a short name of the kind."""


class Verdict(NamedTuple):
    """opens: whether onnxruntime opens the original. runs: whether it computed something with it.

    converted: how many ops of qudnn the converted model has. refused: the ConversionError, "" if none came.
    """

    opens: bool = False
    runs: bool = False
    converted: int = 0
    refused: str = ""


Say = Callable[[str], None]


def judge(model: onnx.ModelProto, say: Say) -> Verdict:
    """Raises Fault. say: is told what comes next; what comes of "original" is not the converter's doing.

    A model that onnxruntime opens, but cannot run with any of the inputs tried, need not open converted.
    """
    say("original")
    original = _opened(model)
    say("convert")
    conversion = _converted(model)
    if isinstance(conversion, str):
        return Verdict(original is not None, refused=conversion)
    _assert_told(model, conversion)
    ops = sum(conversion.report.converted.values())
    if original is None:
        return Verdict(converted=ops)
    for entry in conversion.report.left:
        if "rule failed" in entry.reason or not entry.reason:
            raise Fault("rule failed", f"{entry.op_type}: {entry.reason}")
    say("original")
    feeds = [feed for size in _SIZES for feed in _feeds(model, size)]
    expected = [
        (feed, result)
        for feed in feeds
        if (result := _run(original, feed)) is not None and are_as_declared(result, model)
    ]
    say("open")
    session = _opened(conversion.model)
    if session is None and not expected:
        return Verdict(True, False, ops)
    if session is None:
        session = _open(conversion.model, onnxruntime.SessionOptions())
    say("original")
    if _quantizes_by_zero(model.graph):
        return Verdict(True, False, ops)
    if expected and differing(expected[0][1], _run(original, expected[0][0]) or {}):
        return Verdict(True, False, ops)  # not the same each time
    say("run")
    for feed, want in expected:
        with _as_fault("does not run"):
            got = dict(zip(want, session.run(list(want), feed), strict=True))
        different = differing(want, got)
        uncovered = different - _covered(model, conversion)
        if uncovered:  # by default, onnxruntime may decide otherwise what to compute in integers
            also = _run(_open(model, onnxruntime.SessionOptions()), feed)
            uncovered &= differing(also or want, got)
        if uncovered and (corrected := without_false_sizes(model, feed)) is not None:
            uncovered &= differing(_run(_open(corrected, session_options(corrected)), feed) or want, got)
        if uncovered:
            name = min(uncovered)
            raise Fault("other bits", f"{name}: {difference(want[name], got[name])}")
    return Verdict(True, bool(expected), ops)


def _converted(model: onnx.ModelProto) -> "converter.Conversion | str":
    before = model.SerializeToString(deterministic=True)
    try:
        conversion = converter.convert(model)
        str(conversion.report)
    except converter.ConversionError as error:
        return str(error) or "no reason"
    except Exception as error:
        raise Fault("raises", f"{type(error).__name__}: {error}") from error
    if model.SerializeToString(deterministic=True) != before:
        raise Fault("argument changed", "")
    return conversion


def _assert_told(model: onnx.ModelProto, conversion: converter.Conversion) -> None:
    """Every quantized node that leads to an output and is still there is in the report.

    Of those that only quantize or dequantize some may be: pairs that change nothing are no matter.
    """
    report = conversion.report
    if report.already:
        return
    told = {(entry.name, entry.op_type) for entry in report.left}
    needed = _needed(model.graph)
    still = {(_name(node), node.op_type) for node in conversion.model.graph.node}
    quantized = [node for node in needed if (node.domain, node.op_type) in QUANTIZED]
    left = {(_name(node), node.op_type) for node in quantized} & still
    missing = {(name, op) for name, op in left - told if op not in _PAIRS}
    if missing or (left and not report.converted and not report.left):
        raise Fault("not told", str(min(missing or left)))


_PAIRS = ("QuantizeLinear", "DequantizeLinear")


def _quantizes_by_zero(graph: onnx.GraphProto) -> bool:
    """Whether a QuantizeLinear has a scale of 0: of 0 it makes NaN, and of that any integer."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    scales = [constants.get(node.input[1]) for node in graph.node if node.op_type == "QuantizeLinear"]
    return not all(numpy_helper.to_array(scale).all() for scale in scales if scale is not None)


def _needed(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The nodes that lead to an output, in any order."""
    producers = {output: node for node in graph.node for output in node.output if output}
    waiting = [value.name for value in graph.output]
    found: dict[str, onnx.NodeProto] = {}
    while waiting:
        node = producers.get(waiting.pop())
        if node is not None and node.output[0] not in found:
            found[node.output[0]] = node
            waiting += _read(node)
    return list(found.values())


def _name(node: onnx.NodeProto) -> str:
    """As reports have it."""
    return shown(node.name or (node.output[0] if node.output else ""))


def _covered(model: onnx.ModelProto, conversion: converter.Conversion) -> set[str]:
    """The outputs that what the report calls approximate leads to, in one of the models.

    What is in a body has the path there as its name: NODE/ATTRIBUTE/NAME.
    """
    noted = {entry.name for entry in conversion.report.approximate}
    reached: set[str] = set()
    for graph in (model.graph, conversion.model.graph):
        values: set[str] = set()
        for _ in range(2):  # mutants need not be sorted
            for node in graph.node:
                if _is_noted(node, noted) or not values.isdisjoint(_read(node)):
                    values.update(node.output)
        reached |= values
    return reached


def _is_noted(node: onnx.NodeProto, noted: set[str]) -> bool:
    has_bodies = any(attribute.HasField("g") for attribute in node.attribute)
    inside = f"{_name(node)}/"
    return _name(node) in noted or (has_bodies and any(name.startswith(inside) for name in noted))


def _read(node: onnx.NodeProto) -> Iterator[str]:
    yield from node.input
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                yield from _read(inner)


def _opened(model: onnx.ModelProto) -> onnxruntime.InferenceSession | None:
    """As the other tests open models, if onnxruntime lets that be, or else as anybody does."""
    for options in (session_options, lambda _: onnxruntime.SessionOptions()):
        try:
            return _open(model, options(model))
        except Exception:
            continue
    return None


def _open(model: onnx.ModelProto, options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    with _as_fault("does not open"):
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=[CPU])


@contextmanager
def _as_fault(kind: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise Fault(kind, f"{type(error).__name__}: {error}") from error


def _feeds(model: onnx.ModelProto, size: int) -> list[dict[str, Array]]:
    """One set of inputs with this size in the place of those that are symbolic; none if it cannot be."""
    constants = {tensor.name for tensor in model.graph.initializer}
    rng = np.random.default_rng(size)
    feed: dict[str, Array] = {}
    for value in model.graph.input:
        if value.name in constants:
            continue
        tensor = value.type.tensor_type
        shape = [axis.dim_value if axis.HasField("dim_value") else size for axis in tensor.shape.dim]
        if min(shape, default=0) < 0 or np.prod(shape, dtype=np.float64) > _MOST_ELEMENTS:
            return []
        try:
            dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        except KeyError:
            return []
        feed[value.name] = _random(rng, np.dtype(dtype), shape)
    return [feed]


def _random(rng: np.random.Generator, dtype: np.dtype[Any], shape: Sequence[int]) -> Array:
    if dtype.kind in "iu" and dtype.itemsize == 1:
        bounds = np.iinfo(dtype)
        return rng.integers(bounds.min, bounds.max, shape, endpoint=True).astype(dtype)
    if dtype.kind in "iub":
        return rng.integers(0, 2, shape).astype(dtype)
    return rng.normal(0, 3, shape).astype(dtype)


def _run(session: onnxruntime.InferenceSession, feed: dict[str, Array]) -> dict[str, Any] | None:
    names = [output.name for output in session.get_outputs()]
    try:
        return dict(zip(names, session.run(names, feed), strict=True))
    except Exception:
        return None
