"""docs/environment.md lists the environment variables that the code reads, all of them and no others."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOLD_CODE = ("cmake", "converter", "csrc", "custom_ops", "benchmarks", "examples", "qudnn", "tests")
READ = (
    r'environ\.get\(\s*"(\w+)"',
    r'environ\["(\w+)"\](?! =)',  # not one that is set
    r'getenv\("(\w+)"',
    r'env = "(\w+)"',  # pyproject.toml
    r"\$\((QUDNN_\w+)\)",  # Makefile
    r"ENV\{(\w+)\}",  # CMake
    r'"((?:CUDACXX|CUDA_[A-Z]+))"',  # in lists that are gone through
)


def variables() -> dict[str, Path]:
    """Each variable that is read, and a file that does."""
    files = [ROOT / name for name in ("pyproject.toml", "Makefile", "CMakeLists.txt")]
    for folder in HOLD_CODE:
        files += [
            path
            for suffix in ("py", "h", "cpp", "cu", "cuh")
            for path in (ROOT / folder).rglob(f"*.{suffix}")
            if path != Path(__file__)
        ]
    return {name: path for path in files for way in READ for name in re.findall(way, path.read_text())}


def test_the_table_is_complete() -> None:
    rows = re.findall(r"^\| (`[^|]+) \|", (ROOT / "docs" / "environment.md").read_text(), re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    read = variables()
    read.pop("PYTHONPATH", None)  # Python's own, which a test hands on
    assert len(read) > 8
    assert documented == read.keys(), {name: read.get(name) for name in documented ^ read.keys()}
