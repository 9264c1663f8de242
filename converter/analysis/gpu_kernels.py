"""Which operators of ONNX on 8 bits onnxruntime's CUDA provider has kernels for; others run on the CPU.

(docs/OperatorKernels.md, onnxruntime 1.30.)

A kernel for one of the two types is not always there for the other. Relu has none for either, nor have
DepthToSpace, Pad, SpaceToDepth and Tile; all of them have one for float32.
"""

import onnx_ir as ir

from qudnn.converter.graph.op_traits import Trait, has_trait

_KERNELS = {ir.DataType.INT8: Trait.GPU_INT8, ir.DataType.UINT8: Trait.GPU_UINT8}


def runs_on_gpu(node: ir.Node, dtype: ir.DataType | None) -> bool:
    """Whether there is a kernel for the node on tensors of this 8-bit type."""
    return dtype in _KERNELS and has_trait(node, _KERNELS[dtype])
