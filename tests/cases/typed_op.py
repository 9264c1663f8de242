"""Single matmuls and convolutions with float32 and int32 results."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import onnx
from onnx import helper

from cases import op
from cases.builder import Array, GraphBuilder, seed_of
from cases.dynamic_entry import normal
from cases.op import OpCase
from qudnn.converter.functions import DOMAIN, function_proto

_REQUANTIZED = ("y_zero_point", "y_min", "y_max")


def _attributes(case: OpCase, *dropped: str) -> dict[str, Any]:
    return {name: value for name, value in case.attributes.items() if name not in (*_REQUANTIZED, *dropped)}


def _addends(case: OpCase, multiplier: Array) -> Array:
    """Of the matmuls' size, so that an addition inside of a fused multiply-add shows; and both zeros."""
    rng = np.random.default_rng(seed_of(case.id) + 2)
    with np.errstate(over="ignore"):
        addend = np.clip(multiplier * rng.normal(0, 30_000, multiplier.shape), -3e38, 3e38).astype(np.float32)
    addend[::5] = -0.0
    addend[1::7] = 0.0
    return addend


def to_float(case: OpCase) -> OpCase:
    """QMatMulToFloat from QMatMul; its multipliers are 0 or at least 2**-100, as in converted models."""
    given = case.constants["multiplier"]
    least = np.where(given == 0, 0, 2.0**-100)
    multiplier = np.copysign(np.maximum(np.abs(given), least), given).astype(np.float32)
    addend = _addends(case, multiplier)
    return replace(
        case,
        op="QMatMulToFloat",
        attributes=_attributes(case),
        constants={**case.constants, "multiplier": multiplier, "addend": addend},
        y_dtype="float32",
    )


def conv_to_float(case: OpCase) -> OpCase:
    """QConvToFloat from QConv."""
    return replace(to_float(case), op="QConvToFloat")


def to_int32(case: OpCase) -> OpCase:
    """QConvToInt32 from QConv."""
    constants = {name: case.constants[name] for name in ("w", "bias")}
    return replace(
        case, op="QConvToInt32", attributes=_attributes(case), constants=constants, y_dtype="int32"
    )


def dynamic(case: OpCase, x_scale: float = 0.0371, x_zero_point: int = -5, first: int = 0) -> OpCase:
    """DynamicQMatMul from QMatMul, DynamicQConv from QConv without padding.

    first: numbers of other outputs before those of bias and multiplier; where there are any, others follow.
    """
    assert not any(case.attributes.get("pads", []))
    w, w_scale = case.constants["w"], case.constants["multiplier"]
    w_sum = w.reshape(len(w), -1).sum(1, np.int32)
    with np.errstate(all="ignore"):
        multiplier = np.float32(x_scale) * w_scale
    others = (first, 3 if first else 0)
    constants = {
        "w": w,
        "bias": np.pad(-x_zero_point * w_sum, others, constant_values=12345),
        "multiplier": np.pad(multiplier, others, constant_values=0.5),
        "addend": _addends(case, multiplier),
    }
    return replace(
        case,
        op={"QMatMul": "DynamicQMatMul", "QConv": "DynamicQConv"}[case.op],
        label=f"{case.label}_from{first}" if first else case.label,
        attributes={**_attributes(case, "pads", "x_zero_point"), "first": first},
        constants=constants,
        y_dtype="float32",
    )


_SHAPES = [
    op.matmul("few", c=3, k=2, rows=(5,)),
    op.matmul("one", c=16, k=1, rows=(70,)),
    op.matmul("unpadded", c=64, k=1000, rows=(9,)),
    op.matmul("unpadded", c=768, k=2),
    op.matmul("rows", c=96, k=68, rows=(2, 3, 11)),
    op.matmul("token", c=768, k=768, rows=(128,)),
]
_CONVS = [case for case in op.CONVS if "y_pads" not in case.attributes]  # results here have no padding
_UNPADDED = [case for case in _CONVS if not any(case.attributes["pads"])]
_UNPADDED = list({case.id: case for case in _UNPADDED}.values())

TO_FLOAT = [to_float(case) for case in (*op.MATMULS, *_SHAPES)]
CONVS_TO_FLOAT = [conv_to_float(case) for case in _CONVS]
TO_INT32 = [to_int32(case) for case in _CONVS]
MATMULS = [
    *(dynamic(case) for case in (*op.MATMULS, *_SHAPES, *_UNPADDED)),
    dynamic(op.matmul("lowest", c=64, k=48), x_zero_point=-128),
    dynamic(op.matmul("highest", c=64, k=48), x_zero_point=127),
    dynamic(op.matmul("denormal", c=64, k=48), x_scale=1e-45),
    dynamic(op.matmul("infinite", c=64, k=48), x_scale=np.inf),
    *(dynamic(op.matmul("part", c=64, k=48), first=first) for first in (4, 7, 2304)),
    dynamic(op.conv("part", c=64, k=64, size=(30, 28)), first=8),
]


@dataclass(frozen=True, eq=False)
class LayerCase:
    """A matmul as quantize_dynamic writes it, converted: float32 x and y, the rest on the GPU."""

    label: str = "layer"
    c: int = 96
    k: int = 80
    matmul: OpCase = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "matmul", dynamic(op.matmul(self.label, c=self.c, k=self.k)))

    @property
    def id(self) -> str:
        """Such as layer_c96_k80."""
        return self.matmul.label

    def model(self, opset: int = 13) -> onnx.ModelProto:
        """[N, c] -> [N, k]."""
        g = GraphBuilder()
        x = g.input("x", "float32", ["N", self.c])
        weight, addend = (self.matmul.constants[name] for name in ("w", "addend"))
        w_sum = g.constant("w_sum", weight.sum(1, np.int32))
        w_scale = g.constant("w_scale", np.linspace(0.001, 0.01, self.k, dtype=np.float32))
        attributes: dict[str, Any] = {"perm": [0, 1], "pads": [0] * 4}
        q, *ending = outputs = ["q", "bias", "multiplier"]
        g.nodes.append(
            helper.make_node(
                "DynamicQuantizeToIsland",
                [x, w_sum, w_scale],
                outputs,
                "quantize",
                domain=DOMAIN,
                **attributes,
            )
        )
        others = [g.constant("w", weight), *ending, g.constant("addend", addend)]
        y = g.node("DynamicQMatMul", [q, *others], "y", DOMAIN, first=0)
        g.output(y, "float32", ["N", self.k])
        functions = [function_proto(name, opset) for name in ("DynamicQuantizeToIsland", "DynamicQMatMul")]
        return g.model(opset, functions)

    def inputs(self, batch: int = 7, scale: float = 1.0) -> dict[str, Array]:
        """Values spread by scale."""
        return {"x": normal(self.label, batch, self.c) * np.float32(scale)}


LAYER = LayerCase()
