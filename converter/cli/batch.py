"""Which models a verb is to read, and where to write what comes of each."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from qudnn.converter.cli.verb import UsageError
from qudnn.converter.io import output

_SUFFIX = ".onnx"


class Job(NamedTuple):
    """A model to read, and the file to write, as the user would name them."""

    source: str
    target: str


def jobs(sources: Sequence[str], target: str) -> list[Job]:
    """One for each model in sources, which are files, - or folders, with all .onnx files in and below them.

    One file goes to the file target, or into the folder target. Where there are several, or folders, target
    is a folder, which is made; what is in a folder keeps its place below it. Raises UsageError.
    """
    folder = Path(target)
    if len(sources) == 1 and not Path(sources[0]).is_dir():
        (source,) = sources
        into = folder.is_dir() and source != output.STANDARD and target != output.STANDARD
        return [Job(source, str(folder / Path(source).name) if into else target)]
    if target == output.STANDARD or (folder.exists() and not folder.is_dir()):
        name = output.name(target, "output")
        raise UsageError(f"several models cannot go to {name}: give a folder with -o")
    if output.STANDARD in sources:
        raise UsageError("standard input is one model: give no others beside it")
    found = [job for source in sources for job in _below(Path(source), folder)]
    by_target: dict[str, str] = {}
    for job in found:
        other = by_target.setdefault(job.target, job.source)
        if other != job.source:
            raise UsageError(
                f"{other} and {job.source} would both be written to {job.target}: convert them apart"
            )
    for job in found:
        try:
            Path(job.target).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot make {Path(job.target).parent}: {error.strerror}") from error
    return [Job(source, made) for made, source in by_target.items()]


def models(sources: Sequence[str]) -> list[str]:
    """The files that sources name, which are files, - or folders. Raises UsageError."""
    return [path for source in sources for path in _models(Path(source))]


def _below(source: Path, target: Path) -> list[Job]:
    if not source.is_dir():
        return [Job(str(source), str(target / source.name))]
    own = target.resolve()
    return [
        Job(path, str(target / Path(path).relative_to(source)))
        for path in _models(source)
        if own not in Path(path).resolve().parents or own == source.resolve()
    ]


def _models(source: Path) -> list[str]:
    if not source.is_dir():
        return [str(source)]
    found = sorted(str(path) for path in source.rglob(f"*{_SUFFIX}") if path.is_file())
    if not found:
        raise UsageError(f"there are no {_SUFFIX} files in the folder {source}")
    return found
