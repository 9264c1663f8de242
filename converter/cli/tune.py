"""Tune a model: find the fastest plans for its shapes and store them.

Runs MODEL, converted or not, on the GPU once for each set of shapes, with random inputs, and stores the
plans of its convolutions and matmuls in the folder of plans. Sessions that meet these shapes
later, in any process, find their plans there and start at once.

A model with several inputs takes a --shape for each; sizes that the model fixes need none. Several shapes
of one input are tuned one after the other. For three batch sizes, and for each power of two up to 64:

  qudnn tune model.onnx --shape x=1,3,224,224 --shape x=8,3,224,224 --shape x=64,3,224,224
  qudnn tune model.onnx --shape x=1..64,3,224,224
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qudnn.converter.cli.common import add_shape
from qudnn.converter.cli.console import Console
from qudnn.converter.cli.progress import Progress
from qudnn.converter.cli.runtime import check_gpu, load_plans
from qudnn.converter.cli.units import size
from qudnn.converter.cli.verb import Exit, UsageError

if TYPE_CHECKING:  # the converter does not need the runtime; tuning does
    from qudnn.converter.cli.problems import Work
    from qudnn.custom_ops import InferenceSession

_ELSEWHERE = (
    "Or tune on another machine, then bring the plans here with `qudnn plans --export` and `--import`"
)
_PROVIDERS = ["CUDAExecutionProvider", "CPUExecutionProvider"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="the model, converted or not")
    add_shape(parser)
    parser.add_argument(
        "--tune",
        choices=("full", "heuristic"),
        default="full",
        help="full, the default: time all candidates, keep the fastest; heuristic: take the first that works",
    )
    parser.add_argument("--cache-dir", metavar="DIR", help="the folder of plans, if not the user's own")
    parser.add_argument(
        "--workspace-limit",
        type=size,
        metavar="SIZE",
        help="GPU memory that a plan may use beside its tensors, such as 256M or 1G, which is the default",
    )


def run(arguments: argparse.Namespace, console: Console) -> Exit:
    import numpy as np

    from qudnn.converter.api import convert_file, is_converted
    from qudnn.converter.cli.problems import Work, count_problems
    from qudnn.converter.cli.random_inputs import check_types, random_inputs
    from qudnn.converter.cli.shapes import describe, inputs_of, shape_sets
    from qudnn.converter.io import scratch
    from qudnn.converter.io.proto import load_proto

    proto = load_proto(arguments.model)
    inputs = inputs_of(proto)
    check_types(inputs)
    sets = shape_sets(inputs, arguments.shape)
    plans = load_plans()
    options = _options(arguments)
    check_gpu("tuning", _ELSEWHERE)
    with scratch.folder_in(Path(tempfile.gettempdir())) as folder:
        path = arguments.model
        if not is_converted(proto):
            path = str(folder / "model.onnx")
            console.say(str(convert_file(arguments.model, path)))
            proto = load_proto(path)
        problems = count_problems(proto)
        if not problems:
            raise UsageError(
                f"{arguments.model} has no convolution or matmul that qudnn converts: nothing to tune"
            )
        session = _open(arguments.model, path, options)
        rng = np.random.default_rng(0)
        work = Work(problems, len(sets), plans.statistics)
        start = time.monotonic()
        with Progress("problems", work.done, work.expected, console.progress()):
            for shapes in sets:
                try:
                    session.run(None, random_inputs(inputs, shapes, rng))
                except Exception as error:  # onnxruntime's have no type in common
                    raise UsageError(
                        f"{arguments.model} does not run with {describe(shapes)}: {error}"
                    ) from error
                work.finish_run()
    _summarize(work, options, time.monotonic() - start, console)
    return Exit.DONE


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options of the session, checked."""
    from qudnn.custom_ops import plans
    from qudnn.custom_ops.options import config_entries

    folder = plans.default_cache_dir() if arguments.cache_dir is None else arguments.cache_dir
    if not folder:
        raise UsageError("there is no folder of plans to store them in: give one with --cache-dir")
    try:
        config_entries(arguments.tune, arguments.workspace_limit, folder)
    except (OSError, TypeError, ValueError) as error:
        raise UsageError(str(error)) from error
    return {"tune": arguments.tune, "workspace_limit": arguments.workspace_limit, "cache_dir": folder}


def _open(model: str, path: str, options: dict[str, Any]) -> "InferenceSession":
    from qudnn.custom_ops import InferenceSession

    try:
        session = InferenceSession(path, providers=_PROVIDERS, **options)
    except Exception as error:
        raise UsageError(f"onnxruntime cannot open {model}: {error}") from error
    if _PROVIDERS[0] not in session.get_providers():
        raise UsageError("onnxruntime could not start its CUDA provider; what it printed above says why")
    return session


def _summarize(work: "Work", options: dict[str, Any], seconds: float, console: Console) -> None:
    built, found, folder = int(work.grown("builds")), int(work.grown("disk_hits")), options["cache_dir"]
    made = "tuned" if options["tune"] == "full" else "planned"
    lost = max(0, built - int(work.grown("disk_writes")))
    text = f"{built + found} problems: {built} {made}, {found} found on disk, {seconds:.1f} s"
    console.answer(
        lambda: {"folder": folder, made: built, "found": found, "lost": lost, "seconds": round(seconds, 3)},
        lambda: text if lost else f"{text}\nthe plans are in {folder}",
    )
    if lost:
        raise UsageError(f"{lost} plans could not be stored in {folder}: make it writable")
