"""The ops of the domain `qudnn`, each as a function of standard operators: the specification.

A kernel is right when it gives the bits of its function on onnxruntime's CPU provider. A converted
model carries the functions of the ops it uses, so it runs where no kernel is registered.
"""

from collections.abc import Mapping

from onnx import FunctionProto

from qudnn.converter.domain import DOMAIN as DOMAIN
from qudnn.converter.functions.bodies import Bodies

VERSION = 1
MIN_OPSET = 13  # the oldest opset in which bodies are valid, apart from those that need a newer operator

FUNCTIONS: Mapping[str, FunctionProto] = Bodies()


def function_proto(name: str, opset: int) -> FunctionProto:
    """The function `name` over opset `opset` of ONNX's own domain, 13 or newer (QLayerNormalization: 17).

    onnxruntime inlines a function only into a model of the same opset. The bodies use nothing that
    changed its meaning since the opset they are written in, so that only the version has to be set.
    """
    proto = FunctionProto()
    proto.CopyFrom(FUNCTIONS[name])
    for imported in proto.opset_import:
        if imported.domain == "":
            if opset < imported.version:
                raise ValueError(
                    f"function {name} needs opset {imported.version} or newer, the model has {opset}"
                )
            imported.version = opset
    return proto


def function_protos(name: str, opset: int) -> list[FunctionProto]:
    """The function `name` and those that its body calls, as function_proto() gives them."""
    protos = {name: function_proto(name, opset)}
    for node in protos[name].node:
        if node.domain == DOMAIN:
            protos |= {called.name: called for called in function_protos(node.op_type, opset)}
    return list(protos.values())
