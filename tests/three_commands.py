"""From nothing but Python and a wheel to a converted, compared and measured model, in three commands, timed.

python -P tests/three_commands.py [WHEEL]    that of dist/ if none is named; writes a table

The commands run in a new environment, with an empty home, no cache of pip's and a path of nothing but that
environment and the system's tools. The model is quantized here, where onnxruntime's quantizer is.
"""

import os
import shlex
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = {
    "install": "python -m pip install --no-cache-dir --disable-pip-version-check --quiet '{wheel}[cpu]'",
    "convert and compare": "qudnn convert model.onnx -o model.qudnn.onnx --strict && "
    "qudnn compare model.onnx model.qudnn.onnx --shape x=4,1,8,8",
    "measure": "qudnn bench model.onnx --shape x=4,1,8,8 --export result.json",
}


def run_all(wheel: Path, folder: Path) -> dict[str, float]:
    """The seconds of each of COMMANDS, all run in folder. Raises CalledProcessError where one fails."""
    venv.create(folder / "environment", with_pip=True)
    write_model(folder / "model.onnx")
    path = f"{folder / 'environment' / 'bin'}:/usr/bin:/bin"
    environment = {"HOME": str(folder), "PATH": path, "LANG": "C.UTF-8"}
    environment |= {
        name: value for name, value in os.environ.items() if name.lower().endswith("_proxy") or "PIP_" in name
    }
    seconds = {}
    for name, command in COMMANDS.items():
        line = command.format(wheel=shlex.quote(str(wheel)).strip("'"))
        start = time.monotonic()
        subprocess.run(["/bin/sh", "-c", line], cwd=folder, env=environment, check=True)
        seconds[name] = time.monotonic() - start
    return seconds


def write_model(path: Path) -> None:
    """The demo's CNN for digits, quantized; not trained."""
    sys.path.append(str(ROOT / "examples"))
    import onnx

    import digits
    from zoo.quantize import quantize

    train, _ = digits.load()
    onnx.save(quantize(digits.DigitsCNN().to_onnx(), train.images[:50]), path)


def built_wheel() -> Path | None:
    """That of `make wheel`."""
    return next(iter(sorted((ROOT / "dist").glob("qudnn-*-py3-none-*.whl"))), None)


def main() -> int:
    wheel = Path(sys.argv[1]).resolve() if sys.argv[1:] else built_wheel()
    if wheel is None:
        print("there is no wheel in dist/: `make wheel` makes one", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="three-commands-") as folder:
        seconds = run_all(wheel, Path(folder))
    for name, taken in seconds.items():
        print(f"{name:20} {taken:6.1f} s   {COMMANDS[name].format(wheel=wheel.name)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
