"""Single matrix products and convolutions with float32 and int32 results."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import onnx
from onnx import helper

from cases import op
from cases.builder import Array, GraphBuilder, seed_of
from cases.dynamic_entry import normal
from cases.op import OpCase
from converter.functions import DOMAIN, function_proto

_REQUANTIZED = ("y_zero_point", "y_min", "y_max")


def _attributes(case: OpCase, *dropped: str) -> dict[str, Any]:
    return {name: value for name, value in case.attributes.items() if name not in (*_REQUANTIZED, *dropped)}


def _addends(case: OpCase, multiplier: Array) -> Array:
    """Of the products' size, so that an addition inside of a fused multiply-add shows; and both zeros."""
    rng = np.random.default_rng(seed_of(case.id) + 2)
    with np.errstate(over="ignore"):
        addend = np.clip(multiplier * rng.normal(0, 30_000, multiplier.shape), -3e38, 3e38).astype(np.float32)
    addend[::5] = -0.0
    addend[1::7] = 0.0
    return addend


def to_float(case: OpCase) -> OpCase:
    """QMatMulToFloat from QMatMul."""
    addend = _addends(case, case.constants["multiplier"])
    return replace(
        case,
        op="QMatMulToFloat",
        attributes=_attributes(case),
        constants={**case.constants, "addend": addend},
        y_dtype="float32",
    )


def to_int32(case: OpCase) -> OpCase:
    """QConvToInt32 from QConv."""
    constants = {name: case.constants[name] for name in ("w", "bias")}
    return replace(
        case, op="QConvToInt32", attributes=_attributes(case), constants=constants, y_dtype="int32"
    )


def dynamic(case: OpCase, x_scale: float = 0.0371, x_zero_point: int = -5) -> OpCase:
    """DynamicQMatMul from QMatMul, DynamicQConv from QConv without padding."""
    assert not any(case.attributes.get("pads", []))
    w, multiplier = case.constants["w"], case.constants["multiplier"]
    constants = {
        "x_scale": np.float32(x_scale),
        "x_zero_point": np.int8(x_zero_point),
        "w": w,
        "w_sum": w.reshape(len(w), -1).sum(1, np.int32),
        "w_scale": multiplier,
        "addend": _addends(case, np.float32(x_scale) * multiplier),
    }
    return replace(
        case,
        op={"QMatMul": "DynamicQMatMul", "QConv": "DynamicQConv"}[case.op],
        attributes=_attributes(case, "pads", "x_zero_point"),
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
TO_INT32 = [to_int32(case) for case in _CONVS]
PRODUCTS = [
    *(dynamic(case) for case in (*op.MATMULS, *_SHAPES, *_UNPADDED)),
    dynamic(op.matmul("lowest", c=64, k=48), x_zero_point=-128),
    dynamic(op.matmul("highest", c=64, k=48), x_zero_point=127),
    dynamic(op.matmul("denormal", c=64, k=48), x_scale=1e-45),
    dynamic(op.matmul("infinite", c=64, k=48), x_scale=np.inf),
]


@dataclass(frozen=True, eq=False)
class LayerCase:
    """A matrix product as quantize_dynamic writes it, converted: float32 x and y, the rest on the GPU."""

    label: str = "layer"
    c: int = 96
    k: int = 80
    product: OpCase = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "product", dynamic(op.matmul(self.label, c=self.c, k=self.k)))

    @property
    def id(self) -> str:
        """Such as layer_c96_k80."""
        return self.product.label

    def model(self, opset: int = 13) -> onnx.ModelProto:
        """[N, c] -> [N, k]."""
        g = GraphBuilder()
        x = g.input("x", "float32", ["N", self.c])
        outputs = ["q", "scale", "zero_point"]
        attributes: dict[str, Any] = {"perm": [0, 1], "pads": [0] * 4}
        g.nodes.append(
            helper.make_node("DynamicQuantizeToIsland", [x], outputs, "quantize", domain=DOMAIN, **attributes)
        )
        constants = self.product.constants
        names = [g.constant(name, constants[name]) for name in ("w", "w_sum", "w_scale", "addend")]
        y = g.node("DynamicQMatMul", [*outputs, *names], "y", DOMAIN)
        g.output(y, "float32", ["N", self.k])
        functions = [function_proto(name, opset) for name in ("DynamicQuantizeToIsland", "DynamicQMatMul")]
        return g.model(opset, functions)

    def inputs(self, batch: int = 7, scale: float = 1.0) -> dict[str, Array]:
        """Values spread by scale."""
        return {"x": normal(self.label, batch, self.c) * np.float32(scale)}


LAYER = LayerCase()
