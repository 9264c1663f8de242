"""Shapes of a model's inputs, as given on the command line."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import onnx
import onnx_ir as ir

from qudnn.converter.cli.verb import UsageError

Shape = tuple[int, ...]

# Ranges multiply: more runs than these are a mistake.
_MOST_RUNS = 1024


@dataclass(frozen=True)
class Input:
    """An input of a model.

    dtype: None where it is not a tensor.
    dims: a number where the size is fixed, a name or None where it is not; None for an unknown rank.
    """

    name: str
    dtype: ir.DataType | None
    dims: tuple[int | str | None, ...] | None

    def __str__(self) -> str:
        return self.name + ("" if self.dims is None else f" [{', '.join(str(d or '?') for d in self.dims)}]")


def inputs_of(model: onnx.ModelProto) -> list[Input]:
    """What has to be fed to the model."""
    initializers = {tensor.name for tensor in model.graph.initializer}
    return [_input(value) for value in model.graph.input if value.name not in initializers]


def shape_sets(inputs: Sequence[Input], texts: Iterable[str]) -> list[dict[str, Shape]]:
    """The shapes of all inputs, once for each run.

    texts: `name=64,3,224,224`. A size `A..B` is a range: A, the powers of two between, and B; it gives a
    shape for each of them, the last range's sizes change first. An input that has several shapes gives as
    many runs; the others have to have as many, one for all runs, or none where their size is fixed or
    follows from a dimension of the same name. Raises UsageError.
    """
    known = {value.name: value for value in inputs}
    given: dict[str, list[Shape]] = {}
    for text in texts:
        name, shapes = _parse(text, known)
        given.setdefault(name, []).extend(shapes)
    runs = max(map(len, given.values()), default=1)
    for name, shapes in given.items():
        if len(shapes) not in (1, runs):
            most = next(other for other, its in given.items() if len(its) == runs)
            raise UsageError(
                f"--shape gives {runs} shapes for {most} and {len(shapes)} for {name}: "
                "give as many for each, or one that is used with all"
            )
    return [
        _complete(inputs, {name: its[run % len(its)] for name, its in given.items()}) for run in range(runs)
    ]


def describe(shapes: Mapping[str, Shape]) -> str:
    """Shapes as they are given on the command line."""
    return " ".join(f"{name}={','.join(map(str, shape))}" for name, shape in shapes.items())


def _input(value: onnx.ValueInfoProto) -> Input:
    if not value.type.HasField("tensor_type"):
        return Input(value.name, None, None)
    tensor = value.type.tensor_type
    dims = None
    if tensor.HasField("shape"):
        # Some exporters write a size of 0 or -1 where they know none.
        dims = tuple(
            dim.dim_value if dim.dim_value > 0 else dim.dim_param or None for dim in tensor.shape.dim
        )
    return Input(value.name, ir.DataType(tensor.elem_type), dims)


def _parse(text: str, known: Mapping[str, Input]) -> tuple[str, list[Shape]]:
    name, equals, sizes = text.rpartition("=")
    names = ", ".join(map(str, known.values())) or "none"
    if not equals:
        raise UsageError(
            f"--shape {text}: write the input's name and its sizes, such as x=64,3,224,224; "
            f"the model's inputs: {names}"
        )
    if name not in known:
        raise UsageError(f"--shape {text}: the model has no input {name!r}; its inputs: {names}")
    choices = [_sizes(text, size) for size in sizes.split(",")] if sizes.strip() else []
    if (count := math.prod(map(len, choices))) > _MOST_RUNS:
        raise UsageError(f"--shape {text}: its ranges give {count} shapes; give at most {_MOST_RUNS}")
    shapes = list(product(*choices))
    for shape in shapes:
        _check(text, shape, known[name])
    return name, shapes


def _sizes(text: str, size: str) -> list[int]:
    """What one size stands for: itself, or the sizes of a range."""
    first, dots, last = size.partition("..")
    try:
        ends = [int(first), int(last)] if dots else [int(first)]
    except ValueError:
        raise UsageError(
            f"--shape {text}: sizes are whole numbers, or ranges such as 1..64, with commas between them"
        ) from None
    for end in ends:
        if end < 1:
            raise UsageError(f"--shape {text}: a size is {end}; give sizes of 1 and more")
    low, high = ends[0], ends[-1]
    if low > high:
        raise UsageError(f"--shape {text}: the range {size.strip()} is empty; give {high}..{low}")
    between = (1 << n for n in range(low.bit_length(), high.bit_length()))
    return sorted({low, *between, high})


def _check(text: str, shape: Shape, value: Input) -> None:
    if value.dims is None:
        return
    if len(shape) != len(value.dims):
        raise UsageError(
            f"--shape {text}: has {len(shape)} dimensions, the model's input {value} has "
            f"{len(value.dims)}; give one size for each"
        )
    for axis, (size, dim) in enumerate(zip(shape, value.dims, strict=True)):
        if isinstance(dim, int) and size != dim:
            raise UsageError(
                f"--shape {text}: dimension {axis} is {size}, the model's input {value} has "
                f"{dim} there, which is fixed; give {dim}"
            )


def _complete(inputs: Sequence[Input], given: Mapping[str, Shape]) -> dict[str, Shape]:
    """The shapes of one run, those of inputs that were left out too."""
    sizes: dict[str, tuple[int, str]] = {}
    for value in inputs:
        for dim, size in zip(value.dims or (), given.get(value.name, ()), strict=False):
            if isinstance(dim, str):
                before, whose = sizes.setdefault(dim, (size, value.name))
                if before != size:
                    raise UsageError(
                        f"--shape {describe({value.name: given[value.name]})}: {dim} is {size}, but {before} "
                        f"in {describe({whose: given[whose]})}; give the same size"
                    )
    return {
        value.name: given[value.name] if value.name in given else _follow(value, sizes) for value in inputs
    }


def _follow(value: Input, sizes: Mapping[str, tuple[int, str]]) -> Shape:
    """The shape of an input that was left out."""
    shape = [sizes[dim][0] if isinstance(dim, str) and dim in sizes else dim for dim in value.dims or ()]
    fixed = tuple(dim for dim in shape if isinstance(dim, int))
    if value.dims is None or len(fixed) != len(shape):
        example = ",".join(str(dim if isinstance(dim, int) else 1) for dim in shape)
        raise UsageError(
            f"the size of the model's input {value} is not fixed: "
            f"give it, such as --shape {value.name}={example or '1,3,224,224'}"
        )
    return fixed
