"""Converts the models of a folder, compares them with onnxruntime's CPU provider, and prints tables.

    PYTHONPATH=.:tests:examples python -P tests/quantizers/table.py FOLDER --commit COMMIT


A model's name begins with its tool's: modelopt-cnn-fp32.onnx. The first table is of tools, the second of
models. --commit: of which this is, for the texts.
--json: writes what was found, too. --before: what such a file says stands before an arrow; by default that of
the commit with which work on other tools' models began.
--write: writes the table of tools, and what is left and why, into docs/quantizers.md.
"""

import argparse
import dataclasses
import json
import multiprocessing
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import onnxruntime

from quantizers.outcome import Outcome, outcome

PAGE = Path(__file__).parents[2] / "docs" / "quantizers.md"
BEGIN, END = "<!-- quantizers -->", "<!-- end of quantizers -->"
BEFORE = Path(__file__).with_name("before.json")
_SECONDS = 120  # for each model


class Found(NamedTuple):
    """What models of a folder gave. commit: of qudnn. onnxruntime: its version."""

    commit: str
    onnxruntime: str
    outcomes: list[Outcome]

    @classmethod
    def read(cls, path: Path) -> "Found":
        content = json.loads(path.read_text())
        return cls(**{**content, "outcomes": [Outcome(**row) for row in content["outcomes"]]})

    def write(self, path: Path) -> None:
        """A line for each model, so that changes can be read."""
        rows = ",\n".join(json.dumps(dataclasses.asdict(each)) for each in self.outcomes)
        about = json.dumps({"commit": self.commit, "onnxruntime": self.onnxruntime})
        path.write_text(f'{about[:-1]}, "outcomes": [\n{rows}\n]}}\n')


def limited(path: Path, seconds: float = _SECONDS) -> Outcome:
    """The outcome of a model, in a process of its own, which ends after so many seconds."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_send, args=(sender, path))
    process.start()
    sender.close()
    try:
        found: Outcome
        if receiver.poll(seconds):
            found = receiver.recv()
        else:
            found = Outcome(path.stem, failed=f"still at work after {seconds} s")
    except EOFError:
        found = Outcome(path.stem, failed="its process ended")
    process.kill()
    process.join()
    return found


def _send(sender: Connection, path: Path) -> None:
    sender.send(outcome(path))


def about(now: Found, before: Found) -> str:
    """What the numbers are of."""
    text = (
        f"{len(now.outcomes)} models at {now.commit}, onnxruntime {now.onnxruntime}; before an arrow, at "
        f"{before.commit}, if that differs. Islands and crossings are sums."
    )
    return textwrap.fill(text, 128)


def tools(found: Iterable[Outcome], before: Iterable[Outcome]) -> str:
    """A line for each tool."""
    old = {each.model: each for each in before}
    by_tool: dict[str, list[Outcome]] = {}
    for each in found:
        by_tool.setdefault(each.tool, []).append(each)
    lines = [
        "| tool | models | complete | converted | islands | crossings | same bits | undeclared |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for tool, now in by_tool.items():
        was = [old[each.model] for each in now if each.model in old]
        cells = [_arrow(then, cell) for then, cell in zip(_cells(was), _cells(now), strict=True)]
        lines.append(f"| {tool} | {len(now)} | {' | '.join(cells if was else _cells(now))} |")
    return "\n".join(lines)


def _cells(found: list[Outcome]) -> list[str]:
    done = [each for each in found if not each.failed]
    complete = [each for each in done if each.converted == each.quantized]
    ran = [each for each in done if not each.not_compared]
    wrong = [each for each in ran if each.different and not each.approximate]
    converted, quantized = sum(each.converted for each in done), sum(each.quantized for each in done)
    return [
        str(len(complete)),
        f"{converted} of {quantized}",
        str(sum(each.islands for each in done)),
        str(sum(each.crossings for each in done)),
        str(sum(not each.different for each in ran)),
        str(len(wrong)),
    ]


def _arrow(then: str, now: str) -> str:
    return now if then == now else f"{then} -> {now}"


def models(found: Iterable[Outcome]) -> str:
    """A line for each model."""
    lines = [
        "| model | converted | islands | crossings | differ | declared | why not all |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for each in found:
        why = "; ".join(
            f"{number} {reason}" for reason, number in sorted(each.left.items(), key=lambda item: -item[1])
        )
        cells = (
            each.model,
            f"{each.converted} of {each.quantized}",
            each.islands,
            each.crossings,
            each.not_compared or f"{each.different} of {each.elements}",
            each.approximate,
            each.failed or why,
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def left(found: Iterable[Outcome]) -> str:
    """A line for each reason why quantized nodes stay, the most frequent one first, and the tools."""
    nodes: Counter[str] = Counter()
    whose: dict[str, dict[str, None]] = {}
    for each in found:
        for reason, number in each.left.items():
            text = re.sub(r"\[[^]]*\]", "[..]", reason)  # shapes
            nodes[text] += number
            whose.setdefault(text, {})[each.tool] = None
    lines = ["| nodes | operator: why it stays | tools |", "| ---: | --- | --- |"]
    lines += [f"| {number} | {text} | {', '.join(whose[text])} |" for text, number in nodes.most_common()]
    return "\n".join(lines)


def write(text: str, page: Path = PAGE) -> None:
    """Put the text between the marks of the page."""
    before, _, rest = page.read_text().partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="or a file")
    parser.add_argument("--commit", default="an unknown commit")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--before", type=Path, metavar="FILE", default=BEFORE)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    paths = [p for f in arguments.folders for p in (sorted(f.glob("*.onnx")) if f.is_dir() else [f])]
    found = []
    for path in paths:
        found.append(limited(path))
        print(models(found[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
    now, before = Found(arguments.commit, onnxruntime.__version__, found), Found.read(arguments.before)
    print(tools(found, before.outcomes), models(found), sep="\n\n")
    if arguments.write:
        write("\n\n".join([about(now, before), tools(found, before.outcomes), left(found)]))
    if arguments.json:
        now.write(arguments.json)


if __name__ == "__main__":
    main()
