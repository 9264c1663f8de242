"""Which axis of a tensor outside of any island would best be last inside one: by its consumers."""

import onnx_ir as ir

from qudnn.converter.graph.op_traits import Trait, has_trait
from qudnn.converter.graph.sizes import Shape


def wanted_axis(value: ir.Value, shape: Shape) -> int:
    """The axis that the nearest consumer with an opinion works along. shape: of the value.

    Only nodes that keep the order of axes lie between it and the value. Without an opinion it is the last one
    if what makes the value works along it, or if the size of axis 1 is unknown, else 1, where ONNX has
    channels.
    """
    last = len(shape) - 1
    waiting, seen = [value], {value}
    for reached in waiting:
        for consumer in (use.node for use in reached.uses()):
            if has_trait(consumer, Trait.ALONG_LAST):
                return last
            if has_trait(consumer, Trait.ALONG_SECOND):
                return 1 if len(shape) < 2 or isinstance(shape[1], int) else last
            if not has_trait(consumer, Trait.MOVES_AXES):
                waiting += [output for output in consumer.outputs if output not in seen]
                seen.update(consumer.outputs)
    if _is_made_along_last(value):
        return last
    return 1 if len(shape) < 2 or isinstance(shape[1], int) else last


def _is_made_along_last(value: ir.Value) -> bool:
    node = value.producer()
    while has_trait(node, Trait.KEEPS_SHAPE) and not has_trait(node, Trait.ALONG_LAST | Trait.ALONG_SECOND):
        node = None if node.inputs[0] is None else node.inputs[0].producer()
    return has_trait(node, Trait.ALONG_LAST) and has_trait(node, Trait.KEEPS_SHAPE)
