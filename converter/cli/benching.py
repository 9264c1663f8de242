"""`qudnn bench MODEL`: which models and inputs to measure, and what to print and write of it."""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qudnn.converter.cli.bench_text import text
from qudnn.converter.cli.console import Console
from qudnn.converter.cli.verb import Exit, UsageError
from qudnn.converter.io import output

if TYPE_CHECKING:
    import onnx

    from qudnn.converter import Report
    from qudnn.converter.cli.peers import Peer, Row
    from qudnn.converter.cli.shapes import Input

_PROFILED = 20  # runs
_NO_PROFILE: dict[str, Any] = {"layers": [], "floor": None}
_KEPT = (  # of each layer
    *("node", "op", "provider", "engine", "plan", "us", "microseconds", "bytes", "operations", "tops"),
    *("kernel_us", "kernel_is", "floor_us", "of_floor", "lost_us"),
)


def run(arguments: argparse.Namespace, console: Console) -> Exit:
    import numpy as np

    from qudnn.converter.cli import torch_peer
    from qudnn.converter.cli.peers import QUDNN, Setting, rows
    from qudnn.converter.cli.progress import Progress
    from qudnn.converter.cli.random_inputs import check_types, random_inputs
    from qudnn.converter.cli.runtime import why_no_gpu
    from qudnn.converter.cli.shapes import inputs_of
    from qudnn.converter.io import scratch
    from qudnn.converter.io.proto import load_proto

    for target in filter(None, (arguments.export, arguments.plot)):
        if problem := output.problem(target):
            raise UsageError(f"cannot write {target}: {problem}")
    model = load_proto(arguments.target)
    inputs = inputs_of(model)
    check_types(inputs)
    if arguments.fp16 and arguments.float is None:
        raise UsageError("--fp16 is about the float original: give it with --float")
    if arguments.torch is not None:
        torch_peer.check(arguments.torch)
    if arguments.float is not None:
        check_same_inputs(inputs, inputs_of(load_proto(arguments.float)), arguments)
    rng = np.random.default_rng(0)
    feeds = [random_inputs(inputs, each, rng) for each in shapes(inputs, arguments)]
    why = why_no_gpu()
    setting = Setting(
        gpu=not why,
        runs=arguments.runs,
        warm_up=arguments.warm_up,
        streams=arguments.streams,
        tuning={} if why else {"tune": arguments.tune, "cache_dir": arguments.cache_dir},
    )
    with scratch.folder_in(Path(tempfile.gettempdir())) as folder:
        peers, report = _peers(arguments, model, folder, setting.gpu)
        done = [0]

        def finish() -> None:
            done[0] += 1

        with Progress("measurements", lambda: done[0], lambda: len(peers) * len(feeds), console.progress()):
            measured = rows(peers, feeds, setting, finish)
        ours = next((peer for peer in peers if peer.name == QUDNN), peers[0])
        profile = _profile(ours, feeds[-1], setting.gpu, setting.tuning) if arguments.profile else _NO_PROFILE
    document = _document(arguments, measured, report, why) | profile
    for target, content in (arguments.export, _as_json), (arguments.plot, _as_svg):
        if target is not None:
            output.write(target, content(document).encode())
    console.answer(lambda: document, lambda: "\n".join(text(document, console.is_verbose)))
    failed = next((row for row in measured if row.failed and row.peer == ours), None)
    if failed:
        raise UsageError(f"{arguments.target} could not be measured: {failed.failed}")
    return Exit.DONE


def shapes(inputs: "Sequence[Input]", arguments: argparse.Namespace) -> "list[dict[str, tuple[int, ...]]]":
    """The shapes of all inputs, once for each set and batch size. Raises UsageError."""
    from qudnn.converter.cli.shapes import shape_sets

    free = [value for value in inputs if value.dims and not isinstance(value.dims[0], int)]
    given = {text.rpartition("=")[0] for text in arguments.shape}
    if arguments.batch is not None and not free:
        named = ", ".join(map(str, inputs)) or "none"
        raise UsageError(f"--batch: the model fixes the first dimension of its inputs: {named}")
    sizes = arguments.batch or ([1] if not arguments.shape else [])
    found = []
    for size in sizes:
        texts = [_with_batch(text, size, {value.name for value in free}) for text in arguments.shape]
        for value in free:
            rest = (value.dims or ())[1:]
            if value.name not in given and all(isinstance(dim, int) for dim in rest):
                texts.append(f"{value.name}={','.join(map(str, (size, *rest)))}")
        found += shape_sets(inputs, texts)
    return found or shape_sets(inputs, arguments.shape)


def _with_batch(text: str, size: int, free: set[str]) -> str:
    """A text of --shape with another first size, where it is not fixed."""
    name, equals, sizes = text.rpartition("=")
    return f"{name}={','.join([str(size), *sizes.split(',')[1:]])}" if equals and name in free else text


def check_same_inputs(
    inputs: "Sequence[Input]", others: "Sequence[Input]", arguments: argparse.Namespace
) -> None:
    """Raises UsageError where the float model takes others."""
    ranks = [
        {value.name: None if value.dims is None else len(value.dims) for value in each}
        for each in (inputs, others)
    ]
    if ranks[0] != ranks[1]:
        named = [", ".join(map(str, each)) or "none" for each in (inputs, others)]
        raise UsageError(
            f"--float {arguments.float}: its inputs are {named[1]}, those of {arguments.target} {named[0]}: "
            "give the model that it was made of"
        )


def _peers(
    arguments: argparse.Namespace, model: "onnx.ModelProto", folder: Path, gpu: bool
) -> "tuple[list[Peer], Report | None]":
    """What to measure, and the conversion's report; None where the model is converted already."""
    from qudnn.converter.api import convert_file, is_converted
    from qudnn.converter.cli.peers import FLOAT, FP16, NHWC, QUDNN, TORCH, UNCONVERTED, Peer

    report, peers = None, []
    if is_converted(model):
        peers.append(Peer(QUDNN, arguments.target))
    else:
        report = convert_file(arguments.target, folder / "model.onnx")
        if report.converted:
            peers.append(Peer(QUDNN, str(folder / "model.onnx")))
        peers.append(Peer(UNCONVERTED, arguments.target))
    if arguments.float is not None:
        peers.append(Peer(FLOAT, arguments.float))
    if arguments.fp16:
        path = str(folder / "fp16.onnx")
        write_fp16(arguments.float, path)
        peers += [Peer(FP16, path)] + [Peer(NHWC, path)] * gpu
    if arguments.torch is not None:
        peers.append(Peer(TORCH, arguments.torch))
    graphs = [False, True] if arguments.cuda_graph and gpu else [False]
    return [peer._replace(cuda_graph=graph) for peer in peers for graph in graphs], report


def write_fp16(source: str, target: str) -> None:
    """Write a float model in float16, inputs and outputs too, with onnxruntime's tool. Raises UsageError."""
    import onnx

    from qudnn.converter.io import weights
    from qudnn.converter.io.proto import load_proto

    model = load_proto(source)
    weights.load(model, weights.folders_of(source))
    try:
        from onnxruntime.transformers.float16 import convert_float_to_float16

        halved = convert_float_to_float16(model)
        onnx.save(halved, target, save_as_external_data=True, location="fp16.data")
    except Exception as error:  # the tool raises many
        raise UsageError(f"--fp16: onnxruntime's tool cannot make float16 of {source}: {error}") from error


def _profile(peer: "Peer", feed: Any, gpu: bool, tuning: Any) -> dict[str, Any]:
    """Each layer, and what their floors are made of, as the document has them."""
    from qudnn.custom_ops.measuring.layers import measured

    try:
        layers, rates = measured(peer.path, feed, gpu, _PROFILED, tuning)
    except RuntimeError as error:
        raise UsageError(f"{peer.name} cannot be profiled: {error}") from error
    total = sum(layer["us"] for layer in layers) or 1.0
    found = [
        {**{name: layer[name] for name in _KEPT}, "share": round(layer["us"] / total, 4)} for layer in layers
    ]
    return {"layers": found, "floor": None if rates is None else rates.document()}


def _document(
    arguments: argparse.Namespace,
    measured: "Sequence[Row]",
    report: "Report | None",
    why: str,
) -> dict[str, Any]:
    from qudnn.converter.version import qudnn_version
    from qudnn.custom_ops.measuring import machine

    return {
        "benchmark": "model",
        "qudnn": qudnn_version(),
        "commit": machine.own_commit(),
        "machine": machine.describe(),
        "device": "CPU" if why else "GPU",
        "why_no_gpu": why,
        "model": arguments.target,
        "float": arguments.float,
        "torch": arguments.torch,
        "tune": arguments.tune,
        "warm_up": arguments.warm_up,
        "converted_nodes": report.converted_nodes if report else None,
        "quantized_nodes": report.quantized_nodes if report else None,
        "rows": [row.document() for row in measured],
    }


def _as_json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"


def _as_svg(document: dict[str, Any]) -> str:
    from qudnn.converter.cli.plot import draw

    return draw(document)
