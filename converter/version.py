"""The version of qudnn, as installed."""

from importlib import metadata

VERSION_KEY = "qudnn.version"  # in a converted model's metadata


def qudnn_version() -> str:
    try:
        return metadata.version("qudnn")
    except metadata.PackageNotFoundError:  # run from a source tree
        return "0+source"
