"""QChannelTableAdd, the quantized sum of a function for each channel and another tensor."""

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.add import QAdd
from qudnn.converter.functions.opsets import qudnn
from qudnn.converter.functions.table import QTable
from qudnn.converter.functions.where import QWhere


@script(qudnn, default_opset=op)
def QChannelTableAdd(
    x,
    residual,
    table,
    a_scale: float,
    a_zero_point: int,
    b_scale: float,
    b_zero_point: int,
    sum_scale: float,
    sum_zero_point: int,
    dtype: int,
    result_first: int,
):
    """QAdd of QTable(x, table) and the residual, in this order if result_first is 1: int8 `[..., Cp]`.

    x and residual are of one shape `[..., Cp]`, table is `[Cp, 256]`, one for each channel. Both formulas as
    they are. The zero points are those of dtype (2 uint8, 3 int8).
    """
    y = QTable(x, table, y_zero_point=0, y_pads=[0])
    first = op.Cast(op.Constant(value_int=result_first), to=9)
    return QAdd(
        QWhere(first, y, residual),
        QWhere(first, residual, y),
        a_scale=a_scale,
        a_zero_point=a_zero_point,
        b_scale=b_scale,
        b_zero_point=b_zero_point,
        y_scale=sum_scale,
        y_zero_point=sum_zero_point,
        dtype=dtype,
    )
