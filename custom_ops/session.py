"""InferenceSession: onnxruntime's, with conversion and registration built in."""

import os
import warnings
from collections.abc import Sequence
from typing import Any

import onnxruntime

from qudnn.custom_ops import opened
from qudnn.custom_ops.library import register_quietly, surprises
from qudnn.custom_ops.openable import openable
from qudnn.custom_ops.opened import Model, Opened, Status
from qudnn.custom_ops.options import Tune, config_entry
from qudnn.custom_ops.registration import Providers, Registration

_EXTERNAL_DATA_FOLDER = "session.model_external_initializers_file_folder_path"


class InferenceSession(onnxruntime.InferenceSession):
    """Takes what onnxruntime.InferenceSession takes, and is one.

    tune, workspace_limit, cache_dir: as in `qudnn.register`.

    A model that is not converted yet is converted in memory. It is opened as it is

    - where it is converted already, or nothing in it can be converted;
    - where the session will not have a GPU that qudnn can use: unconverted it is faster there;
    - where the converter cannot take it, or onnxruntime not open what it made.

    The last two are warnings (RuntimeWarning), unless `providers` do not ask for CUDA. What onnxruntime
    cannot open gives onnxruntime's own error.

    The operators are registered with `sess_options`, as `qudnn.register` does it, so do not use these
    options again for a session on the CPU. For the same reason choose the providers here: `set_providers`
    cannot move the session off the GPU.

    The converter sees the model alone: initializers replaced through `sess_options.add_initializer`
    are not part of it.

    conversion: which of these it was, and the converter's report: see `Opened`.
    registration: whether the session has qudnn's operators, and why not: see `Registration`.
    """

    conversion: Opened
    registration: Registration

    def __init__(
        self,
        path_or_bytes: Model,
        sess_options: onnxruntime.SessionOptions | None = None,
        providers: Providers | None = None,
        provider_options: Sequence[dict[str, Any]] | None = None,
        *,
        tune: Tune | None = None,
        workspace_limit: int | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        **kwargs: Any,
    ) -> None:
        options = onnxruntime.SessionOptions() if sess_options is None else sess_options
        self.registration = register_quietly(
            options, providers, tune=tune, workspace_limit=workspace_limit, cache_dir=cache_dir
        )
        if self.registration:
            folder = config_entry(options, _EXTERNAL_DATA_FOLDER)
            self.conversion, model = opened.converted(path_or_bytes, folder)
        elif opened.is_converted(path_or_bytes):
            self.conversion, model = Opened(Status.ALREADY_CONVERTED), None
        else:
            self.conversion, model = Opened(Status.NOT_CONVERTED, self.registration.reason), None

        if model is not None:
            try:
                super().__init__(openable(model, self), options, providers, provider_options, **kwargs)
                return
            except Exception as error:  # onnxruntime's have no type in common
                reason = f"onnxruntime does not open the converted model: {error}"
                self.conversion = Opened(Status.NOT_CONVERTED, reason, self.conversion.report)
        super().__init__(path_or_bytes, options, providers, provider_options, **kwargs)
        if self.conversion.status is Status.NOT_CONVERTED and (
            self.registration or surprises(self.registration)
        ):
            text = f"The model is opened unconverted: {self.conversion.reason}"
            warnings.warn(text, RuntimeWarning, stacklevel=2)
