"""Types and shapes of a model's values, as far as ONNX's inference tells them."""

import onnx_ir as ir
from onnx_ir.passes.common import ShapeInferencePass

from qudnn.converter.analysis.node_shapes import inferred
from qudnn.converter.graph.constants import node_input
from qudnn.converter.graph.op_traits import CONTRIB, ONNX, Trait, has_trait, is_onnx
from qudnn.converter.graph.order import subgraphs
from qudnn.converter.graph.sizes import Shape, unknown
from qudnn.converter.qdq.linear import dequantizes, quantizes

_NEWEST = 1000  # as an opset: that of the newest operators
_HIDDEN = "qudnn.hidden"  # a domain that nobody knows


def infer(model: ir.Model, declared: bool = True) -> ir.Graph:
    """A copy of the model's graph, with what follows from its inputs and from what it declares of values.

    declared: whether shapes that the model declares of values count. Those of its outputs do where nothing
    else is known of them: they are as the user left them.

    ONNX's data propagation stays off: it makes an object for each element of every vector, of 2**40 as well.
    """
    if not any(is_onnx(node, "Slice") for node in _all_nodes(model)):
        return _inferred(model, declared, ONNX)
    apart = _inferred(model, declared, _HIDDEN)
    outputs = [output for node in apart for output in node.outputs]
    if all(map(_is_told, apart)) or any(map(_is_odd, outputs)):
        return apart
    return _inferred(model, declared, ONNX)


def _is_told(node: ir.Node) -> bool:
    """Whether it does not matter that the rule for one node knows nothing of those with bodies."""
    return all(output.dtype is not None for output in node.outputs) or not any(True for _ in subgraphs(node))


def _inferred(model: ir.Model, declared: bool, slices: str) -> ir.Graph:
    """slices: the domain that Slices have meanwhile; those that ONNX does not know are inferred one by one.

    ONNX's rule for Slice ends the process where there is nothing to slice, by std::clamp: sizes below 0
    follow from windows that do not fit, among others. The rule that inferred() asks never sees them.
    """
    copy = _without_defaults(_with_standard_operators(model.clone()))
    hidden = [node for node in _all_nodes(copy) if is_onnx(node, "Slice")]
    for node in hidden:
        node.domain = slices
    _import_all(copy)
    outputs = {value: value.shape for value in copy.graph.outputs if value.producer() is not None}
    forgotten = list(outputs) if declared else [output for node in copy.graph for output in node.outputs]
    for value in forgotten:
        value.shape = None
    told = ShapeInferencePass(check_type=False, strict_mode=False, data_prop=False)(copy).modified
    for node in hidden:
        node.domain = ONNX
    if not told or slices != ONNX:
        _infer_each(copy)  # it tells nothing of any node where one contradicts what is declared
    for value, shape in outputs.items() if declared else ():
        if value.shape is None:
            value.shape = shape
    return copy.graph


def _all_nodes(model: ir.Model) -> list[ir.Node]:
    """Those of bodies and of functions too."""
    return [*model.graph.all_nodes(), *(n for f in model.functions.values() for n in f.all_nodes())]


def _is_odd(value: ir.Value) -> bool:
    return any(isinstance(size, int) and size < 1 for size in value.shape or ())


def shape_of(value: ir.Value) -> Shape | None:
    """The shape with sizes that are unknown by a name, None where it is unknown."""
    if value.shape is None:
        return None
    return tuple(
        size if isinstance(size, int) else unknown(size.value or f"{value.name}[{axis}]")
        for axis, size in enumerate(value.shape)
    )


def _with_standard_operators(model: ir.Model) -> ir.Model:
    """Operators of com.microsoft as ONNX's that have the same results' types and shapes.

    QuantizeLinear and DequantizeLinear, and those that work on each element by itself.
    """
    for node in model.graph:
        if quantizes(node) or dequantizes(node):
            scale = node_input(node, 1)
            if scale is not None and scale.dtype == ir.DataType.FLOAT:
                node.domain = ONNX
        elif node.domain == CONTRIB and has_trait(node, Trait.KEEPS_SHAPE):
            node.domain, node.op_type = ONNX, "Identity"
            node.resize_inputs(1)
            node.attributes.clear()
    return model


def _without_defaults(model: ir.Model) -> ir.Model:
    """Inputs as such, not as the constants that they are where a caller gives nothing for them."""
    for value in model.graph.inputs:
        model.graph.initializers.pop(value.name or "", None)
        value.const_value = None
    return model


def _import_all(model: ir.Model) -> None:
    """Import the domains that nodes have: ONNX's inference tells nothing of any node where one is missing.

    onnxruntime opens models without them, with the newest operators of those that it knows (model.cc, 1.31).
    """
    for imports, nodes in (
        (model.opset_imports, model.graph.all_nodes()),
        *((function.opset_imports, function.all_nodes()) for function in model.functions.values()),
    ):
        for node in nodes:
            imports.setdefault(node.domain, _NEWEST)


def _infer_each(model: ir.Model) -> None:
    """Infer the results of each node by itself, where their types or shapes are unknown."""
    opset = model.opset_imports.get("", 0)
    for node in model.graph:
        if all(output.dtype is not None and output.shape is not None for output in node.outputs):
            continue
        for output, dtype, shape in inferred(
            node, opset, lambda value: value.dtype, shape_of, lambda _: None
        ):
            output.dtype = output.dtype or dtype
            if output.shape is None:
                output.shape = ir.Shape([size if isinstance(size, int) else str(size) for size in shape])
