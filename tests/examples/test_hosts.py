"""The programs under examples/hosts give the original's bits on a CPU; a GPU they would use."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import batches
from cases import graph
from qudnn import converter, custom_ops
from session import CPU, open_session, outputs
from versions import environments

ROOT = Path(__file__).parents[2]
HOSTS = ROOT / "examples" / "hosts"
HERE = Path(__file__).parent
CASE = graph.CASES[0]
CPU_ONLY = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the converted model, an input of it, and the original's result."""
    onnx.save(converter.convert(CASE.model()).model, tmp_path / "model.onnx")
    inputs = CASE.inputs()
    inputs["x"].tofile(tmp_path / "x.bin")
    outputs(open_session(CASE.model(), CPU), inputs)["y"].tofile(tmp_path / "expected.bin")
    return tmp_path


def shape() -> str:
    return ",".join(map(str, CASE.inputs()["x"].shape))


def run(
    command: list[str], cwd: Path, timeout: float = 300, **environment: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=timeout, env={**CPU_ONLY, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler")
def test_cpp(folder: Path) -> None:
    """With onnxruntime's own library, and declarations of it, since no package has its header."""
    capi = Path(onnxruntime.__file__).parent / "capi"
    libraries = list(capi.glob("libonnxruntime.so.*"))
    if not libraries or tuple(map(int, onnxruntime.__version__.split(".")[:2])) < (1, 24):
        pytest.skip(f"onnxruntime {onnxruntime.__version__} has no libonnxruntime.so, or is older than 1.24")
    (folder / "libonnxruntime.so.1").symlink_to(libraries[0])
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-isystem", str(HERE / "include")]
    link = [str(folder / "libonnxruntime.so.1"), f"-Wl,-rpath,{folder}", "-o", "run_model"]
    run(["g++", *flags, str(HOSTS / "cpp" / "run_model.cpp"), *link], folder)
    command = ["./run_model", "model.onnx", custom_ops.library_path(), shape(), "x.bin", "y.bin"]
    done = run(command, folder)
    assert done.stdout == f"{CASE.classes * len(CASE.inputs()['x'])} values of y\n"
    assert (
        "no operators of qudnn, models run on their function bodies" in done.stderr
    )  # so it has the provider
    assert (folder / "y.bin").read_bytes() == (folder / "expected.bin").read_bytes()
    command[2] = "absent.so"
    failed = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=CPU_ONLY)
    assert failed.returncode == 1
    assert "absent.so" in failed.stderr


def node_packages() -> Path:
    """A folder with the packages of the example; made once. Skips the test where they cannot be had."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    packages = HOSTS / "node" / "package.json"
    (version,) = re.findall(r'"onnxruntime-node": "([\d.]+)"', packages.read_text())
    folder = environments.ROOT / f"node-{version}"
    if not folder.exists():
        environments.ROOT.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=environments.ROOT, prefix=".") as aside:
            shutil.copy(packages, aside)
            # Its script would fetch the CUDA provider.
            install = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(install, cwd=aside, capture_output=True, text=True)
            if done.returncode:
                pytest.skip(f"npm cannot install onnxruntime-node: {done.stderr[-300:]}")
            shutil.copytree(aside, folder, symlinks=True)
    return folder


def test_node(folder: Path) -> None:
    packages = node_packages()
    for name in ("package.json", "run_model.js"):
        shutil.copy(HOSTS / "node" / name, folder)
    (folder / "node_modules").symlink_to(packages / "node_modules")
    done = run(["node", "run_model.js", "model.onnx", shape(), "x.bin", "y.bin"], folder)
    assert done.stdout == f"{CASE.classes * len(CASE.inputs()['x'])} values of y\n"
    assert (folder / "y.bin").read_bytes() == (folder / "expected.bin").read_bytes()


def test_optimum(folder: Path) -> None:
    """An image classifier of transformers' kind, from a folder as Optimum writes it."""
    for package in "optimum.onnxruntime", "torch", "transformers":
        pytest.importorskip(package, reason=f"{package} is not installed: pip install optimum-onnx torch")
    model = CASE.model()
    rename(model.graph, {"x": "pixel_values", "y": "logits"})
    onnx.save(converter.convert(model).model, folder / "model.qudnn.onnx")
    labels = {number: f"class {number}" for number in range(CASE.classes)}
    config = {"model_type": "resnet", "architectures": ["ResNetForImageClassification"], "id2label": labels}
    (folder / "config.json").write_text(json.dumps(config))
    np.save(folder / "pixels.npy", CASE.inputs()["x"])
    program = str(HOSTS / "optimum" / "classify.py")
    done = run([sys.executable, "-P", program, str(folder), "pixels.npy", "logits.npy"], folder)
    assert "on the CPU: " in done.stderr  # so it has asked for the operators
    assert np.load(folder / "logits.npy").tobytes() == (folder / "expected.bin").read_bytes()


def rename(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    """Give inputs and outputs other names, in the nodes, too."""
    for value in (*graph.input, *graph.output):
        value.name = names.get(value.name, value.name)
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]


def test_batches_have_the_sizes_that_were_tuned(folder: Path) -> None:
    session = open_session(CASE.model(), CPU)
    seen = []

    class Session:
        get_inputs = session.get_inputs

        def run(self, names: None, feed: dict[str, batches.Array]) -> list[batches.Array]:
            seen.append(len(feed["x"]))
            return list(session.run(names, feed))

    examples = CASE.inputs(8)["x"]
    expected = outputs(session, {"x": examples})["y"]
    for count in (1, 2, 5, 8):
        results = batches.run(Session(), list(examples[:count]), [1, 4, 8])
        np.testing.assert_array_equal(results, expected[:count])
    assert seen == [1, 4, 8, 8]


def test_ray_serve(folder: Path) -> None:
    """Two replicas, several hundred requests on the loopback."""
    try:
        python = environments.made(
            "ray", ["ray[serve]", "onnxruntime", "numpy", "onnx", "onnx-ir", "protobuf"]
        )
    except RuntimeError as error:
        pytest.skip(str(error))
    examples = CASE.inputs(20)["x"]
    np.save(folder / "inputs.npy", examples)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # The package as it is installed: a checkout has no library, and an environment of this one too much else.
    package = folder / "path" / "qudnn"
    shutil.copytree(ROOT / "qudnn", package, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    (package / "custom_ops" / "libqudnn.so").symlink_to(custom_ops.library_path())
    paths = os.pathsep.join([str(folder / "path"), str(HOSTS / "ray_serve")])
    command = [str(python), "-P", str(HERE / "ray_load.py"), str(folder), "300", str(port)]
    run(command, folder, 900, PYTHONPATH=paths, RAY_USAGE_STATS_ENABLED="0")
    found = json.loads((folder / "found.json").read_text())
    assert len(found["replicas"]) == 2
    assert sum(found["replicas"]) == 300
    assert max(map(int, found["batches"])) > 1
    assert max(map(int, found["batches"])) <= 8
    assert found["metric"] == "qudnn_plan_hits_total 0"
    expected = outputs(open_session(CASE.model(), CPU), {"x": examples})["y"]
    answers = np.load(folder / "answers.npy")
    np.testing.assert_array_equal(answers, expected[np.arange(300) % len(expected)])


TRITON = HOSTS / "triton"
READ_CONFIG = """
import importlib.util, json, sys, sysconfig
from google.protobuf import json_format, text_format

path = sysconfig.get_path("purelib") + "/tritonclient/grpc/model_config_pb2.py"  # the rest of it needs gRPC
spec = importlib.util.spec_from_file_location("model_config_pb2", path)
schema = importlib.util.module_from_spec(spec)
spec.loader.exec_module(schema)
config = text_format.Parse(open(sys.argv[1]).read(), schema.ModelConfig())
print(json_format.MessageToJson(config, preserving_proto_field_name=True))
"""


def test_triton_takes_the_configuration() -> None:
    """By Triton's own schema; and it names what the Dockerfile has."""
    try:
        python = environments.made("triton", ["tritonclient", "protobuf"])
    except RuntimeError as error:
        pytest.skip(str(error))
    path = TRITON / "model_repository" / "resnet50" / "config.pbtxt"
    config = json.loads(run([str(python), "-I", "-c", READ_CONFIG, str(path)], ROOT).stdout)
    assert (config["name"], config["backend"]) == (path.parent.name, "onnxruntime")
    sizes = {warmup["batch_size"] for warmup in config["model_warmup"]}
    assert sizes >= set(config["dynamic_batching"]["preferred_batch_size"])
    assert max(sizes) == config["max_batch_size"]
    (x,) = config["input"]
    for warmup in config["model_warmup"]:
        assert warmup["inputs"] == {
            x["name"]: {"data_type": x["data_type"], "dims": x["dims"], "random_data": True}
        }
    dockerfile = (TRITON / "Dockerfile").read_text()
    copied = dict(re.findall(r"^COPY (\S+) (\S+)$", dockerfile, re.MULTILINE))
    assert config["model_operations"]["op_library_filename"] == [copied["libqudnn.so"]]
    assert f"QUDNN_CACHE_DIR={copied['plans']}" in dockerfile
    assert f"--model-repository={copied['model_repository']}" in dockerfile
    variables = re.findall(
        r"(\w+)=", next(line for line in dockerfile.splitlines() if line.startswith("ENV"))
    )
    documented = (ROOT / "docs" / "environment.md").read_text()
    assert variables
    assert all(f"`{name}`" in documented for name in variables)
    assert "\nARG TRITON\nFROM ${TRITON}\n" in dockerfile


def test_no_example_is_without_a_test() -> None:
    tests = Path(__file__).read_text()
    for example in HOSTS.iterdir():
        assert f"def test_{example.name}" in tests, example
