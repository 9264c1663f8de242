"""Making the report on a model after its conversion."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.analysis.originals import Original, originals_of
from qudnn.converter.context import Context
from qudnn.converter.errors import IN_FLOAT
from qudnn.converter.failures import node_name, shown
from qudnn.converter.graph.constants import EIGHT_BIT, required_input
from qudnn.converter.graph.marks import STAYS_INT8
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.island.crossings import ENTRIES, is_crossing, is_qudnn
from qudnn.converter.qdq.linear import dequantizes, has_integer_form, quantizes
from qudnn.converter.qdq.weight_only import why_not
from qudnn.converter.reports.bodies import bodies_in, with_bodies
from qudnn.converter.reports.nodes import Nodes
from qudnn.converter.reports.placement import Outside, place
from qudnn.converter.reports.report import Crossing, Left, Report

_FLOATS = {ir.DataType.FLOAT, ir.DataType.FLOAT16, ir.DataType.BFLOAT16, ir.DataType.DOUBLE}
_REWRITTEN = (
    "it is not converted, but one of its int8 tensors, which has several consumers or is an input or "
    "output of the model, became uint8, so onnxruntime computes it in integers: results may differ by one "
    "quantum"
)
_RESIZED = (
    "it is not converted, but onnxruntime's own result depends on the layout that it chooses for the image, "
    "which operators around decide: results may differ by one quantum"
)
_NCHWC = "com.microsoft.nchwc"
_FOR_ONE_CPU = (
    "onnxruntime's optimizer wrote it for the CPU at its level ORT_ENABLE_ALL: save the model at "
    "ORT_ENABLE_EXTENDED instead"
)
_WITHOUT_KERNEL = {("com.microsoft", "QLinearReduceMean"): "onnxruntime has no kernel for it, either"}
_VIEW = "it only gives a tensor another shape, between ops of qudnn"
_ADDED = "qudnn added it"
_GONE = "it only moves values, and carrying them into an island and back would cost more than that"
_STORED_WEIGHTS = "its weights are stored in 8 bits or fewer, but its other input is in floating point"


def describe(model: ir.Model, context: Context, bodies: Sequence[tuple[str, Report]]) -> Report:
    """The report on a model after the pipeline. bodies: those on the bodies of its nodes, and their paths."""
    nodes = Nodes.of(model.graph, context.facts)
    report = nodes.report()
    stays = not report.converted and not any(body.converted for _, body in bodies)  # as the user gave it
    if stays:
        report = replace(report, entries=0, exits=0)
    left = sorted(
        _left({**nodes.left, **context.unneeded}, context, stays), key=lambda node: not node.quantized
    )
    quantized = sum(node.quantized for node in (*context.originals.graph, *context.originals.functions))

    def outside(node: ir.Node) -> Outside:
        number = context.originals.number_of(node)
        if node not in nodes.left:
            return Outside("", _VIEW)
        return (
            Outside("", _ADDED)
            if number is None
            else Outside(context.originals.graph[number].name, _why_left(node, number, context))
        )

    own = replace(
        report,
        crossings=() if stays else tuple(_crossing(node, nodes.left, context) for node in nodes.crossings),
        left=tuple(left),
        approximate=tuple(_approximate(nodes.left, context)) if report.converted else (),
        quantized_nodes=quantized,
        converted_nodes=quantized - sum(node.quantized for node in left) if report.converted else 0,
        remarks=tuple(context.remarks),
        declined=tuple(context.declines),
        nodes=place(
            model.graph, nodes.islands, {*nodes.inside}, outside, lambda v: v.dtype or context.facts.dtype(v)
        ),
    )
    whole = with_bodies(own, bodies)
    if context.is_body:
        return whole
    return replace(whole, remarks=(*_stored_weights(whole.left), *whole.remarks, *_unmatched(context)))


def describe_left(graph: ir.Graph, reason: str) -> Report:
    """The report on the body of a node that stays as it is."""
    nodes = [*originals_of(graph), *(each for inner in graph.subgraphs() for each in originals_of(inner))]
    left = sorted(_left_whole(nodes, reason), key=lambda node: not node.quantized)
    return Report(left=tuple(left), quantized_nodes=sum(node.quantized for node in nodes))


def describe_converted(model: ir.Model) -> Report:
    """The report on a model that was converted before; why nodes are left is not known any more."""
    bodies = [(path, _described(graph)) for path, graph in bodies_in(model.graph)]
    return replace(with_bodies(_described(model.graph), bodies), already=True)


def _described(graph: ir.Graph) -> Report:
    nodes = Nodes.of(graph)
    placed = place(graph, nodes.islands, {*nodes.inside}, lambda _: Outside("", ""), lambda v: v.dtype)
    return replace(nodes.report(), nodes=placed)


def _approximate(left: dict[ir.Node, None], context: Context) -> Iterator[Left]:
    yield from (Left(node_name(node), node.op_type, note) for node, note in context.notes.items())
    for node in left:
        if node not in context.kept_in_float and _is_rewritten(node):
            yield Left(node_name(node), node.op_type, _REWRITTEN)
        elif _is_resized_in_8_bits(node, context.facts):
            yield Left(node_name(node), node.op_type, _RESIZED)


def _is_resized_in_8_bits(node: ir.Node, facts: Facts) -> bool:
    """Whether it interpolates between pixels of 8 bits (upsample.h, 1.30: NhwcUpsampleBilinearInteger)."""
    if not is_onnx(node, "Resize") or node.inputs[0] is None:
        return False
    x, mode = node.inputs[0], node.attributes.get_string("mode", "nearest")
    return mode == "linear" and (x.dtype or facts.dtype(x)) in EIGHT_BIT


def _is_rewritten(node: ir.Node) -> bool:
    """Whether it reads or writes an int8 tensor that became uint8."""
    if not has_integer_form(node):
        return False
    quantized = [value.producer() for value in node.inputs if value is not None]
    tensors = [required_input(dq, 0) for dq in quantized if dq is not None and dequantizes(dq)]
    tensors += [use.node.outputs[0] for use in node.outputs[0].uses() if quantizes(use.node)]
    return any(STAYS_INT8.is_on(tensor) for tensor in tensors)


def _left(nodes: dict[ir.Node, None], context: Context, stays: bool) -> Iterator[Left]:
    """The nodes of the user's model that stay; what passes have put in their place stands for them.

    stays: whether all of it does, what passes have taken away included.
    """
    originals = context.originals
    standing: dict[int, ir.Node] = {}
    for node in nodes:
        number = originals.number_of(node)
        if number is None:
            continue  # it was not there
        before = standing.get(number)
        if before is None or before.op_type != originals.graph[number].op_type:
            standing[number] = node
    for number, node in standing.items():
        original = originals.graph[number]
        yield _named(original, _why_left(node, number, context))
    for number, original in enumerate(originals.graph if stays else ()):
        if number not in standing and original.quantized:
            yield _named(original, _GONE)
    yield from _left_whole(originals.functions, "it is in the body of a function that is not inlined")


def _left_whole(nodes: Iterable[Original], reason: str) -> Iterator[Left]:
    """Those that the report is about, of a body that stays as it is."""
    return (_named(node, reason) for node in nodes if node.quantized or node.converts)


def _why_left(node: ir.Node, number: int, context: Context) -> str:
    """number: that of the node of the user's model for which this one stands."""
    stored = context.originals.graph[number].stored_weights
    return _stored(node) if stored else _reason(node, context)


def _named(original: Original, reason: str) -> Left:
    return Left(original.name, original.op_type, reason, original.quantized)


def _reason(node: ir.Node, context: Context) -> str:
    if node.domain == _NCHWC:
        return _FOR_ONE_CPU
    reason = context.refusals.get(node) or _WITHOUT_KERNEL.get((node.domain, node.op_type))
    if reason is None and has_trait(node, Trait.CONVERTS):
        reason = "it is not at the border of an island"
    if reason is None:
        types = {context.facts.dtype(value) for value in (*node.inputs, *node.outputs) if value is not None}
        if types & _FLOATS and not types & EIGHT_BIT:
            reason = IN_FLOAT
    return reason or "qudnn has no op for it"


def _stored(node: ir.Node) -> str:
    refused = why_not(node)
    return f"{_STORED_WEIGHTS}; " + (refused or "--quantize-activations quantizes that at run time")


def _stored_weights(left: Iterable[Left]) -> list[str]:
    """A sentence for models of which only the weights are quantized, which looks like nothing done."""
    number = sum(node.reason.startswith(_STORED_WEIGHTS) for node in left)
    if not number:
        return []
    nodes = "1 node multiplies" if number == 1 else f"{number} nodes multiply"
    return [
        f"{nodes} in floating point by weights that are only stored in 8 bits or fewer: quantize the "
        "activations too, in the tool that quantizes, or at run time with --quantize-activations"
    ]


def _unmatched(context: Context) -> list[str]:
    """A sentence for each pattern of the user's that is about no node, which may be a slip."""
    patterns = context.selection.unmatched(context.originals.known)
    return [f"no node has a name or an operator like {pattern!r}" for pattern in patterns]


def _crossing(node: ir.Node, left: dict[ir.Node, None], context: Context) -> Crossing:
    kind, whole = "entry" if is_qudnn(node, *ENTRIES) else "exit", "body" if context.is_body else "graph"
    value = node.inputs[0] if kind == "entry" else node.outputs[0]
    assert value is not None
    producer = value.producer()
    others = [use.node for use in value.uses()] if kind == "exit" else [producer] if producer else []
    reasons = []
    if value.is_graph_output() and kind == "exit":
        reasons.append(f"an output of the {whole}")
    if value.is_graph_input():
        reasons.append(f"an input of the {whole}")
    for other in dict.fromkeys(others):
        by = f"{'produced' if kind == 'entry' else 'consumed'} by {other.op_type}"
        if is_crossing(other):
            reasons.append("the operators before and after it need different layouts")
        elif other not in left:
            reasons.append(by)
        elif context.originals.number_of(other) is None:
            reasons.append(f"{by}, which qudnn added")
        else:
            reasons.append(f"{by}, which is not converted: {_reason(other, context)}")
    return Crossing(shown(value.name), kind, "; ".join(dict.fromkeys(reasons)) or "a constant")
