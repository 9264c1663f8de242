"""QAttention and QMaskedAttention, the attention of transformers in one op."""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.batch_matmul import QBatchMatMul
from qudnn.converter.functions.masked_softmax import QMaskedSoftmax
from qudnn.converter.functions.opsets import qudnn
from qudnn.converter.functions.softmax import QSoftmax
from qudnn.converter.functions.table import QTable

_ALL = 2**63 - 1
_IN_PLACE, _START, _WHOLE, _NO_PADS = [0, 1, 2, 3], [0] * 4, [_ALL] * 4, [0] * 8


@script(qudnn, default_opset=op)
def QAttention(
    q,
    k,
    v,
    table,
    q_perm: Sequence[int],
    k_perm: Sequence[int],
    v_perm: Sequence[int],
    y_perm: Sequence[int],
    q_starts: Sequence[int],
    q_ends: Sequence[int],
    k_starts: Sequence[int],
    k_ends: Sequence[int],
    v_starts: Sequence[int],
    v_ends: Sequence[int],
    pads: Sequence[int],
    q_zero_point: int,
    k_zero_point: int,
    score_multiplier: float,
    score_zero_point: int,
    softmax_scale: float,
    softmax_zero_point: int,
    dtype: int,
    probability_scale: float,
    probability_zero_point: int,
    weight_zero_point: int,
    v_zero_point: int,
    y_multiplier: float,
    y_zero_point: int,
):
    """int8 q, k, v of four dimensions, int8 table `[256]` -> int8 y:

        Q, K, V = their parts, transposed       [batch, heads, M, D], [.., D, N] and [.., N, C]
        S       = QBatchMatMul(Q, K)            [batch, heads, M, N]
        P       = QSoftmax(QTable(S, table))    of all N scores of a row
        Y       = QBatchMatMul(P, V)            [batch, heads, M, C]
        y       = transpose(pad(Y, pads), y_perm)

    Parts, permutations, pads and what a kernel may do otherwise are those of QBatchMatMul. softmax_* and
    probability_* are QSoftmax's x_* and y_*, in dtype; weight_zero_point is P's zero point as int8.
    """
    zero = op.Constant(value_ints=[0])
    k_zp = op.Cast(op.Reshape(op.Constant(value_int=k_zero_point), op.Constant(value_ints=[1])), to=3)
    v_zp = op.Cast(op.Reshape(op.Constant(value_int=v_zero_point), op.Constant(value_ints=[1])), to=3)
    bias = op.Cast(zero, to=6)
    scores = QBatchMatMul(
        q,
        k,
        bias,
        op.Constant(value_float=score_multiplier),
        k_zp,
        a_perm=q_perm,
        b_perm=k_perm,
        y_perm=_IN_PLACE,
        a_starts=q_starts,
        a_ends=q_ends,
        b_starts=k_starts,
        b_ends=k_ends,
        pads=_NO_PADS,
        a_zero_point=q_zero_point,
        y_zero_point=score_zero_point,
        y_min=-128,
        y_max=127,
    )
    probabilities = QSoftmax(
        QTable(scores, table),
        channels=_ALL,
        x_scale=softmax_scale,
        x_zero_point=softmax_zero_point,
        y_scale=probability_scale,
        y_zero_point=probability_zero_point,
        dtype=dtype,
    )
    return QBatchMatMul(
        probabilities,
        v,
        bias,
        op.Constant(value_float=y_multiplier),
        v_zp,
        a_perm=_IN_PLACE,
        b_perm=v_perm,
        y_perm=y_perm,
        a_starts=_START,
        a_ends=_WHOLE,
        b_starts=v_starts,
        b_ends=v_ends,
        pads=pads,
        a_zero_point=weight_zero_point,
        y_zero_point=y_zero_point,
        y_min=-128,
        y_max=127,
    )


@script(qudnn, default_opset=op)
def QMaskedAttention(
    q,
    k,
    v,
    table,
    mask,
    q_perm: Sequence[int],
    k_perm: Sequence[int],
    v_perm: Sequence[int],
    y_perm: Sequence[int],
    q_starts: Sequence[int],
    q_ends: Sequence[int],
    k_starts: Sequence[int],
    k_ends: Sequence[int],
    v_starts: Sequence[int],
    v_ends: Sequence[int],
    pads: Sequence[int],
    q_zero_point: int,
    k_zero_point: int,
    score_multiplier: float,
    score_zero_point: int,
    softmax_scale: float,
    softmax_zero_point: int,
    factor: float,
    divisor: float,
    probability_scale: float,
    probability_zero_point: int,
    weight_zero_point: int,
    v_zero_point: int,
    y_multiplier: float,
    y_zero_point: int,
):
    """As QAttention, with a float32 mask that broadcasts to `[batch, heads, M, N]`:

        P = QMaskedSoftmax(QTable(S, table), mask)

    which may differ by one quantum, and y with it. All zero points are the island's (int8).
    """
    zero = op.Constant(value_ints=[0])
    k_zp = op.Cast(op.Reshape(op.Constant(value_int=k_zero_point), op.Constant(value_ints=[1])), to=3)
    v_zp = op.Cast(op.Reshape(op.Constant(value_int=v_zero_point), op.Constant(value_ints=[1])), to=3)
    bias = op.Cast(zero, to=6)
    scores = QBatchMatMul(
        q,
        k,
        bias,
        op.Constant(value_float=score_multiplier),
        k_zp,
        a_perm=q_perm,
        b_perm=k_perm,
        y_perm=_IN_PLACE,
        a_starts=q_starts,
        a_ends=q_ends,
        b_starts=k_starts,
        b_ends=k_ends,
        pads=_NO_PADS,
        a_zero_point=q_zero_point,
        y_zero_point=score_zero_point,
        y_min=-128,
        y_max=127,
    )
    probabilities = QMaskedSoftmax(
        QTable(scores, table),
        mask,
        channels=_ALL,
        pads=_NO_PADS,
        x_scale=softmax_scale,
        x_zero_point=softmax_zero_point,
        factor=factor,
        divisor=divisor,
        y_scale=probability_scale,
        y_zero_point=probability_zero_point,
    )
    return QBatchMatMul(
        probabilities,
        v,
        bias,
        op.Constant(value_float=y_multiplier),
        v_zp,
        a_perm=_IN_PLACE,
        b_perm=v_perm,
        y_perm=y_perm,
        a_starts=_START,
        a_ends=_WHOLE,
        b_starts=v_starts,
        b_ends=v_ends,
        pads=pads,
        a_zero_point=weight_zero_point,
        y_zero_point=y_zero_point,
        y_min=-128,
        y_max=127,
    )
