"""A model that shares its tensors with the proto it was made of, without changing them."""

import onnx_ir as ir


def give_tensors_names(model: ir.Model) -> None:
    """Give the tensors names of their own: onnx_ir writes the names of values into the protos they share."""
    for graph in (model.graph, *(function.graph for function in model.functions.values())):
        for inner in (graph, *graph.subgraphs()):
            for value in inner.initializers.values():
                if value.const_value is not None:
                    value.const_value = _renamable(value.const_value)
            for node in inner:
                for name, attribute in node.attributes.items():
                    if attribute.type == ir.AttributeType.TENSOR and not attribute.is_ref():
                        tensor = _renamable(attribute.as_tensor())
                        node.attributes[name] = ir.AttrTensor(name, tensor, attribute.doc_string)


def _renamable(tensor: ir.TensorProtocol) -> ir.TensorProtocol:
    if not isinstance(tensor, ir.serde.TensorProtoTensor):
        return tensor
    return ir.LazyTensor(
        lambda: tensor,
        dtype=tensor.dtype,
        shape=tensor.shape,
        name=tensor.name,
        doc_string=tensor.doc_string,
        metadata_props=tensor.metadata_props,
    )
