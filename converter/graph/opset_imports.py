"""The opsets of a model as onnxruntime takes them."""

from collections.abc import Iterable

import onnx
import onnx_ir as ir

from qudnn.converter.graph.op_traits import ALIAS

_COMMON = 21  # the newest opset that all supported versions of onnxruntime know


def settle_imports(model: ir.Model, proto: onnx.ModelProto) -> None:
    """Give the model and its functions one opset for each domain, and one for ONNX's own in any case.

    model: what onnx_ir made of proto. Of several opsets for a domain the last one counts, "ai.onnx" and ""
    are one, and a model without either uses the newest that onnxruntime knows (model.cc, 1.31).
    """
    imports = _read(proto.opset_import)
    if "" not in imports:
        imports[""] = max([_COMMON, *map(_oldest_like_the_newest, model.graph.all_nodes())])
    _replace(model.opset_imports, imports)
    for function in proto.functions:
        key = function.domain, function.name, function.overload
        _replace(model.functions[key].opset_imports, _read(function.opset_import))


def drop_unused_imports(model: ir.Model) -> None:
    """Drop the domains that neither the model nor, of its functions, the body uses; ONNX's own one stays.

    onnxruntime refuses an opset that it does not know (Model::Model, model.cc, 1.30), and its quantizer
    imports what itself knows.
    """
    used = {""} | {node.domain for node in model.graph.all_nodes()}
    for function in model.functions.values():
        _keep(function.opset_imports, {""} | {node.domain for node in function.all_nodes()})
        used |= function.opset_imports.keys()
    _keep(model.opset_imports, used)


def _keep(imports: dict[str, int], used: set[str]) -> None:
    _replace(imports, {domain: version for domain, version in imports.items() if domain in used})


def _read(opsets: Iterable[onnx.OperatorSetIdProto]) -> dict[str, int]:
    return {"" if opset.domain == ALIAS else opset.domain: opset.version for opset in opsets}


def _replace(imports: dict[str, int], by: dict[str, int]) -> None:
    imports.clear()
    imports.update(by)


def _oldest_like_the_newest(node: ir.Node) -> int:
    """The oldest opset from which on every version of the operator takes the node's inputs and attributes."""
    oldest = 0
    if not node.domain:
        version = onnx.defs.onnx_opset_version()
        while version and onnx.defs.has(node.op_type, version):
            schema = onnx.defs.get_schema(node.op_type, version)
            if not schema.min_input <= len(node.inputs) <= schema.max_input:
                break
            if not node.attributes.keys() <= schema.attributes.keys():
                break
            oldest = schema.since_version
            version = oldest - 1
    return oldest
