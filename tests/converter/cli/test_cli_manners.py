"""What verbs have in common: fast help with an example, sizes with units, completion, how much they print."""

import argparse
import subprocess
import sys

import pytest
from command import Run, verbs

from qudnn.converter.cli.units import size
from qudnn.converter.reports.units import in_units


@pytest.mark.parametrize("verb", verbs())
def test_help_has_an_example_and_the_common_options(run: Run, verb: str) -> None:
    status, out, _ = run(verb, "--help")
    assert status == 0
    assert f"\n  qudnn {verb} " in out
    assert "--json" in out and "--quiet" in out and "--verbose" in out


def test_help_imports_nothing_large() -> None:
    program = (
        "import sys\nfrom qudnn.converter.cli import make_parser\nmake_parser().format_help()\n"
        "assert not {'numpy', 'onnx', 'onnx_ir', 'onnxruntime', 'qudnn.custom_ops'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-P", "-c", program], check=True)


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion(run: Run, shell: str) -> None:
    status, out, _ = run("--print-completion", shell)
    assert status == 0
    for word in ("--workspace-limit", "inspect", "_shtab_compgen_files" if shell == "bash" else "_files"):
        assert word in out


def test_wrong_arguments_end_with_2(run: Run) -> None:
    for arguments in (
        ["nothing"],
        ["convert"],
        ["tune", "m", "--workspace-limit=much"],
        ["plans", "-q", "-v"],
    ):
        status, out, err = run(*arguments)
        assert (status, out) == (2, "")
        assert err.startswith("usage: qudnn")


def test_sizes() -> None:
    sizes = {
        "17": 17,
        "-1": -1,
        "2K": 2048,
        "256M": 256 << 20,
        "1G": 1 << 30,
        "1.5GiB": 3 << 29,
        "1 tb": 1 << 40,
    }
    assert {text: size(text) for text in sizes} == sizes
    for text in ("", "G", "1X", "1GG", "1e9"):
        with pytest.raises(argparse.ArgumentTypeError, match="is no size: write bytes, or 512K"):
            size(text)
    assert [in_units(count) for count in (17, 1023, 1024, 3 << 29)] == [
        "17 bytes",
        "1023 bytes",
        "1.0 KiB",
        "1.5 GiB",
    ]
