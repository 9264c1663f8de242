"""How many elements a Slice takes of an axis, where sizes and bounds may be known only at run time."""

from qudnn.converter.graph.bounds import at_least_nothing, is_never_negative, least
from qudnn.converter.graph.sizes import Size, divided, plus, times, unknown

END = 2**31 - 1  # of any axis


def part_of(size: Size, start: Size, stop: Size, step: int) -> Size:
    """The number of elements from start to stop, less than none counted from the end; step is at least 1."""
    if isinstance(size, int) and isinstance(start, int) and isinstance(stop, int):
        return len(range(size)[start:stop:step])
    first, last = _place(size, start), _place(size, stop)
    if first is None or last is None:
        return unknown(f"{size}[{start}:{stop}:{step}]")
    if isinstance(start, int) and 0 <= start < step and last == size:
        return divided(plus(size, step - 1 - start), step)  # of nothing, too
    # A part and the rest have the axis' size together, which rolling relies on.
    number = at_least_nothing(plus(last, times(-1, first)))
    return number if step == 1 else divided(plus(number, step - 1), step)


def is_all(size: Size, start: Size, stop: Size, step: int) -> bool:
    """Whether the part is the whole axis, as where a window ends that was padded by nothing."""
    return start == 0 and (step == 1 or size == 1) and part_of(size, start, stop, step) == size


def _place(size: Size, bound: Size) -> Size | None:
    """From the first element on; None where it is not known whether it counts from the end."""
    if isinstance(bound, int) and bound >= END:
        return size
    if is_never_negative(bound):
        return least(size, bound)
    if is_never_negative(plus(times(-1, bound), -1)):
        return plus(size, times(-1, least(size, times(-1, bound))))
    return None
