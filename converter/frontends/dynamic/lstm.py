"""com.microsoft DynamicQuantizeLSTM => DynamicQLSTM"""

from typing import Any

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import EIGHT_BIT, constant, node_input, required_input, scale_array
from qudnn.converter.graph.edit import is_needed
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.port import Port, port_outside
from qudnn.converter.lowering.recurrent.lstm import ACTIVATIONS, KINDS, MOST_STATES, LSTMWeights, make_lstm

_DIRECTIONS = {"forward": 1, "reverse": 1, "bidirectional": 2}
_FLOAT, _INT32 = ir.DataType.FLOAT, ir.DataType.INT32
_THREADS = (
    "onnxruntime's CPU provider quantizes the states of a batch in as many groups as it has threads; "
    "this gives the bits of a single thread, and of a batch of 1"
)
_LIBRARY = "exp and log are within one unit in the last place, as the C library's are"


def dynamic_quantize_lstm(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: X, W, R, and as options B, sequence_lens, initial_h, initial_c, P; then scales and zero points.

    What the kernel checks (onnxruntime 1.31, DynamicQuantizeLSTM::Compute), a model is asked here.
    """
    direction = node.attributes.get_string("direction", "forward")
    hidden = node.attributes.get_int("hidden_size", 0)
    directions = _DIRECTIONS.get(direction or "")
    if directions is None or hidden < 1:
        raise Refusal(f"its direction is {direction!r} and its hidden size {hidden}, which no runtime takes")
    if hidden > MOST_STATES:
        raise Refusal(f"it has {hidden} states, more than {MOST_STATES}")
    x = required_input(node, 0)
    length, batch, channels = facts.shape_of_rank(x, 3)
    w = _weights(node, 1, 8, directions, 4 * hidden, "weight")
    r = _weights(node, 2, 10, directions, 4 * hidden, "recurrent weight")
    size = w.values.shape[1]
    if isinstance(channels, int) and channels != size:
        raise Refusal(f"its input has {channels} channels, its weights have {size}")
    if r.values.shape[1] != hidden:
        raise Refusal(f"its recurrent weights are for {r.values.shape[1]} states, not {hidden}")
    state: Shape = (directions, batch, hidden)
    inputs: list[Port | None] = [port_outside(x, (length, batch, size), _FLOAT)]
    for index, shape, dtype in (
        (3, (directions, 8 * hidden), _FLOAT),
        (4, (batch,), _INT32),
        (5, state, _FLOAT),
        (6, state, _FLOAT),
        (7, (directions, 3 * hidden), _FLOAT),
    ):
        value = node_input(node, index)
        inputs.append(None if value is None else port_outside(value, shape, dtype))
    if not _has_output(node, 0) and inputs[2] is not None and batch != 1:
        raise Refusal(
            "with lengths, but without its first result, onnxruntime keeps states of ended sequences"
        )
    shapes = ((length, directions, batch, hidden), state, state)
    outputs = {
        index: port_outside(node.outputs[index], shape, _FLOAT)
        for index, shape in enumerate(shapes)
        if _has_output(node, index) and is_needed(node.outputs[index])
    }
    if not outputs:
        raise Refusal("its results are unused")
    attributes: dict[str, Any] = {
        "direction": direction,
        "hidden_size": hidden,
        "input_size": size,
        "input_forget": int(node.attributes.get_int("input_forget", 0) != 0),
    }
    clip = node.attributes.get_float("clip", None)
    if clip is not None:
        if not clip > 0:
            raise Refusal(f"it clips at {clip}, which no runtime does")
        attributes["clip"] = clip
    activations = _activations(node, 3 * directions)
    notes = [] if batch == 1 else [_THREADS]
    if {8, 9, 10} & set(activations.get("activation_kinds", ())):
        notes.append(_LIBRARY)
    return make_lstm(node, w, r, attributes | activations, inputs, outputs, "; ".join(notes))


def _has_output(node: ir.Node, index: int) -> bool:
    return index < len(node.outputs) and bool(node.outputs[index].name)


def _weights(
    node: ir.Node, index: int, scale_index: int, directions: int, outputs: int, what: str
) -> LSTMWeights:
    """The constants `[D,C,4H]`, and their scale and zero point, both `[D]` or `[D,4H]`."""
    values = constant(required_input(node, index), what)
    if ir.DataType.from_numpy(values.dtype) not in EIGHT_BIT:
        raise Refusal(f"its {what}s are {values.dtype}, not 8 bits wide")
    if values.ndim != 3 or not values.size or values.shape[::2] != (directions, outputs):
        raise Refusal(f"its {what}s have the shape {list(values.shape)}, not [{directions},C,{outputs}]")
    scale = scale_array(required_input(node, scale_index), f"{what} scale", any_sign=True)
    zero_point = constant(required_input(node, scale_index + 1), f"{what} zero point")
    shapes = ((directions,), (directions, outputs))
    if scale.shape not in shapes or zero_point.shape not in shapes or zero_point.dtype != values.dtype:
        raise Refusal(
            f"its {what} scale has the shape {list(scale.shape)}, its zero point is {zero_point.dtype} "
            f"{list(zero_point.shape)}: neither one for each direction nor one for each output"
        )
    if zero_point.ndim == 2 and (
        zero_point.any() if values.dtype == np.int8 else (zero_point != zero_point[0, 0]).any()
    ):
        raise Refusal(f"its {what} zero points differ, which no runtime takes")
    if scale.ndim > zero_point.ndim and directions > 1:
        raise Refusal(f"its {what} has a scale for each output, and a zero point for each direction")
    if zero_point.ndim != scale.ndim:
        zero_point = np.full(scale.shape, zero_point.reshape(-1)[0])
    return LSTMWeights(values, scale, zero_point)


def _activations(node: ir.Node, count: int) -> dict[str, Any]:
    """The attributes for them, with an alpha and a beta for each that takes one; none for the defaults."""
    given = node.attributes.get("activations")
    names = [] if given is None else list(given.as_strings())
    if not names:
        return {}
    kinds = [name.lower() for name in names]
    if len(names) != count or not set(kinds) <= set(ACTIVATIONS):
        raise Refusal(f"its activations are {', '.join(names)}, which no runtime takes")
    attributes: dict[str, Any] = {
        "activations": names,
        "activation_kinds": [KINDS[kind] for kind in kinds],
    }
    for index, name in enumerate(("activation_alpha", "activation_beta")):
        values = node.attributes.get(name)
        rest = [] if values is None else list(values.as_floats())
        taken = []
        for kind in kinds:
            default = ACTIVATIONS[kind][index]
            if default is not None:
                taken.append(rest.pop(0) if rest else default)
        if taken:
            attributes[name] = taken
    return attributes
