"""QTable: any function of one 8-bit tensor, computed at conversion for all 256 values."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from converter.candidate import Candidate, port
from converter.constants import EIGHT_BIT, constant
from converter.errors import Refusal
from converter.facts import Facts
from converter.ops.each import Each
from converter.packing import Int8Array


def table(
    covers: tuple[ir.Node, ...],
    x: ir.Value,
    y: ir.Value,
    x_dtype: ir.DataType,
    y_dtype: ir.DataType,
    values: NDArray[Any],
    facts: Facts,
) -> Candidate:
    """The candidate for `y = values[x - smallest x]`; values: `[256]` of y_dtype."""
    shape = facts.ranked(x)
    axis = facts.channel_axis_of(x)
    return Candidate(
        covers,
        Each("QTable", {}, {"table": island_table(values)}),
        (port(x, shape, axis, x_dtype),),
        (port(y, shape, axis, y_dtype),),
    )


def island_table(values: NDArray[Any]) -> Int8Array:
    """Values `[256]` of an 8-bit type, as they are inside an island."""
    assert values.shape == (256,) and ir.DataType.from_numpy(values.dtype) in EIGHT_BIT
    return values if values.dtype == np.int8 else (values ^ np.uint8(128)).view(np.int8)


def all_values(dtype: ir.DataType) -> NDArray[Any]:
    """All 256 of an 8-bit type, ascending: the order of tables."""
    bounds = np.iinfo(dtype.numpy())
    return np.arange(bounds.min, bounds.max + 1).astype(dtype.numpy())


def computed(node: ir.Node, x: ir.Value, dtype: ir.DataType, opsets: Mapping[str, int]) -> NDArray[Any]:
    """What onnxruntime's CPU provider makes of all values of x (8 bits wide) at a node's input.

    Its other inputs have to be constants.
    """
    proto = ir.to_proto(node)
    assert isinstance(proto, onnx.NodeProto)
    constants = {
        value.name or "": constant(value, f"input {index}")
        for index, value in enumerate(node.inputs)
        if value is not None and value is not x
    }
    if len(node.outputs) != 1:
        raise Refusal("it has several outputs")
    return run_chain([proto], x.name or "", dtype, node.outputs[0].name or "", constants, opsets)


def run_chain(
    nodes: list[onnx.NodeProto],
    x: str,
    dtype: ir.DataType,
    y: str,
    constants: Mapping[str, NDArray[Any]],
    opsets: Mapping[str, int],
) -> NDArray[Any]:
    """The 8-bit values y `[256]` that nodes make of all values of x, on onnxruntime's CPU provider.

    opsets: version by domain. The nodes have to be functions of each element alone.
    """
    graph = helper.make_graph(
        nodes,
        "table",
        [helper.make_tensor_value_info(x, int(dtype), [256])],
        [helper.make_empty_tensor_value_info(y)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    model = helper.make_model(graph, opset_imports=imports, ir_version=8)
    return _run(model.SerializeToString(deterministic=True), dtype)


@cache
def _run(model: bytes, dtype: ir.DataType) -> NDArray[Any]:
    import onnxruntime  # takes a while, and few models need it

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        (values,) = session.run(None, {session.get_inputs()[0].name: all_values(dtype)})
    except Exception as error:  # onnxruntime has no common type of error
        raise Refusal(f"onnxruntime does not run it on all 8-bit values: {error}") from error
    if values.shape != (256,) or ir.DataType.from_numpy(values.dtype) not in EIGHT_BIT:
        raise Refusal("it does not make one 8-bit value of each")
    result: NDArray[Any] = values
    result.flags.writeable = False
    return result
