"""Measure a model: latency, throughput, memory, by layer; or replay one problem.

Measures MODEL converted, MODEL as onnxruntime runs it, and with --float its float original, with inputs and
results on the GPU: percentiles of latency, items a second and memory, for each batch size. --fp16 and --torch
add the float model in float16, by onnxruntime and by torch.compile. --streams runs several sessions at the
same time, --cuda-graph also measures in CUDA graphs. --profile says how long each layer takes and what the
GPU could do at best, those first that lose most time. Without a GPU all is measured on the CPU, which a
converted model is not made for.

Instead of MODEL it takes the text of a problem, as log lines, errors and `qudnn plans --problems` have it.
Fields that follow from others may be left out, and what is left out is dense, not padded, of stride 1. Makes
up the tensors, builds each plan that an engine offers, compares its result with the reference's bit for bit
and times it. Plans are neither looked up nor stored. The exit status is 1 where the bits of a plan differ.

  qudnn bench model.onnx --batch 1,8,64 --float original.onnx --cuda-graph
  qudnn bench model.onnx --float original.onnx --fp16 --torch torchvision.models:resnet50 --cuda-graph
  qudnn bench model.onnx --profile --export result.json --plot result.svg
  qudnn bench "conv n=8 h=56 w=56 c=64 k=64 r=3 s=3 pad_top=1 pad_left=1 pad_bottom=1 pad_right=1"
"""

import argparse
from pathlib import Path

from qudnn.converter.cli import benching, replaying
from qudnn.converter.cli.common import add_shape
from qudnn.converter.cli.console import Console
from qudnn.converter.cli.units import at_least
from qudnn.converter.cli.verb import Exit, UsageError

_OF_PROBLEMS = ("only", "all")
_OF_MODELS = (
    *(
        "batch",
        "shape",
        "float",
        "fp16",
        "torch",
        "cuda_graph",
        "streams",
        "runs",
        "warm_up",
        "tune",
        "cache_dir",
    ),
    *("profile", "export", "plot"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="MODEL", help="the model, converted or not; or a problem's text")
    models = parser.add_argument_group("of models")
    models.add_argument(
        "--batch",
        type=_sizes,
        metavar="N,N,...",
        help="batch sizes, such as 1,8,64: of the inputs' first dimensions, where these are not fixed",
    )
    add_shape(models)
    models.add_argument("--float", metavar="FILE", help="the model before it was quantized, to measure too")
    models.add_argument(
        "--fp16", action="store_true", help="with --float, measure it in float16 too, and in NHWC"
    )
    models.add_argument(
        "--torch",
        metavar="MODULE:NAME",
        help="the float model in PyTorch, to measure in float16 through torch.compile: a module, or what "
        "makes one, such as torchvision.models:resnet50 or model.py:make",
    )
    models.add_argument("--cuda-graph", action="store_true", help="measure in CUDA graphs too")
    models.add_argument(
        "--streams",
        type=at_least(1),
        default=1,
        metavar="N",
        help="sessions at a time; 1 if not given",
    )
    models.add_argument(
        "--runs", type=at_least(1), default=100, metavar="N", help="runs that are timed; 100 if not given"
    )
    models.add_argument(
        "--warm-up", type=at_least(3), default=10, metavar="N", help="runs before these; 10 if not given"
    )
    models.add_argument(
        "--tune",
        choices=("full", "heuristic"),
        default="full",
        help="how plans are made that are not known yet; full, the default, takes a while",
    )
    models.add_argument("--cache-dir", metavar="DIR", help="the folder of plans, if not the user's own")
    models.add_argument("--profile", action="store_true", help="print each layer's time and engine")
    models.add_argument(
        "--export", metavar="FILE", help="write the results as JSON, with machine and version"
    )
    models.add_argument("--plot", metavar="FILE", help="draw the results, as SVG")
    problems = parser.add_argument_group("of problems")
    problems.add_argument("--only", metavar="NAME", default="", help="this engine alone, or this plan")
    problems.add_argument(
        "--all",
        action="store_true",
        help="try cuDNN's kernels too that its heuristics do not name: takes minutes",
    )
    parser.set_defaults(defaults=parser.get_default)


def run(arguments: argparse.Namespace, console: Console) -> Exit:
    is_model = _is_model(arguments.target)
    others = _OF_PROBLEMS if is_model else _OF_MODELS
    given = [name for name in others if getattr(arguments, name) != arguments.defaults(name)]
    if given:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        kind, other = ("model", "problems") if is_model else ("problem", "models")
        raise UsageError(f"{options} is for {other}, and {arguments.target} is a {kind}")
    return benching.run(arguments, console) if is_model else replaying.run(arguments, console)


def _is_model(target: str) -> bool:
    """Whether target names a file; a problem's text has fields, and names none."""
    try:
        if Path(target).is_file():
            return True
    except (OSError, ValueError):  # too long for a path
        return False
    return "=" not in target and (target.endswith(".onnx") or "/" in target)


def _sizes(text: str) -> list[int]:
    try:
        sizes = [int(size) for size in text.split(",")]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of sizes: write 1,8,64")
    return sizes
