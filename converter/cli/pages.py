"""Pages of HTML about models, as verbs write them: one, or a folder of them with an index."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qudnn.converter.cli.batch import Job
from qudnn.converter.cli.hints import hint
from qudnn.converter.cli.verb import UsageError
from qudnn.converter.io import output

if TYPE_CHECKING:
    from qudnn.converter import Report
    from qudnn.converter.reports.page.document import Section
    from qudnn.converter.reports.page.page import Model

_INDEX = "index.html"


class Pages:
    """Where --report writes.

    report: a file, or for several models a folder, which is made. places: each model, and its place below
    that folder. models: files that no page may replace. Raises UsageError where pages cannot be written.
    """

    def __init__(
        self, report: str, places: Sequence[Job], are_several: bool, models: Iterable[str] = ()
    ) -> None:
        if output.is_standard(report):
            raise UsageError("--report - would mix the page with what is printed: give a file")
        self.folder: Path | None = None
        if are_several or Path(report).is_dir() or report.endswith("/"):
            self.folder = Path(report)
            if self.folder.exists() and not self.folder.is_dir():
                raise UsageError(f"--report {report}: several models have a page each: give a folder")
        self._paths: dict[str, str] = {}
        by_path: dict[str, str] = {}
        for source, place in places:
            name = "model" if source == output.STANDARD else place
            path = report if self.folder is None else str(self.folder / f"{name}.html")
            other = by_path.setdefault(path, source)
            if other != source:
                raise UsageError(f"{other} and {source} would both have the page {path}: take them apart")
            self._paths[source] = path
        self._index = str(self.folder / _INDEX) if self.folder is not None and are_several else None
        self._check({output.real(model) for model in models if output.is_file(model)})

    def _check(self, models: set[Path]) -> None:
        for path in filter(None, [*self._paths.values(), self._index]):
            if output.real(path) in models:
                raise UsageError(f"--report {path} is a model of this conversion: give another file")
            if self.folder is not None:
                try:
                    Path(path).parent.mkdir(parents=True, exist_ok=True)
                except OSError as error:
                    raise UsageError(f"cannot make {Path(path).parent}: {error.strerror}") from error
            if problem := output.problem(path):
                raise UsageError(f"cannot write {path}: {problem}")

    def write(
        self, source: str, target: str | None, report: "Report", sections: "Iterable[Section]" = ()
    ) -> None:
        """Write the page of a model, whole or not at all. target: None where nothing was converted yet.

        Raises UsageError.
        """
        from qudnn.converter.reports.page.page import page

        written = None if target is None else _model(target, "output")
        _write(self._paths[source], page(report, _model(source, "input"), written, sections, hint(report)))

    def finish(self, outcomes: "Iterable[tuple[str, Report | None, str]]") -> str:
        """Of several models, write the page that leads to the others, and say where it is.

        outcomes: source, report, and why there is none. Raises UsageError.
        """
        if self.folder is None or self._index is None:
            return ""
        from qudnn.converter.reports.page.index import Entry, index

        entries: list[Entry] = []
        for source, report, error in outcomes:
            page = Path(self._paths[source]).relative_to(self.folder).as_posix()
            entries.append(Entry(output.name(source, "input"), page, report, error))
        _write(self._index, index(entries))
        return f"the pages are in {self.folder}: open {self._index}"


def _write(path: str, text: str) -> None:
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
