"""Transpose o pairs of QuantizeLinear and DequantizeLinear, or none, o the inverse Transpose -> the pairs"""

import onnx_ir as ir

from converter.constants import required_input
from converter.context import Context
from converter.errors import Refusal
from converter.graph_edit import remove_orphans, take_place
from converter.linear import dequantizes, quantizes, read_with, written_with
from converter.moves import is_passed
from converter.pairs import insert_pair
from converter.passes.base import Pass


class CancelTransposes(Pass):
    """onnxruntime does it between two rounds of merging double pairs: by it pairs come next to each other.

    Merging them changes the bits of the model; where onnxruntime does it, the converted model has to do
    it as well.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        modified = False
        for node in list(model.graph):
            if node.graph is model.graph and _is_transpose(node):
                modified |= _cancel(node, self.context)
        return ir.passes.PassResult(model, modified)


def _cancel(first: ir.Node, context: Context) -> bool:
    """Each node of the chain is read by the next one alone."""
    chain: list[ir.Node] = []
    node = _only_reader(first)
    while node is not None and _is_of_a_pair(node):
        chain.append(node)
        node = _only_reader(node)
    if node is None or not _is_transpose(node):
        return False
    if [_perm(first)[axis] for axis in _perm(node)] != sorted(_perm(first)):
        return False
    chain = chain or _quantized_between(first, node, context)
    _quantize_behind(node, context)
    x = required_input(first, 0)
    if _says_nothing_new(x.producer(), chain):
        chain = chain[2:]
    before = chain[-1].outputs[0] if chain else x
    behind = _pair_behind(node)
    y = node.outputs[0]
    if _says_nothing_new(before.producer(), behind):
        y = behind[1].outputs[0]
    if y.is_graph_output() and (before.producer() is None or before.is_graph_output()):
        return False
    if chain:
        chain[0].replace_input_with(0, x)
    for member in chain:
        member.outputs[0].shape = x.shape
    if y.is_graph_output():
        take_place(y, before)
    else:
        y.replace_all_uses_with(before)
    remove_orphans([*reversed(behind), node, first])
    return True


def _quantized_between(first: ir.Node, second: ir.Node, context: Context) -> list[ir.Node]:
    """The pair that onnxruntime has put between two Transposes before they cancel.

    It lets a QuantizeLinear behind them pass moves, and they are moves too: a pair before each. So it comes
    to merge what is quantized before them with what is quantized behind.
    """
    quantize, _ = _quantizer_behind(second)
    if quantize is None:
        return []
    second.replace_input_with(0, insert_pair(first.outputs[0], quantize, context))
    return _pair_behind(first)


def _quantize_behind(transpose: ir.Node, context: Context) -> None:
    """transpose o moves o QuantizeLinear -> transpose o a pair o moves o QuantizeLinear, in the same way."""
    quantize, moves_between = _quantizer_behind(transpose)
    if quantize is not None and moves_between:
        y = transpose.outputs[0]
        reader = next(iter(y.uses()))
        reader.node.replace_input_with(reader.idx, insert_pair(y, quantize, context))


def _quantizer_behind(node: ir.Node) -> tuple[ir.Node | None, bool]:
    """The QuantizeLinear behind it, and whether moves are between them that it passes."""
    reader, moves_between = _only_reader(node), False
    while reader is not None and is_passed(reader):
        reader, moves_between = _only_reader(reader), True
    if reader is None or not quantizes(reader) or not _is_of_a_pair(reader):
        return None, False
    return reader, moves_between


def _is_transpose(node: ir.Node) -> bool:
    return node.op_type == "Transpose" and not node.domain and bool(_perm(node))


def _perm(transpose: ir.Node) -> list[int]:
    """Where it takes the axes from; empty where it reverses them, however many there are."""
    return list(transpose.attributes.get_ints("perm", []))


def _is_of_a_pair(node: ir.Node) -> bool:
    """Whether the node quantizes or dequantizes per tensor: then its axes do not matter."""
    try:
        if quantizes(node):
            written_with(node)
        elif dequantizes(node):
            read_with(node, required_input(node, 0).dtype)
        else:
            return False
    except Refusal:
        return False
    return True


def _says_nothing_new(before: ir.Node | None, chain: list[ir.Node]) -> bool:
    """Whether the first pair quantizes as what comes before has been quantized already.

    Then it changes nothing. onnxruntime drops such a pair around a Transpose, and there is none any more
    that another pair could be merged with.
    """
    if before is None or len(chain) < 2 or not _is_of_a_pair(before) or not dequantizes(before):
        return False
    quantize, dequantize = chain[:2]
    if not quantizes(quantize) or not dequantizes(dequantize):
        return False
    written = written_with(quantize)
    return all(read_with(node, written.dtype) == written for node in (before, dequantize))


def _pair_behind(node: ir.Node) -> list[ir.Node]:
    """QuantizeLinear and DequantizeLinear, all in a row with one reader each; or nothing."""
    quantize = _only_reader(node)
    dequantize = None if quantize is None else _only_reader(quantize)
    pair = [member for member in (quantize, dequantize) if member is not None and _is_of_a_pair(member)]
    if len(pair) < 2:
        return []
    y = pair[1].outputs[0]
    # onnxruntime has a DequantizeLinear for each reader, and then drops no pair.
    return pair if len(y.uses()) + y.is_graph_output() == 1 else []


def _only_reader(node: ir.Node) -> ir.Node | None:
    value = node.outputs[0]
    readers = [use.node for use in value.uses()]
    same_graph = len(readers) == 1 and readers[0].graph is node.graph
    return readers[0] if same_graph and not value.is_graph_output() else None
