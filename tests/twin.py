"""A QDQ model with int8 activations whose matmuls are computed in integers."""

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from cases.builder import MICROSOFT, Array

_INTEGER_FORMS = {
    "Conv": ("", "QLinearConv"),
    "MatMul": ("", "QLinearMatMul"),
    "GlobalAveragePool": (MICROSOFT, "QLinearGlobalAveragePool"),
    "AveragePool": (MICROSOFT, "QLinearAveragePool"),
}


def with_integer_matmuls(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with QLinearConv in the place of Conv, and so on, on the same int8 tensors.

    onnxruntime's CPU provider computes matmuls of int8 tensors with several consumers in float32, the sums
    in an order of its own. A converted model computes all matmuls in integers and everything else as
    onnxruntime does: its bits are those of this model. Pairs are left where they are, since onnxruntime
    decides by them how it computes what is between.
    """
    return _Twin(model).model


class _Twin:
    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = onnx.ModelProto()
        self.model.CopyFrom(model)
        graph = self.model.graph
        del graph.value_info[:]
        self._writers = {output: node for node in model.graph.node for output in node.output}
        self._consumers = {name: node for node in model.graph.node for name in node.input}
        self._constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        nodes = [made for node in model.graph.node for made in self._rewritten(node)]
        del graph.node[:]
        graph.node.extend(nodes)
        domains = {imported.domain for imported in self.model.opset_import}
        if MICROSOFT not in domains:
            self.model.opset_import.append(helper.make_opsetid(MICROSOFT, 1))

    def _rewritten(self, node: onnx.NodeProto) -> list[onnx.NodeProto]:
        quantize = self._quantizer(node)
        if node.op_type not in _INTEGER_FORMS or quantize is None:
            return [node]
        sources = [self._writers.get(name) for name in node.input]
        if any(source is None or source.op_type != "DequantizeLinear" for source in sources[:2]):
            return [node]
        domain, op_type = _INTEGER_FORMS[node.op_type]
        made, inputs = [], []
        for index, source in enumerate(sources[:2]):
            assert source is not None
            scale, zero_point = source.input[1], self._zero_point(source)
            values = source.input[0]
            if values not in self._constants:  # quantized anew: a consumer of its own, as the matmul was
                values = f"{node.output[0]}/input_{index}"
                made.append(
                    helper.make_node("QuantizeLinear", [source.output[0], scale, zero_point], [values])
                )
            inputs += [values, scale, zero_point]
        inputs += quantize.input[1:3]
        if len(node.input) > 2:
            inputs.append(self._bias(node, *inputs[1:5:3]))
        y = f"{node.output[0]}/in_integers"
        attributes: dict[str, Any] = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        made.append(helper.make_node(op_type, inputs, [y], domain=domain, **attributes))
        made.append(helper.make_node("DequantizeLinear", [y, *quantize.input[1:3]], node.output))
        return made

    def _quantizer(self, node: onnx.NodeProto) -> onnx.NodeProto | None:
        """The QuantizeLinear after the node, after an activation perhaps."""
        consumer = self._consumers.get(node.output[0])
        while consumer is not None and consumer.op_type in ("Relu", "Clip"):
            consumer = self._consumers.get(consumer.output[0])
        return consumer if consumer is not None and consumer.op_type == "QuantizeLinear" else None

    def _zero_point(self, dequantize: onnx.NodeProto) -> str:
        if len(dequantize.input) > 2:
            return str(dequantize.input[2])
        return self._add(
            f"{dequantize.output[0]}/zero", np.zeros_like(self._constants[dequantize.input[1]], np.int8)
        )

    def _bias(self, node: onnx.NodeProto, x_scale: str, w_scale: str) -> str:
        source = self._writers.get(node.input[2])
        if source is not None:
            return str(source.input[0])
        unit = self._constants[x_scale] * self._constants[w_scale]
        units = np.rint(self._constants[node.input[2]] / unit).astype(np.int32)
        return self._add(f"{node.output[0]}/bias", units)

    def _add(self, name: str, array: Array) -> str:
        self.model.graph.initializer.append(numpy_helper.from_array(array, name))
        return name
