"""Converts models of every kind, opens and runs them in each version of onnxruntime, and prints a table.

    PYTHONPATH=.:tests:examples python tests/versions/table.py [--write] [VERSION ...]

--write: into docs/onnxruntime.md, too.
"""

import argparse
import logging
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from qudnn.converter.functions import DOMAIN, FUNCTIONS
from versions import environments, models
from versions.run import Outcome, outcomes

PAGE = Path(__file__).parents[2] / "docs" / "onnxruntime.md"
BEGIN, END = "<!-- versions -->", "<!-- end of versions -->"


def convert_all(folder: Path) -> set[str]:
    """Write all models into the folder; the names of those whose results may differ by a quantum."""
    approximate, ops = set(), set()
    for name, build in models.catalogue().items():
        conversion = models.write(build(), folder, name)
        ops |= {function.name for function in conversion.model.functions if function.domain == DOMAIN}
        if conversion.report.approximate:
            approximate.add(name)
    if missing := FUNCTIONS.keys() - ops:
        print(f"no model has {', '.join(sorted(missing))}", file=sys.stderr, flush=True)
    return approximate


def row(version: str, found: Iterable[Outcome], approximate: set[str]) -> str:
    opened = [outcome for outcome in found if not outcome.original]
    both = [outcome for outcome in opened if not outcome.converted]
    exact = [outcome for outcome in both if outcome.name not in approximate]
    same = sum(not outcome.different for outcome in exact)
    rest = [outcome for outcome in both if outcome.name in approximate]
    cells = [
        version,
        len(opened),
        len(both),
        f"{same} of {len(exact)}",
        f"{sum(not outcome.different for outcome in rest)} of {len(rest)}",
    ]
    return f"| {' | '.join(map(str, cells))} |"


def remarks(found: Mapping[str, list[Outcome]], approximate: set[str]) -> list[str]:
    """A line for each model that does not open where the original does, or gives other bits."""
    lines: dict[str, list[str]] = {}
    for version, each in found.items():
        for outcome in each:
            if not outcome.original and outcome.converted:
                lines.setdefault(f"`{outcome.name}`: {_short(outcome.converted)}", []).append(version)
            elif outcome.different and outcome.name not in approximate:
                text = f"`{outcome.name}`: {outcome.different} of {outcome.of} elements differ"
                lines.setdefault(text, []).append(version)
    return [f"- {', '.join(versions)}: {text}" for text, versions in lines.items()]


def _short(error: str) -> str:
    return error.strip().splitlines()[0].rpartition(" : ")[2][:200]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the table into docs/onnxruntime.md")
    parser.add_argument("versions", nargs="*", default=environments.VERSIONS)
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)  # the quantizer's
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        approximate = convert_all(folder)
        found = {}
        for version in arguments.versions:
            found[version] = outcomes(version, folder)
            print(row(version, found[version], approximate), file=sys.stderr, flush=True)
    total = len(next(iter(found.values())))
    text = "\n".join(
        [
            f"Of {total} models, {len(approximate)} of them with results that may differ by a quantum:",
            "",
            "| onnxruntime | originals that open | converted | same bits | same, of those that may differ |",
            "| --- | ---: | ---: | ---: | ---: |",
            *(row(version, each, approximate) for version, each in found.items()),
            "",
            *remarks(found, approximate),
        ]
    )
    print(text)
    if arguments.write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
