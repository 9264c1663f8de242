"""onnxruntime's static quantizer, with the settings that convert best."""

import inspect
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from numpy.typing import NDArray

from qudnn.converter.errors import ConversionError
from qudnn.converter.failures import text_of

Feed = Mapping[str, NDArray[Any]]

ACTIVATIONS = ("uint8", "int8")
METHODS = ("minmax", "percentile", "entropy")
_WARNING = 2  # onnxruntime's default; it does not tell which one is set
_METHODS = {"minmax": "MinMax", "percentile": "Percentile", "entropy": "Entropy"}


@dataclass(frozen=True)
class Settings:
    """activations: uint8 with any zero point, or int8 with 0, symmetric; weights are int8 per channel.

    calibration: how ranges are found: the least and the greatest value, or such that rare ones are clipped.
    in_float: the names of nodes to leave in floating point.
    """

    activations: Literal["uint8", "int8"] = "uint8"
    calibration: Literal["minmax", "percentile", "entropy"] = "minmax"
    in_float: tuple[str, ...] = ()


def load_quantizer() -> ModuleType:
    """onnxruntime.quantization. Raises ConversionError where it, or what it imports, is not there."""
    try:
        return import_module("onnxruntime.quantization")
    except ImportError as error:
        missing = (error.name or "onnxruntime").partition(".")[0]
        raise ConversionError(
            f"onnxruntime's quantizer cannot be imported: {error}; pip install {missing}"
        ) from error


def quantize(prepared: Path, target: Path, samples: Sequence[Feed], settings: Settings, apart: bool) -> None:
    """Write the model in 8 bits, in QDQ form, calibrated on the samples.

    prepared: as preparation.prepare has written it. apart: whether weights go into another file.
    Raises ConversionError.
    """
    library = load_quantizer()

    class Reader(library.CalibrationDataReader):  # type: ignore[name-defined]
        """Hands out the samples one by one."""

        def __init__(self) -> None:
            self._feeds: Iterator[Feed] = iter(samples)

        def get_next(self) -> dict[str, NDArray[Any]] | None:
            feed = next(self._feeds, None)
            return None if feed is None else dict(feed)

    types = {"uint8": library.QuantType.QUInt8, "int8": library.QuantType.QInt8}
    options: dict[str, Any] = {
        "quant_format": library.QuantFormat.QDQ,
        "activation_type": types[settings.activations],
        "weight_type": library.QuantType.QInt8,
        "per_channel": True,
        "nodes_to_exclude": list(settings.in_float),
        "calibrate_method": getattr(library.CalibrationMethod, _METHODS[settings.calibration]),
        "use_external_data_format": apart,
        "extra_options": {"ActivationSymmetric": settings.activations == "int8"},
    }
    if "calibration_providers" in inspect.signature(library.quantize_static).parameters:
        options["calibration_providers"] = ["CPUExecutionProvider"]
    try:
        with silent():
            library.quantize_static(str(prepared), str(target), Reader(), **options)
    except Exception as error:  # onnxruntime's have no type in common
        raise ConversionError(f"onnxruntime's quantizer failed: {text_of(error)}") from error


@contextmanager
def silent() -> Iterator[None]:
    """Without the advice and the progress that the quantizer logs and prints, and what its sessions log."""
    import onnxruntime

    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    onnxruntime.set_default_logger_severity(4)
    try:
        with redirect_stdout(StringIO()):
            yield
    finally:
        onnxruntime.set_default_logger_severity(_WARNING)
        logging.disable(before)
