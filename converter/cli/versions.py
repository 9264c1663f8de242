"""The versions that matter to whoever runs a converted model."""

from importlib import import_module, metadata

from qudnn.converter.version import qudnn_version


def versions() -> str:
    """One line each for qudnn, what its library was built against, and the packages it works with."""
    found = {"qudnn": qudnn_version()}
    for distributions in ("onnxruntime-gpu", "onnxruntime"), ("onnx",), ("onnx-ir",):
        for distribution in distributions:
            try:
                found[distribution] = metadata.version(distribution)
                break
            except metadata.PackageNotFoundError:
                continue
    found.update(_built_against())
    width = max(map(len, found))
    return "\n".join(f"{name:{width}}  {version}" for name, version in found.items())


def _built_against() -> dict[str, str]:
    try:
        native = import_module("qudnn.custom_ops.native")
    except ImportError as error:
        return {"library": f"not there ({error})"}
    return {f"built against {name}": str(version) for name, version in native.versions().items()}
