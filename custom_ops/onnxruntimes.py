"""The distributions that onnxruntime comes in: two of them share a folder, and there may be none."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata

NAMES = ("onnxruntime", "onnxruntime-gpu")
INSTALL = "`pip install onnxruntime-gpu[cuda,cudnn]`"
REINSTALL = "uninstall onnxruntime and onnxruntime-gpu, then " + INSTALL
MISSING = (
    "sessions need onnxruntime, which is not installed: `pip install 'qudnn[gpu]'`, or "
    "`pip install 'qudnn[cpu]'` where there is no NVIDIA GPU"
)


def installed() -> dict[str, str]:
    """Their versions."""
    found = {}
    for name in NAMES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def beside_each_other(versions: Mapping[str, str]) -> str:
    """What is wrong where both are installed; empty where not.

    They write the same files: those of the one installed later count, and removing one breaks the other.
    """
    if not all(name in versions for name in NAMES):
        return ""
    return " and ".join(f"{name} {versions[name]}" for name in NAMES) + " are installed, in the same folder"


@contextmanager
def needed() -> Iterator[None]:
    """Says what to install where onnxruntime is found missing; raises ModuleNotFoundError then."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "onnxruntime":
            raise
        raise ModuleNotFoundError(MISSING, name="onnxruntime") from error
