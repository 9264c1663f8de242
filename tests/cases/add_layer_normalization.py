"""Layer normalizations with fused additions and conversions, single ops with any attributes and results."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx

from cases.builder import Array, GraphBuilder, integers, seed_of
from cases.dynamic_entry import weights
from cases.op import INT8, UINT8
from cases.transformer_op import ALL
from qudnn.converter.functions import DOMAIN, function_protos

OPSET = 17  # the first with LayerNormalization
RESULTS = {
    **dict.fromkeys(("QAddLayerNormalization", "QFloatAddLayerNormalization"), ("sum", "y")),
    "AddLayerNormalizationToIsland": ("sum", "y", "q"),
    "AddRMSNormalizationToIsland": ("sum", "y", "q"),
    "LayerNormalizationToIsland": ("y", "q"),
    "DynamicLayerNormalizationToIsland": ("y", "q", "bias", "multiplier"),
    "DynamicAddLayerNormalizationToIsland": ("sum", "y", "q", "bias", "multiplier"),
}


@dataclass(frozen=True, eq=False)
class NormalizationCase:
    """A model of one op. tensors: dtype and shape of its computed inputs, without the batch dimension.

    constants: the other inputs. order: the names of all. left_out: results that the node leaves out.
    """

    op: str
    label: str
    tensors: Mapping[str, tuple[str, tuple[int, ...]]]
    constants: Mapping[str, Array]
    order: tuple[str, ...]
    attributes: Mapping[str, Any]
    left_out: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Such as QAddLayerNormalization_base_768of768."""
        return "_".join([self.op, self.label, *(f"no_{name}" for name in self.left_out)])

    @property
    def results(self) -> tuple[str, ...]:
        return tuple(name for name in RESULTS[self.op] if name not in self.left_out)

    @property
    def rank(self) -> int:
        return len(self.attributes["pads"]) // 2

    @property
    def is_skip(self) -> bool:
        """Whether onnxruntime's CPU provider makes a SkipLayerNormalization of it, which rounds otherwise."""
        adds = "AddLayer" in self.op and not self.op.startswith("Q")
        return adds and self.rank == 3 and "sum" in self.left_out

    def model(self, opset: int = OPSET) -> onnx.ModelProto:
        """The op between graph inputs and its results."""
        g = GraphBuilder()
        leading = ["N", *(f"size{axis}" for axis in range(1, self.rank - 1))]
        for name, (dtype, shape) in self.tensors.items():
            g.input(name, dtype, [*leading, shape[-1]])
        for name, value in self.constants.items():
            g.constant(name, value)
        g.node(self.op, self.order, "first", DOMAIN, **self.attributes)
        del g.nodes[-1].output[:]
        g.nodes[-1].output.extend(name if name in self.results else "" for name in RESULTS[self.op])
        dtypes = {"q": "int8", "bias": "int32"} | dict.fromkeys(
            ("y", "sum"), "int8" if self.op[0] == "Q" else "float32"
        )
        for name in self.results:
            axes = ["S"] if name in ("bias", "multiplier") else [f"{name}{axis}" for axis in range(self.rank)]
            g.output(name, dtypes.get(name, "float32"), axes)
        return g.model(opset, function_protos(self.op, opset))

    def inputs(self, batch: int = 2) -> dict[str, Array]:
        """Random rows, some that vary little about a large mean, and one that does not vary at all."""
        rng = np.random.default_rng(seed_of(self.id))
        inputs = {}
        for name, (dtype, shape) in self.tensors.items():
            if dtype == "float32":
                values = rng.normal(0, 3, (batch, *shape)).astype(np.float32)
                values *= np.float32(2) ** rng.integers(-8, 2, values.shape[:-1])[..., None]
                rows = values.reshape(-1, shape[-1])
                rows[1::3] += np.float32(1000)
            else:
                values = integers(rng, dtype, (batch, *shape))
                rows = values.reshape(-1, shape[-1])
                rows[1::3] = rows[1::3] // 64 + 120
            rows[0] = 17
            inputs[name] = values
        return inputs


def _common(label: str, rows: tuple[int, ...], channels: int, padded: int) -> tuple[str, dict[str, Any], Any]:
    label = f"{label}_{channels}of{padded}"
    rank = 2 + len(rows)
    rng = np.random.default_rng(seed_of(label))
    parameters = {
        "gamma": rng.normal(1, 0.5, channels).astype(np.float32),
        "beta": rng.normal(0, 0.5, channels).astype(np.float32),
    }
    return label, parameters, {"pads": [0] * (2 * rank - 1) + [padded - channels], "epsilon": 1e-5}


def q_add(
    label: str,
    rows: tuple[int, ...],
    channels: int,
    padded: int | None = None,
    /,
    left_out: tuple[str, ...] = (),
    **attributes: Any,
) -> NormalizationCase:
    """QAddLayerNormalization over the first of `padded` channels."""
    padded = channels if padded is None else padded
    label, constants, given = _common(label, rows, channels, padded)
    given |= {
        "channels": channels,
        "a_scale": 0.0371,
        "a_zero_point": 121,
        "b_scale": 0.0213,
        "b_zero_point": 3,
        "sum_scale": 0.0449,
        "sum_zero_point": 130,
        "dtype": UINT8,
        "y_scale": 0.0213,
        "y_zero_point": -7,
        **attributes,
    }
    tensors = dict.fromkeys(("a", "b"), ("int8", (*rows, padded)))
    order = ("a", "b", "gamma", "beta")
    return NormalizationCase("QAddLayerNormalization", label, tensors, constants, order, given, left_out)


def q_float_add(case: NormalizationCase) -> NormalizationCase:
    """QFloatAddLayerNormalization of a case of QAddLayerNormalization, with int8's zero points."""
    attributes = {name: value for name, value in case.attributes.items() if name != "dtype"}
    if case.attributes["dtype"] == UINT8:
        for name in ("a_zero_point", "b_zero_point", "sum_zero_point"):
            attributes[name] -= 128
    return replace(case, op="QFloatAddLayerNormalization", attributes=attributes)


def add(
    label: str,
    rows: tuple[int, ...],
    channels: int,
    padded: int | None = None,
    /,
    residual: str = "int8",
    left_out: tuple[str, ...] = (),
    **attributes: Any,
) -> NormalizationCase:
    """AddLayerNormalizationToIsland over the first of `padded` channels."""
    padded = channels if padded is None else padded
    label, constants, given = _common(f"{label}_{residual}", rows, channels, padded)
    inside = residual == "int8"
    given |= {
        "channels": channels,
        "x_scale": 0.0371,
        "x_zero_point": 5,
        "residual_scale": 0.0527 if inside else 1.0,
        "residual_zero_point": -11 if inside else 0,
        "q_scale": 0.0213,
        "q_zero_point": -7,
        **attributes,
    }
    constants["bias"] = np.random.default_rng(channels).normal(0, 1, channels).astype(np.float32)
    tensors = {
        "x": ("int8", (*rows, padded)),
        "residual": (residual, (*rows, padded if inside else channels)),
    }
    order = ("x", "bias", "residual", "gamma", "beta")
    return NormalizationCase(
        "AddLayerNormalizationToIsland", label, tensors, constants, order, given, left_out
    )


def to_island(
    label: str,
    rows: tuple[int, ...],
    channels: int,
    padded: int | None = None,
    /,
    left_out: tuple[str, ...] = (),
    **attributes: Any,
) -> NormalizationCase:
    """LayerNormalizationToIsland."""
    padded = channels if padded is None else padded
    label, constants, given = _common(label, rows, channels, padded)
    given |= {"q_scale": 0.0213, "q_zero_point": -7, **attributes}
    tensors = {"x": ("float32", (*rows, channels))}
    order = ("x", "gamma", "beta")
    return NormalizationCase("LayerNormalizationToIsland", label, tensors, constants, order, given, left_out)


def dynamic(
    op: str,
    label: str,
    rows: tuple[int, ...],
    channels: int,
    padded: int | None = None,
    /,
    left_out: tuple[str, ...] = (),
) -> NormalizationCase:
    """DynamicLayerNormalizationToIsland or DynamicAddLayerNormalizationToIsland."""
    padded = channels if padded is None else padded
    label, constants, given = _common(label, rows, channels, padded)
    names = ("a", "b") if "Add" in op else ("x",)
    tensors = dict.fromkeys(names, ("float32", (*rows, channels)))
    constants |= weights(2304)
    order = (*names, "gamma", "beta", "w_sum", "w_scale")
    return NormalizationCase(op, label, tensors, constants, order, given, left_out)


WIDTHS = [
    *((channels, channels) for channels in (9, 13, 15, 31, 135, 197)),
    *((channels, 32) for channels in range(16, 24)),
    *((channels, 16) for channels in range(1, 9)),
    (20, 64),
    (1001, 1008),
]

_Q_ADD = [
    q_add("base", (37,), 768),
    q_add("base", (37,), 768, left_out=("sum",)),
    q_add("large", (5,), 1024, dtype=INT8, a_zero_point=-128, b_zero_point=127, sum_zero_point=5),
    q_add("matrix", (), 768, left_out=("sum",)),
    q_add("image", (7, 9), 96),
    # So many rows that a warp takes several at a time, the last ones fewer.
    *(q_add("many", (29, 29), channels) for channels in (32, 64, 96, 256)),
    q_add("many", (29, 29), 192, left_out=("sum",)),
    q_add("many", (29, 29), 384, dtype=INT8, a_zero_point=-128, b_zero_point=127, sum_zero_point=5),
    q_add("wide", (3,), 8192),
    q_add("wide", (3,), 8192, left_out=("sum",)),
    q_add("all", (50,), 197, channels=ALL),
    q_add("huge", (9,), 64, a_scale=3e9, sum_scale=1.0),
    q_add("coarse", (9,), 64, y_scale=1e-40),
    *(q_add("tail", (9,), *widths) for widths in WIDTHS),
]

CASES = [
    *_Q_ADD,
    *map(q_float_add, _Q_ADD),
    *(
        add("base", (37,), 768, residual=residual, left_out=left_out)
        for residual in ("int8", "float32")
        for left_out in ((), ("y",), ("sum",), ("sum", "y"))
    ),
    *(
        case
        for residual in ("int8", "float32")
        for case in (
            add("matrix", (), 768, residual=residual, left_out=("sum", "y")),
            add("image", (7, 9), 96, residual=residual, left_out=("sum",)),
            add("wide", (3,), 8192, residual=residual),
            add("all", (50,), 197, residual=residual, channels=ALL),
            add("zero", (9,), 64, residual=residual, residual_zero_point=3, residual_scale=0.1),
            *(add("tail", (9,), *widths, residual=residual) for widths in WIDTHS),
        )
    ),
    to_island("base", (37,), 768),
    to_island("base", (37,), 768, left_out=("y",)),
    to_island("matrix", (), 768),
    to_island("wide", (3,), 8192),
    to_island("plain", (9,), 64, q_scale=1e-40),
    *(to_island("tail", (9,), *widths) for widths in WIDTHS),
]
EXACT = [case for case in CASES if not case.is_skip]
SKIP = [case for case in CASES if case.is_skip]

_SHAPES: list[tuple[str, tuple[int, ...], int, int]] = [
    ("matrix", (), 768, 768),
    ("image", (7, 9), 96, 96),
    ("small", (128,), 312, 320),
    # More rows than a GPU of 132 multiprocessors keeps while it looks for their range.
    ("many", (5500,), 8, 16),
    ("many", (3200,), 516, 528),
    ("wide", (3,), 8192, 8192),
    *(("tail", (9,), *widths) for widths in WIDTHS),
]
_DYNAMIC = [
    *(
        dynamic("DynamicLayerNormalizationToIsland", "base", (37,), 768, left_out=left_out)
        for left_out in ((), ("y",))
    ),
    *(
        dynamic("DynamicAddLayerNormalizationToIsland", "base", (37,), 768, left_out=left_out)
        for left_out in ((), ("y",), ("sum",), ("sum", "y"))
    ),
    *(
        dynamic(op, label, rows, channels, padded, left_out=left_out)
        for op in ("DynamicLayerNormalizationToIsland", "DynamicAddLayerNormalizationToIsland")
        for left_out in (("y",), ())
        for label, rows, channels, padded in _SHAPES
    ),
]
DYNAMIC_EXACT = [case for case in _DYNAMIC if not case.is_skip]
DYNAMIC_SKIP = [case for case in _DYNAMIC if case.is_skip]
