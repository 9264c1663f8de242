"""Options under which onnxruntime's CPU provider gives the results that qudnn gives: the exact ones."""

import onnx
import onnxruntime

from qudnn.converter.domain import graphs_within

# The operators whose weights x64quantprecision turns into uint8, and which input is the input's zero point.
_WITH_WEIGHTS = {"QLinearConv": 2, "QLinearMatMul": 2, "QGemm": 2, "MatMulIntegerToFloat": 4}

_MATMULS = {"Conv", "ConvTranspose", "Gemm", "MatMul", "Transpose"}  # or what stands before one


def session_options(model: onnx.ModelProto) -> onnxruntime.SessionOptions:
    """Options under which the CPU provider computes exactly, and starts fast.

    Without x64quantprecision a processor that lacks VNNI saturates uint8 * int8 products at 16 bits.
    With it onnxruntime opens no model that convolves int8 activations, a converted one least of all:
    it makes the weights uint8, and has no kernel for int8 * uint8. Nor does it decide as it does by default
    what to compute in integers where an int8 constant, which becomes uint8, meets int8 tensors.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    if takes_precision(model):
        options.add_session_config_entry("session.x64quantprecision", "1")
    return options


def takes_precision(model: onnx.ModelProto) -> bool:
    """Whether onnxruntime opens the model with x64quantprecision, and decides as without."""
    graphs = list(graphs_within(model.graph))  # onnxruntime's optimizer works on all of them
    nodes = [node for graph in graphs for node in graph.node]
    constants = {tensor.name: tensor.data_type for graph in graphs for tensor in graph.initializer}
    zero_points = [node.input[_WITH_WEIGHTS[node.op_type]] for node in nodes if node.op_type in _WITH_WEIGHTS]
    int8 = onnx.TensorProto.INT8
    types = constants | {x.name: x.type.tensor_type.elem_type for graph in graphs for x in graph.input}
    dequantized = {
        node.output[0]: node.input[0] in constants
        for node in nodes
        if node.op_type == "DequantizeLinear" and types.get(node.input[0]) == int8
    }
    # Who reads int8 constants, and is no matmul, or an int8 tensor besides.
    other = any(
        any(dequantized.get(name, False) for name in node.input)
        and (node.op_type not in _MATMULS or not dequantized.get(node.input[0], True))
        for node in nodes
    )
    return not model.functions and int8 not in {constants.get(name) for name in zero_points} and not other
