"""Sizes that a model declares, and those that its tensors have."""

from typing import Any

import numpy as np
import onnx
import onnxruntime

from session import CPU


def are_as_declared(result: dict[str, Any], model: onnx.ModelProto) -> bool:
    """Whether outputs have the sizes declared: where not, onnxruntime goes by these and computes nonsense.

    Of constants it goes by their own.
    """
    constants = {tensor.name for tensor in model.graph.initializer}
    constants |= {node.output[0] for node in model.graph.node if node.op_type == "Constant" and node.output}
    computed = (value for value in model.graph.output if value.name not in constants)
    return not any(_contradicts(value, result) for value in computed)


def without_false_sizes(model: onnx.ModelProto, feed: dict[str, Any]) -> onnx.ModelProto | None:
    """The model without what it says of tensors between that have other sizes with this input; None if none.

    QLinearSoftmax, for one, has a table by the size declared (BuildLookupTableIfFixed in qlinear_softmax.cc,
    1.31): other bits, and 0 for the whole of a row of one.
    """
    produced = {output for node in model.graph.node for output in node.output if output}
    said = {value.name for value in model.graph.value_info} & produced
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    del probe.graph.value_info[:]
    del probe.graph.output[:]
    probe.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(said))
    result = _run_as_written(probe, feed) if said else {}
    true = [value for value in model.graph.value_info if not _contradicts(value, result)]
    if len(true) == len(model.graph.value_info):
        return None
    corrected = onnx.ModelProto()
    corrected.CopyFrom(model)
    del corrected.graph.value_info[:]
    corrected.graph.value_info.extend(true)
    return corrected


def _run_as_written(model: onnx.ModelProto, feed: dict[str, Any]) -> dict[str, Any]:
    """Its outputs, without any optimization; none where it does not run."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=[CPU])
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, feed), strict=True))
    except Exception:
        return {}


def _contradicts(value: onnx.ValueInfoProto, result: dict[str, Any]) -> bool:
    array, tensor = result.get(value.name), value.type.tensor_type
    if not isinstance(array, np.ndarray) or not tensor.HasField("shape"):
        return False
    sizes = [size.dim_value if size.HasField("dim_value") else None for size in tensor.shape.dim]
    return len(sizes) != array.ndim or any(
        size not in (None, actual) for size, actual in zip(sizes, array.shape, strict=True)
    )
