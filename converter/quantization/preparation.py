"""A float model in the form that onnxruntime's quantizer wants."""

from collections import Counter
from pathlib import Path

import onnx

from qudnn.converter.errors import ConversionError
from qudnn.converter.failures import text_of
from qudnn.converter.graph.op_traits import ALIAS, ONNX, is_onnx
from qudnn.converter.io.files import LARGEST_IN_ONE_FILE
from qudnn.converter.quantization.quantizer import load_quantizer, silent

_OLDEST = 13  # the first opset in which weights have a scale for each channel


def prepare(model: onnx.ModelProto, folder: Path) -> Path:
    """A file in folder: the model of opset 13 or newer, optimized as the quantizer wants it, shapes inferred.

    Each node has a name, and each layer a bias of its own. model: with its weights; it may be changed.
    Raises ConversionError.
    """
    load_quantizer()
    from onnxruntime.quantization.shape_inference import quant_pre_process

    source, prepared = folder / "float.onnx", folder / "prepared.onnx"
    model = _raised(model)
    apart = sum(len(tensor.raw_data) for tensor in model.graph.initializer) > LARGEST_IN_ONE_FILE
    save(model, source, apart)
    try:
        # The optimizer cannot write weights of more than 2 GB.
        with silent():
            quant_pre_process(
                str(source),
                str(prepared),
                skip_optimization=apart,
                skip_symbolic_shape=True,  # onnx's inference tells the types, which are all that is needed
                save_as_external_data=apart,
                all_tensors_to_one_file=apart,
            )
    except Exception as error:  # whatever onnxruntime and onnx find wrong with it
        raise ConversionError(
            f"onnxruntime's quantizer cannot prepare the model: {text_of(error)}"
        ) from error
    result = onnx.load_model(prepared)
    _forget_shapes_of_constants(result.graph)
    _separate_biases(result.graph)
    _name_nodes(result.graph)
    save(result, prepared, apart)
    return prepared


def save(model: onnx.ModelProto, path: Path, apart: bool) -> None:
    """Write the model, with its weights in another file if they are large. The model is left as it is."""
    if not apart:
        onnx.save_model(model, path)
        return
    copy = onnx.ModelProto()
    copy.CopyFrom(model)  # onnx takes the weights out of what it saves
    path.with_name(path.name + ".data").unlink(missing_ok=True)
    onnx.save_model(copy, path, save_as_external_data=True, location=path.name + ".data")


def _raised(model: onnx.ModelProto) -> onnx.ModelProto:
    opset = max((each.version for each in model.opset_import if each.domain in (ONNX, ALIAS)), default=0)
    if opset >= _OLDEST:
        return model
    try:
        return onnx.version_converter.convert_version(model, _OLDEST)
    except Exception as error:  # it has no type of its own
        raise ConversionError(
            f"the model's opset {opset} cannot be raised to {_OLDEST}, which quantization needs: "
            f"{text_of(error)}; export it with a newer opset"
        ) from error


def _forget_shapes_of_constants(graph: onnx.GraphProto) -> None:
    """PyTorch's exporter gives the shapes of initializers too, and the quantizer transposes some of these."""
    constants = {tensor.name for tensor in graph.initializer}
    kept = [value for value in graph.value_info if value.name not in constants]
    del graph.value_info[:]
    graph.value_info.extend(kept)


def _separate_biases(graph: onnx.GraphProto) -> None:
    """Give each layer a bias of its own.

    PyTorch's exporter lets layers share equal ones, such as zeros. The quantizer quantizes a shared bias
    once, with the scales of the first layer that reads it, and all the others then have a wrong one.
    """
    constants = {tensor.name: tensor for tensor in graph.initializer}
    consumers = Counter(name for node in graph.node for name in node.input)
    for node in graph.node:
        if (
            not is_onnx(node, "Conv", "ConvTranspose", "Gemm")
            or len(node.input) < 3
            or consumers[node.input[2]] < 2
        ):
            continue
        bias = constants.get(node.input[2])
        if bias is not None:
            copy = graph.initializer.add()
            copy.CopyFrom(bias)
            copy.name = f"{bias.name}/{node.output[0]}"
            node.input[2] = copy.name


def _name_nodes(graph: onnx.GraphProto) -> None:
    """The quantizer is told by names what to leave, so that each node needs one of its own."""
    taken: set[str] = set()
    for number, node in enumerate(graph.node):
        if not node.name or node.name in taken:
            node.name = f"{node.op_type}_{number}"
        while node.name in taken:
            node.name += "_"
        taken.add(node.name)
