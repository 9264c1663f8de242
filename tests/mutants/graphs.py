"""Changes of what is around the nodes: inputs, outputs, declared types, opsets, names, bodies."""

from collections.abc import Callable, Sequence

import numpy as np
import onnx
from onnx import GraphProto, TypeProto, ValueInfoProto, helper, numpy_helper

from mutants.draw import chance, one

Rng = np.random.Generator

_ODD_NAMES = ("a b", "x/island", "é", "-1", "n" * 3000, "qudnn", "y\n", "a.b::c", "unk__0")


def _produced(model: onnx.ModelProto) -> list[str]:
    return [output for node in model.graph.node for output in node.output if output]


def change_size(model: onnx.ModelProto, rng: Rng) -> None:
    """Of an input, an output or what is said of a tensor between."""
    values = [*model.graph.input, *model.graph.output, *model.graph.value_info]
    if not values:
        return
    shape = one(rng, values).type.tensor_type.shape
    if shape.dim and chance(rng, 0.8):
        dim = one(rng, shape.dim)
        if chance(rng, 0.5):
            dim.dim_value = one(rng, [-1, 0, 1, 2, 3, 5, 16, 2**31, 2**40])
        elif chance(rng, 0.5):
            dim.dim_param = one(rng, ["n", "m", "", "odd size", "unk__0"])
        else:
            dim.Clear()
    elif shape.dim and chance(rng, 0.5):
        del shape.dim[0]
    else:
        shape.dim.add(dim_value=1)


def drop_shape(model: onnx.ModelProto, rng: Rng) -> None:
    value: ValueInfoProto = one(rng, [*model.graph.input, *model.graph.output])
    if chance(rng, 0.8):
        value.type.tensor_type.ClearField("shape")
    else:
        value.ClearField("type")


def change_type(model: onnx.ModelProto, rng: Rng) -> None:
    value: ValueInfoProto = one(rng, [*model.graph.input, *model.graph.output])
    value.type.tensor_type.elem_type = one(rng, [0, 1, 2, 3, 6, 7, 9, 10, 11, 16, 99])


def say_wrongly(model: onnx.ModelProto, rng: Rng) -> None:
    """Declare a type and a shape of a tensor between, or of a constant."""
    names = [*_produced(model), *(tensor.name for tensor in model.graph.initializer)]
    if names:
        sizes: list[int | str] = [1, 2, 3, 4, 7, "n", "m"]
        shape = [one(rng, sizes) for _ in range(rng.integers(0, 5))]
        dtype = one(rng, [1, 1, 2, 3, 6, 7, 10])
        model.graph.value_info.append(helper.make_tensor_value_info(one(rng, names), dtype, shape))


def change_opset(model: onnx.ModelProto, rng: Rng) -> None:
    if model.opset_import:
        one(rng, model.opset_import).version = one(rng, [0, 1, 7, *range(9, 27), 99])


def change_imports(model: onnx.ModelProto, rng: Rng) -> None:
    kind = rng.integers(5)
    if kind == 0 and model.opset_import:
        del model.opset_import[rng.integers(len(model.opset_import))]
    elif kind == 1:
        domain = one(rng, ["", "ai.onnx", "ai.onnx.ml", "odd"])
        model.opset_import.add(domain=domain, version=one(rng, [1, 3, 17]))
    elif kind == 2:
        model.opset_import.add(domain="qudnn", version=1)
    elif kind == 3:
        for imported in model.opset_import:
            imported.domain = imported.domain or "ai.onnx"
    else:
        model.ir_version = one(rng, [0, 3, 4, 7, 8, 9, 10, 11, 12, 13, 99])


def add_output(model: onnx.ModelProto, rng: Rng) -> None:
    """A tensor between, a constant, an input, or an output once more."""
    sources = [
        _produced(model),
        _produced(model),
        [tensor.name for tensor in model.graph.initializer],
        [value.name for value in [*model.graph.input, *model.graph.output]],
    ]
    names = one(rng, sources)
    if names:
        value = model.graph.output.add(name=one(rng, names))
        if chance(rng, 0.3):
            value.type.CopyFrom(TypeProto(tensor_type=TypeProto.Tensor(elem_type=one(rng, [1, 2, 3]))))


def remove_output(model: onnx.ModelProto, rng: Rng) -> None:
    if model.graph.output:
        del model.graph.output[rng.integers(len(model.graph.output))]


def rename(model: onnx.ModelProto, rng: Rng) -> None:
    """A tensor, wherever its name stands, to something odd or to another's name."""
    names = list(dict.fromkeys([*_produced(model), *(value.name for value in model.graph.input)]))
    if not names:
        return
    old = one(rng, names)
    new = one(rng, [*_ODD_NAMES, f"{old}/to_island", f"{old}/QuantizeLinear"])
    new = one(rng, names) if chance(rng, 0.1) else new
    for value in [*model.graph.input, *model.graph.output, *model.graph.value_info]:
        if value.name == old:
            value.name = new
    for node in model.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]


def into_branches(model: onnx.ModelProto, rng: Rng) -> None:
    """The last nodes move into both branches of an If; a new input chooses from these, or a constant."""
    graph = model.graph
    count = int(rng.integers(1, min(len(graph.node), 6) + 1))
    moved = list(graph.node[len(graph.node) - count :])
    inside = {output for node in moved for output in node.output}
    outputs = [value for value in graph.output if value.name in inside]
    read = {name for node in graph.node[: len(graph.node) - count] for name in node.input}
    if not outputs or inside & read:
        return
    bodies: list[GraphProto] = []
    for branch in ("then", "else"):
        nodes = []
        for node in moved:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            copy.input[:] = [f"{name}_{branch}" if name in inside else name for name in copy.input]
            copy.output[:] = [f"{name}_{branch}" if name else "" for name in copy.output]
            nodes.append(copy)
        results = []
        for value in outputs:
            result = onnx.ValueInfoProto()
            result.CopyFrom(value)
            result.name += f"_{branch}"
            results.append(result)
        bodies.append(helper.make_graph(nodes, branch, [], results))
    del graph.node[len(graph.node) - count :]
    which = numpy_helper.from_array(np.array(chance(rng, 0.5)), "which")
    kind = rng.integers(5)
    if kind < 3:
        graph.input.append(helper.make_tensor_value_info("which", onnx.TensorProto.BOOL, []))
    if kind in (2, 3):
        graph.initializer.append(which)
    if kind == 4:
        graph.node.append(helper.make_node("Constant", [], ["which"], value=which))
    names = [value.name for value in outputs]
    choose = helper.make_node("If", ["which"], names, then_branch=bodies[0], else_branch=bodies[1])
    graph.node.append(choose)


def add_texts(model: onnx.ModelProto, rng: Rng) -> None:
    """Metadata, a doc string, an annotation."""
    model.metadata_props.add(key=one(rng, ["", "key", "qudnn"]), value="odd\n")
    model.graph.doc_string = "odd \x00"
    if _produced(model):
        annotation = model.graph.quantization_annotation.add(tensor_name=one(rng, _produced(model)))
        annotation.quant_parameter_tensor_names.add(key="SCALE_TENSOR", value="missing")


def make_sparse(model: onnx.ModelProto, rng: Rng) -> None:
    """A constant, whose zeros are left out; or another one more."""
    tensors = list(model.graph.initializer)
    tensor = one(rng, tensors) if tensors and chance(rng, 0.8) else None
    try:
        array = np.ones(4, np.float32) if tensor is None else numpy_helper.to_array(tensor)
    except Exception:  # a change before broke it
        return
    places = np.flatnonzero(array) if array.dtype.kind in "iuf" else np.zeros(0, np.int64)
    sparse = model.graph.sparse_initializer.add(dims=array.shape)
    name = "sparse" if tensor is None else tensor.name
    sparse.values.CopyFrom(numpy_helper.from_array(array.reshape(-1)[places], name))
    sparse.indices.CopyFrom(numpy_helper.from_array(places, f"{name}_places"))
    if tensor is not None and chance(rng, 0.8):
        model.graph.initializer.remove(tensor)


CHANGES: Sequence[Callable[[onnx.ModelProto, Rng], None]] = (
    change_size, change_size, drop_shape, change_type, say_wrongly, say_wrongly, change_opset, change_opset,
    change_imports, add_output, add_output, remove_output, rename, rename, into_branches, into_branches,
    add_texts, make_sparse,
)  # fmt: skip
