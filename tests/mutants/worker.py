"""A process that judges mutants: `python -m mutants.worker FIRST END STEP SEED`.

Before each it writes a line with its number, before each stage one with the stage, and then the verdict.
"""

import json
import resource
import signal
import sys
from pathlib import Path

import numpy as np
import onnx

from mutants.changes import mutant
from mutants.judge import Fault, judge
from mutants.seeds import built

SECONDS = 20  # of a processor, for a stage
MEMORY = 2 << 30  # bytes besides what a process has before it begins


def of_number(number: int, seed: int) -> tuple[onnx.ModelProto, list[str]]:
    """The mutant, and what was done to it. It depends on the two alone."""
    return mutant(built(number), np.random.default_rng([seed, number]))


def main(first: int, end: int, step: int, seed: int) -> None:
    built(first)
    before = int(_status("VmData")) << 10
    resource.setrlimit(resource.RLIMIT_DATA, (before + MEMORY, before + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in range(first, end, step):
        _say("mutant", number)
        try:
            model, done = of_number(number, seed)
            verdict = judge(model, _stage)
        except Fault as fault:
            _say("fault", [*fault.args, " ".join(done)])
        else:
            _say("verdict", verdict._asdict())
        signal.setitimer(signal.ITIMER_PROF, 0)


def _stage(name: str) -> None:
    """A stage that takes longer ends the process, by SIGPROF: nothing else stops native code."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    _say("stage", name)


def _say(what: str, value: object) -> None:
    print(json.dumps([what, value]), flush=True, file=sys.__stdout__)


def _status(key: str) -> str:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(f"{key}:"))


if __name__ == "__main__":
    sys.stdout = sys.stderr  # onnxruntime prints where it retries with other providers
    main(*map(int, sys.argv[1:5]))
