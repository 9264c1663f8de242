"""A command that is ended by a signal: its exit status, and nothing left behind or said."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import records
import testing

from qudnn.converter.cli import interruption
from qudnn.converter.io import output

# A verb that works in a folder of its own until it is ended; how, is the argument.
PROGRAM = """
import signal, sys, threading, time
from pathlib import Path
from qudnn.converter import cli
from qudnn.converter.io import scratch

class Verb:
    "Waits."
    __name__ = "wait"
    def add_arguments(self, parser):
        parser.add_argument("how")
    def run(self, arguments, console):
        with scratch.folder_in(Path.cwd()) as folder:
            (folder / "half").write_bytes(b"a model")
            print("working", flush=True)
            if arguments.how.isdigit():
                sys.stdin.read()
                signal.pthread_kill(threading.get_ident(), int(arguments.how))
            if arguments.how != "waiting" and arguments.how != "writing":
                threading.Event().wait()
            number = 0
            while True:
                number += 1
                try:
                    if arguments.how == "writing":
                        (folder / str(number)).write_bytes(b"more")
                    else:
                        time.sleep(1)
                except BaseException:
                    pass

cli._verbs = lambda: (Verb(),)
sys.exit(cli.main())
"""

# `qudnn tune` where a session would tune on a GPU: its first plan is made, its second one is being made.
TUNING = """
import sys, time
import records, testing
from qudnn import custom_ops
from qudnn.converter import cli
from qudnn.converter.cli import tune

def build():
    print("working", flush=True)
    while True:
        time.sleep(1)

class Session:
    def __init__(self, path, providers, tune, workspace_limit, cache_dir):
        self.cache = testing.StoredCache(9, cache_dir)
    def get_providers(self):
        return ["CUDAExecutionProvider"]
    def run(self, names, inputs):
        self.cache.get(records.numbered(1), lambda: records.numbered(1))
        self.cache.get(records.numbered(2), build)

custom_ops.InferenceSession = Session
tune.check_gpu = lambda *_: None
sys.exit(cli.main())
"""

# `qudnn bench --profile` while another process measures the layers.
PROFILING = """
import subprocess, sys, time
from qudnn.converter import cli
from qudnn.custom_ops.measuring import layers

def work(command, **options):
    print("working", flush=True)
    time.sleep(600)

layers.subprocess.run = work
sys.exit(cli.main())
"""


@contextmanager
def started(program: str, folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The program once it works in its folder; gone afterwards, whatever the test finds."""
    command = [sys.executable, "-P", "-c", program, *arguments]
    environment = {
        **os.environ,
        "TMPDIR": str(folder),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            assert "working\n" in iter(process.stdout.readline, "")
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("how", ["waiting", "deaf", "writing"])
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_it_leaves_nothing_behind(tmp_path: Path, number: signal.Signals, status: int, how: str) -> None:
    with started(PROGRAM, tmp_path, "wait", how) as process:
        assert len(list(tmp_path.iterdir())) == 1
        process.send_signal(number)
        process.send_signal(number)  # whoever is impatient does no harm
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (status, "", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_that_another_thread_gets(tmp_path: Path, number: signal.Signals, status: int) -> None:
    """A system may give a process's signal to any of its threads; Python acts on it in the main one."""
    with started(PROGRAM, tmp_path, "wait", str(int(number))) as process:
        out, err = process.communicate(timeout=60)  # which closes its standard input
    assert (process.returncode, out, err) == (status, "", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_tuning_that_is_ended(tmp_path: Path, source: Path, number: signal.Signals, status: int) -> None:
    """What was tuned before is kept, nothing else lies about, and whoever tunes next need not wait."""
    folder, plans = tmp_path / "temporary", tmp_path / "plans"
    folder.mkdir()
    arguments = "tune", str(source), "--shape=x=1,3,8,8", f"--cache-dir={plans}"
    with started(TUNING, folder, *arguments) as process:
        assert len(list(folder.glob(".qudnn-*"))) == 1  # the converted model
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (status, "")
    assert list(folder.glob(".qudnn-*")) == []
    assert testing.Store(str(plans)).list() == [records.numbered(1)]
    assert {path.suffix for path in plans.iterdir()} == {".plan", ".lock"}

    def wait_in_vain() -> records.Fields:
        raise AssertionError("made again")

    cache = testing.StoredCache(9, str(plans), patience=600)
    assert cache.get(records.numbered(1), wait_in_vain) == records.numbered(1)
    assert cache.get(records.numbered(2), lambda: records.numbered(2)) == records.numbered(2)
    assert [path.suffix for path in plans.iterdir()] == [".plan"] * 2


def test_a_profile_that_is_ended(tmp_path: Path, source: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    with started(PROFILING, folder, "bench", str(source), "--runs=1", "--profile") as process:
        assert len(list(folder.glob(".qudnn-*"))) == 2  # the converted model, and what that process is told
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    assert list(folder.glob("*qudnn-*")) == []


def test_a_command_that_ignores_a_signal_goes_on_ignoring_it(tmp_path: Path) -> None:
    """As nohup has it."""
    ignoring = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    with started(ignoring + PROGRAM, tmp_path, "wait", "deaf") as process:
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 143


def test_what_ends_by_itself() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    assert interruption.endable(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        interruption.endable(lambda: 1 // 0)
    with pytest.raises(SystemExit, match="2"):
        interruption.endable(lambda: sys.exit(2))
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_a_move_that_has_begun_is_done_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights and their model go together."""
    lock = threading.Lock()
    monkeypatch.setattr(output, "_moving", lock)
    begun = threading.Event()
    replace = Path.replace

    def slow(self: Path, target: Path) -> Path:
        begun.set()
        threading.Event().wait(0.2)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", slow)

    def save() -> None:
        with output.aside(tmp_path / "m", ["m.data", "m"]) as folder:
            for name in ("m.data", "m"):
                (folder / name).write_bytes(b"new")

    saving = threading.Thread(target=save, daemon=True)
    saving.start()
    assert begun.wait(30)
    output.tidy()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "m.data"]
    late = threading.Thread(target=save, daemon=True)  # begins no move any more
    late.start()
    late.join(0.5)
    assert late.is_alive()
    lock.release()
    late.join(30)
