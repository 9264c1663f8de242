"""Which axis of a tensor outside of any island would best be last inside one: a look at who reads it."""

import onnx_ir as ir

_ALONG_LAST = {
    "Gemm", "LayerNormalization", "MatMul", "MatMulInteger", "QGemm", "QLinearMatMul", "QLinearSoftmax",
    "Softmax",
}  # fmt: skip
_ALONG_SECOND = {
    "AveragePool", "BatchNormalization", "Conv", "ConvInteger", "ConvTranspose", "DepthToSpace",
    "GlobalAveragePool", "GlobalMaxPool", "InstanceNormalization", "MaxPool", "QLinearAveragePool",
    "QLinearConv", "QLinearGlobalAveragePool", "Resize", "SpaceToDepth",
}  # fmt: skip
_ANOTHER_PLACE = {
    "Concat", "Expand", "Flatten", "Gather", "QLinearConcat", "ReduceMean", "Reshape", "Shape", "Slice",
    "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze",
}  # fmt: skip


def wanted_axis(value: ir.Value, rank: int) -> int:
    """The axis that the nearest reader with an opinion works along; by default 1, where ONNX has channels.

    Between it and the value stand only nodes that leave axes where they are.
    """
    waiting, seen = [value], {value}
    for reached in waiting:
        for reader in (use.node for use in reached.uses()):
            if reader.op_type in _ALONG_LAST:
                return rank - 1
            if reader.op_type in _ALONG_SECOND:
                return 1
            if reader.op_type not in _ANOTHER_PLACE:
                waiting += [output for output in reader.outputs if output not in seen]
                seen.update(reader.outputs)
    return 1
