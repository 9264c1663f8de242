"""The ops of the domain `qudnn`, each as a function of standard operators: the specification.

A kernel is right when it gives the bits of its function on onnxruntime's CPU provider. A converted
model carries the functions of the ops it uses, so it runs where no kernel is registered.
"""

from onnx import FunctionProto

from qudnn.converter.domain import DOMAIN as DOMAIN
from qudnn.converter.functions.add import QAdd
from qudnn.converter.functions.add_layer_normalization import (
    AddLayerNormalizationToIsland,
    LayerNormalizationToIsland,
    QAddLayerNormalization,
    QFloatAddLayerNormalization,
)
from qudnn.converter.functions.attention import QAttention, QMaskedAttention
from qudnn.converter.functions.batch_matmul import QBatchMatMul, QBatchMatMulToFloat, QBatchMatMulToInt32
from qudnn.converter.functions.border import (
    ConvertFromIsland,
    ConvertToIsland,
    DequantizeFromIsland,
    QuantizeToIsland,
)
from qudnn.converter.functions.conv import QConv, QConvAdd, QConvToInt32
from qudnn.converter.functions.conv3d import QConv3D
from qudnn.converter.functions.dynamic import (
    DynamicAddLayerNormalizationToIsland,
    DynamicGeluToIsland,
    DynamicLayerNormalizationToIsland,
    DynamicQBatchMatMul,
    DynamicQConv,
    DynamicQMatMul,
    DynamicQuantizeToIsland,
)
from qudnn.converter.functions.float_attention import Attention, MaskedAttention
from qudnn.converter.functions.float_binary import QFloatAdd, QFloatMul
from qudnn.converter.functions.float_conv import QConvFloatAdd, QConvToFloat
from qudnn.converter.functions.layer_normalization import QLayerNormalization
from qudnn.converter.functions.lstm import DynamicQLSTM
from qudnn.converter.functions.masked_softmax import QMaskedSoftmax
from qudnn.converter.functions.matmul import QMatMul, QMatMulToFloat, QProjections
from qudnn.converter.functions.mul import QMul
from qudnn.converter.functions.pool import QAveragePool, QGlobalAveragePool, QMaxPool
from qudnn.converter.functions.pool3d import QAveragePool3D, QMaxPool3D
from qudnn.converter.functions.portable import with_portable_constants
from qudnn.converter.functions.resize import QDepthToSpace, QFloatResize, QResize
from qudnn.converter.functions.softmax import QSoftmax
from qudnn.converter.functions.steps import StepsToIsland
from qudnn.converter.functions.table import QTable
from qudnn.converter.functions.table_binary import QTableAdd, QTableDiv, QTableMul
from qudnn.converter.functions.table_pool import QTableGlobalAveragePool
from qudnn.converter.functions.where import QWhere

VERSION = 1
MIN_OPSET = 13  # the oldest opset in which bodies are valid, apart from those that need a newer operator

FUNCTIONS = {
    function.name: function
    for function in (
        QuantizeToIsland,
        ConvertToIsland,
        DequantizeFromIsland,
        ConvertFromIsland,
        StepsToIsland,
        QConv,
        QConv3D,
        QMatMul,
        QAdd,
        QMaxPool,
        QGlobalAveragePool,
        QMul,
        QFloatAdd,
        QFloatMul,
        QAveragePool,
        QMaxPool3D,
        QAveragePool3D,
        QTable,
        QTableAdd,
        QTableMul,
        QTableDiv,
        QTableGlobalAveragePool,
        QResize,
        QFloatResize,
        QDepthToSpace,
        QSoftmax,
        QMaskedSoftmax,
        QAttention,
        QMaskedAttention,
        QWhere,
        QLayerNormalization,
        QAddLayerNormalization,
        QFloatAddLayerNormalization,
        AddLayerNormalizationToIsland,
        LayerNormalizationToIsland,
        QProjections,
        QMatMulToFloat,
        QBatchMatMul,
        QBatchMatMulToFloat,
        QBatchMatMulToInt32,
        QConvToInt32,
        QConvAdd,
        QConvToFloat,
        QConvFloatAdd,
        DynamicQuantizeToIsland,
        DynamicGeluToIsland,
        DynamicLayerNormalizationToIsland,
        DynamicAddLayerNormalizationToIsland,
        DynamicQMatMul,
        DynamicQBatchMatMul,
        DynamicQConv,
        DynamicQLSTM,
        Attention,
        MaskedAttention,
    )
}


def function_proto(name: str, opset: int) -> FunctionProto:
    """The function `name` over opset `opset` of ONNX's own domain, 13 or newer (QLayerNormalization: 17).

    onnxruntime inlines a function only into a model of the same opset. The bodies use nothing that
    changed its meaning since the opset they are written in, so that only the version has to be set.
    """
    proto = with_portable_constants(FUNCTIONS[name].to_function_proto())
    for imported in proto.opset_import:
        if imported.domain == "":
            if opset < imported.version:
                raise ValueError(
                    f"function {name} needs opset {imported.version} or newer, the model has {opset}"
                )
            imported.version = opset
    return proto


def function_protos(name: str, opset: int) -> list[FunctionProto]:
    """The function `name` and those that its body calls, as function_proto() gives them."""
    protos = {name: function_proto(name, opset)}
    for node in protos[name].node:
        if node.domain == DOMAIN:
            protos |= {called.name: called for called in function_protos(node.op_type, opset)}
    return list(protos.values())
