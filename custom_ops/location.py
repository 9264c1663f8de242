"""Where the package's shared libraries lie."""

from pathlib import Path

LIBRARY = "libqudnn.so"


def library_path() -> str:
    """The path of libqudnn.so, for `SessionOptions.register_custom_ops_library`.

    Raises FileNotFoundError where the package is not built.
    """
    return find_library(LIBRARY)


def find_library(name: str) -> str:
    """The path of a library of this package. Raises FileNotFoundError where it is not built."""
    from qudnn import custom_ops  # its __path__ has the build's folder too when the install is editable

    for folder in custom_ops.__path__:
        path = Path(folder, name)
        if path.is_file():
            return str(path)
    raise FileNotFoundError(
        f"{name} is not in {', '.join(custom_ops.__path__)}. If that is a source tree, build and install it "
        "with `pip install .` there, and start Python in another folder; otherwise install qudnn again."
    )
