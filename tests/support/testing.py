"""Parts of libqudnn for its tests: csrc/testing/, in a library that the wheel does not have.

Records and keys of plans are dicts, problems are objects with the fields of their text.
"""

import ctypes
import json
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from qudnn.custom_ops.c_interface import Answer, BadRecord, CInterface

__all__ = ["BadRecord"]

LIBRARY = "libqudnn_testing.so"

_library = CInterface(LIBRARY)
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.POINTER(Answer))
_FAILED = 5


def path() -> str:
    return _library.path


class _Problem:
    kind: ClassVar[str]

    def __init__(self, **fields: int) -> None:
        self.fields = fields
        hash(self)  # refuses other names

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Problem) and bool(_ask("equal", self, other))

    def __hash__(self) -> int:
        return int(_ask("hash", self))

    def __str__(self) -> str:
        return str(_ask("text", self))

    def multiplications(self) -> int:
        return int(_ask("multiplications", self))


class ConvProblem(_Problem):
    kind = "conv"


class MatMulProblem(_Problem):
    kind = "matmul"


class BatchMatMulProblem(_Problem):
    kind = "batch_matmul"


class BlockProblem(_Problem):
    kind = "block"


Problem = ConvProblem | MatMulProblem | BatchMatMulProblem | BlockProblem


def parse(text: str) -> Problem | None:
    """The problem of a text, None for any other string."""
    return _problem(_ask("parse", text))


def check(problem: Problem) -> None:
    """Raises ValueError where a number of the problem cannot be."""
    _ask("check", problem)


def as_matmul(conv: ConvProblem) -> MatMulProblem | None:
    """The matmul that a conv is, None where it is none."""
    matmul = _problem(_ask("as_matmul", conv))
    assert matmul is None or isinstance(matmul, MatMulProblem)
    return matmul


def flattened(conv: ConvProblem) -> ConvProblem | None:
    """The conv in two dimensions that one is, None where it is none."""
    flat = _problem(_ask("flattened", conv))
    assert flat is None or isinstance(flat, ConvProblem)
    return flat


def steps_of(block: BlockProblem) -> list[ConvProblem]:
    """The convolutions of a residual block."""
    return [_conv(step) for step in _ask("steps_of", block)]


def engines_text(problem: Problem) -> str:
    """The engines that take the problem and their revisions, as a plan's key has them."""
    return str(_ask("engines_text", problem))


def batch_matmul(
    a: list[int], b: list[int], **attributes: list[int] | int
) -> tuple[BatchMatMulProblem, int, int, list[int]]:
    """(problem, where a's and b's parts start, y's shape) of QBatchMatMul of tensors of these shapes."""
    problem, a_offset, b_offset, y = _ask("batch_matmul", {"a": a, "b": b, **attributes})
    placed = _problem(problem)
    assert isinstance(placed, BatchMatMulProblem)
    return placed, a_offset, b_offset, y


def too_large(problem: Problem, most: int) -> bool:
    return bool(_ask("too_large", problem, most))


def split(problem: Problem, most: int) -> list[tuple[Problem, int, int]]:
    """(problem, x offset, y offset) of every slice with tensors of at most that many bytes."""
    slices = []
    for problem_of_slice, x_offset, y_offset in _ask("split", problem, most):
        part = _problem(problem_of_slice)
        assert part is not None
        slices.append((part, x_offset, y_offset))
    return slices


def race(count: int, round: Callable[[list[int]], list[float]], *, disturbed: bool = False) -> list[float]:
    """The medians of a race, of which round() gives the times; the least ones if they are disturbed."""
    return list(_ask("race", count, disturbed, callback=round))


# A candidate: whether it is compiled and named by heuristics, its place among its engine's, its rank among
# known winners; microseconds, None if it was not tried, negative if it is out.
Entrant = tuple[bool, bool, int, int | None, float | None]


def next_lot(
    entrants: Sequence[Entrant],
    floor: float,
    *,
    generation_known: bool = True,
    speed_matters: bool = True,
    compiled_may_win: bool = True,
) -> list[int]:
    """The indices of the candidates that the tuner tries next."""
    return list(_ask("next_lot", entrants, floor, generation_known, speed_matters, compiled_may_win))


def compiling_pays(entrants: Sequence[Entrant], floor: float) -> bool:
    return bool(_ask("compiling_pays", entrants, floor))


def winners(major: int) -> list[str]:
    """The kernels that have won on GPUs of this generation."""
    return list(_ask("winners", major))


def rank_of(kernel: str, problem: Problem, major: int, multiprocessors: int) -> int | None:
    """The kernel's place among the winners of its engine for the problem; None if it is none of them."""
    rank = _ask("rank_of", kernel, problem, major, multiprocessors)
    return None if rank is None else int(rank)


def own_kernels_suffice(problem: Problem, major: int) -> bool:
    """Whether our own kernels were faster than cuDNN's for all problems of this kind."""
    return bool(_ask("own_kernels_suffice", problem, major))


def floor_microseconds(problem: Problem, gpu: Sequence[float], *, cached: bool) -> float:
    """gpu: major, minor, multiprocessors, clock, its memory's clock in hertz, the memory's bus in bits."""
    return float(_ask("floor_microseconds", problem, gpu, cached))


def nearest_plan(problem: Problem, known: Sequence[tuple[Problem, str, bool]]) -> str:
    """The plan of the nearest of (problem, plan, whether it is tuned)."""
    return str(_ask("nearest_plan", problem, known))


def parse_configuration(
    tune: str | None = None, workspace_limit: str | None = None, cache_dir: str | None = None
) -> dict[str, Any]:
    return dict(_ask("parse_configuration", tune, workspace_limit, cache_dir))


def encode(record: dict[str, Any]) -> bytes:
    """A record as the bytes of its file."""
    return bytes.fromhex(_ask("encode", record))


def decode(file: bytes) -> dict[str, Any]:
    """The inverse of encode(); raises BadRecord for any other bytes."""
    return _record(_ask("decode", file))


def log_of_tuning(
    node: str,
    problem: str,
    outcomes: Sequence[tuple[str, float | str]],
    reference: str,
    reference_microseconds: float,
) -> list[tuple[str, str]]:
    """[(level, message)] of a tuning with these outcomes: microseconds, or why a plan is out."""
    return _log(_ask("log_of_tuning", node, problem, outcomes, reference, reference_microseconds))


def log_of_found(
    node: str, problem: str, plan: str, microseconds: float, where: str
) -> list[tuple[str, str]]:
    """[(level, message)] of a plan that is known."""
    return _log(_ask("log_of_found", node, problem, plan, microseconds, where))


def log_of_slow_kernel(node: str, kernel: str, refusal: str) -> list[tuple[str, str]]:
    """[(level, message)] where a faster kernel declined."""
    return _log(_ask("log_of_slow_kernel", node, kernel, refusal))


def read_attributes(op: str, attributes: dict[str, Any]) -> None:
    """Reads an op's attributes as a session does; raises where it would."""
    _ask("read_attributes", op, attributes)


def window_count(
    extent: int, before: int, after: int, taps: int, stride: int, dilation: int, ceil_mode: bool = False
) -> int:
    return int(_ask("window_count", extent, before, after, taps, stride, dilation, ceil_mode))


def tensor_maps_made() -> int:
    """How many tensor maps the process has made for its own kernels."""
    return int(_ask("tensor_maps_made"))


def run_on_pool(tasks: int) -> int:
    """Runs so many tasks on the threads that build plans; how many ran."""
    return int(_ask("run_on_pool", tasks))


def status_without_memory() -> str:
    """What a failed op says where there is no memory for a message; a library has to be registered."""
    return str(_ask("status_without_memory"))


def no_usable_device(
    gpus: list[tuple[int, str]], driver: int, runtime: int, visible: str | None
) -> str | None:
    """Why a machine with these GPUs (capability, UUID) is of no use; None where CUDA has to be asked."""
    why: str | None = _ask("no_usable_device", gpus, driver, runtime, visible)
    return why


class _Held:
    """An object of the library, which it keeps as long as this one lives."""

    def __init__(self, *arguments: object) -> None:
        self._number = _ask(type(self).__name__, *arguments)

    def __del__(self) -> None:
        if hasattr(self, "_number"):
            _ask("drop", self._number)

    def _ask(self, method: str, *arguments: object, callback: Callable[..., object] | None = None) -> Any:
        return _ask(f"{type(self).__name__}.{method}", self._number, *arguments, callback=callback)


class Aside(_Held):
    """The thread aside, with work by number that goes on until it is let go."""

    def add(self, number: int) -> None:
        self._ask("add", number)

    def let_go(self, number: int) -> None:
        self._ask("let_go", number)

    def ended(self) -> list[int]:
        """The numbers of what has ended, in order; negative where it was stopped."""
        return list(self._ask("ended"))

    def pending(self) -> int:
        return int(self._ask("pending"))

    def wait(self, seconds: float) -> bool:
        return bool(self._ask("wait", seconds))

    def stop(self, seconds: float) -> bool:
        return bool(self._ask("stop", seconds))

    def clear(self) -> None:
        self._ask("clear")


def work_aside_until_exit(path: str) -> None:
    """Has the process's own thread aside work until the process ends; a file says that it has ended, too."""
    _ask("work_aside_until_exit", path)


class StringCache(_Held):
    """The plan cache's class, over strings."""

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)

    def get(self, key: str, build: Callable[[], str]) -> str:
        return str(self._ask("get", key, callback=lambda _: build()))

    def clear(self) -> None:
        self._ask("clear")

    def statistics(self) -> dict[str, int]:
        return dict(self._ask("statistics"))

    def keys(self) -> list[str]:
        return list(self._ask("keys"))


class Store(_Held):
    """A cache folder."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder)

    def read(self, key: dict[str, Any]) -> dict[str, Any] | None:
        found = self._ask("read", key)
        return None if found is None else _record(found)

    def write(self, record: dict[str, Any]) -> bool:
        return bool(self._ask("write", record))

    def left_out(self) -> list[tuple[str, str]]:
        return [(name, why) for name, why in self._ask("left_out")]

    def list(self) -> list[dict[str, Any]]:
        return [_record(each) for each in self._ask("list")]

    def clear(self) -> int:
        return int(self._ask("clear"))

    def path(self, key: dict[str, Any]) -> str:
        return str(self._ask("path", key))


class StoredCache(_Held):
    """The plan cache over a folder, with an engine in Python. patience: seconds to wait for others."""

    def __init__(self, capacity: int, folder: str, patience: float | None = None) -> None:
        super().__init__(capacity, folder, patience)

    def get(self, key: dict[str, Any], build: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        return _record(self._ask("get", key, callback=lambda _: build()))

    def import_file(self, path: str) -> tuple[int, int]:
        count, damaged = self._ask("import_file", path)
        return count, damaged

    def clear(self) -> None:
        self._ask("clear")

    def statistics(self) -> dict[str, int]:
        return dict(self._ask("statistics"))

    def log(self) -> "list[str]":
        return [str(line) for line in self._ask("log")]


class Chosen(_Held):
    """What is chosen for a problem; choices are strings."""

    def __init__(self, first: str) -> None:
        super().__init__(first)

    def now(self) -> str:
        return str(self._ask("now"))

    def replace(self, better: str) -> None:
        self._ask("replace", better)

    def replace_first(self, better: str) -> None:
        """The first choice, whether it is still that of now or not."""
        self._ask("replace_first", better)


class Failures(_Held):
    """What failed before, and when it may be tried again."""

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)

    def attempt(self, name: str, seconds: float, work: Callable[[], str]) -> str:
        return str(self._ask("attempt", name, seconds, callback=lambda _: work()))

    def clear(self) -> None:
        self._ask("clear")


class Backoff(_Held):
    """When to try again what failed; times in seconds."""

    def __init__(self, now: float) -> None:
        super().__init__(now)

    def claim(self, now: float) -> bool:
        return bool(self._ask("claim", now))


def _ask(hook: str, *arguments: object, callback: Callable[..., object] | None = None) -> Any:
    back = None if callback is None else _Callback(_answering(callback))
    made, _ = _library.call("qudnn_testing_call", hook.encode(), _dumped(arguments), back)
    return json.loads(made.decode(errors="surrogateescape"))


def _answering(callback: Callable[..., object]) -> Callable[[bytes, Any], int]:
    def answer(request: bytes, answer: Any) -> int:
        try:
            made, status = _dumped(callback(json.loads(request))), 0
        except Exception as error:
            made, status = str(error).encode(), _FAILED
        _library.library.qudnn_testing_answer(made, answer)
        return status

    return answer


def _dumped(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=_as_json).encode(errors="surrogateescape")


def _as_json(value: object) -> object:
    if isinstance(value, _Problem):
        return {"kind": value.kind, "fields": value.fields}
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"a hook takes no {type(value).__name__}")


def _problem(made: Any) -> Problem | None:
    kinds = {kind.kind: kind for kind in (ConvProblem, MatMulProblem, BatchMatMulProblem, BlockProblem)}
    return None if made is None else kinds[made["kind"]](**made["fields"])


def _conv(made: Any) -> ConvProblem:
    conv = _problem(made)
    assert isinstance(conv, ConvProblem)
    return conv


def _record(made: Any) -> dict[str, Any]:
    return {**made, "serialized": bytes.fromhex(made["serialized"])}


def _log(made: Any) -> list[tuple[str, str]]:
    return [(level, message) for level, message in made]
