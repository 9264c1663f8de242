"""DynamicQLSTM: LSTM layers whose inputs and states are quantized dynamically."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from oracles.arithmetic import Array, fma, wrap
from oracles.dynamic import dynamically_quantized

_F = np.float32
_TANH = (-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08,
         1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03)  # fmt: skip
_UNDER_TANH = (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)
_SIGMOID = (4.37031012579801e-11, 1.15627324459942e-07, 6.08574864600143e-05, 8.51377133304701e-03,
            2.48287947061529e-01)  # fmt: skip
_UNDER_SIGMOID = (6.10247389755681e-13, 5.76102136993427e-09, 6.29106785017040e-06,
                  1.70198817374094e-03, 1.16817656904453e-01, 9.93151921023180e-01)  # fmt: skip


def _polynomial(coefficients: Sequence[float], x: Array) -> Array:
    """By Horner's rule, each step a fused multiply-add."""
    first, *others = map(_F, coefficients)
    y: Array = np.broadcast_to(first, x.shape)
    for coefficient in others:
        y = fma(y, x, coefficient)
    return y


def tanh(x: Array) -> Array:
    """A quotient of polynomials, as MLAS has it."""
    x = np.clip(x, _F(-9), _F(9))
    return _polynomial(_TANH, x * x) * x / _polynomial(_UNDER_TANH, x * x)


def sigmoid(x: Array) -> Array:
    """A quotient of polynomials, as MLAS has it."""
    x = np.clip(x, _F(-18), _F(18))
    quotient = _polynomial(_SIGMOID, x * x) * x / _polynomial(_UNDER_SIGMOID, x * x)
    return np.clip(quotient + _F(0.5), _F(0), _F(1))


def _exp(x: Array) -> Array:
    """Rounded from float64. The C library's expf has other bits for few arguments, if any."""
    return np.exp(x.astype(np.float64)).astype(_F)


def _log(x: Array) -> Array:
    """As _exp()."""
    return np.log(x.astype(np.float64)).astype(_F)


def _logistic(x: Array) -> Array:
    return np.where(x >= 0, _F(1) / (_F(1) + _exp(-x)), _exp(x) / (_F(1) + _exp(x)))


# name: whether it has an alpha and a beta, and the function of x, alpha and beta
ACTIVATIONS: dict[str, tuple[bool, bool, Callable[[Array, Any, Any], Array]]] = {
    "Sigmoid": (False, False, lambda x, a, b: sigmoid(x)),
    "Tanh": (False, False, lambda x, a, b: tanh(x)),
    "Relu": (False, False, lambda x, a, b: np.maximum(x, _F(0))),
    "Affine": (True, True, lambda x, a, b: a * x + b),
    "LeakyRelu": (True, False, lambda x, a, b: np.where(x >= 0, x, a * x)),
    "ThresholdedRelu": (True, False, lambda x, a, b: np.where(x > a, x, _F(0))),
    "HardSigmoid": (True, True, lambda x, a, b: np.clip(a * x + b, _F(0), _F(1))),
    "Softsign": (False, False, lambda x, a, b: x / (_F(1) + np.abs(x))),
    "ScaledTanh": (True, True, lambda x, a, b: a * (_F(2) * _logistic(_F(2) * (b * x)) - _F(1))),
    "Elu": (True, False, lambda x, a, b: np.where(x >= 0, x, a * (_exp(x) - _F(1)))),
    "Softplus": (False, False, lambda x, a, b: _log(_F(1) + _exp(x))),
}


class Direction(NamedTuple):
    """What a direction has of its own. w `[C,4H]` and r `[H,4H]` are less their zero points."""

    w: Array
    r: Array
    w_scale: Array
    r_scale: Array
    bias: Array | None
    peepholes: Array | None
    h: Array
    c: Array
    functions: list[Callable[[Array], Array]]
    is_reversed: bool


def dynamic_q_lstm(
    x: Array,
    w: Array,
    r: Array,
    w_scale: Array,
    w_zero_point: Array,
    r_scale: Array,
    r_zero_point: Array,
    b: Array | None = None,
    sequence_lens: Array | None = None,
    initial_h: Array | None = None,
    initial_c: Array | None = None,
    p: Array | None = None,
    *,
    direction: str,
    hidden_size: int,
    input_size: int,
    input_forget: int = 0,
    clip: float = float(np.finfo(np.float32).max),
    activations: Sequence[str] = (),
    activation_kinds: Sequence[int] = (),
    activation_alpha: Sequence[float] = (),
    activation_beta: Sequence[float] = (),
) -> tuple[Array, Array, Array]:
    """y `[T,D,N,H]`, y_h and y_c `[D,N,H]`, as onnxruntime's CPU provider has them on one thread."""
    steps, batch, _ = x.shape
    directions = len(w)
    kinds = list(activation_kinds) or [0, 1, 1] * directions
    names = [list(ACTIVATIONS)[kind] for kind in kinds]
    assert [name.lower() for name in activations] in ([], [name.lower() for name in names])
    functions = _functions(names, list(activation_alpha), list(activation_beta))
    lengths = np.full(batch, steps) if sequence_lens is None else sequence_lens
    zeros = np.zeros((directions, batch, hidden_size), _F)
    results = []
    for d in range(directions):
        one = Direction(
            _centered(w[d], w_zero_point[d])[:input_size],
            _centered(r[d], r_zero_point[d])[:hidden_size],
            w_scale[d],
            r_scale[d],
            None if b is None else np.add(*np.split(b[d], 2)),
            None if p is None else p[d],
            (zeros if initial_h is None else initial_h)[d],
            (zeros if initial_c is None else initial_c)[d],
            functions[3 * d : 3 * d + 3],
            d == 1 or direction == "reverse",
        )
        results.append(_one_direction(x, lengths, one, _F(clip), bool(input_forget)))
    y, y_h, y_c = (np.stack(parts) for parts in zip(*results, strict=True))
    return y.transpose(1, 0, 2, 3), y_h, y_c


def _one_direction(
    x: Array, lengths: Array, one: Direction, clip: np.float32, input_forget: bool
) -> tuple[Array, Array, Array]:
    """y `[T,N,H]`, y_h and y_c `[N,H]`."""
    batch = np.arange(len(lengths))
    longest = lengths.max()
    y = np.zeros((len(x), *one.h.shape), _F)
    y_h, y_c = np.zeros_like(one.h), np.zeros_like(one.h)
    of_x = _products(x[:longest], one.w, one.w_scale)
    h, c = one.h, one.c
    f, g, output = one.functions

    def gate(values: Array, number: int, peephole: int | None, c: Array) -> Array:
        values = np.split(values, 4, axis=1)[number]
        if one.peepholes is not None and peephole is not None:
            values = values + c * np.split(one.peepholes, 3)[peephole]
        if one.bias is not None:
            values = values + np.split(one.bias, 4)[number]
        return np.clip(values, -clip, clip)

    for step in range(longest):
        place = np.where((step < lengths) & one.is_reversed, lengths - 1 - step, step)
        gates = of_x[place, batch] + _products(h, one.r, one.r_scale)
        i = f(gate(gates, 0, 0, c))
        forget = _F(1) - i if input_forget else f(gate(gates, 2, 2, c))
        new_c = c * forget + i * g(gate(gates, 3, None, c))
        new_h = f(gate(gates, 1, 1, new_c)) * output(new_c)
        goes_on = (step < lengths)[:, None]
        h, c = np.where(goes_on, new_h, _F(0)), np.where(goes_on, new_c, c)
        y[place, batch] = h
        last = step == lengths - 1
        y_h[last], y_c[last] = h[last], c[last]
    return y, y_h, y_c


def _centered(weight: Array, zero_point: Array) -> Array:
    """int8 `[4H,C]` -> int64 `[C,4H]`"""
    return (weight.astype(np.int64) - zero_point.astype(np.int64).reshape(-1, 1)).T


def _products(values: Array, weight: Array, weight_scale: Array) -> Array:
    """Of values, quantized together: float32 `[..., 4H]`."""
    axes = range(values.ndim)
    q, scale, zero_point = dynamically_quantized(values, axes, [0] * 2 * values.ndim)
    acc = wrap((q.astype(np.int64) - zero_point) @ weight)
    return acc.astype(_F) * (scale * weight_scale)


def _with(of: Callable[[Array, Any, Any], Array], alpha: Any, beta: Any) -> Callable[[Array], Array]:
    return lambda x: of(x, alpha, beta)


def _functions(
    names: Sequence[str], alphas: list[float], betas: list[float]
) -> list[Callable[[Array], Array]]:
    """Each takes its alpha and its beta off the lists, if it has them."""
    functions: list[Callable[[Array], Array]] = []
    for name in names:
        has_alpha, has_beta, of = ACTIVATIONS[name]
        alpha, beta = _F(alphas.pop(0) if has_alpha else 0), _F(betas.pop(0) if has_beta else 0)
        functions.append(_with(of, alpha, beta))
    return functions
