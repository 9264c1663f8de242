"""Ops that work on each channel by itself: channels keep their positions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from qudnn.converter.island.emitter import Attribute, Constant, Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.port import Tensor
from qudnn.converter.lowering.layout.rows import as_before, as_image


@dataclass(frozen=True)
class Each:
    """image: whether the op wants an image, `[N,H,W,Cp]`, also where the tensor is `[N,W,Cp]`."""

    op_type: str
    attributes: Mapping[str, Attribute]
    constants: Mapping[str, Constant] = field(default_factory=dict)
    image: bool = False

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = emitter.dense(tensors[0])
        if self.image:
            x = as_image(emitter, x)
        y = emitter.op(self.op_type, [x], x.layout, self.attributes, self.constants)
        return [as_before(emitter, y, tensors[0].layout) if self.image else y]
