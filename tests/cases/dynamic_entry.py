"""Dynamic quantization on the way into an island, of a tensor or of its Gelu."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import onnx
from onnx import helper

from cases.builder import Array, GraphBuilder, seed_of
from qudnn.converter.functions import DOMAIN, function_protos

RESULTS = ("y", "bias", "multiplier")


def weights(outputs: int) -> dict[str, Array]:
    """Sums of weights, of which many overflow times a zero point, and their scales."""
    rng = np.random.default_rng(outputs)
    sums = rng.integers(-(2**31), 2**31, outputs).astype(np.int32)
    scales = rng.uniform(1e-4, 1e-2, outputs).astype(np.float32)
    sums[:1], scales[:1] = -1, 1
    return {"w_sum": sums, "w_scale": scales}


@dataclass(frozen=True, eq=False)
class QuantizeCase:
    """An op that quantizes one x dynamically, its three outputs being the graph's.

    given: its attributes besides perm and pads. outputs: how many those of the matmuls are that read it.
    """

    label: str
    x: Array
    perm: Sequence[int] = (0, 1)
    pads: Sequence[int] = ()
    op: str = "DynamicQuantizeToIsland"
    given: Mapping[str, float] = field(default_factory=dict)
    outputs: int = 5

    @property
    def id(self) -> str:
        """Such as image_2x3x9x7."""
        return f"{self.label}_{'x'.join(map(str, self.x.shape))}"

    @property
    def attributes(self) -> dict[str, Any]:
        """The op's."""
        return {"perm": self.perm, "pads": self.pads or [0] * (2 * self.x.ndim), **self.given}

    @property
    def constants(self) -> dict[str, Array]:
        """w_sum and w_scale; the first of them leave zero point and scale as they are."""
        return weights(self.outputs)

    def model(self, opset: int = 13) -> onnx.ModelProto:
        """Of any shape of x's rank."""
        g = GraphBuilder()
        rank = self.x.ndim
        x = g.input("x", "float32", [f"x{axis}" for axis in range(rank)])
        names = [g.constant(name, value) for name, value in self.constants.items()]
        g.nodes.append(
            helper.make_node(self.op, [x, *names], RESULTS, name="node", domain=DOMAIN, **self.attributes)
        )
        g.output("y", "int8", [f"y{axis}" for axis in range(rank)])
        g.output("bias", "int32", [self.outputs])
        g.output("multiplier", "float32", [self.outputs])
        return g.model(opset, function_protos(self.op, opset))

    def inputs(self) -> Mapping[str, Array]:
        """x."""
        return {"x": self.x}


def normal(label: str, *shape: int) -> Array:
    """float32 around 0.7."""
    return np.random.default_rng(seed_of(label)).normal(0.7, 3, shape).astype(np.float32)


def _row(label: str, *values: float) -> QuantizeCase:
    return QuantizeCase(label, np.array([values], np.float32))


# Of scale 1: every other value is halfway between quanta, or beside that.
_halves = np.arange(0, 255, 0.5, dtype=np.float32)
_TIES = np.concatenate([[-100, 155], _halves - 100, np.nextafter(_halves, np.float32(np.inf)) - 100])
_LAST = [0, 2, 3, 1]

QUANTIZATIONS = [
    _row("one", 3.0),
    _row("one_negative", -0.3),
    _row("zero", 0.0),
    _row("zeros", 0.0, -0.0, -0.0),
    _row("equal", *[2.5] * 37),
    _row("positive", *np.linspace(5, 7, 33)),
    _row("negative", *np.linspace(-7, -5, 33)),
    _row("ties", *_TIES),
    _row("tied_zero_point", -0.5, 254.5),
    _row("overflow", 3e38, -3e38, 1e38, 0.0),
    _row("infinite", 1.0, np.inf, -2.0),
    _row("infinite_below", 1.0, -np.inf, 2.0),
    _row("infinite_both", np.inf, -np.inf, 1.0, 0.0),
    _row("denormal", 1e-43, -2e-43, 0.0),
    _row("underflow", 1e-45, 0.0),
    _row("underflow_below", -1e-45, 0.0),
    QuantizeCase("empty", np.zeros((0, 16), np.float32)),
    QuantizeCase("empty_padded", np.zeros((0, 3), np.float32), pads=[2, 0, 0, 13]),
    QuantizeCase("vector", normal("vector", 1000), [0]),
    QuantizeCase("token", normal("token", 2, 128, 768), [0, 1, 2]),
    QuantizeCase("rows", normal("rows", 3, 23, 312), [0, 1, 2], [0, 0, 0, 0, 0, 8]),
    QuantizeCase("rows", normal("rows", 1101, 12), pads=[0, 0, 0, 4]),
    *(QuantizeCase(f"for{s}", normal("rows", 9, 64), outputs=s) for s in (0, 1, 512, 2304, 10_000)),
    *(QuantizeCase(f"for{s}", normal("rows", 9, 63), outputs=s) for s in (0, 1, 512, 2304, 10_000)),
    QuantizeCase("odd", normal("odd", 5, 7, 31), [0, 1, 2], [0, 0, 0, 0, 0, 1]),
    QuantizeCase("image", normal("image", 2, 3, 9, 7), _LAST, [0, 1, 2, 0, 0, 3, 1, 13]),
    QuantizeCase("stem", normal("stem", 1, 3, 224, 224), _LAST, [0, 3, 3, 0, 0, 3, 3, 1]),
    QuantizeCase("features", normal("features", 2, 96, 14, 14), _LAST, [0, 1, 1, 0, 0, 1, 1, 0]),
    QuantizeCase("features", normal("features", 2, 70, 5, 7), _LAST, [0, 0, 0, 0, 0, 0, 0, 10]),
    QuantizeCase("shuffled", normal("shuffled", 2, 3, 4, 5, 6), [4, 2, 0, 3, 1]),
    # Parts of several vectors for each thread, and a last element that makes no vector, or fills one.
    QuantizeCase("large", normal("large", 1, 5_000_001)),
    QuantizeCase("large", normal("large", 1, 5_000_004)),
]
NANS = [case for case in QUANTIZATIONS if case.label in {"shuffled", "token"}]  # without padding

# Where erf is -1, 0 or 1 Gelu has the same bits whoever computes it.
_SATURATED = np.concatenate([[0.0, -0.0], np.arange(6, 261, 0.5), -np.arange(6, 50, 0.5)]).astype(np.float32)
# As torch writes Gelu, as ONNX defines it, and as other exporters do.
_FORMS = {
    "divided": {"divisor": float(np.float32(2**0.5)), "factor": 1.0},
    "multiplied": {"divisor": 1.0, "factor": float(np.float32(0.5**0.5))},
    "negative": {"divisor": -float(np.float32(2**0.5)), "factor": -1.0},
}


def _gelu(form: str, case: QuantizeCase) -> QuantizeCase:
    return replace(case, label=f"{form}_{case.label}", op="DynamicGeluToIsland", given=_FORMS[form])


GELUS = [
    _gelu(form, case)
    for form in _FORMS
    for case in QUANTIZATIONS
    if case.label in {"token", "rows", "odd", "image", "empty_padded"}
]
EXACT_GELUS = [
    _gelu("multiplied", case)
    for case in (
        QuantizeCase("saturated", np.resize(_SATURATED, (8, 96))),
        QuantizeCase("saturated", np.resize(_SATURATED, (7, 97))),
        QuantizeCase("saturated", np.resize(_SATURATED, (2, 3, 16, 8)), _LAST, [0, 1, 1, 0, 0, 1, 1, 13]),
        QuantizeCase("saturated", np.resize(_SATURATED, (3, 300_000))),
    )
]
