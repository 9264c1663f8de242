"""What a model is, told without converting it: its format, who quantized it, its inputs and outputs."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import onnx
import onnx_ir as ir

from qudnn.converter.domain import DOMAIN, graphs_within, has_ops
from qudnn.converter.graph.op_traits import ALIAS, ONNX, is_known, is_onnx, is_quantized_operator
from qudnn.converter.qdq.linear import dequantizes, quantizes
from qudnn.converter.version import VERSION_KEY

_FEW_BITS = {ir.DataType[name] for name in ("INT4", "UINT4", "INT8", "UINT8", "INT16", "UINT16")}
_WEIGHT_SCALE = {"QLinearConv": 4, "QLinearMatMul": 4, "QGemm": 4}  # which input it is
_RESULT_ZERO_POINT = {"QuantizeLinear": 2, "QLinearConv": 7, "QLinearMatMul": 7, "QGemm": 8}


@dataclass(frozen=True)
class Summary:
    """What is known of a model from its file.

    Nodes and weights of bodies inside of the graph count as its own.

    format: "QDQ", "QOperator", "dynamic", "weights only", several joined by " and ", or "float".
    quantizer: the tool that seems to have quantized the model; empty where nothing is known.
    converted_by: the version of qudnn that has converted it; empty where none has.
    inputs, outputs: name, type and shape of each, as text. operators: how many nodes there are of each.
    activations, weights: their types where they are quantized.
    """

    producer: str
    ir_version: int
    opset: int
    format: str
    quantizer: str
    converted_by: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    operators: dict[str, int]
    activations: tuple[str, ...]
    weights: tuple[str, ...]
    per_channel: bool
    weight_bytes: int

    @classmethod
    def of(cls, model: onnx.ModelProto) -> "Summary":
        """Weights in other files need not be there."""
        graph, graphs = model.graph, list(graphs_within(model.graph))
        nodes = [node for each in graphs for node in each.node]
        constants = {name: tensor for each in graphs for name, tensor in _constants(each)}
        activations, weights, per_channel = _types(nodes, constants)
        metadata = {entry.key: entry.value for entry in model.metadata_props}
        converted = has_ops(model)
        opsets = [opset.version for opset in model.opset_import if opset.domain in (ONNX, ALIAS)]
        return cls(
            producer=" ".join(filter(None, (model.producer_name, model.producer_version))),
            ir_version=model.ir_version,
            opset=max(opsets, default=0),
            format=_format(nodes, constants),
            quantizer=_quantizer(model, nodes, metadata),
            converted_by=metadata.get(VERSION_KEY, "an unknown version") if converted else "",
            inputs=tuple(_value(value) for value in graph.input if value.name not in constants),
            outputs=tuple(map(_value, graph.output)),
            operators=dict(Counter(node.op_type for node in nodes).most_common()),
            activations=activations,
            weights=weights,
            per_channel=per_channel,
            weight_bytes=sum(_bytes(tensor) for each in graphs for tensor in each.initializer),
        )

    def quantization(self) -> str:
        """`quantized: QDQ, activations uint8, weights int8 per channel, by NNCF`."""
        if self.format == "float":
            return f"converted by qudnn {self.converted_by}" if self.converted_by else "not quantized"
        parts = [f"quantized: {self.format}"]
        if self.activations:
            parts.append(f"activations {' and '.join(self.activations)}")
        if self.weights:
            weights = f"weights {' and '.join(self.weights)}"
            parts.append(weights + (" per channel" if self.per_channel else ""))
        if self.quantizer:
            parts.append(f"by {self.quantizer}")
        before = f"converted by qudnn {self.converted_by}; of what is left, " if self.converted_by else ""
        return before + ", ".join(parts)

    def document(self) -> dict[str, Any]:
        """As what JSON can hold."""
        return dict(vars(self))


def _constants(graph: onnx.GraphProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    yield from ((tensor.name, tensor) for tensor in graph.initializer)
    for node in graph.node:
        if is_onnx(node, "Constant"):
            yield from ((node.output[0], each.t) for each in node.attribute if each.HasField("t"))


def _format(of_all: list[onnx.NodeProto], constants: dict[str, onnx.TensorProto]) -> str:
    nodes = [node for node in of_all if node.domain != DOMAIN]
    has_quantize = any(map(quantizes, nodes))
    of_constants = [node.input[0] in constants for node in nodes if dequantizes(node)]
    weights_only = bool(of_constants) and all(of_constants) and not has_quantize
    formats = {
        "QOperator": any(is_quantized_operator(node) and not _is_dynamic(node) for node in nodes),
        "QDQ": (has_quantize and bool(of_constants)) or not all(of_constants),
        "dynamic": any(map(_is_dynamic, nodes)),
        "weights only": weights_only or any(is_known(node, "MatMulNBits") for node in nodes),
    }
    if formats["QOperator"] and not any(of_constants):
        formats["QDQ"] = False  # its Q/DQ nodes are at its inputs and outputs
    return " and ".join(name for name, found in formats.items() if found) or "float"


def _is_dynamic(node: onnx.NodeProto) -> bool:
    return _quantizes_dynamically(node) or is_onnx(node, "MatMulInteger", "ConvInteger")


def _quantizes_dynamically(node: onnx.NodeProto) -> bool:
    return node.op_type.startswith("DynamicQuantize")


def _types(
    nodes: list[onnx.NodeProto], constants: dict[str, onnx.TensorProto]
) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """The types of activations and weights, and whether weights have a scale for each channel."""
    activations, weights, per_channel = set(), set(), False
    for node in nodes:
        index = _RESULT_ZERO_POINT.get(node.op_type)
        if index is not None and len(node.input) > index and node.input[index] in constants:
            activations.add(_type(constants[node.input[index]].data_type))
        elif quantizes(node) and len(node.input) == 2:
            given = [each.i for each in node.attribute if each.name == "output_dtype"]
            activations.add(_type(given[0] if given else onnx.TensorProto.UINT8))
        elif _quantizes_dynamically(node):
            activations.add("uint8")
        scale = _WEIGHT_SCALE.get(node.op_type, 1 if dequantizes(node) else None)
        place = 0 if dequantizes(node) else 3
        if scale is not None and len(node.input) > scale and node.input[place] in constants:
            numbers = constants.get(node.input[scale])
            per_channel |= numbers is not None and len(numbers.dims) > 0 and max(numbers.dims) > 1
    for tensor in constants.values():
        if len(tensor.dims) > 1 and tensor.data_type in {each.value for each in _FEW_BITS}:
            weights.add(_type(tensor.data_type))
    return tuple(sorted(activations)), tuple(sorted(weights)), per_channel


def _quantizer(model: onnx.ModelProto, nodes: list[onnx.NodeProto], metadata: dict[str, str]) -> str:
    """The tool, by what it leaves in a model: its name, its metadata, or how it names nodes."""
    names = [node.name for node in nodes if quantizes(node) or dequantizes(node)]
    producer, version = model.producer_name, model.producer_version
    if "olive_version" in metadata:
        return f"Olive {metadata['olive_version']}"
    if producer.startswith("quark"):
        return f"Quark {version}"
    for part, tool in (
        ("/export_handler/", "Brevitas"),
        ("_quantizer/", "ModelOpt, in PyTorch"),
        ("node_quantize_per_", "PyTorch's PT2E"),
        ("node_dequantize_per_", "PyTorch's PT2E"),
    ):
        if any(part in name for name in names):
            return tool
    if names and all(name.startswith(("QuantizeLinear_", "DequantizeLinear_")) for name in names):
        return "NNCF"
    if names and producer == "tf2onnx":
        return "TensorFlow Lite, by tf2onnx"
    if producer == "onnx.quantize" and "onnx.infer" in metadata:
        return "onnxruntime's quantizer"
    if producer == "onnx.quantize":
        return "onnxruntime's quantizer, or a tool that builds on it"
    return ""


def _value(value: onnx.ValueInfoProto) -> str:
    if not value.type.HasField("tensor_type"):
        return f"{value.name} {value.type.WhichOneof('value') or 'of unknown type'}"
    tensor = value.type.tensor_type
    sizes = [str(d.dim_value) if d.HasField("dim_value") else d.dim_param or "?" for d in tensor.shape.dim]
    shape = f" [{', '.join(sizes)}]" if tensor.HasField("shape") else ""
    return f"{value.name} {_type(tensor.elem_type)}{shape}"


def _bytes(tensor: onnx.TensorProto) -> int:
    count = 1
    for size in tensor.dims:
        count *= size
    try:
        return -(-count * ir.DataType(tensor.data_type).bitwidth // 8)
    except (TypeError, ValueError):  # strings
        return int(tensor.ByteSize())


def _type(number: int) -> str:
    try:
        name = ir.DataType(number).name.lower()
    except ValueError:
        return f"type {number}"
    return {"float": "float32", "double": "float64"}.get(name, name)
