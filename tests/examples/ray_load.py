"""Run where ray is: `python ray_load.py FOLDER REQUESTS PORT`, with examples/hosts/ray_serve on the path.

Serves FOLDER/model.onnx with two replicas on the CPU, and sends it the rows of FOLDER/inputs.npy in turn,
several at a time. Writes the answers into FOLDER/answers.npy and into FOLDER/found.json how many of them each
replica gave, how many ran in batches of each size, and a metric.
"""

import io
import json
import os
import sys
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import ray
from ray import serve

import service

URL = "http://127.0.0.1:{port}/"


def start(tries: int = 5) -> None:
    """Start Ray, once more where it does not come up in time.

    Its raylet ends where the agent for metrics does not report its port in 30 seconds, and the driver waits
    no longer for the raylet: on a busy machine the agent's imports alone may take that. They are cached then.
    """
    os.environ["RAY_agent_register_timeout_ms"] = "120000"  # noqa: SIM112, as Ray reads it
    for left in reversed(range(tries)):
        try:
            ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False, configure_logging=False)
            return
        except Exception as error:  # it has no type of its own
            if "timed out during startup" not in str(error) or not left:
                raise
            print(f"Ray is started again, {left} more tries: {error}", file=sys.stderr)
            ray.shutdown()


def main(folder: Path, requests: int, port: int) -> None:
    start()
    serve.start(http_options={"host": "127.0.0.1", "port": port}, proxy_location="HeadOnly")
    arguments = {"model": folder / "model.onnx", "plans": folder, "replicas": 2, "sizes": "1,4,8", "gpu": "0"}
    serve.run(service.build(arguments))
    inputs = np.load(folder / "inputs.npy")
    url = URL.format(port=port)

    def ask(index: int) -> tuple[np.ndarray, str, str]:
        body = io.BytesIO()
        np.save(body, inputs[index % len(inputs)])
        with urllib.request.urlopen(urllib.request.Request(url, body.getvalue()), timeout=120) as answer:
            return np.load(io.BytesIO(answer.read())), answer.headers["x-replica"], answer.headers["x-batch"]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(requests)))
    np.save(folder / "answers.npy", np.stack([result for result, _, _ in answers]))
    with urllib.request.urlopen(url, timeout=120) as metrics:
        metric = metrics.read().decode().splitlines()[2]
    replicas = Counter(replica for _, replica, _ in answers)
    batches = Counter(int(together) for _, _, together in answers)
    found = {"replicas": list(replicas.values()), "batches": batches, "metric": metric}
    (folder / "found.json").write_text(json.dumps(found))
    serve.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
