"""NumPy oracles: each op's formula once more, in other words than the function bodies.

`ORACLES[op](*inputs, **attributes)` takes what the op takes.
"""

from collections.abc import Callable
from typing import Any

from oracles.add import q_add
from oracles.add_layer_normalization import (
    add_layer_normalization_to_island,
    layer_normalization_to_island,
    q_add_layer_normalization,
    q_float_add_layer_normalization,
)
from oracles.arg_max import arg_max_from_island
from oracles.attention import q_attention, q_masked_attention
from oracles.batch_matmul import q_batch_matmul, q_batch_matmul_to_float, q_batch_matmul_to_int32
from oracles.border import (
    convert_from_island,
    convert_to_island,
    dequantize_from_island,
    quantize_half_to_island,
    quantize_to_island,
    steps_to_island,
)
from oracles.bottleneck import q_bottleneck, q_bottleneck_add, q_bottleneck_float_add
from oracles.channel_table_add import q_channel_table_add
from oracles.conv import q_conv, q_conv_add, q_conv_table, q_conv_to_int32
from oracles.conv_pool import conv_max_pool_to_island, q_conv_max_pool
from oracles.dynamic import (
    dynamic_add_layer_normalization_to_island,
    dynamic_gelu_to_island,
    dynamic_layer_normalization_to_island,
    dynamic_q_batch_matmul,
    dynamic_q_conv,
    dynamic_q_matmul,
    dynamic_quantize_to_island,
)
from oracles.float_binary import q_float_add, q_float_mul
from oracles.float_conv import q_conv_float_add, q_conv_to_float
from oracles.float_entry import add_to_island, mul_to_island, softmax_to_island
from oracles.float_tail import float_global_average_pool, float_max_pool
from oracles.group_normalization import q_group_normalization
from oracles.layer_normalization import q_layer_normalization, q_layer_normalization_to_float
from oracles.lstm import dynamic_q_lstm
from oracles.masked_softmax import q_masked_softmax
from oracles.matmul import (
    q_matmul,
    q_matmul_add,
    q_matmul_add_table,
    q_matmul_table,
    q_matmul_to_float,
    q_projections,
)
from oracles.mul import q_mul
from oracles.normalization_mean import q_layer_normalization_global_average_pool
from oracles.pool import q_average_pool, q_global_average_pool, q_max_pool
from oracles.resize import (
    q_depth_to_space,
    q_float_resize,
    q_float_resize_to,
    q_resize,
    q_resize_to,
)
from oracles.rms_normalization import add_rms_normalization_to_island
from oracles.softmax import q_softmax
from oracles.squeeze_excitation import q_squeeze_excitation
from oracles.table import q_table
from oracles.table_binary import q_table_add, q_table_div, q_table_mul
from oracles.table_exit import table_from_island
from oracles.table_pool import q_table_global_average_pool, q_table_global_average_pool_to_float
from oracles.where import q_where

ORACLES: dict[str, Callable[..., Any]] = {
    "QuantizeToIsland": quantize_to_island,
    "QuantizeHalfToIsland": quantize_half_to_island,
    "ConvertToIsland": convert_to_island,
    "DequantizeFromIsland": dequantize_from_island,
    "ConvertFromIsland": convert_from_island,
    "StepsToIsland": steps_to_island,
    "QConv": q_conv,
    "QConv3D": q_conv,
    "QConvToInt32": q_conv_to_int32,
    "QConvAdd": q_conv_add,
    "QConvTable": q_conv_table,
    "QBottleneck": q_bottleneck,
    "QBottleneckAdd": q_bottleneck_add,
    "QBottleneckFloatAdd": q_bottleneck_float_add,
    "QConvMaxPool": q_conv_max_pool,
    "ConvMaxPoolToIsland": conv_max_pool_to_island,
    "QConvToFloat": q_conv_to_float,
    "QConvFloatAdd": q_conv_float_add,
    "AddToIsland": add_to_island,
    "TableFromIsland": table_from_island,
    "MulToIsland": mul_to_island,
    "SoftmaxToIsland": softmax_to_island,
    "QMatMul": q_matmul,
    "QMatMulTable": q_matmul_table,
    "QMatMulAdd": q_matmul_add,
    "QMatMulAddTable": q_matmul_add_table,
    "QProjections": q_projections,
    "QMatMulToFloat": q_matmul_to_float,
    "DynamicQuantizeToIsland": dynamic_quantize_to_island,
    "DynamicGeluToIsland": dynamic_gelu_to_island,
    "DynamicLayerNormalizationToIsland": dynamic_layer_normalization_to_island,
    "DynamicAddLayerNormalizationToIsland": dynamic_add_layer_normalization_to_island,
    "DynamicQMatMul": dynamic_q_matmul,
    "DynamicQBatchMatMul": dynamic_q_batch_matmul,
    "DynamicQConv": dynamic_q_conv,
    "DynamicQLSTM": dynamic_q_lstm,
    "QBatchMatMul": q_batch_matmul,
    "QBatchMatMulToFloat": q_batch_matmul_to_float,
    "QBatchMatMulToInt32": q_batch_matmul_to_int32,
    "QAdd": q_add,
    "QMaxPool": q_max_pool,
    "QGlobalAveragePool": q_global_average_pool,
    "QMul": q_mul,
    "QSqueezeExcitation": q_squeeze_excitation,
    "QFloatAdd": q_float_add,
    "QFloatMul": q_float_mul,
    "ArgMaxFromIsland": arg_max_from_island,
    "QTable": q_table,
    "QChannelTableAdd": q_channel_table_add,
    "QTableAdd": q_table_add,
    "QTableMul": q_table_mul,
    "QTableDiv": q_table_div,
    "FloatGlobalAveragePool": float_global_average_pool,
    "FloatMaxPool": float_max_pool,
    "QTableGlobalAveragePool": q_table_global_average_pool,
    "QTableGlobalAveragePoolToFloat": q_table_global_average_pool_to_float,
    "QAveragePool": q_average_pool,
    "QMaxPool3D": q_max_pool,
    "QAveragePool3D": q_average_pool,
    "QResize": q_resize,
    "QFloatResize": q_float_resize,
    "QResizeTo": q_resize_to,
    "QFloatResizeTo": q_float_resize_to,
    "QDepthToSpace": q_depth_to_space,
    "QSoftmax": q_softmax,
    "QLayerNormalization": q_layer_normalization,
    "QLayerNormalizationToFloat": q_layer_normalization_to_float,
    "QLayerNormalizationGlobalAveragePool": q_layer_normalization_global_average_pool,
    "QGroupNormalization": q_group_normalization,
    "QAddLayerNormalization": q_add_layer_normalization,
    "QFloatAddLayerNormalization": q_float_add_layer_normalization,
    "AddLayerNormalizationToIsland": add_layer_normalization_to_island,
    "AddRMSNormalizationToIsland": add_rms_normalization_to_island,
    "LayerNormalizationToIsland": layer_normalization_to_island,
    "QWhere": q_where,
    "QMaskedSoftmax": q_masked_softmax,
    "QAttention": q_attention,
    "QMaskedAttention": q_masked_attention,
}
