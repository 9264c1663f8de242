"""A converted model behind Ray Serve: replicas, each with a GPU of its own, that batch requests.

    qudnn tune model.qudnn.onnx --shape x=1..8,3,224,224 --cache-dir plans
    cd examples/hosts/ray_serve && serve run service:build model=model.qudnn.onnx plans=plans replicas=2

A request is one example as `numpy.save` writes it, the answer its result. Requests that come together run as
one batch, of a size that has been tuned: with `tune="cached"` none ever waits for tuning. All replicas read
the plans from one folder. GET gives the plans' counters of the replica that answers, for Prometheus.
"""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
from ray import serve
from ray.serve import Application
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

import batches
import qudnn

CUDA = ["CUDAExecutionProvider", "CPUExecutionProvider"]
CPU = ["CPUExecutionProvider"]


class Model:
    """One replica. sizes: of batches, in ascending order."""

    def __init__(self, model: str, plans: str, sizes: list[int], gpu: bool) -> None:
        self._sizes = sizes
        self._session = qudnn.InferenceSession(
            model, providers=CUDA if gpu else CPU, tune="cached", cache_dir=plans
        )
        x = self._session.get_inputs()[0]
        for size in sizes:  # the first run of a shape reads its plans
            batches.run(self._session, [np.zeros(x.shape[1:], np.float32)] * size, sizes)
        self._infer.set_max_batch_size(sizes[-1])

    @serve.batch(batch_wait_timeout_s=0.005)  # type: ignore[untyped-decorator]
    async def _infer(self, examples: list[batches.Array]) -> list[tuple[batches.Array, int]]:
        """The result of each, and how many ran together."""
        return [(result, len(examples)) for result in batches.run(self._session, examples, self._sizes)]

    async def __call__(self, request: Request) -> Response:
        if request.method == "GET":
            return PlainTextResponse(qudnn.plans.metrics())
        result, together = await self._infer(np.load(io.BytesIO(await request.body()), allow_pickle=False))
        answer = io.BytesIO()
        np.save(answer, result)
        headers = {"x-replica": str(os.getpid()), "x-batch": str(together)}
        return Response(answer.getvalue(), media_type="application/octet-stream", headers=headers)


def build(arguments: dict[str, Any]) -> Application:
    """The application for `serve run`: model, plans, replicas, sizes as in 1,2,4,8, and gpu=0 for none."""
    gpu = arguments.get("gpu", "1") != "0"
    sizes = sorted(int(size) for size in str(arguments.get("sizes", "1,2,4,8")).split(","))
    deployment = serve.deployment(Model).options(
        num_replicas=int(arguments.get("replicas", 1)),
        ray_actor_options={"num_cpus": 1, "num_gpus": 1 if gpu else 0},
        max_ongoing_requests=2 * sizes[-1],
    )
    folder = Path(arguments.get("plans", "plans")).absolute()
    return deployment.bind(str(Path(arguments["model"]).absolute()), str(folder), sizes, gpu)
