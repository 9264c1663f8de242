"""Weights in other files: found as onnxruntime finds them, never read from outside of the folder."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from qudnn import converter
from qudnn.converter.io import weights

WEIGHTS = bytes(range(100, 164))


def tensor(**entries: str) -> TensorProto:
    apart = TensorProto(name="w", data_type=TensorProto.INT8, dims=[8, 8])
    apart.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        apart.external_data.add(key=key, value=value)
    return apart


def model(where: str = "initializer", **entries: str) -> onnx.ModelProto:
    """A quantized MatMul by the tensor w, which lies where the entries say."""
    constants = [
        numpy_helper.from_array(np.array(0.1, np.float32), "scale"),
        numpy_helper.from_array(np.array(128, np.uint8), "zero"),
        numpy_helper.from_array(np.array(0, np.int8), "w_zero"),
    ]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "scale", "zero"], ["xd"]),
        helper.make_node("DequantizeLinear", ["w", "scale", "w_zero"], ["wd"]),
        helper.make_node("MatMul", ["xd", "wd"], ["m"]),
        helper.make_node("QuantizeLinear", ["m", "scale", "zero"], ["mq"]),
        helper.make_node("DequantizeLinear", ["mq", "scale", "zero"], ["y"]),
    ]
    if where == "initializer":
        constants.append(tensor(**entries))
    else:
        nodes.insert(0, helper.make_node("Constant", [], ["w"], value=tensor(**entries)))
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 8]) for name in "xy")
    graph = helper.make_graph(nodes, "g", [x], [y], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def saved(path: Path, **entries: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model(**entries).SerializeToString())
    return path


def beside(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(WEIGHTS)


def link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def in_the_hub(root: Path) -> Path:
    """As the Hugging Face hub's cache lies: names are links to blobs."""
    saved(root / "blobs/1", location="model.onnx_data")
    beside(root / "blobs/2")
    link(root / "snapshots/abc/onnx/model.onnx", "../../../blobs/1")
    link(root / "snapshots/abc/onnx/model.onnx_data", "../../../blobs/2")
    return root / "snapshots/abc/onnx/model.onnx"


def on_another_disk(root: Path) -> Path:
    """A hub's cache of which the blobs are links, too."""
    saved(root / "disk/1", location="w")
    beside(root / "disk/2")
    link(root / "blobs/1", "../disk/1")
    link(root / "blobs/2", "../disk/2")
    link(root / "snapshot/m.onnx", "../blobs/1")
    link(root / "snapshot/w", "../blobs/2")
    return root / "snapshot/m.onnx"


def only_the_weights_are_links(root: Path) -> Path:
    beside(root / "parts/w")
    link(root / "w", "parts/w")
    return saved(root / "m.onnx", location="w")


def the_folder_is_a_link(root: Path) -> Path:
    beside(root / "real/w")
    saved(root / "real/m.onnx", location="w")
    link(root / "linked", "real")
    return root / "linked/m.onnx"


def beside_the_link(root: Path) -> Path:
    saved(root / "real/m.onnx", location="w")
    link(root / "here/m.onnx", "../real/m.onnx")
    beside(root / "here/w")
    return root / "here/m.onnx"


def beside_what_the_link_leads_to(root: Path) -> Path:
    """onnxruntime does not find these."""
    beside(root / "real/w")
    saved(root / "real/m.onnx", location="w")
    link(root / "here/m.onnx", "../real/m.onnx")
    return root / "here/m.onnx"


def through_a_folder_and_back(root: Path) -> Path:
    beside(root / "w")
    (root / "sub").mkdir()
    return saved(root / "m.onnx", location="sub/../w", offset="0", length="64")


FOUND = [
    in_the_hub,
    on_another_disk,
    only_the_weights_are_links,
    the_folder_is_a_link,
    beside_the_link,
    beside_what_the_link_leads_to,
    through_a_folder_and_back,
]


@pytest.mark.parametrize("layout", FOUND)
def test_found(layout: Callable[[Path], Path], tmp_path: Path) -> None:
    path = layout(tmp_path)
    target = tmp_path / "out" / "converted.onnx"
    target.parent.mkdir()
    assert converter.convert_file(path, target).converted == {"QMatMul": 1}
    assert converter.convert(path).report.converted == {"QMatMul": 1}
    expected = model("initializer")
    expected.graph.initializer[-1].CopyFrom(
        numpy_helper.from_array(np.frombuffer(WEIGHTS, np.int8).reshape(8, 8), "w")
    )
    x = np.random.default_rng(0).normal(0, 3, (5, 8)).astype(np.float32)
    want = session(expected.SerializeToString()).run(None, {"x": x})[0]
    assert np.array_equal(session(str(target)).run(None, {"x": x})[0], want)
    if layout is not beside_what_the_link_leads_to:
        assert np.array_equal(session(str(path)).run(None, {"x": x})[0], want)


def session(given: str | bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(given, providers=["CPUExecutionProvider"])


HOSTILE = {
    "absolute": {"location": "{root}/secret"},
    "above": {"location": "../secret"},
    "above, by a detour": {"location": "sub/../../secret"},
    "a folder whose name begins alike": {"location": "../models_too/secret"},
    "a link out": {"location": "out"},
    "a linked folder": {"location": "up/secret"},
    "a device": {"location": "/dev/zero"},
    "a pipe": {"location": "pipe"},
    "a folder": {"location": "sub"},
    "a circle of links": {"location": "circle"},
    "nothing": {},
    "an empty name": {"location": ""},
    "a null character": {"location": "w\0"},
    "a name too long": {"location": "x" * 5000},
    "not there": {"location": "absent"},
    "a negative offset": {"location": "w", "offset": "-4"},
    "an offset after the end": {"location": "w", "offset": "1000"},
    "a huge offset": {"location": "w", "offset": str(2**70)},
    "an offset in words": {"location": "w", "offset": "0x10"},
    "a negative length": {"location": "w", "length": "-1"},
    "too short a length": {"location": "w", "length": "4"},
    "too long a length": {"location": "w", "length": "65"},
}


@pytest.mark.parametrize("where", ["initializer", "constant"])
@pytest.mark.parametrize("what", HOSTILE)
def test_refused(what: str, where: str, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "models_too").mkdir()
    for secret in (tmp_path / "secret", tmp_path / "models_too" / "secret"):
        secret.write_bytes(WEIGHTS)
    beside(folder / "w")
    link(folder / "out", "../secret")
    link(folder / "up", "..")
    link(folder / "circle", "circle")
    os.mkfifo(folder / "pipe")
    entries = {key: value.format(root=tmp_path) for key, value in HOSTILE[what].items()}
    path = saved(folder / "m.onnx", where=where, **entries)
    target = tmp_path / "c.onnx"
    with pytest.raises(converter.ConversionError) as refused:
        converter.convert_file(path, target)
    assert "\n" not in str(refused.value)
    assert not target.exists()
    with pytest.raises(converter.ConversionError):
        converter.convert(path)
    with pytest.raises(converter.ConversionError, match="give the path of the model"):
        converter.convert(onnx.load_model(path, load_external_data=False))


def test_a_constant_in_another_file_is_carried_over(tmp_path: Path) -> None:
    """Also into a copy, of which the file is not beside it."""
    beside(tmp_path / "in" / "w")
    graph = model("constant", location="w")
    del graph.graph.node[4:]
    graph.graph.output[0].CopyFrom(helper.make_tensor_value_info("wd", TensorProto.FLOAT, [8, 8]))
    source, target = tmp_path / "in" / "m.onnx", tmp_path / "out.onnx"
    source.write_bytes(graph.SerializeToString())
    assert not converter.convert_file(source, target).converted
    assert not weights.are_apart(onnx.load_model(target, load_external_data=False))
    assert WEIGHTS in target.read_bytes()


def test_tensors_are_found_in_bodies_and_functions() -> None:
    inner = helper.make_graph(
        [helper.make_node("Constant", [], ["w"], value=tensor(location="w"))], "b", [], []
    )
    node = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    graph = helper.make_graph([node], "g", [], [])
    assert weights.are_apart(helper.make_model(graph))
    function = helper.make_function("f", "f", [], ["y"], [node], [helper.make_opsetid("", 17)])
    assert weights.are_apart(helper.make_model(helper.make_graph([], "g", [], []), functions=[function]))
    assert not weights.are_apart(helper.make_model(helper.make_graph([], "g", [], [])))


def test_tensors_are_found_in_sparse_ones_and_in_defaults() -> None:
    """Wherever one can be, so that none is read without a look at where it lies."""
    inside, apart = numpy_helper.from_array(np.zeros(1, np.int64), "i"), tensor(location="w")
    parts = [("values", "indices"), ("indices", "values")]
    for where, other in parts:
        sparse = onnx.SparseTensorProto(**{where: apart, other: inside})
        for attribute in (
            onnx.AttributeProto(name="v", type=onnx.AttributeProto.SPARSE_TENSOR, sparse_tensor=sparse),
            onnx.AttributeProto(name="v", type=onnx.AttributeProto.SPARSE_TENSORS, sparse_tensors=[sparse]),
        ):
            node = onnx.NodeProto(op_type="Constant", output=["c"], attribute=[attribute])
            assert weights.are_apart(helper.make_model(helper.make_graph([node], "g", [], [])))
        graph = onnx.GraphProto(name="g", sparse_initializer=[sparse])
        assert weights.are_apart(helper.make_model(graph))
    function = helper.make_function("f", "f", [], ["y"], [], [helper.make_opsetid("", 17)])
    function.attribute_proto.add(name="v", type=onnx.AttributeProto.TENSOR).t.CopyFrom(apart)
    assert weights.are_apart(helper.make_model(helper.make_graph([], "g", [], []), functions=[function]))


def test_weights_of_a_model_in_a_pipe_lie_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    beside(tmp_path / "w")  # beside the pipe
    pipe, content = tmp_path / "pipe", model(location="w").SerializeToString()
    os.mkfifo(pipe)
    monkeypatch.chdir(tmp_path / "here")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(pipe.write_bytes, content)
        with pytest.raises(converter.ConversionError, match=f"cannot read the weights in {tmp_path}/here/w"):
            converter.convert_file(pipe, tmp_path / "out.onnx")
        beside(tmp_path / "here" / "w")
        pool.submit(pipe.write_bytes, content)
        assert converter.convert_file(pipe, tmp_path / "out.onnx").converted == {"QMatMul": 1}
