"""InferenceSession: onnxruntime's, with conversion and registration built in, and CUDA graphs by shape."""

import functools
import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import onnxruntime

from qudnn.custom_ops import capture, opened
from qudnn.custom_ops.cuda_graphs import Graphs
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

    cuda_graph: `run` goes through CUDA graphs, one for each set of input shapes; see docs/tuning.md. With
        tune="background" they are captured when no plan is looked for any more. Other
        ways to run, and `set_providers`, raise ValueError then. A model or a machine that cannot do it raises
        `GraphCaptureError`, here or, where only the run shows it, in `run`.
    graph_limit: so many graphs are kept, those used last.

    conversion: which of these it was, and the converter's report: see `Opened`.
    registration: whether the session has qudnn's operators, and why not: see `Registration`.
    """

    conversion: Opened
    registration: Registration
    _graphs: Graphs | None = None

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
        cuda_graph: bool = False,
        graph_limit: int = 16,
        **kwargs: Any,
    ) -> None:
        options = onnxruntime.SessionOptions() if sess_options is None else sess_options
        if graph_limit < 1:
            raise ValueError(f"graph_limit is {graph_limit}; it has to be 1 or more")
        self.registration = register_quietly(
            options, providers, tune=tune, workspace_limit=workspace_limit, cache_dir=cache_dir
        )
        if cuda_graph and not self.registration:
            raise capture.cannot(self.registration.reason)
        if self.registration:
            folder = config_entry(options, _EXTERNAL_DATA_FOLDER)
            self.conversion, model = opened.converted(path_or_bytes, folder)
        elif opened.is_converted(path_or_bytes):
            self.conversion, model = Opened(Status.ALREADY_CONVERTED), None
        else:
            self.conversion, model = Opened(Status.NOT_CONVERTED, self.registration.reason), None

        open_model = (
            functools.partial(self._open_for_capture, graph_limit) if cuda_graph else super().__init__
        )
        if model is not None:
            try:
                open_model(openable(model, self), options, providers, provider_options, **kwargs)
                return
            except capture.GraphCaptureError:
                raise
            except Exception as error:  # onnxruntime's have no type in common
                reason = f"onnxruntime does not open the converted model: {error}"
                self.conversion = Opened(Status.NOT_CONVERTED, reason, self.conversion.report)
        open_model(path_or_bytes, options, providers, provider_options, **kwargs)
        if self.conversion.status is Status.NOT_CONVERTED and (
            self.registration or surprises(self.registration)
        ):
            text = f"The model is opened unconverted: {self.conversion.reason}"
            warnings.warn(text, RuntimeWarning, stacklevel=2)

    def run(
        self, output_names: Sequence[str] | None, input_feed: Mapping[str, Any], run_options: Any = None
    ) -> Any:
        if self._graphs is None:
            return super().run(output_names, input_feed, run_options)
        if run_options is not None:
            raise ValueError("a session with cuda_graph=True makes its own run_options: give none")
        return self._graphs.run(self, output_names, input_feed)

    def run_with_iobinding(self, *arguments: Any, **options: Any) -> Any:
        self._refuse_for_graphs("run_with_iobinding")
        return super().run_with_iobinding(*arguments, **options)

    def run_with_ort_values(self, *arguments: Any, **options: Any) -> Any:
        self._refuse_for_graphs("run_with_ort_values")
        return super().run_with_ort_values(*arguments, **options)

    def run_with_ortvaluevector(self, *arguments: Any, **options: Any) -> Any:
        self._refuse_for_graphs("run_with_ortvaluevector")
        return super().run_with_ortvaluevector(*arguments, **options)

    def run_async(self, *arguments: Any, **options: Any) -> Any:
        self._refuse_for_graphs("run_async")
        return super().run_async(*arguments, **options)

    def set_providers(self, *arguments: Any, **options: Any) -> Any:
        self._refuse_for_graphs("set_providers")
        return super().set_providers(*arguments, **options)

    def _refuse_for_graphs(self, method: str) -> None:
        """Another run would use the memory that the graphs work in, or capture one more."""
        if self._graphs is not None:
            raise ValueError(
                f"a session with cuda_graph=True has buffers of its own and takes no {method}: use run, "
                f"or leave cuda_graph out and set {capture.ENABLE} in the options of the CUDA provider"
            )

    def _open_for_capture(
        self,
        graph_limit: int,
        model: Model,
        options: onnxruntime.SessionOptions,
        providers: Providers | None,
        provider_options: Sequence[dict[str, Any]] | None,
        **kwargs: Any,
    ) -> None:
        """`super().__init__` that raises GraphCaptureError where the model cannot be captured."""
        proto = capture.read(model)
        if proto is not None and (reason := capture.obstacle(proto)):
            raise capture.cannot(reason)
        capturing = capture.with_capture(providers, provider_options)
        options.add_session_config_entry(capture.RECORD, "1")
        try:
            # Without enable_fallback=0 onnxruntime would open on the CPU what it cannot capture.
            super().__init__(model, options, capturing, None, **{**kwargs, "enable_fallback": 0})
        except Exception as error:  # onnxruntime's have no type in common
            if not capture.is_refusal(error):
                raise
            plain = onnxruntime.InferenceSession(model, options, capture.without_capture(capturing))
            raise capture.refused(error, capture.nodes_on_the_cpu(plain)) from error
        if reason := capture.obstacle_of_session(self, proto):
            raise capture.cannot(reason)
        self._graphs = Graphs(graph_limit, *capture.device(self), ready=_nothing_is_tuned)


def _nothing_is_tuned() -> bool:
    """A graph keeps the plans that it was captured with, so it had better be captured with the fastest."""
    from qudnn.custom_ops import plans  # loads the library, which is there where there is a graph

    return plans.statistics()["pending"] == 0
