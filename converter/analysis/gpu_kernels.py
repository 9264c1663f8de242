"""Which operators of ONNX on 8 bits onnxruntime's CUDA provider has kernels for; others run on the CPU.

From opset 13 on, of those that conversion leaves outside of islands: docs/OperatorKernels.md of onnxruntime
1.31. A kernel for one of the two types is not always there for the other. Relu has none for either, nor
have DepthToSpace, Pad, SpaceToDepth and Tile; all of them have one for float32.
"""

import onnx_ir as ir

from qudnn.converter.graph.constants import EIGHT_BIT

_UINT8 = {ir.DataType.UINT8}
_TYPES = {
    "Clip": EIGHT_BIT,
    "Concat": EIGHT_BIT,
    "Expand": EIGHT_BIT,
    "Flatten": EIGHT_BIT,
    "Gather": EIGHT_BIT,
    "Identity": EIGHT_BIT,
    "MaxPool": EIGHT_BIT,
    "Reshape": EIGHT_BIT,
    "Resize": _UINT8,
    "Slice": EIGHT_BIT,
    "Split": EIGHT_BIT,
    "Squeeze": EIGHT_BIT,
    "Transpose": EIGHT_BIT,
    "Unsqueeze": EIGHT_BIT,
    "Where": _UINT8,
}


def runs_on_gpu(node: ir.Node, dtype: ir.DataType | None) -> bool:
    """Whether there is a kernel for the node on tensors of this 8-bit type."""
    return not node.domain and dtype in _TYPES.get(node.op_type, ())
