"""Function bodies in the file that a wheel has: those of the sources, and nothing of onnxscript is needed."""

import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from cases import graph
from qudnn import converter
from qudnn.converter.functions import FUNCTIONS, bodies, sources

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bodies as a build writes them."""
    path = tmp_path_factory.mktemp("bodies") / bodies.FILE
    subprocess.run([sys.executable, "-P", str(ROOT / "cmake" / "bodies.py"), str(path)], check=True)
    return path


def test_the_file_has_the_bodies_of_the_sources(file: Path) -> None:
    read = bodies.read(file)
    assert len(read) > 50
    assert list(read.items()) == list(sources.make().items())


def test_a_body_cannot_be_changed_by_who_gets_it() -> None:
    from qudnn.converter.functions import function_proto

    function_proto("QAdd", 21).node[0].op_type = "Nothing"
    assert function_proto("QAdd", 21).node[0].op_type != "Nothing"
    assert FUNCTIONS["QAdd"].node[0].op_type != "Nothing"


PROGRAM = """
import sys
sys.modules["onnxscript"] = None
from pathlib import Path
from qudnn.converter.functions import bodies
found = bodies.read(Path(sys.argv[1]))
bodies.bodies = lambda: found
from qudnn import converter
converter.convert_file(sys.argv[2], sys.argv[3])
assert not any(name.startswith("onnxscript.") for name in sys.modules)
"""


def test_converting_with_the_file_needs_no_onnxscript(file: Path, tmp_path: Path) -> None:
    case = graph.CASES[0]
    onnx.save_model(case.model(), tmp_path / "in.onnx")
    arguments = [str(file), str(tmp_path / "in.onnx"), str(tmp_path / "out.onnx")]
    subprocess.run([sys.executable, "-P", "-c", PROGRAM, *arguments], check=True)
    assert onnx.load(tmp_path / "out.onnx") == converter.convert(case.model()).model
