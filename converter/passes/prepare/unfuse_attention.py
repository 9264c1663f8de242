"""com.microsoft QAttention => MatMulIntegerToFloat -> heads of it -> MatMul -> Softmax -> MatMul"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant, constant_or_none, node_input, required_input, single
from qudnn.converter.graph.edit import is_needed, take_place
from qudnn.converter.graph.op_traits import CONTRIB, is_contrib, is_onnx
from qudnn.converter.passes.base import EarlyNodePass
from qudnn.converter.passes.prepare.writer import Writer

_ROWS, _COLUMNS = [0, 2, 1, 3], [0, 2, 3, 1]
_PARTS, _FILTER = 3, -10000.0
_MASKS = {1: [1, 2], 2: [1, 2], 3: [1]}  # by rank: the axes that a mask lacks


class UnfuseAttention(EarlyNodePass):
    """As an exporter writes attention: rules and passes know it.

    The formula is that of onnxruntime's CPU kernel (onnxruntime 1.30, attention_quant.cc,
    attention_cpu_base.h): a mask of 0 and 1 is added as mask_filter_value and 0, where attention is
    unidirectional so are later keys, and onnxruntime takes the scale of the scores into their matmul, as that
    kernel does. Past keys and values come before the new ones, and are handed on with them.
    """

    REPORTED = True

    def matches(self, node: ir.Node) -> bool:
        return is_contrib(node, "QAttention")

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        heads, width = _checked(node)
        mask, past = node_input(node, 5), node_input(node, 8)
        rank = None if mask is None else _rank_of(mask, node)
        size = width // heads
        scale = node.attributes.get_float("scale", 0.0) or float(np.float32(1) / np.sqrt(np.float32(size)))
        write = Writer(self.context.names, node.name, graph)

        y = node.outputs[0]
        split = write.floats("Reshape", y, write.numbers("parts", [0, 0, _PARTS, heads, size]))
        parts = [
            write.floats("Gather", split, write.numbers(name, number), axis=2)
            for number, name in enumerate("qkv")
        ]
        q = write.floats("Transpose", parts[0], perm=_ROWS)
        if past is None:
            k, v = (write.floats("Transpose", parts[n], perm=p) for n, p in ((1, _COLUMNS), (2, _ROWS)))
        else:
            k, v = _after_past(write, past, parts[1:], node)
        scores = write.floats("Mul", write.floats("MatMul", q, k), write.number("scale", scale))
        added = _added(write, node, rank)
        if added is not None:
            scores = write.floats("Add", scores, added)
        context = write.floats("MatMul", write.floats("Softmax", scores, axis=-1), v)
        joined = write.floats("Transpose", context, perm=_ROWS)
        last = write.floats("Reshape", joined, write.numbers("width", [0, 0, width]))

        take_place(y, last)
        write.nodes[0].replace_input_with(0, y)
        y.name, y.shape = self.context.names.value(f"{last.name}/projected"), None
        _become_matmul(node)
        graph.insert_after(node, write.nodes)


def _checked(node: ir.Node) -> tuple[int, int]:
    """Heads, and the width of all of them. Raises Refusal where the form is another."""
    if node.attributes.get_int("do_rotary", 0):
        raise Refusal("it has rotary embeddings")
    if node_input(node, 8) is None and any(map(is_needed, node.outputs[1:])):
        raise Refusal("it has present keys and values, and no past")
    weights = constant(node_input(node, 1), "weight")
    constant(node_input(node, 4), "weight scale")
    constant(node_input(node, 2), "bias")
    if not is_onnx(required_input(node, 3).producer(), "DynamicQuantizeLinear"):
        single(node_input(node, 3), "input scale")
    heads = node.attributes.get_int("num_heads", 0)
    width, rest = divmod(weights.shape[-1], _PARTS) if weights.ndim == 2 else (0, 1)
    if heads < 1 or rest or not width or width % heads:
        raise Refusal(f"its weights {list(weights.shape)} do not have {heads} heads")
    return heads, width


def _after_past(
    write: Writer, past: ir.Value, new: list[ir.Value], node: ir.Node
) -> tuple[ir.Value, ir.Value]:
    """Keys as columns, and values, of past `[2,B,H,P,size]` and then of new ones `[B,S,H,size]`."""
    both = []
    for number, (name, value) in enumerate(zip("kv", new, strict=True)):
        before = write.floats("Gather", past, write.numbers(f"past_{name}", number), axis=0)
        rows = write.floats("Transpose", value, perm=_ROWS)
        both.append(write.floats("Concat", before, rows, axis=2))
    if any(map(is_needed, node.outputs[1:])):
        first = write.numbers("first", [0])
        present = write.floats("Concat", *(write.floats("Unsqueeze", each, first) for each in both), axis=0)
        take_place(node.outputs[1], present)
    return write.floats("Transpose", both[0], perm=[0, 1, 3, 2]), both[1]


def _added(write: Writer, node: ir.Node, rank: int | None) -> ir.Value | None:
    """What is added to the scores `[B,H,S,T]`: mask_filter_value where a key is hidden, else 0."""
    zero = write.number("zero", 0.0)
    filtered = write.number("filter", node.attributes.get_float("mask_filter_value", _FILTER))
    added = None
    mask = node_input(node, 5)
    if mask is not None and rank is not None:
        if rank == 1:
            visible = _before(write, node, mask)
        else:
            visible = write("Greater", mask, write.constant("hidden", np.zeros((), np.int32)))
        of_keys = write.floats("Where", visible, zero, filtered)
        added = write.floats("Unsqueeze", of_keys, write.numbers("axes", _MASKS[rank]))
    if node.attributes.get_int("unidirectional", 0):
        keys, queries = _places(write, node, "keys"), _places(write, node, "queries")
        column = write("Unsqueeze", queries, write.numbers("column", [1]))
        later = write.floats("Where", write("Greater", keys, column), filtered, zero)
        later = write.floats("Unsqueeze", later, write.numbers("batch_and_heads", [0, 1]))
        added = later if added is None else write.floats("Add", added, later)
    return added


def _rank_of(mask: ir.Value, node: ir.Node) -> int:
    array = constant_or_none(mask)
    shape = mask.shape if array is None else array.shape
    if shape is None:
        raise Refusal("the number of dimensions of its mask is unknown")
    if len(shape) not in _MASKS:
        raise Refusal(f"its mask has {len(shape)} dimensions, not a number for each key")
    if len(shape) == 1 and not _counts_keys(mask) and shape[0] != _batch(node):
        raise Refusal("its mask has one dimension: it may hold starts and ends, or ends alone")
    if len(shape) > 1 and shape[-1] == 1:
        raise Refusal("its mask has one number for all keys")
    return len(shape)


def _batch(node: ir.Node) -> int | ir.SymbolicDim | None:
    """The size of its batch, where the model tells it."""
    x = required_input(node, 0)
    quantize = x.producer()
    values = [x] if quantize is None else [x, required_input(quantize, 0)]
    shape = next((value.shape for value in values if value.shape is not None and len(value.shape)), None)
    size = None if shape is None else shape[0]
    return size if isinstance(size, int) or (size is not None and size.value is not None) else None


def _counts_keys(mask: ir.Value) -> bool:
    """Whether it is how many keys each of the batch has, as an embedding counts them."""
    return is_onnx(mask.producer(), "ReduceSum") or is_contrib(mask.producer(), "EmbedLayerNormalization")


def _length(write: Writer, node: ir.Node) -> ir.Value:
    """How many queries there are."""
    return write("Gather", write("Shape", required_input(node, 0)), write.numbers("second", 1), axis=0)


def _past_length(write: Writer, node: ir.Node) -> ir.Value:
    past = node_input(node, 8)
    if past is None:
        return write.numbers("no_past", 0)
    return write("Gather", write("Shape", past), write.numbers("fourth", 3), axis=0)


def _places(write: Writer, node: ir.Node, what: str) -> ir.Value:
    """Those of keys, `[T]`, or of queries, `[S]`, which are the last ones of these."""
    first = _past_length(write, node)
    end = write("Add", first, _length(write, node))
    start = first if what == "queries" else write.numbers("start", 0)
    return write("Range", start, end, write.numbers("step", 1))


def _before(write: Writer, node: ir.Node, ends: ir.Value) -> ir.Value:
    """Whether a key is before the end, `[B,T]`."""
    if node_input(node, 8) is None:
        places = write("Range", write.numbers("start", 0), _length(write, node), write.numbers("step", 1))
    else:
        places = _places(write, node, "keys")
    column = write("Unsqueeze", ends, write.numbers("last", [1]))
    return write("Less", write("Cast", places, to=int(ir.DataType.INT32)), column)


def _become_matmul(node: ir.Node) -> None:
    """Of the input and the weights, with the bias."""
    x, w, bias, x_scale, w_scale, _, x_zero_point, w_zero_point = (node_input(node, i) for i in range(8))
    node.attributes.clear()
    node.domain, node.op_type = CONTRIB, "MatMulIntegerToFloat"
    inputs = [x, w, x_scale, w_scale, x_zero_point, w_zero_point, bias]
    node.resize_inputs(len(inputs))
    for index, value in enumerate(inputs):
        node.replace_input_with(index, value)
    node.resize_outputs(1)
