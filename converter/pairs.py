"""Pairs of QuantizeLinear and DequantizeLinear that the converter adds."""

import onnx_ir as ir

from converter.context import Context
from converter.linear import quantizes


def insert_pair(x: ir.Value, like: ir.Node, context: Context) -> ir.Value:
    """x, quantized and dequantized as `like` does; the new nodes stand behind x, before its readers."""
    attributes = [a for name, a in like.attributes.items() if name == "output_dtype" and quantizes(like)]
    pair: list[ir.Node] = []
    for op_type, given in ("QuantizeLinear", attributes), ("DequantizeLinear", []):
        y = pair[-1].outputs[0] if pair else x
        node = ir.Node(
            like.domain,
            op_type,
            [y, *like.inputs[1:]],
            given,
            name=context.new_node_name(f"{x.name}/{op_type}"),
        )
        node.outputs[0].name = context.new_value_name(f"{x.name}/{op_type}")
        pair.append(node)
    source = x.producer()
    assert source is not None and source.graph is not None
    source.graph.insert_after(source, pair)
    return pair[-1].outputs[0]
