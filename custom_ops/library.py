"""How a session gets libqudnn.so's operators."""

import os
import warnings
import weakref

import onnxruntime

from qudnn.custom_ops.location import library_path
from qudnn.custom_ops.options import Tune, config_entries, config_entry, default
from qudnn.custom_ops.registration import Obstacle, Providers, Registration, possible

# Options that have the operators already: onnxruntime refuses the same domain twice.
_registered: weakref.WeakSet[onnxruntime.SessionOptions] = weakref.WeakSet()


def register(
    session_options: onnxruntime.SessionOptions,
    providers: Providers | None = None,
    *,
    tune: Tune | None = None,
    workspace_limit: int | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
) -> Registration:
    """Give sessions made with `session_options` the operators of the domain `qudnn` on the GPU.

    CUDA's and cuDNN's libraries are loaded first, from wherever they are installed. Pass the session's
    `providers`, if it has any: where CUDAExecutionProvider is not among them, nothing is registered and a
    converted model runs through the function bodies that it carries. The same holds, with a warning, where
    there is no GPU that qudnn can use, or where a library is missing.

    The first run of a shape needs a plan for each convolution and matmul. It is looked for in this process,
    then in the folder of plans, and made if it is in neither:

    tune: how a missing plan is made.
        "full": every candidate is built, checked against a plain kernel bit for bit, and timed; the
            fastest is kept. Takes seconds for a problem, once.
        "background": a guess runs at once. The fastest plan is looked for in a thread aside and takes the
            guess's place between two runs. Bits stay the same.
        "heuristic": the first candidate that works is taken, for a fast start. It may be several times
            slower than the best. A tuned plan that is known already is used all the same.
        "cached": never. A run that meets a problem without a plan fails and names it.
    workspace_limit: the most bytes of GPU memory that a plan may use beside its tensors.
    cache_dir: the folder of plans, which is made where there is none. "" keeps plans in memory only.

    What is None is as the entries "qudnn.tune", "qudnn.workspace_limit" and "qudnn.cache_dir" of the
    options' configuration have it, else as $QUDNN_TUNE, $QUDNN_WORKSPACE_LIMIT and $QUDNN_CACHE_DIR do, else
    "full", 1 GiB and `qudnn.plans.default_cache_dir()`.

    Registering the same options again does nothing. Options that were registered for CUDA are not to be
    used for a session on the CPU: onnxruntime refuses a converted model there.

    Returns whether the operators are registered and, if not, why: see `Registration`. Raises
    FileNotFoundError where the library is not built; TypeError, ValueError or NotADirectoryError where
    providers, tune, workspace_limit or cache_dir cannot be, or the last three are not what the options
    were registered with before.
    """
    registration = register_quietly(
        session_options, providers, tune=tune, workspace_limit=workspace_limit, cache_dir=cache_dir
    )
    if surprises(registration):
        warnings.warn(f"qudnn's operators stay off: {registration.reason}", RuntimeWarning, stacklevel=2)
    return registration


def surprises(registration: Registration) -> bool:
    """Whether the operators stay off although nobody has asked for it."""
    return registration.obstacle not in (None, Obstacle.PROVIDERS)


def register_quietly(
    session_options: onnxruntime.SessionOptions,
    providers: Providers | None,
    *,
    tune: Tune | None,
    workspace_limit: int | None,
    cache_dir: str | os.PathLike[str] | None,
) -> Registration:
    """`register`, which leaves the warning to the caller."""
    entries = config_entries(tune, workspace_limit, cache_dir)
    registration = possible(providers)
    if not registration:
        return registration
    if session_options in _registered:
        _check_same(session_options, entries)
        return registration
    for key, value in entries.items():
        session_options.add_session_config_entry(key, value)
    session_options.register_custom_ops_library(library_path())
    _registered.add(session_options)
    return registration


def _check_same(session_options: onnxruntime.SessionOptions, entries: dict[str, str]) -> None:
    """The library read the entries when it was registered: others would have no effect."""
    for key, value in entries.items():
        known = config_entry(session_options, key)
        if value != (default(key) if known is None else known):
            before = "left to its default" if known is None else f"as {known!r}"
            raise ValueError(
                f"these session options are registered already, with {key} {before}, "
                f"and cannot change to {value!r}: make new ones"
            )
