"""Single DynamicQuantizeLSTM, as onnxruntime's quantizer writes it, and with all that it may have."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from cases.builder import MICROSOFT, SHORT, Array, GraphBuilder, integers, seed_of

OPTIONS = ("b", "sequence_lens", "initial_h", "initial_c", "p")
RESULTS = ("y", "y_h", "y_c")


@dataclass(frozen=True)
class LSTMCase:
    """x float32 `[steps, N, channels]`; w, r: constants of w_dtype.

    options: which of the optional inputs it has, "b" and "p" as constants. zero: what each zero point is, or
    any where that is None; results: which it has, the others without a name.
    """

    label: str = ""
    steps: int = 7
    channels: int = 20
    hidden: int = 12
    direction: str = "forward"
    w_dtype: str = "int8"
    zero: int | None = 0
    per_output: bool = False
    options: Sequence[str] = ("b",)
    results: Sequence[str] = RESULTS
    attributes: tuple[tuple[str, Any], ...] = ()

    @property
    def id(self) -> str:
        """Such as forward_s8_20_12_lens."""
        parts = [
            self.label,
            self.direction,
            SHORT[self.w_dtype],
            f"{self.steps}x{self.channels}_{self.hidden}",
            "peroutput" if self.per_output else "",
        ]
        return "_".join(part for part in parts if part)

    @property
    def directions(self) -> int:
        """One or two."""
        return 2 if self.direction == "bidirectional" else 1

    def model(self, opset: int = 13) -> onnx.ModelProto:
        """The operator alone."""
        rng = np.random.default_rng(seed_of(self.id))
        g = GraphBuilder()
        d, h = self.directions, self.hidden
        inputs = [g.input("x", "float32", ["T", "N", self.channels])]
        parameters = []
        for what, channels in (("w", self.channels), ("r", h)):
            inputs.append(g.constant(what, integers(rng, self.w_dtype, (d, channels, 4 * h))))
            shape = (d, 4 * h) if self.per_output else (d,)
            scale = rng.uniform(0.5, 2, shape) / 64 / channels**0.5
            one_zero = (1,) if self.per_output else shape
            zero = integers(rng, self.w_dtype, one_zero) if self.zero is None else self.zero
            parameters.append(g.constant(f"{what}_scale", scale, "float32"))
            parameters.append(g.constant(f"{what}_zero", np.broadcast_to(zero, shape), self.w_dtype))
        shapes: dict[str, list[int | str]] = {
            "sequence_lens": ["N"],
            "initial_h": [d, "N", h],
            "initial_c": [d, "N", h],
        }
        for name, size in zip(OPTIONS, (8 * h, 0, 0, 0, 3 * h), strict=True):
            if name not in self.options:
                inputs.append("")
            elif name in shapes:
                dtype = "int32" if name == "sequence_lens" else "float32"
                inputs.append(g.input(name, dtype, shapes[name]))
            else:
                inputs.append(g.constant(name, rng.standard_normal((d, size)), "float32"))
        attributes = {"direction": self.direction, "hidden_size": h, **dict(self.attributes)}
        g.node("DynamicQuantizeLSTM", [*inputs, *parameters], "y", MICROSOFT, **attributes)
        g.nodes[-1].output[:] = [name if name in self.results else "" for name in RESULTS]
        for name, steps in zip(RESULTS, (["T"], [], []), strict=True):
            if name in self.results:
                g.output(name, "float32", [*steps, d, "N", h])
        return g.model(opset)

    def inputs(self, batch: int = 2) -> dict[str, Array]:
        """Random; of the sequences one has all steps where there are several, and the last one has none."""
        rng = np.random.default_rng(seed_of(self.id) + batch)
        state = (self.directions, batch, self.hidden)
        lengths = rng.integers(0, self.steps, batch, np.int32, endpoint=True)
        lengths[0] = self.steps
        if batch > 2:
            lengths[-1] = 0
        inputs = {
            "x": rng.standard_normal((self.steps, batch, self.channels)).astype(np.float32),
            "sequence_lens": lengths,
            "initial_h": rng.uniform(-1, 1, state).astype(np.float32),
            "initial_c": rng.uniform(-2, 2, state).astype(np.float32),
        }
        return {name: value for name, value in inputs.items() if name in ("x", *self.options)}


def _activations(*names: str, **numbers: Any) -> tuple[tuple[str, Any], ...]:
    return (("activations", list(names)), *numbers.items())


_ALPHAS = {"activation_alpha": [0.3, 0.15], "activation_beta": [0.4]}

EXACT = [
    *(LSTMCase(direction=direction) for direction in ("forward", "reverse", "bidirectional")),
    *(
        LSTMCase("all", direction=direction, options=OPTIONS)
        for direction in ("forward", "reverse", "bidirectional")
    ),
    LSTMCase("plain", options=()),
    LSTMCase("state", options=("b", "initial_h", "initial_c"), direction="bidirectional"),
    LSTMCase("lengths", options=("b", "sequence_lens"), direction="bidirectional", steps=9),
    LSTMCase("zeros", zero=None, options=OPTIONS, direction="bidirectional"),
    LSTMCase("zeros", w_dtype="uint8", zero=None, options=OPTIONS, direction="bidirectional"),
    LSTMCase("center", w_dtype="uint8", zero=128),
    LSTMCase("scales", per_output=True, direction="bidirectional"),
    LSTMCase("scales", w_dtype="uint8", zero=None, per_output=True, direction="bidirectional"),
    LSTMCase("clip", attributes=(("clip", 0.5),), options=OPTIONS),
    LSTMCase("coupled", attributes=(("input_forget", 1),), options=OPTIONS),
    LSTMCase("coupled_clip", attributes=(("input_forget", 1), ("clip", 0.7)), options=("p",)),
    LSTMCase("relu", attributes=_activations("HardSigmoid", "Relu", "Softsign", clip=2.0)),
    LSTMCase(
        "several",
        direction="bidirectional",
        attributes=_activations(
            "HardSigmoid", "Affine", "LeakyRelu", "Sigmoid", "ThresholdedRelu", "tanh", **_ALPHAS
        ),
    ),
    LSTMCase("last", results=("y_h", "y_c"), options=("b", "initial_h")),
    LSTMCase("first", results=("y",), direction="bidirectional"),
    LSTMCase("cell", results=("y", "y_c"), options=("b", "sequence_lens")),
    LSTMCase("one", steps=1, channels=1, hidden=1),
    LSTMCase("aligned", steps=5, channels=32, hidden=64, direction="bidirectional"),
    LSTMCase("odd", steps=5, channels=33, hidden=65, direction="bidirectional", options=OPTIONS),
    LSTMCase("speech", steps=30, channels=80, hidden=256, direction="bidirectional"),
    LSTMCase("text", steps=12, channels=512, hidden=512, direction="bidirectional"),
    LSTMCase("large", steps=4, channels=48, hidden=1000, options=OPTIONS),
]

# With functions of the C library.
BOUNDED = [
    LSTMCase(name.lower(), attributes=_activations("Sigmoid", name, name, **_ALPHAS))
    for name in ("ScaledTanh", "Elu", "Softplus")
]
