"""Which models a verb is to read, and where to write what comes of each."""

from collections.abc import Sequence
from contextlib import suppress
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
    if not are_several(sources):
        (source,) = sources
        into = _is_folder(folder) and source != output.STANDARD and target != output.STANDARD
        return [Job(source, str(folder / Path(source).name) if into else target)]
    if target == output.STANDARD or (_exists(folder) and not _is_folder(folder)):
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


def models(sources: Sequence[str]) -> list[Job]:
    """The files that sources name, which are files, - or folders, each with its place below a folder.

    Raises UsageError.
    """
    return [
        Job(path, str(Path(path).relative_to(source)) if _is_folder(Path(source)) else Path(path).name)
        for source in sources
        for path in _models(Path(source))
    ]


def are_several(sources: Sequence[str]) -> bool:
    """Whether what is made of sources goes to a folder: of several models, or of those in a folder."""
    return len(sources) > 1 or _is_folder(Path(sources[0]))


def _below(source: Path, target: Path) -> list[Job]:
    if not _is_folder(source):
        return [Job(str(source), str(target / source.name))]
    own = target.resolve()
    has_own = source.resolve() in own.parents  # what was converted before, perhaps
    return [
        Job(path, str(target / Path(path).relative_to(source)))
        for path in _models(source)
        if not (has_own and own in Path(path).resolve().parents)
    ]


def _models(source: Path) -> list[str]:
    if not _is_folder(source):
        return [str(source)]
    found = sorted(str(path) for path in source.rglob(f"*{_SUFFIX}") if path.is_file())
    if not found:
        raise UsageError(f"there are no {_SUFFIX} files in the folder {source}")
    return found


def _is_folder(path: Path) -> bool:
    with suppress(OSError):  # a name that is too long, which reading will say
        return path.is_dir()
    return False


def _exists(path: Path) -> bool:
    with suppress(OSError):
        return path.exists()
    return False
