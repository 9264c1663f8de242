"""Runs tests of the converter with the oldest packages that pyproject.toml allows.

    PYTHONPATH=tests python tests/versions/oldest.py [PYTEST'S ARGUMENTS]

Without arguments it runs the files below, which takes a minute. What such an onnxruntime does not open before
its conversion is skipped.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from versions import environments

TREE = Path(__file__).parents[2]
FILES = (
    "test_graphs.py",
    "converter/functions/test_functions.py",
    "converter/frontends/test_moves.py",
    "converter/graph/test_opset_imports.py",
    "converter/test_pipeline.py",
    "converter/frontends/test_qdq_conv.py",
    "converter/passes/partition/test_restore_pairs.py",
    "converter/lowering/test_tables.py",
    "converter/lowering/test_where.py",
)
# A convolution with a bias in float32 stays in float32 before onnxruntime 1.21: other bits. QuantizeLinear of
# float16 does not round to nearest in 1.24 and older, it truncates.
LEFT_OUT = "not (test_qdq_conv and (float or constants_may_be_nodes)) and not in_float16_enters"


def packages() -> list[str]:
    """The dependencies and the tests', each in the oldest version; onnxruntime is that for the CPU."""
    project = tomllib.loads((TREE / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    declared = project["dependencies"] + extras["cpu"] + extras["test"]
    bounds = [re.fullmatch(r"([\w-]+?)(?:-gpu)?>=([\d.]+)", each) for each in declared]
    return [f"{bound[1]}=={bound[2]}.*" for bound in bounds if bound is not None]


def python() -> Path:
    """The interpreter with these packages and this environment's qudnn."""
    wanted = packages()
    name = "oldest-" + "-".join(re.sub(r"==|\.\*", "", package) for package in wanted)
    interpreter = environments.made(name, [*wanted, "hypothesis", "pytest"])
    (site,) = (interpreter.parents[1] / "lib").glob("python*/site-packages")
    package = site / "qudnn"
    shutil.rmtree(package, ignore_errors=True)
    _link("qudnn", package, {"custom_ops"})
    _link("qudnn.custom_ops", package / "custom_ops", set())
    return interpreter


def _link(package: str, folder: Path, left_out: set[str]) -> None:
    """A folder of links to what the package holds: the tree has its modules and, where the installation is
    editable, another folder the library."""
    folder.mkdir()
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.submodule_search_locations is not None
    found = {
        path.name: path for location in spec.submodule_search_locations for path in Path(location).iterdir()
    }
    for name in found.keys() - left_out - {"__pycache__"}:
        (folder / name).symlink_to(found[name].resolve())


if __name__ == "__main__":
    arguments = sys.argv[1:] or ["-k", LEFT_OUT, *(os.fspath(TREE / "tests" / file) for file in FILES)]
    try:
        interpreter = python()
    except RuntimeError as error:
        print(f"not tested with the oldest packages: {error}")
        sys.exit()
    command = [os.fspath(interpreter), "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    sys.exit(subprocess.run(command, cwd=TREE, env=clean).returncode)
