"""Models changed at random, valid or not: whatever onnxruntime opens stays what it was."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from mutants.judge import Verdict

MUTANTS = 2000
SEED = 1
_PROCESSES = 2


class Outcome(NamedTuple):
    """What became of the mutant of this number. kind: "verdict", "fault" or "skipped"."""

    number: int
    kind: str
    value: Any


def outcomes(first: int, end: int, step: int, seed: int) -> Iterator[Outcome]:
    """Of these mutants; a process that ends before it should is followed by another."""
    while first < end:
        command = [sys.executable, "-P", "-m", "mutants.worker", *map(str, (first, end, step, seed))]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "QUDNN_CACHE_DIR": "",
        }
        number, stage = first, ""
        with (
            tempfile.TemporaryFile("w+", errors="replace") as errors,
            subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
            ) as process,
        ):
            assert process.stdout is not None
            for line in process.stdout:
                what, value = json.loads(line)
                if what == "mutant":
                    number, stage = value, ""
                elif what == "stage":
                    stage = value
                else:
                    yield Outcome(number, what, value)
                    stage = "done"
            process.wait()
            errors.seek(0)
            error = errors.read()
        if process.returncode == 0:
            return
        assert stage, error  # it did not come to judge
        if stage == "original":  # onnxruntime's doing
            yield Outcome(number, "skipped", process.returncode)
        elif stage != "done":
            yield Outcome(number, "fault", ["died", f"{process.returncode} in {stage}: {error[-300:]}"])
        first = number + step


def judged(count: int, seed: int) -> list[Outcome]:
    with ThreadPoolExecutor(_PROCESSES) as pool:
        shares = pool.map(lambda first: list(outcomes(first, count, _PROCESSES, seed)), range(_PROCESSES))
        return [outcome for share in shares for outcome in share]


def test_mutants() -> None:
    """None takes more than its time and memory, none raises, and each that ran computes what it did."""
    count = int(os.environ.get("QUDNN_FUZZ_MUTANTS", MUTANTS))
    seed = int(os.environ.get("QUDNN_FUZZ_SEED", SEED))
    found = judged(count, seed)
    faults = [f"{o.number} of seed {seed}: {o.value}" for o in found if o.kind == "fault"]
    verdicts = [Verdict(**o.value) for o in found if o.kind == "verdict"]
    opened = [verdict for verdict in verdicts if verdict.opens]
    ran = [verdict for verdict in opened if verdict.runs]
    figures = (
        f"{count} mutants: {len(opened)} open, of which {len(ran)} run, "
        f"{sum(verdict.converted > 0 for verdict in opened)} convert and "
        f"{sum(bool(verdict.refused) for verdict in opened)} are refused; {len(faults)} have faults"
    )
    print(figures)
    assert not faults, "\n".join([figures, *faults])
    assert len(found) == count
    assert len(opened) > count / 4
    assert sum(verdict.converted > 0 for verdict in ran) > count / 8
