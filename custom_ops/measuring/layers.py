"""How long each node of a model takes, and which plan computes it: from onnxruntime's profile.

python -m qudnn.custom_ops.measuring.layers JOB.json    measures in a process of its own, see `measured`
"""

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import onnxruntime

from qudnn.converter.io import scratch
from qudnn.custom_ops.measuring import work
from qudnn.custom_ops.measuring.bound import Bound, Feed, on_gpu, on_gpu_only, reason
from qudnn.custom_ops.measuring.least_time import Rates, launch_microseconds, order, with_floor

Layer = dict[str, Any]

_WARM = 3
_OF_PLANS = {"engine": "", "plan": "", "microseconds": 0.0, "tops": 0.0}  # and what a layer without one has
_BEFORE_WEIGHTS = (
    "QBottleneckAdd",
    "QBottleneckFloatAdd",
    "QConvAdd",
    "QConvFloatAdd",
    "QMatMulAdd",
    "QMatMulAddTable",
    "QChannelTableAdd",
)  # these have what they add between x and w
_WINDOWS = {  # which input has the filters of a block's windows
    "QBottleneck": 4,
    "QBottleneckAdd": 5,
    "QBottleneckFloatAdd": 5,
}
_SIZES = {"bool": 1, "int8": 1, "uint8": 1, "float16": 2, "int16": 2, "uint16": 2, "bfloat16": 2}
_SIZES |= {"float": 4, "int32": 4, "uint32": 4, "double": 8, "int64": 8, "uint64": 8}


def measured(
    model: str, feed: Feed, gpu: bool, runs: int, options: Mapping[str, Any]
) -> tuple[list[Layer], Rates | None]:
    """Each node, of function bodies' nodes where there is no GPU, those that lose most time first; and what
    the GPU does at best. A fused operator is one node: what it has fused counts as its own. The fields are

    - node, op, provider, bytes, of its inputs and results, and operations, None where nothing tells;
    - us, the median of the runs. In a process of its own: there the host waits for each kernel, so that a
      node's time is its kernels', with their launch;
    - engine, plan, and its microseconds and tops, 10^12 operations a second, from when it was tuned: empty
      or 0 where the node has no plan, or where its shapes do not tell which it is;
    - kernel_us, kernel_is, floor_us, of_floor, lost_us: see with_floor.

    options: of qudnn.register.

    Raises RuntimeError where the model does not run there.
    """
    with scratch.folder_in(Path(tempfile.gettempdir())) as folder:
        job, feeds, result = (folder / name for name in ("job.json", "feed.npz", "layers.json"))
        np.savez(feeds, allow_pickle=False, **{name: np.asarray(value) for name, value in feed.items()})
        job.write_text(
            json.dumps(
                {
                    "model": str(Path(model).absolute()),
                    "feed": str(feeds),
                    "result": str(result),
                    "gpu": gpu,
                    "runs": runs,
                    "options": dict(options),
                }
            )
        )
        done = subprocess.run(
            [sys.executable, "-P", "-m", __name__, str(job)],
            env={**os.environ, "CUDA_LAUNCH_BLOCKING": "1"},
            capture_output=True,
            text=True,
        )
        if not result.exists():
            last = (done.stderr.strip().splitlines() or [""])[-1]
            raise RuntimeError(f"the process ended with status {done.returncode}: {last}")
        found = json.loads(result.read_text())
    if "failed" in found:
        raise RuntimeError(found["failed"])
    nodes = nodes_of(onnx.load(model, load_external_data=False))
    rates = Rates(*found["rates"]) if found["rates"] else None
    layers: list[Layer] = []
    for layer in found["layers"]:
        plans = fitting(layer, found["plans"], nodes) if gpu else []
        same = {(plan["engine"], plan["plan"]): plan for plan in plans}
        plan = next(iter(same.values())) if len(same) == 1 else {}
        layer |= {name: plan.get(name, absent) for name, absent in _OF_PLANS.items()}
        layer["operations"] = work.operations(layer, nodes.get(layer["node"]))
        layers.append(layer)
    launch = launch_microseconds(layers)
    return sorted((with_floor(layer, rates, launch) for layer in layers), key=order), rates


def profiled(session: onnxruntime.InferenceSession, runs: int) -> list[Layer]:
    """The nodes of the last runs of a session made with `enable_profiling`; ends its profile.

    Each has the shapes of its first two inputs, what it adds left out, and of its result, x, w and y, where
    it has them, and how many bytes all of its inputs and results have. A residual block has w_window, too.
    """
    path = Path(session.end_profiling())
    events = json.loads(path.read_text())
    path.unlink()
    times: defaultdict[str, list[float]] = defaultdict(list)
    layers: dict[str, Layer] = {}
    for event in events:
        if event.get("cat") != "Node" or not event["name"].endswith("_kernel_time"):
            continue
        node, arguments = event["name"].removesuffix("_kernel_time"), event["args"]
        times[node].append(float(event["dur"]))
        inputs, outputs = (arguments.get(f"{way}_type_shape", []) for way in ("input", "output"))
        of_op = inputs[:1] + inputs[2 if arguments["op_name"] in _BEFORE_WEIGHTS else 1 :][:1]
        shapes = dict(zip("xwy", [*of_op, *[{}] * (2 - len(of_op)), *outputs[:1]], strict=False))
        if arguments["op_name"] in _WINDOWS:
            shapes["w_window"] = inputs[_WINDOWS[arguments["op_name"]]]
        layers[node] = {
            "node": node,
            "op": arguments["op_name"],
            "provider": arguments.get("provider", ""),
            "bytes": sum(map(_bytes, [*inputs, *outputs])),
            **{name: shape(entry) for name, entry in shapes.items() if entry},
        }
    return [{**layer, "us": statistics.median(times[node][-runs:])} for node, layer in layers.items()]


def shape(entry: Mapping[str, list[int]]) -> list[int]:
    """`{"int8": [1, 7, 7, 64]}` without the dtype."""
    (sizes,) = entry.values()
    return sizes


def _bytes(entry: Mapping[str, list[int]]) -> int:
    return sum(math.prod(sizes) * _SIZES.get(dtype, 0) for dtype, sizes in entry.items())


def nodes_of(model: onnx.ModelProto) -> dict[str, onnx.NodeProto]:
    """The nodes of its main graph by name, as profiles have them."""
    return {node.name: node for node in model.graph.node}


def fitting(
    layer: Layer, plans: Sequence[Mapping[str, Any]], nodes: Mapping[str, onnx.NodeProto]
) -> list[Mapping[str, Any]]:
    """The plans of problems that the layer may be, by its node and shapes."""
    node = nodes.get(layer["node"])
    wanted = work.problem(layer, node)
    if node is None or wanted is None:
        return []
    return [
        plan
        for plan in plans
        if plan["problem"].split()[0] == wanted["kind"] and work.fits(wanted, fields(plan["problem"]), node)
    ]


def fields(problem: str) -> dict[str, int]:
    return {name: int(value) for name, _, value in (word.partition("=") for word in problem.split()[1:])}


def main(job: Mapping[str, Any]) -> None:
    try:
        found = _work(job)
    except Exception as error:  # onnxruntime's have no type in common
        found = {"failed": reason(error)}
    Path(job["result"]).write_text(json.dumps(found))


def _work(job: Mapping[str, Any]) -> dict[str, Any]:
    from qudnn.custom_ops import InferenceSession, native, plans

    with TemporaryDirectory(prefix="qudnn-") as folder:
        options = onnxruntime.SessionOptions()
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder, "profile"))
        if job["gpu"]:
            session = on_gpu_only(
                InferenceSession(job["model"], options, providers=on_gpu(), **job["options"])
            )
        else:
            session = onnxruntime.InferenceSession(job["model"], options, providers=["CPUExecutionProvider"])
        with np.load(job["feed"], allow_pickle=False) as file:
            feed = {name: file[name] for name in file.files}
        bound = Bound(session, feed, session.run(None, feed))
        for _ in range(_WARM + job["runs"]):
            bound.run()
        layers = profiled(session, job["runs"])
    if not job["gpu"]:
        return {"layers": layers, "plans": [], "rates": None}
    return {"layers": layers, "plans": [dict(info) for info in plans.list()], "rates": native.rates()}


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
