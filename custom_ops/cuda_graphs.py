"""Runs of a session through CUDA graphs: one for each set of input shapes, over buffers that stay."""

import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime import InferenceSession as Session

from qudnn.custom_ops.capture import GraphCaptureError

Array = npt.NDArray[Any]
Shapes = tuple[tuple[str, str, tuple[int, ...]], ...]  # name, dtype and shape of each input

_GRAPH_ID = "gpu_graph_id"  # an entry of a run's configuration: which graph it captures or replays
_NO_GRAPH = -1  # the run is an ordinary one (onnxruntime: kCudaGraphAnnotationSkip)

_MET_PER_GRAPH = 16  # shapes of which it is remembered that they were run once
_CAPTURES_PER_GRAPH = 16  # in a session's life; see Graphs


class Graphs:
    """The graphs of one session.

    The first run with new shapes is an ordinary one: it makes plans, and tells the shapes of the results. The
    second captures, the later ones copy inputs in, replay, and copy results out.

    All runs are made by one thread: onnxruntime keeps a graph with the thread that has captured it (1.31,
    cuda_execution_provider.cc, GetPerThreadContext), and a graph works in memory that another run of the
    session may use, too. Callers in any number of threads wait for their turn.

    limit: so many graphs are kept, those used last. Not every onnxruntime gives back what a graph took. So in
    a session's life at most 16 times as many are captured; shapes that come after that run without a graph.
    ready: whether now is a time to capture: what is captured stays as it is.
    """

    def __init__(
        self, limit: int, device: str, device_id: int = 0, ready: Callable[[], bool] = lambda: True
    ) -> None:
        self._limit = limit
        self._device = device, device_id
        self._ready = ready
        self._graphs: OrderedDict[Shapes, _Graph] = OrderedDict()
        self._met: OrderedDict[Shapes, list[tuple[str, Array]]] = OrderedDict()
        self._captured = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="qudnn-cuda-graph")
        weakref.finalize(self, self._thread.shutdown, wait=False)

    @property
    def kept(self) -> int:
        """How many graphs there are."""
        return len(self._graphs)

    @property
    def captured(self) -> int:
        """How many graphs were captured."""
        return self._captured

    def run(self, session: Session, names: Sequence[str] | None, feed: Mapping[str, Any]) -> list[Array]:
        """The results with these names, all if there are none. Raises what onnxruntime raises, and
        GraphCaptureError where the run cannot be captured."""
        values = {name: _array(value) for name, value in feed.items()}
        return self._thread.submit(self._run, session, list(names or ()), values).result()

    def _run(self, session: Session, names: list[str], values: dict[str, Array]) -> list[Array]:
        key = tuple(sorted((name, value.dtype.str, value.shape) for name, value in values.items()))
        all_names = [output.name for output in session.get_outputs()]
        known = set(names) <= set(all_names) and set(values) == {x.name for x in session.get_inputs()}
        if not known:  # onnxruntime says best what is wrong, or knows what to do
            return _ordinary(session, names, values)
        graph = self._graphs.get(key)
        if graph is None and key in self._met and self._may_capture():
            graph = self._capture(session, key, values)
        if graph is None:
            results = dict(zip(all_names, _ordinary(session, all_names, values), strict=True))
            self._remember(key, values, results)
        else:
            self._graphs.move_to_end(key)
            results = graph.run(session, values)
        return [results[name] for name in names or all_names]

    def _may_capture(self) -> bool:
        return self._captured < _CAPTURES_PER_GRAPH * self._limit and self._ready()

    def _remember(self, key: Shapes, values: dict[str, Array], results: dict[str, Array]) -> None:
        """That these shapes were run; not if there is nothing to compute."""
        if not all(array.size for array in (*values.values(), *results.values())):
            return
        # Of a result its shape and dtype; an array without memory of its own has both.
        self._met[key] = [(name, np.broadcast_to(y.dtype.type(0), y.shape)) for name, y in results.items()]
        self._met.move_to_end(key)
        while len(self._met) > _MET_PER_GRAPH * self._limit:
            self._met.popitem(last=False)

    def _capture(self, session: Session, key: Shapes, values: dict[str, Array]) -> "_Graph":
        while len(self._graphs) >= self._limit:
            _, oldest = self._graphs.popitem(last=False)
            oldest.release(session)
        self._captured += 1  # numbers are not used again, whether or not onnxruntime forgets the graph
        graph = _Graph(session, self._captured, values, self._met[key], self._device)
        try:
            graph.run(session, values)
        except Exception as error:  # onnxruntime's have no type in common
            graph.release(session)
            shapes = ", ".join(f"{name} {list(shape)}" for name, _, shape in key)
            raise GraphCaptureError(
                f"cuda_graph=True: a run of {shapes} cannot be captured: {error}; open the session without "
                "cuda_graph"
            ) from error
        self._graphs[key] = graph
        return graph


class _Graph:
    """One graph and its buffers."""

    def __init__(
        self,
        session: Session,
        number: int,
        inputs: Mapping[str, Array],
        results: Sequence[tuple[str, Array]],
        device: tuple[str, int],
    ) -> None:
        def buffer(like: Array) -> onnxruntime.OrtValue:
            return onnxruntime.OrtValue.ortvalue_from_shape_and_type(like.shape, like.dtype.type, *device)

        self._number = number
        self._options = _run_options(number)
        self._binding = session.io_binding()
        self._inputs = {name: buffer(value) for name, value in inputs.items()}
        self._results = {name: buffer(like) for name, like in results}
        for name, value in self._inputs.items():
            self._binding.bind_ortvalue_input(name, value)
        for name, value in self._results.items():
            self._binding.bind_ortvalue_output(name, value)

    def run(self, session: Session, values: Mapping[str, Array]) -> dict[str, Array]:
        """The results of these values, in arrays of their own. The first run captures."""
        for name, value in values.items():
            self._inputs[name].update_inplace(value)
        Session.run_with_iobinding(session, self._binding, self._options)
        return {name: _copied(value) for name, value in self._results.items()}

    def release(self, session: Session) -> None:
        """Gives back what the graph took, where onnxruntime can (from 1.31 on)."""
        if hasattr(session, "release_captured_graph"):
            session.release_captured_graph(self._number)


def _ordinary(session: Session, names: list[str], values: dict[str, Array]) -> list[Array]:
    results: list[Array] = Session.run(session, names, values, _run_options(_NO_GRAPH))
    return results


def _run_options(graph: int) -> onnxruntime.RunOptions:
    options = onnxruntime.RunOptions()
    options.add_run_config_entry(_GRAPH_ID, str(graph))
    return options


def _array(value: Any) -> Array:
    return value.numpy() if isinstance(value, onnxruntime.OrtValue) else np.asarray(value, order="C")


def _copied(value: onnxruntime.OrtValue) -> Array:
    """The values that a buffer has now: a buffer on the CPU gives an array over its own memory."""
    array: Array = value.numpy()
    return array if array.flags.owndata else array.copy()
