"""The ops of the domain `qudnn`, each as a function of standard operators: the specification.

A kernel is right when it gives the bits of its function on onnxruntime's CPU provider. A converted
model carries the functions of the ops it uses, so it runs where no kernel is registered.
"""

from onnx import FunctionProto

from converter.functions.add import QAdd
from converter.functions.border import (
    ConvertFromIsland,
    ConvertToIsland,
    DequantizeFromIsland,
    QuantizeToIsland,
)
from converter.functions.conv import QConv
from converter.functions.matmul import QMatMul
from converter.functions.mul import QMul
from converter.functions.pool import QAveragePool, QGlobalAveragePool, QMaxPool
from converter.functions.resize import QDepthToSpace, QResize
from converter.functions.softmax import QSoftmax
from converter.functions.table import QTable

DOMAIN = "qudnn"
VERSION = 1
MIN_OPSET = 13  # the oldest opset in which every body is valid

FUNCTIONS = {
    function.name: function
    for function in (
        QuantizeToIsland,
        ConvertToIsland,
        DequantizeFromIsland,
        ConvertFromIsland,
        QConv,
        QMatMul,
        QAdd,
        QMaxPool,
        QGlobalAveragePool,
        QMul,
        QAveragePool,
        QTable,
        QResize,
        QDepthToSpace,
        QSoftmax,
    )
}


def function_proto(name: str, opset: int) -> FunctionProto:
    """The function `name` over opset `opset` (13 or newer) of ONNX's own domain.

    onnxruntime inlines a function only into a model of the same opset. The bodies use nothing that
    changed its meaning since opset 13, so that only the version has to be set.
    """
    if opset < MIN_OPSET:
        raise ValueError(f"function {name} needs opset {MIN_OPSET} or newer, the model has {opset}")
    proto = FUNCTIONS[name].to_function_proto()
    for imported in proto.opset_import:
        if imported.domain == "":
            imported.version = opset
    return proto
