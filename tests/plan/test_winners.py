"""The kernels that the tuner tries first are those that were measured to be the fastest."""

import json
from collections import Counter
from pathlib import Path

import testing

MEASURED = Path(__file__).parents[2] / "benchmarks" / "results" / "tuning-h200.json"


def test_they_are_those_of_the_benchmark() -> None:
    """All of cuDNN's kernels that won there, on a Hopper GPU, and no others."""
    results = json.loads(MEASURED.read_text())
    assert "H200" in json.dumps(results["machine"]) or "H200" in MEASURED.read_text()
    won = Counter(
        layer["plan"].split(" of ")[-1] for batch in results["gpu"].values() for layer in batch["layers"]
    )
    kernels = {plan: count for plan, count in won.items() if plan.startswith("cudnn_")}
    listed = testing.winners(9)
    assert len(kernels) > 10
    assert set(listed) == kernels.keys()
    counts = [kernels[name] for name in listed]
    assert counts == sorted(counts, reverse=True)


def test_nothing_is_known_of_other_generations() -> None:
    assert [testing.winners(major) for major in (7, 8, 10, 12)] == [[]] * 4
