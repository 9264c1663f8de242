"""Whether a model's work can be captured in a CUDA graph: a graph repeats it step by step, with new values.

So what a value decides - how many elements there are, which branch runs - has to be the same in each run, and
everything but the arithmetic on shapes has to be on the GPU.
"""

from collections.abc import Sequence
from typing import Any

import onnx
import onnxruntime

from qudnn.converter.domain import DOMAIN
from qudnn.converter.errors import ConversionError
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.io.proto import load_proto, parse_proto
from qudnn.custom_ops.opened import Model
from qudnn.custom_ops.profile import ON_SHAPES
from qudnn.custom_ops.registration import CUDA, Providers

ENABLE = "enable_cuda_graph"  # an option of onnxruntime's CUDA provider
RECORD = "session.record_ep_graph_assignment_info"  # a session config entry, onnxruntime 1.24

_CPU = "CPUExecutionProvider"
_INSTEAD = "open the session without cuda_graph"
_NAMED = 4  # nodes in a message

_CONTROL_FLOW = ("If", "Loop", "Scan", "SequenceMap")
_VALUES_DECIDE_SIZES = ("Compress", "NonMaxSuppression", "NonZero", "StringSplit", "Unique")

# Inputs that say how large a result is, or which elements it has, by their places. onnxruntime reads them on
# the CPU, when the graph is captured and not when it is replayed.
_SIZES = {
    "AffineGrid": (1,),
    "CenterCropPad": (1,),
    "ConstantOfShape": (0,),
    "CumSum": (1,),
    "DFT": (1, 2),
    "Expand": (1,),
    "MaxUnpool": (2,),
    "OneHot": (1,),
    "Pad": (1, 3),
    "Range": (0, 1, 2),
    "Reshape": (1,),
    "Resize": (1, 2, 3),
    "Slice": (1, 2, 3, 4),
    "Split": (1,),
    "SplitToSequence": (1,),
    "Squeeze": (1,),
    "STFT": (1, 3),
    "Tile": (1,),
    "TopK": (1,),
    "Trilu": (1,),
    "Unsqueeze": (1,),
    "Upsample": (1,),
}

_ELEMENTS = {
    *("tensor(float)", "tensor(double)", "tensor(float16)", "tensor(bool)"),
    *(f"tensor({sign}int{bits})" for sign in ("", "u") for bits in (8, 16, 32, 64)),
}


class GraphCaptureError(RuntimeError):
    """A session with cuda_graph=True that cannot be; says what is in the way and what to do."""


def read(model: Model) -> onnx.ModelProto | None:
    """The model, without weights in other files; None where it cannot be read: onnxruntime says why."""
    try:
        return parse_proto(model) if isinstance(model, bytes) else load_proto(model)
    except ConversionError:
        return None


def obstacle(model: onnx.ModelProto) -> str:
    """What in a model keeps it from being captured, "" where nothing is seen.

    onnxruntime refuses more models when it opens them: see `is_refusal`.
    """
    known = {tensor.name for tensor in model.graph.initializer}
    known |= {tensor.values.name for tensor in model.graph.sparse_initializer}
    for node in model.graph.node:
        reason = _reason(node)
        for place, name in enumerate(node.input) if not reason else ():
            if name and name not in known and place in _sizes(node):
                reason = f"its sizes or axes, input {place} {name!r}, are computed of values"
        if reason:
            return f"{_named(node)}: {reason}"
        if is_onnx(node, "Shape", "Size", "Constant") or all(name in known for name in node.input if name):
            known.update(node.output)
    for function in model.functions:
        for node in () if function.domain == DOMAIN else function.node:
            if reason := _reason(node):
                return f"{_named(node)} in function {function.name!r}: {reason}"
    return ""


def _sizes(node: onnx.NodeProto) -> tuple[int, ...]:
    """The places of the inputs that onnxruntime reads on the CPU."""
    if not is_onnx(node, node.op_type):
        return ()
    return (1,) if node.op_type.startswith("Reduce") else _SIZES.get(node.op_type, ())


def _reason(node: onnx.NodeProto) -> str:
    """Why a node of this kind cannot be captured."""
    if is_onnx(node, *_CONTROL_FLOW):
        return "which of its nodes run depends on values"
    if is_onnx(node, *_VALUES_DECIDE_SIZES):
        return "how many results it has depends on values"
    if has_trait(node, Trait.RANDOM) and not has_trait(node, Trait.NO_EFFECT):
        return "its random numbers would be the same in each run"
    return ""


def obstacle_of_session(session: onnxruntime.InferenceSession, model: onnx.ModelProto | None) -> str:
    """What in an open session keeps its model from being captured, "" where nothing does."""
    if CUDA not in session.get_providers():
        return "onnxruntime has put the session on the CPU, its log says why"
    return without_buffers(session) or off_the_gpu(session, model)


def device(session: onnxruntime.InferenceSession) -> tuple[str, int]:
    """Where the session's GPU buffers lie: onnxruntime's name of the kind, and the number."""
    return "cuda", int(session.get_provider_options()[CUDA].get("device_id", 0))


def without_buffers(session: onnxruntime.InferenceSession) -> str:
    """Which input or result has no buffer of numbers, "" where all have."""
    for kind, values in (("input", session.get_inputs()), ("result", session.get_outputs())):
        for value in values:
            if value.type not in _ELEMENTS:
                return f"{kind} {value.name!r} is a {value.type}"
    return ""


def off_the_gpu(session: onnxruntime.InferenceSession, model: onnx.ModelProto | None) -> str:
    """Which inputs or results of a session on the GPU are read or written on the CPU, "" where none is.

    A graph would take no notice of such an input's next values. Older runtimes than 1.24 do not tell.
    """
    nodes = model.graph.node if model is not None else ()
    used = {name for node in nodes for name in (*node.input, *node.output)}
    for kind, values, get in (
        ("input", session.get_inputs(), "get_input_memory_infos"),
        ("result", session.get_outputs(), "get_output_memory_infos"),
    ):
        for value, memory in zip(values, getattr(session, get, list)(), strict=False):
            if value.name in used and memory.name.lower().startswith("cpu"):
                return f"{kind} {value.name!r} is on the CPU"
    return ""


def is_refusal(error: Exception) -> bool:
    """Whether onnxruntime refuses to capture the model (1.31: InferenceSession::Initialize)."""
    return "graph capture feature" in str(error)


def nodes_on_the_cpu(session: onnxruntime.InferenceSession) -> list[str]:
    """The nodes that a session made with the entry `RECORD` has on the CPU; those on shapes if there are no
    others. Empty where onnxruntime does not tell."""
    try:
        parts = session.get_provider_graph_assignment_info()
    except Exception:  # AttributeError before 1.24, onnxruntime's own without the entry
        return []
    nodes = [node for part in parts if part.ep_name == _CPU for node in part.get_nodes()]
    others = [node for node in nodes if node.op_type not in ON_SHAPES]
    return [_named(node) for node in others or nodes]


def with_capture(
    providers: Providers | None, provider_options: Sequence[dict[str, Any]] | None
) -> list[tuple[str, dict[str, Any]]]:
    """The providers and their options, with that of CUDA that captures; CUDA and the CPU if none are given.

    Raises ValueError where there are not as many options as providers.
    """
    given = [entry if isinstance(entry, tuple) else (entry, {}) for entry in providers or (CUDA, _CPU)]
    if provider_options:
        given = [(name, own) for (name, _), own in zip(given, provider_options, strict=True)]
    return [(name, {**options, ENABLE: "1"} if name == CUDA else dict(options)) for name, options in given]


def without_capture(providers: Sequence[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """What `with_capture` made, so that onnxruntime opens a model that it does not capture."""
    return [(name, {**options, ENABLE: "0"} if name == CUDA else options) for name, options in providers]


def cannot(what: str) -> GraphCaptureError:
    """The error for this obstacle."""
    return GraphCaptureError(f"cuda_graph=True: {what}; {_INSTEAD}")


def refused(error: Exception, on_the_cpu: Sequence[str]) -> GraphCaptureError:
    """The error where onnxruntime refuses: names nodes, as far as they are known."""
    if not on_the_cpu:
        return cannot(f"onnxruntime cannot capture the model ({error})")
    more = len(on_the_cpu) - _NAMED
    names = ", ".join(on_the_cpu[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    return cannot(f"onnxruntime has a part of the model on the CPU: {names}")


def _named(node: Any) -> str:
    return f"{node.op_type} {node.name!r}"
