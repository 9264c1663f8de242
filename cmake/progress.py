"""Runs a build and says how far it is: python progress.py COMMAND...

What it prints is shown only where it fails. On a terminal one line changes; elsewhere, as in a log, there
is one every so often.
"""

import re
import subprocess
import sys
import time
from collections import deque

_STEP = re.compile(r"\[(\d+)/(\d+)\] ")  # ninja's
_PAUSE = 0.2 if sys.stdout.isatty() else 20.0  # seconds
_SHOWN = 60  # lines of what failed


def main(command: list[str]) -> int:
    start, said, line = time.monotonic(), -_PAUSE, ""
    printed: deque[str] = deque(maxlen=_SHOWN)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for text in process.stdout:
            printed.append(text)
            step = _STEP.search(text)
            passed = time.monotonic() - start
            if step and step[1] != "0" and (passed - said >= _PAUSE or step[1] == step[2]):
                said = passed
                line = f"  compiling: {step[1]} of {step[2]}, {passed // 60:.0f}:{passed % 60:02.0f}"
                print(f"\r{line}" if _PAUSE < 1 else line, end="" if _PAUSE < 1 else "\n", flush=True)
    if line and _PAUSE < 1:
        print()
    if process.returncode:
        print("".join(printed), end="", file=sys.stderr)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
