"""The library over a CUDA runtime and an onnxruntime that only count: csrc/testing/fakes/.

Nothing is computed. Addresses are numbers, for nothing is read there.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from onnx import AttributeProto, helper

from cases.batch_matmul import BatchMatMulCase
from cases.op import OpCase
from qudnn.custom_ops.c_interface import CInterface

LIBRARY = "libqudnn_fakes.so"

INT8, INT32, FLOAT32 = 3, 6, 1  # element types

_AT, _STEP = 0x100000000, 0x10000000  # addresses of a case's tensors

_library = CInterface(LIBRARY)


@dataclass(frozen=True)
class Tensor:
    address: int
    shape: list[int]
    type: int = INT8


class Launch(NamedTuple):
    """A kernel's name on the GPU and, of the kernel of window.h, what it got."""

    kernel: str
    addresses: list[int]  # in its maps: x in 4 phases, weights, residual, y; then biases and y

    @property
    def x(self) -> int:
        """Where it begins: with strides there is a map of every n-th pixel for each place to begin."""
        return min(self.addresses[:4])

    @property
    def weights(self) -> int:
        return self.addresses[4]

    @property
    def residual_and_y(self) -> list[int]:
        """In maps; zeros where results do not leave through one."""
        return self.addresses[5:7]

    @property
    def biases(self) -> int:
        return self.addresses[7]

    @property
    def y(self) -> int:
        return self.addresses[8]


class Calls(NamedTuple):
    tensor_maps: int  # encoded
    questions: int  # about a GPU or a kernel, or what a kernel is allowed
    synchronizations: int
    allocations: int  # of CUDA, not freed yet, of the whole process
    descriptions: int  # allocated to say a tensor's type and shape
    scratch: int  # memory for one run
    runtime_questions: int  # for a tensor, its memory or description, the stream, a resource
    lookups: int  # of plans, in the process's cache
    launches: list[Launch]


def calls() -> Calls:
    """What was called since the last time."""
    made = _ask("calls")
    return Calls(**{**made, "launches": [Launch(*launch) for launch in made["launches"]]})


def set_capturing(capturing: bool) -> None:
    """Whether streams say from now on that a CUDA graph captures them."""
    _ask("set_capturing", capturing)


def clear_plans() -> None:
    """Forgets all plans, as `qudnn.plans.clear()` does."""
    _ask("clear_plans")


def replace_plans(*, in_need: bool = False) -> None:
    """Gives all known problems the plain native plan, as tuning aside gives them a faster one.

    in_need: as if memory had been too short for another one, and it were time to choose again.
    """
    _ask("replace_plans", in_need)


def all_plans() -> list[tuple[str, str, bool]]:
    """(problem, plan, whether it was tuned) of each problem that is known, in each configuration."""
    return [(problem, plan, tuned) for problem, plan, tuned in _ask("plans")]


def plans() -> dict[str, tuple[str, bool]]:
    """The same by problem, in the only configuration."""
    listed = all_plans()
    found = {problem: (plan, tuned) for problem, plan, tuned in listed}
    assert len(found) == len(listed)
    return found


def wait_for_tuning(milliseconds: int) -> bool:
    """Whether nothing is tuned aside any more, after so long at most."""
    return bool(_ask("wait_for_tuning", milliseconds))


def hits() -> int:
    """Plans that were looked up and found, since they were cleared."""
    return int(_ask("hits"))


def use_runtime(version: int) -> None:
    """The API version that the onnxruntime has from now on."""
    _ask("use_runtime", version)


@dataclass
class Node:
    """A node of an op, with the plans of one engine, or of all (""). constants: by input, or None.

    tune: as a session has it.
    """

    op: str
    attributes: Mapping[str, Any]
    constants: list[Tensor | None]
    engine: str = "native_window"
    tune: str = "heuristic"
    _number: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        attributes = _by_type(self.attributes)
        self._number = _ask("Node", self.op, attributes, self.constants, self.engine, self.tune)

    def __del__(self) -> None:
        if self._number is not None:
            _ask("drop", self._number)

    def run(self, inputs: list[Tensor], y: int, type: int = INT8) -> list[int]:
        """y: its address. Returns its shape."""
        return list(_ask("Node.run", self._number, inputs, y, type))

    def heap_allocations(self) -> int:
        """Of all its runs, on the host."""
        return int(_ask("Node.heap_allocations", self._number))

    def wrong_launches(self, inputs: list[Tensor], *, threads: int, runs: int, period: int) -> int:
        """Of runs in threads, each on other addresses of the first input and of y: see nodes.cpp."""
        return int(_ask("Node.wrong_launches", self._number, inputs, threads, runs, period))


def element_type(dtype: object) -> int:
    """ONNX's number of one of NumPy's types."""
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))  # type: ignore[call-overload]


def tensor(index: int, shape: Sequence[int], dtype: object) -> Tensor:
    """The input of that number, at an address of its own."""
    return Tensor(_AT + index * _STEP, list(shape), element_type(dtype))


def node_of(
    case: OpCase | BatchMatMulCase, batch: int = 2, engine: str = "", tune: str = "heuristic"
) -> tuple[Node, list[Tensor]]:
    """The case's op, with the plans of all engines, and all of its inputs; some have a batch already."""
    first = () if isinstance(case, BatchMatMulCase) else (batch,)
    given = [((*first, *shape), dtype) for dtype, shape in case.tensors.values()]
    given += [(value.shape, value.dtype) for value in case.constants.values()]
    inputs = [tensor(i, shape, dtype) for i, (shape, dtype) in enumerate(given)]
    computed = len(case.tensors)
    return Node(case.op, case.attributes, [*[None] * computed, *inputs[computed:]], engine, tune), inputs


def inferred(
    op: str, attributes: Mapping[str, Any], inputs: Sequence[Sequence[int | str] | None]
) -> list[int | str] | None:
    """The shape that an op says its first result has, None if it says nothing: see nodes.cpp."""
    found = _ask("inferred", op, _by_type(attributes), list(inputs))
    return None if found is None else list(found)


def _by_type(attributes: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {"integers": {}, "reals": {}, "texts": {}}
    for name, value in attributes.items():
        made = helper.make_attribute(name, value)
        if made.type in (AttributeProto.INT, AttributeProto.INTS):
            found["integers"][name] = list(made.ints) or [made.i] * (made.type == AttributeProto.INT)
        elif made.type in (AttributeProto.FLOAT, AttributeProto.FLOATS):
            found["reals"][name] = list(made.floats) or [made.f] * (made.type == AttributeProto.FLOAT)
        else:
            found["texts"][name] = made.s.decode()
    return found


def _ask(hook: str, *arguments: object) -> Any:
    request = json.dumps(arguments, default=vars).encode()
    made, _ = _library.call("qudnn_testing_call", hook.encode(), request, None)
    return json.loads(made)
