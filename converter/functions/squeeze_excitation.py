"""QSqueezeExcitation, the product of an image's channels with gates that are computed of their means."""

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.conv import QConv
from qudnn.converter.functions.mul import QMul
from qudnn.converter.functions.opsets import qudnn
from qudnn.converter.functions.pool import QGlobalAveragePool
from qudnn.converter.functions.table import QTable


@script(qudnn, default_opset=op)
def QSqueezeExcitation(
    x,
    w_squeeze,
    bias_squeeze,
    multiplier_squeeze,
    table_squeeze,
    w_excite,
    bias_excite,
    multiplier_excite,
    table_excite,
    x_scale: float,
    x_zero_point: int,
    mean_scale: float,
    mean_zero_point: int,
    squeezed_zero_point: int,
    squeezed_min: int,
    squeezed_max: int,
    excited_zero_point: int,
    excited_min: int,
    excited_max: int,
    a_scale: float,
    a_zero_point: int,
    b_scale: float,
    b_zero_point: int,
    y_scale: float,
    y_zero_point: int,
    dtype: int,
):
    """int8 `[N,H,W,Cp]` -> int8 `[N,H,W,Cp]`: QMul of x and its gates `[N,1,1,Cp]`, which are

        QTable(QConv(QTable(QConv(QGlobalAveragePool(x), w_squeeze)), w_excite))

    with w_squeeze `[Kp,1,1,Cp]`, w_excite `[Cp,1,1,Kp]` and tables `[256]`. In QMul x is a, the gates are b.
    The zero points of what QConv reads are in its biases; without padding they play no other part.
    """
    mean = QGlobalAveragePool(
        x, x_scale=x_scale, x_zero_point=x_zero_point, y_scale=mean_scale, y_zero_point=mean_zero_point
    )
    squeezed = QConv(
        mean,
        w_squeeze,
        bias_squeeze,
        multiplier_squeeze,
        pads=[0, 0, 0, 0],
        strides=[1, 1],
        dilations=[1, 1],
        group=1,
        x_zero_point=0,
        y_zero_point=squeezed_zero_point,
        y_min=squeezed_min,
        y_max=squeezed_max,
        y_pads=[0, 0, 0, 0, 0, 0, 0, 0],
    )
    excited = QConv(
        QTable(squeezed, table_squeeze, y_zero_point=0, y_pads=[0]),
        w_excite,
        bias_excite,
        multiplier_excite,
        pads=[0, 0, 0, 0],
        strides=[1, 1],
        dilations=[1, 1],
        group=1,
        x_zero_point=0,
        y_zero_point=excited_zero_point,
        y_min=excited_min,
        y_max=excited_max,
        y_pads=[0, 0, 0, 0, 0, 0, 0, 0],
    )
    return QMul(
        x,
        QTable(excited, table_excite, y_zero_point=0, y_pads=[0]),
        a_scale=a_scale,
        a_zero_point=a_zero_point,
        b_scale=b_scale,
        b_zero_point=b_zero_point,
        y_scale=y_scale,
        y_zero_point=y_zero_point,
        dtype=dtype,
    )
