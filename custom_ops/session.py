"""InferenceSession: onnxruntime's, with conversion and registration built in."""

import os
import shutil
import tempfile
import warnings
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx
import onnxruntime
from google.protobuf.message import DecodeError, EncodeError
from onnx.external_data_helper import load_external_data_for_model

from custom_ops.library import DOMAIN, register
from custom_ops.options import Tune, config_entries, config_entry

if TYPE_CHECKING:
    from converter import Conversion, Report

_Model = str | bytes | os.PathLike[str]
_EXTERNAL_DATA_FOLDER = "session.model_external_initializers_file_folder_path"
_IN_MEMORY = 2**31 - 2**24  # bytes of weights; a serialized model ends at 2 GB


class InferenceSession(onnxruntime.InferenceSession):
    """Takes what onnxruntime.InferenceSession takes, and is one.

    tune, workspace_limit, cache_dir: as in `custom_ops.register`.

    A model that is not converted yet is converted in memory; one that is, or in which nothing can be
    converted, is opened as it is. The operators are registered with `sess_options`, as
    `custom_ops.register` does it, so do not use these options again for a session on the CPU. For the
    same reason choose the providers here: `set_providers` cannot move the session off the GPU.

    The converter sees the model alone: initializers replaced through `sess_options.add_initializer`
    are not part of it.

    conversion: the converter's report, None where the model was opened as it is.
    """

    conversion: "Report | None"

    def __init__(
        self,
        path_or_bytes: _Model,
        sess_options: onnxruntime.SessionOptions | None = None,
        providers: Sequence[str | tuple[str, dict[str, Any]]] | None = None,
        provider_options: Sequence[dict[str, Any]] | None = None,
        *,
        tune: Tune | None = None,
        workspace_limit: int | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        **kwargs: Any,
    ) -> None:
        config_entries(tune, workspace_limit, cache_dir)  # says what is wrong before the work begins
        options = onnxruntime.SessionOptions() if sess_options is None else sess_options
        conversion = _convert(path_or_bytes, options)
        self.conversion = conversion.report if conversion else None
        if conversion and conversion.report.converted:
            path_or_bytes = self._openable(conversion.model)
        register(options, providers, tune=tune, workspace_limit=workspace_limit, cache_dir=cache_dir)
        super().__init__(path_or_bytes, options, providers, provider_options, **kwargs)

    def _openable(self, model: onnx.ModelProto) -> str | bytes:
        """`model` as bytes or, where that is too large, as a file that lives as long as the session."""
        if sum(len(tensor.raw_data) for tensor in model.graph.initializer) < _IN_MEMORY:
            try:
                serialized: bytes = model.SerializeToString()
                return serialized
            except (ValueError, EncodeError):  # too large after all, by what lies outside of raw_data
                pass
        folder = tempfile.mkdtemp(prefix="qudnn-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        path = str(Path(folder, "model.onnx"))
        onnx.save_model(model, path, save_as_external_data=True, location="model.weights")
        return path


def _convert(path_or_bytes: _Model, options: onnxruntime.SessionOptions) -> "Conversion | None":
    """The conversion of a model, None where it is to be opened as it is.

    That is so for a converted model, one in onnxruntime's own format, and one that cannot be read:
    onnxruntime says best what is wrong with it.
    """
    try:
        if isinstance(path_or_bytes, bytes):
            model = onnx.load_model_from_string(path_or_bytes)
            folder = config_entry(options, _EXTERNAL_DATA_FOLDER) or "."
        else:
            model = onnx.load_model(path_or_bytes, load_external_data=False)
            folder = str(Path(path_or_bytes).parent)
        if not model.graph.node or any(opset.domain == DOMAIN for opset in model.opset_import):
            return None
        load_external_data_for_model(model, folder)
    except (DecodeError, OSError, ValueError, TypeError, onnx.checker.ValidationError):
        return None
    import converter  # takes half a second, which a session over a converted model need not wait for

    try:
        return converter.convert(model)
    except converter.ConversionError as error:
        warnings.warn(f"The model is opened unconverted: {error}", RuntimeWarning, stacklevel=3)
        return None
