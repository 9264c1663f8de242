"""docs/hosts.md: its code and commands run; those that need a GPU or a server are recorded."""

import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import pytest

import qudnn
from cases import graph
from qudnn import converter
from qudnn.custom_ops.options import CACHE_DIR, TUNE, WORKSPACE_LIMIT
from session import CPU, open_session, outputs
from versions import environments

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "hosts.md").read_text()
CASE = graph.CASES[0]
RECORDED = ("docker", "serve")


def blocks(language: str) -> list[str]:
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return [code for name, code in fenced if name == language]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the examples, a model, its conversion, an input and the original's result."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "examples" / "hosts", tmp_path / "examples" / "hosts")
    model = CASE.model()
    onnx.save(model, "model.onnx")
    onnx.save(converter.convert(model).model, "model.qudnn.onnx")
    inputs = CASE.inputs()
    assert list(inputs["x"].shape) == [2, 3, 32, 32]  # as the commands have it
    inputs["x"].tofile("input.bin")
    outputs(open_session(model, CPU), inputs)["y"].tofile("expected.bin")
    return tmp_path


def test_python(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not hasattr(onnxruntime.SessionOptions, "add_provider_for_devices"):
        pytest.skip(f"onnxruntime {onnxruntime.__version__} has no providers in libraries")
    provider, metrics = blocks("python")
    names: dict[str, Any] = {"onnxruntime": onnxruntime, "qudnn": qudnn}
    gpu = 'options.add_provider("CUDAExecutionProvider", {})\n'
    assert gpu in provider
    exec(provider.replace(gpu, ""), names)
    session = names["session"]
    assert session.get_providers() == ["QudnnExecutionProvider", CPU]
    results = session.run(None, CASE.inputs())[0]
    assert results.tobytes() == (folder / "expected.bin").read_bytes()
    qudnn.plans.clear()
    exec(metrics, names)
    assert metrics.rstrip().endswith("# " + capsys.readouterr().out.strip())


def script(path: Path, lines: str) -> None:
    path.write_text(f"#!/bin/bash\n{lines}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def run_block(index: int, folder: Path, **variables: str) -> list[list[str]]:
    """Runs a block of commands; those that were recorded."""
    programs = folder / "bin"
    programs.mkdir()
    record = shlex.quote(str(folder / "recorded"))
    for name in RECORDED:
        script(programs / name, f'printf "%s\\n" "{name}${{*:+ }}$*" >> {record}')
    python = shlex.quote(sys.executable)
    script(programs / "python", f'exec {python} -P "$@"')
    tune = f'[ "$1" != tune ] || {{ mkdir -p plans; printf "%s\\n" "qudnn $*" >> {record}; exit; }}'
    script(programs / "qudnn", f'{tune}\nexec {python} -P -m qudnn "$@"')
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "CUDA_VISIBLE_DEVICES": ""}
    command = ["bash", "-euo", "pipefail", "-c", blocks("")[index]]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={**environment, **variables}, timeout=300
    )
    assert done.returncode == 0, done.stderr
    recorded = folder / "recorded"
    return [shlex.split(line) for line in recorded.read_text().splitlines()] if recorded.exists() else []


@pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler")
def test_cpp_commands(folder: Path) -> None:
    libraries = list((Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.*"))
    if not libraries or tuple(map(int, onnxruntime.__version__.split(".")[:2])) < (1, 24):
        pytest.skip(f"onnxruntime {onnxruntime.__version__} has no libonnxruntime.so, or is older than 1.24")
    unpacked = folder / "ort"
    (unpacked / "lib").mkdir(parents=True)
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (unpacked / "lib" / name).symlink_to(libraries[0])
    (unpacked / "include").symlink_to(ROOT / "tests" / "examples" / "include")
    assert run_block(0, folder, ORT=str(unpacked)) == []
    assert (folder / "output.bin").read_bytes() == (folder / "expected.bin").read_bytes()


def test_node_command(folder: Path) -> None:
    packages = next(environments.ROOT.glob("node-*"), None)
    if packages is None or shutil.which("node") is None:
        pytest.skip("node or the packages that examples/test_hosts.py installs are not there")
    (folder / "examples" / "hosts" / "node" / "node_modules").symlink_to(packages / "node_modules")
    assert run_block(1, folder) == []
    assert (folder / "output.bin").read_bytes() == (folder / "expected.bin").read_bytes()


def test_ray_serve_commands(folder: Path) -> None:
    tune, serve = run_block(2, folder)
    assert serve[:3] == ["serve", "run", "--app-dir"]
    module, _, function = serve[4].partition(":")
    source = (folder / serve[3] / f"{module}.py").read_text()
    assert f"def {function}(arguments" in source
    given = dict(argument.split("=", 1) for argument in serve[5:])
    read = set(re.findall(r'arguments(?:\.get\(|\[)"(\w+)"', source))
    assert given.keys() <= read
    assert tune[:3] == ["qudnn", "tune", given["model"]]
    assert given["plans"] == tune[tune.index("--cache-dir") + 1]
    (low, high) = re.search(r"x=(\d+)\.\.(\d+),", " ".join(tune)).groups()  # type: ignore[union-attr]
    powers = [2**n for n in range(10) if int(low) <= 2**n <= int(high)]
    assert given["sizes"] == ",".join(map(str, powers))


def test_triton_commands(folder: Path) -> None:
    _, docker = run_block(3, folder, TRITON="image:tag")
    built = folder / "triton"
    assert qudnn.is_converted(built / "model_repository" / "resnet50" / "1" / "model.onnx")
    assert docker == ["docker", "build", "--build-arg", "TRITON=image:tag", "-t", "resnet50", "."]
    for source in re.findall(r"^COPY (\S+) ", (built / "Dockerfile").read_text(), re.MULTILINE):
        assert (built / source).exists(), source


def test_every_block_has_a_test() -> None:
    assert (len(blocks("")), len(blocks("python"))) == (4, 2)


def test_the_table_of_options() -> None:
    rows = re.findall(r"^\| .* \| `(\w+)` \| `([\w.]+)` \| `(\w+)` \|$", TEXT, re.MULTILINE)
    assert [entry for _, entry, _ in rows] == [TUNE, WORKSPACE_LIMIT, CACHE_DIR]
    for option, entry, variable in rows:
        assert entry == f"qudnn.{option}"
        assert variable == f"QUDNN_{option.upper()}"
        assert f"`{variable}`" in (ROOT / "docs" / "environment.md").read_text()


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert len(links) > 4
    for link in links:
        assert (ROOT / "docs" / link).exists(), link


def test_the_metrics_exist() -> None:
    named = set(re.findall(r"`(qudnn_plan_\w+)`", TEXT))
    assert named
    assert named <= set(re.findall(r"\w+", qudnn.plans.metrics()))
