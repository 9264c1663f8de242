"""Where each node of a converted model is: in an island, at its border, or outside, and on which device."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

import onnx_ir as ir

from qudnn.converter.analysis.gpu_kernels import runs_on_gpu
from qudnn.converter.failures import node_name
from qudnn.converter.graph.constants import EIGHT_BIT
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx, is_quantized_operator
from qudnn.converter.graph.order import read_by
from qudnn.converter.island.crossings import ENTRIES, is_crossing, is_qudnn

_INFERRED = "unk__"
_NCHWC = "com.microsoft.nchwc"
_WHOLE_NUMBERS = {ir.DataType.INT64, ir.DataType.INT32, ir.DataType.BOOL}


class Place(StrEnum):
    """ISLAND, ENTRY and EXIT are ops of qudnn; others run where onnxruntime has a kernel for them."""

    ISLAND = "island"
    ENTRY = "entry"
    EXIT = "exit"
    GPU = "GPU"
    CPU = "CPU"


class Placed(NamedTuple):
    """A node of the converted model.

    island: the number of its island, from 1 in the order of the graph; 0 where it is in none.
    reads: the places, in the list of all nodes, of those that compute its inputs.
    result: type and shape of its first output, as far as known. weight_bytes: of the constants that it is the
    first to read. reason: why it is left; empty for ops of qudnn.
    """

    name: str
    op_type: str
    place: Place
    island: int
    reads: tuple[int, ...]
    result: str
    weight_bytes: int
    reason: str


class Outside(NamedTuple):
    """What is said of a node outside of islands."""

    name: str
    reason: str


def place(
    graph: ir.Graph,
    islands: Mapping[ir.Node, int],
    inside: set[ir.Node],
    outside: Callable[[ir.Node], Outside],
    dtype: Callable[[ir.Value], ir.DataType | None],
) -> tuple[Placed, ...]:
    """All nodes of the graph but constants, in its order.

    islands: the numbers of the islands of nodes that are in one. inside: all ops of qudnn but crossings, and
    standard operators that work on an island's tensors. dtype: of a value, where it does not say so itself.
    """
    nodes = [node for node in graph if not is_onnx(node, "Constant")]
    numbers = {node: number for number, node in enumerate(nodes)}
    weighed: set[ir.Value] = set()
    shapes: set[ir.Node] = set()
    placed = []
    for node in nodes:
        values = list(read_by(node))
        producers = dict.fromkeys(numbers[p] for v in values if (p := v.producer()) in numbers and p)
        where, island, said = _where(node, islands, inside), _island(node, islands), Outside("", "")
        if where is None:
            said = outside(node)
            where = Place.CPU if _is_on_cpu(node, dtype, shapes) else Place.GPU
        placed.append(
            Placed(
                said.name or node_name(node),
                node.op_type,
                where,
                island,
                tuple(producers),
                _result(node, dtype),
                sum(_bytes(value, weighed) for value in values),
                said.reason,
            )
        )
    return tuple(placed)


def _where(node: ir.Node, islands: Mapping[ir.Node, int], inside: set[ir.Node]) -> Place | None:
    if node in inside or node in islands:
        return Place.ISLAND
    if is_crossing(node):
        return Place.ENTRY if is_qudnn(node, *ENTRIES) else Place.EXIT
    return None


def _island(node: ir.Node, islands: Mapping[ir.Node, int]) -> int:
    """Its own; of an entry that of what reads it, of an exit that of what it reads."""
    if node in islands or not is_crossing(node):
        return islands.get(node, 0)
    if is_qudnn(node, *ENTRIES):
        beside = [use.node for output in node.outputs for use in output.uses()]
    else:
        beside = [producer for value in node.inputs if value and (producer := value.producer())]
    return next((islands[other] for other in beside if other in islands), 0)


def _is_on_cpu(node: ir.Node, dtype: Callable[[ir.Value], ir.DataType | None], shapes: set[ir.Node]) -> bool:
    """Whether onnxruntime runs the node on the CPU though it has the CUDA provider.

    It has kernels for few operators on 8 bits there, and keeps what computes shapes on the CPU
    (GetCpuPreferredNodes in fallback_cpu_capability.cc, 1.31). shapes: such nodes so far; grows.
    """
    if node.domain == _NCHWC or is_quantized_operator(node):
        return True
    values = [value for value in node.inputs if value is not None]
    producers = [producer for value in values if (producer := value.producer()) is not None]
    computed = bool(producers) and all(p in shapes or is_onnx(p, "Constant") for p in producers)
    constants = all(value.producer() is not None or value.is_initializer() for value in values)
    whole = all(dtype(output) in _WHOLE_NUMBERS for output in node.outputs)
    if has_trait(node, Trait.READS_SHAPE) or (computed and constants and whole):
        shapes.add(node)
        return True
    known = {dtype(value) for value in (*values[:1], *node.outputs[:1])} & EIGHT_BIT
    return (
        bool(known) and not has_trait(node, Trait.CONVERTS) and not all(runs_on_gpu(node, t) for t in known)
    )


def _result(node: ir.Node, dtype: Callable[[ir.Value], ir.DataType | None]) -> str:
    if not node.outputs:
        return ""
    y = node.outputs[0]
    known = dtype(y)
    name = (
        ""
        if known is None
        else {"float": "float32", "double": "float64"}.get(known.name.lower(), known.name.lower())
    )
    shape = "" if y.shape is None else f"[{', '.join(map(_size, y.shape))}]"
    return f"{name} {shape}".strip()


def _bytes(value: ir.Value, weighed: set[ir.Value]) -> int:
    if value.const_value is None or not value.is_initializer() or value in weighed:
        return 0
    weighed.add(value)
    return int(value.const_value.nbytes)


def _size(size: int | ir.SymbolicDim) -> str:
    """`?` also where only ONNX's shape inference has given it a name."""
    name = str(size)
    return "?" if name == "None" or name.startswith(_INFERRED) else name
