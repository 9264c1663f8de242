"""StepsToIsland: the thresholds of an elementwise function of float32 numbers with an 8-bit result."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from qudnn.converter.errors import Refusal
from qudnn.converter.evaluate import session_of
from qudnn.converter.island.packing import Float32Array, Int8Array

MOST = 4095  # thresholds that the op takes

_GRID = 2**16  # of the numbers where the search begins: about 128 between a power of two and the next
_NEAR = 2**8  # numbers on each side of a threshold, where float32's roundings may take a step back
_SIGN = np.uint32(2**31)
_Ranks = NDArray[np.int64]


class Steps(NamedTuple):
    """thresholds: float32 `[T]`; values: int8 `[T + 2]`, as StepsToIsland takes them."""

    thresholds: Float32Array
    values: Int8Array


def find_steps(
    nodes: Sequence[onnx.NodeProto],
    x: str,
    y: str,
    constants: Mapping[str, NDArray[Any]],
    opsets: Mapping[str, int],
) -> Steps:
    """What the nodes make of float32 x: int8 y, on onnxruntime's CPU provider.

    The nodes are functions of each element alone. opsets: version by domain. Exact where two numbers of a
    grid, about 128 between a power of two and the next, enclose at most one step, or several in the same
    direction, and where each step back lies within 256 numbers of another step. Raises Refusal where there
    are too many steps.
    """
    graph = helper.make_graph(
        list(nodes),
        "steps",
        [helper.make_tensor_value_info(x, onnx.TensorProto.FLOAT, ["n"])],
        [helper.make_tensor_value_info(y, onnx.TensorProto.INT8, ["n"])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    model = helper.make_model(graph, opset_imports=imports, ir_version=8)
    return _steps(model.SerializeToString(deterministic=True))


@cache
def _steps(model: bytes) -> Steps:
    """Of a model with one input and one output."""
    run = _runner(model)
    zeros = _rank(np.array([-0.0, 0.0], np.float32))
    ends = _rank(np.array([-np.inf, np.inf], np.float32))
    grid = np.linspace(int(ends[0]), int(ends[1]), _GRID).astype(np.int64)
    ranks, values = _refined(run, np.union1d(grid, zeros))
    if values[np.searchsorted(ranks, zeros[0])] != values[np.searchsorted(ranks, zeros[1])]:
        raise Refusal("it distinguishes 0 from -0")
    first = values[:1]
    steps = _steps_between(ranks, values)
    waiting = steps
    while waiting:
        near = np.unique(np.array(list(waiting))[:, None] + np.arange(-_NEAR, _NEAR)).clip(ends[0], ends[1])
        found = _steps_between(near, run(_number(near)))
        waiting = {rank: value for rank, value in found.items() if rank not in steps}
        steps |= waiting
    order = sorted(steps)
    if len(order) > MOST:
        raise Refusal(f"it has more than {MOST} steps")
    if not order:  # one value
        order, steps = [int(ends[1])], {int(ends[1]): int(first[0])}
    thresholds = _number(np.array(order, np.int64))
    reached = np.array([steps[rank] for rank in order], np.int8)
    of_nan = run(np.array([np.nan], np.float32))
    return Steps(thresholds, np.concatenate([first, reached, of_nan]))


def _steps_between(ranks: _Ranks, values: Int8Array) -> dict[int, int]:
    """The ranks that have another value than the one before, if that is their neighbour, and the values."""
    at = np.flatnonzero((values[1:] != values[:-1]) & (np.diff(ranks) == 1)) + 1
    return dict(zip(ranks[at].tolist(), values[at].tolist(), strict=True))


def _refined(run: Callable[[Float32Array], Int8Array], ranks: _Ranks) -> tuple[_Ranks, Int8Array]:
    """Ranks and what there is at each, with more ranks until each step lies between two neighbours."""
    values = run(_number(ranks))
    while True:
        before = np.flatnonzero(values[1:] != values[:-1])
        if len(before) > MOST:
            raise Refusal(f"it has more than {MOST} steps")
        apart = before[ranks[before + 1] - ranks[before] > 1]
        if not len(apart):
            return ranks, values
        middle = (ranks[apart] + ranks[apart + 1]) // 2
        values = np.insert(values, apart + 1, run(_number(middle)))
        ranks = np.insert(ranks, apart + 1, middle)


def _runner(model: bytes) -> Callable[[Float32Array], Int8Array]:
    """What computes the model's output from its input."""
    try:
        session = session_of(model)
    except Refusal:
        raise
    except Exception as error:  # onnxruntime has no common type of error
        raise Refusal(f"onnxruntime does not run it alone: {error}") from error
    name = session.get_inputs()[0].name

    def run(x: Float32Array) -> Int8Array:
        padded = np.pad(x, (0, -len(x) % 64))  # in vectors, as most elements of a tensor
        try:
            (y,) = session.run(None, {name: padded})
        except Exception as error:
            raise Refusal(f"onnxruntime does not run it alone: {error}") from error
        if y.shape != padded.shape or y.dtype != np.int8:
            raise Refusal("it does not map each number to one of 8 bits")
        result: Int8Array = y[: len(x)]
        return result

    return run


def _rank(numbers: Float32Array) -> _Ranks:
    """The place of each number among all of float32, in their order; -0 is before 0."""
    bits = numbers.view(np.uint32)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN).astype(np.int64)


def _number(ranks: _Ranks) -> Float32Array:
    """The numbers at these places."""
    bits = ranks.astype(np.uint32)
    return np.where(bits & _SIGN, bits ^ _SIGN, ~bits).astype(np.uint32).view(np.float32)
