"""Pages of HTML about conversions, as verbs write them."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from qudnn.converter.cli.batch import Job
from qudnn.converter.cli.hints import hint
from qudnn.converter.cli.verb import UsageError
from qudnn.converter.io import output

if TYPE_CHECKING:
    from qudnn.converter import Report
    from qudnn.converter.reports.page.page import Model, Section


def check(path: str, job: Job) -> None:
    """Raises UsageError where the page cannot be written, or would take the place of one of the models."""
    if output.is_standard(path):
        raise UsageError("--report - would mix the page with what is printed: give a file")
    if problem := output.problem(path):
        raise UsageError(f"cannot write {path}: {problem}")
    for other in job:
        if output.is_file(other) and output.real(other) == output.real(path):
            raise UsageError(f"--report {path} is a model of this conversion: give another file")


def write(path: str, job: Job, report: "Report", sections: "Iterable[Section]" = ()) -> None:
    """Write the page about a conversion that is done; it appears whole or not at all. Raises UsageError."""
    from qudnn.converter.reports.page.page import page

    models = _model(job.source, "input"), _model(job.target, "output")
    text = page(report, *models, sections, hint(report))
    try:
        output.write(path, text.encode())
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error


def _model(path: str, standard: str) -> "Model":
    """What is known of a model's size; nothing of one that went through a pipe."""
    from qudnn.converter.io import weights
    from qudnn.converter.io.proto import load_proto
    from qudnn.converter.reports.page.page import Model
    from qudnn.converter.reports.summary import Summary

    name = output.name(path, standard)
    if not output.is_file(path):
        return Model(name, None, None)
    proto = load_proto(path)
    apart = weights.locate(proto, weights.folders_of(path))
    size = Path(path).stat().st_size + sum(other.stat().st_size for other in apart)
    return Model(name, size, Summary.of(proto).weight_bytes)
