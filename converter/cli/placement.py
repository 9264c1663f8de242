"""Where a model's nodes run: those of a session on the GPU, or of a conversion where there is no GPU."""

import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qudnn.converter.cli.verb import UsageError
from qudnn.converter.domain import DOMAIN
from qudnn.converter.io import scratch
from qudnn.custom_ops.checkup import Check, State
from qudnn.custom_ops.profile import ON_SHAPES, Kernel, kernels
from qudnn.custom_ops.registration import CUDA

if TYPE_CHECKING:
    import onnx

_NAME = "model"
_MOST = 5  # operators in one line


def of_a_run(
    path: str, inputs: Mapping[str, Any], ops: "Counter[str]", cache_dir: str | None
) -> tuple[Check, Counter[Kernel]]:
    """Opens the model as qudnn.InferenceSession does, runs it once and says which kernels ran where.

    ops: how many of each op of qudnn the converted model has. cache_dir: the folder of plans, None for the
    user's. Plans that are not known are the first that work. Raises UsageError where it does not run.
    """
    import onnxruntime

    from qudnn.custom_ops import InferenceSession

    with scratch.folder_in(Path(tempfile.gettempdir())) as folder:
        options = onnxruntime.SessionOptions()
        options.enable_profiling = True
        options.profile_file_prefix = str(folder / "profile")
        try:
            session = InferenceSession(
                path,
                options,
                providers=[CUDA, "CPUExecutionProvider"],
                tune="heuristic",
                cache_dir=cache_dir,
            )
            session.run(None, dict(inputs))
        except Exception as error:  # onnxruntime's have no type in common
            raise UsageError(f"{path} does not run on the GPU: {error}") from error
        ran = kernels(session)
    return judge(ran, ops), ran


def judge(ran: Counter[Kernel], ops: "Counter[str]") -> Check:
    """What the kernels of one run say, of a model with these ops of qudnn."""
    copies = sum(count for kernel, count in ran.items() if kernel.op_type.startswith("Memcpy"))
    there, away = Counter[str](), Counter[str]()
    for kernel, count in ran.items():
        if not kernel.op_type.startswith("Memcpy"):
            (there if kernel.provider == CUDA else away)[kernel.op_type] += count
    ours = Counter({op: there[op] for op in ops if there[op]})
    others = there - ours
    found = f"{_listed(ours, 'node')} of qudnn and {_listed(others, 'other')} ran on the GPU"
    found += f", {_listed(away, 'node')} on the CPU" if away else ", none on the CPU"
    if copies:
        found += f", with {copies} {'copy' if copies == 1 else 'copies'} between them"
    if not ours:
        why = "the model has none: see `qudnn inspect`" if not ops else "see the lines above"
        return Check(_NAME, State.WRONG, f"{found}: no op of qudnn did", why)
    if copies or away.keys() - ON_SHAPES:
        return Check(_NAME, State.NOTE, found, "`qudnn inspect` says why nodes are left as they are")
    return Check(_NAME, State.FITS, found)


def of_a_conversion(converted: "onnx.ModelProto") -> Check:
    """Where the nodes of the converted model would run if there were a GPU."""
    ours, others = ops_of(converted), Counter(n.op_type for n in converted.graph.node if n.domain != DOMAIN)
    found = (
        f"not run, for there is no GPU that qudnn can use. On one, {_listed(ours, 'node')} would run on "
        f"qudnn's kernels, and {_listed(others, 'node')} where onnxruntime has kernels for them, "
        "on the GPU if it can"
    )
    if not ours:
        return Check(_NAME, State.WRONG, found, "nothing in the model converts: see `qudnn inspect`")
    return Check(_NAME, State.NOTE, found)


def ops_of(model: "onnx.ModelProto") -> "Counter[str]":
    """How many nodes of each op of qudnn there are."""
    return Counter(node.op_type for node in model.graph.node if node.domain == DOMAIN)


def _listed(counted: "Counter[str]", what: str) -> str:
    """`3 nodes (QConv 2, QAdd 1)`."""
    total = counted.total()
    shown = [f"{name} {count}" for name, count in counted.most_common(_MOST)] + ["..."] * (
        len(counted) > _MOST
    )
    plural = what if total == 1 else what + "s"
    return f"{total} {plural}" + (f" ({', '.join(shown)})" if shown else "")
