"""Tensors of one spatial dimension, as images of one row: `[N,W,Cp]` as `[N,1,W,Cp]`."""

import numpy as np

from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.port import Tensor

AXES = {"axes": np.array([1], np.int64)}


def as_image(emitter: Emitter, tensor: Tensor) -> Tensor:
    """A row as an image, others as they are; one that was made a row of an image is that image again."""
    if tensor.layout.rank != 3:
        return tensor
    layout = tensor.layout.seen_as(4, 1)
    producer = tensor.value.producer()
    if is_onnx(producer, "Squeeze") and producer.inputs[0] is not None:
        return Tensor(producer.inputs[0], layout)
    return emitter.standard("Unsqueeze", tensor, layout, AXES)


def as_before(emitter: Emitter, tensor: Tensor, layout: Layout) -> Tensor:
    """The image as a row, where `layout`, that of the op's input outside, is one of rows."""
    if layout.rank != 3:
        return tensor
    return emitter.standard("Squeeze", tensor, tensor.layout.seen_as(3, layout.channel_axis), AXES)
