"""Models with other outputs, and parts of models."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import onnx
from onnx import helper, numpy_helper

from qudnn.converter.comparison.difference import Array
from qudnn.converter.domain import graphs_in
from qudnn.converter.graph.op_traits import is_known, is_onnx, is_quantized_name


def with_outputs(model: onnx.ModelProto, names: Iterable[str]) -> onnx.ModelProto:
    """The model with these tensors of its graph as outputs besides. Its weights are shared, not copied."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    known = {value.name for value in result.graph.output}
    types = {value.name: value for value in result.graph.value_info}
    for name in dict.fromkeys(names):
        if name not in known:
            result.graph.output.append(types.get(name) or helper.make_empty_tensor_value_info(name))
    return result


def computed(model: onnx.ModelProto) -> list[str]:
    """The tensors that nodes of the graph compute, in its order."""
    return [name for node in model.graph.node for name in node.output if name]


def borders(model: onnx.ModelProto) -> list[str]:
    """Of these, those between what onnxruntime computes in one operator: as outputs they change no bits.

    They are 8-bit tensors, and the float ones that are quantized at run time; int8 ones only of a model that
    as_uint8 has made.
    """
    dynamic = {n.input[0] for n in model.graph.node if is_onnx(n, "DynamicQuantizeLinear")}
    found = []
    for node in model.graph.node:
        if node.op_type.startswith("DynamicQuantize"):
            continue
        pair = is_known(node, "QuantizeLinear")
        # These leave int32, which onnxruntime and qudnn turn into float32 in the same operator.
        to_int32 = is_onnx(node, "ConvInteger", "MatMulInteger")
        integers = is_quantized_name(node.op_type) and not to_int32
        for name in filter(None, node.output):
            if pair or name in dynamic or (integers and name == node.output[0]):
                found.append(name)
    return found


def as_uint8(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with each int8 tensor that is quantized, and dequantized for one node, as a uint8 one.

    onnxruntime makes these uint8 itself (QDQS8ToU8Transformer, 1.31), as long as nothing else reads them: as
    outputs they would be computed otherwise.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    uses: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in _reads(node):
            uses.setdefault(name, []).append(node)
    types = {value.name: value for value in graph.value_info}
    given = {value.name for value in graph.output}
    made: dict[str, str] = {}
    for node in graph.node:
        if not is_known(node, "QuantizeLinear") or len(node.input) < 3 or node.output[0] in given:
            continue
        readers, zero_point = uses.get(node.output[0], []), constants.get(node.input[2])
        if zero_point is None or zero_point.data_type != onnx.TensorProto.INT8 or len(readers) != 1:
            continue
        dequantize = readers[0]
        if not is_known(dequantize, "DequantizeLinear") or list(dequantize.input[1:]) != list(node.input[1:]):
            continue
        if len(uses.get(dequantize.output[0], [])) != 1 or dequantize.output[0] in given:
            continue  # onnxruntime gives each reader a DequantizeLinear of its own
        if zero_point.name not in made:
            made[zero_point.name] = f"{zero_point.name}_uint8"
            shifted = (numpy_helper.to_array(zero_point).astype(np.int16) + 128).astype(np.uint8)
            graph.initializer.append(numpy_helper.from_array(shifted, made[zero_point.name]))
        node.input[2] = dequantize.input[2] = made[zero_point.name]
        if node.output[0] in types:
            types[node.output[0]].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    return result


def producers(model: onnx.ModelProto) -> dict[str, onnx.NodeProto]:
    return {name: node for node in model.graph.node for name in node.output if name}


def part(model: onnx.ModelProto, inputs: Mapping[str, Array], outputs: Iterable[str]) -> onnx.ModelProto:
    """What computes the outputs of these inputs, which may be any tensors of the model's graph.

    inputs: values that the tensors may have, for their types and shapes. Those that are not needed are left
    out, as is all of the model that nothing needs.
    """
    wanted = list(outputs)
    known, needed, nodes = producers(model), set(wanted), []
    for node in reversed(model.graph.node):
        made = {name for name in node.output if name in needed and name not in inputs}
        if made:
            needed.update(_reads(node))
            nodes.append(node)
    result = onnx.ModelProto()
    result.CopyFrom(_bare(model))
    graph = result.graph
    graph.node.extend(reversed(nodes))
    graph.initializer.extend(t for t in model.graph.initializer if t.name in needed and t.name not in inputs)
    graph.sparse_initializer.extend(model.graph.sparse_initializer)
    for name, value in inputs.items():
        if name in needed:
            dtype = helper.np_dtype_to_tensor_dtype(value.dtype)
            graph.input.append(helper.make_tensor_value_info(name, dtype, value.shape))
    types = {value.name: value for value in (*model.graph.output, *model.graph.value_info)}
    for name in wanted:
        assert name in known or name in inputs, name
        graph.output.append(types.get(name) or helper.make_empty_tensor_value_info(name))
    graph.value_info.extend(v for v in model.graph.value_info if v.name in needed and v.name not in wanted)
    return result


def _bare(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without its graph's content."""
    bare = onnx.ModelProto(ir_version=model.ir_version)
    bare.opset_import.extend(model.opset_import)
    bare.functions.extend(model.functions)
    bare.metadata_props.extend(model.metadata_props)
    bare.graph.name = model.graph.name
    return bare


def _reads(node: onnx.NodeProto) -> Iterator[str]:
    """What a node reads, graphs inside of it included."""
    yield from filter(None, node.input)
    for graph in graphs_in(node):
        for inner in graph.node:
            yield from _reads(inner)
        yield from (value.name for value in graph.output)
