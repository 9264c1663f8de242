"""Give the model the bodies of the ops it uses."""

import onnx_ir as ir

from qudnn.converter.functions import DOMAIN, FUNCTIONS, MIN_OPSET, VERSION, function_protos
from qudnn.converter.graph.opset_imports import drop_unused_imports
from qudnn.converter.passes.base import Pass
from qudnn.converter.version import VERSION_KEY, qudnn_version

IR_VERSION = 8  # the oldest with functions in a model
CONTRIB = "com.microsoft"


class AddFunctions(Pass):
    """Also settles what the model imports, and notes the version of qudnn in its metadata."""

    def run(self, model: ir.Model) -> None:
        used = {node.op_type for node in model.graph if node.domain == DOMAIN}
        if not used:
            return
        imports = model.graph.opset_imports
        opset = imports.setdefault("", MIN_OPSET)
        imports[DOMAIN] = VERSION
        for op_type in FUNCTIONS:
            for proto in function_protos(op_type, opset) if op_type in used else ():
                function = ir.serde.deserialize_function(proto)
                model.functions[function.identifier()] = function
        write_defaults_out(model)
        imports.setdefault(CONTRIB, 1)
        drop_unused_imports(model)
        model.ir_version = max(model.ir_version, IR_VERSION)
        model.metadata_props[VERSION_KEY] = qudnn_version()


def write_defaults_out(model: ir.Model) -> None:
    """Give each op all of its attributes: onnx.inliner does not know the defaults of a function."""
    graphs = (model.graph, *(function.graph for function in model.functions.values()))
    for node in (node for graph in graphs for node in graph):
        function = model.functions.get(node.op_identifier())
        if node.domain == DOMAIN and function is not None:
            for name, attribute in function.attributes.items():
                if attribute.value is not None:
                    node.attributes.setdefault(name, attribute)
