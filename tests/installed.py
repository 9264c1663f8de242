"""What a user does with a wheel, where there is no compiler: `make wheel` runs it.

env -i PATH=ENVIRONMENT/bin ENVIRONMENT/bin/python -P tests/installed.py
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def main() -> None:
    for tool in ("cc", "gcc", "g++", "clang", "nvcc", "cmake", "make"):
        assert shutil.which(tool) is None, f"{tool} is on the path"
    for module in ("onnxscript", "pybind11", "scikit_build_core"):
        assert importlib.util.find_spec(module) is None, f"{module} is installed"
    import qudnn

    site = Path(sys.prefix)
    assert site in Path(str(qudnn.__file__)).parents, qudnn.__file__
    assert site in Path(qudnn.library_path()).parents, qudnn.library_path()
    assert qudnn.plans.stored("") == []  # the library answers
    print(
        f"\nqudnn {qudnn.__version__} from {Path(qudnn.library_path()).name} in the environment, Python "
        f"{sys.version.partition(' ')[0]}",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write_model(Path("model.onnx"))
        for command in (
            "qudnn --help",
            "qudnn convert model.onnx -o converted.onnx --strict",
            "qudnn compare model.onnx converted.onnx --shape x=4,1,8,8",
            "qudnn bench model.onnx --shape x=4,1,8,8",
        ):
            run(command.split())
        run([sys.executable, str(EXAMPLES / "demo.py")])


def write_model(path: Path) -> None:
    """The demo's CNN for digits, quantized; not trained."""
    sys.path.append(str(EXAMPLES))
    import onnx

    import digits
    from zoo.quantize import quantize

    train, _ = digits.load()
    onnx.save(quantize(digits.DigitsCNN().to_onnx(), train.images[:50]), path)


def run(command: list[str]) -> None:
    start = time.monotonic()
    quiet = subprocess.DEVNULL if command[-1] == "--help" else None
    subprocess.run(command, check=True, stdout=quiet)
    name = " ".join(Path(word).name for word in command)
    print(f"-- {name}: {time.monotonic() - start:.1f} s\n", flush=True)


if __name__ == "__main__":
    main()
