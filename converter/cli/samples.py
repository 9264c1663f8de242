"""Samples of a model's inputs: of a folder of arrays or images, or of one file with stacked arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from qudnn.converter.cli import images
from qudnn.converter.cli.shapes import Input
from qudnn.converter.cli.verb import UsageError

Array = NDArray[Any]
Feeds = list[dict[str, Array]]

_ARRAYS = (".npy", ".npz")


@dataclass(frozen=True)
class Samples:
    """feeds: what to run the model on, once for each. what: where they come from, for people."""

    feeds: Feeds
    what: str


def load_samples(path: str, inputs: Sequence[Input], most: int | None, pixels: images.Pixels) -> Samples:
    """The samples in a folder or an .npz file, or the first `most` of them.

    An .npz file has an array for each input, whose first axis counts samples. A folder has a file for each
    sample or batch: .npz with an array for each input, or .npy or an image for the only one. An array may
    have the axis of the batch or not. Raises UsageError.
    """
    place = Path(path)
    if place.is_dir():
        samples = _of_folder(place, inputs, most, pixels)
    elif place.suffix in _ARRAYS:
        feeds = _split(_read(place, inputs), inputs, path)
        samples = Samples(feeds if most is None else feeds[:most], path)
    elif place.exists():
        raise UsageError(f"{path} is no data: give a folder, or a file that numpy.savez has written")
    else:
        raise UsageError(f"there is no folder and no file {path}")
    if not samples.feeds:
        raise UsageError(f"{path} has no samples: its arrays are empty")
    return samples


def _of_folder(folder: Path, inputs: Sequence[Input], most: int | None, pixels: images.Pixels) -> Samples:
    arrays = sorted(path for path in folder.iterdir() if path.suffix in _ARRAYS)
    pictures = sorted(path for path in folder.iterdir() if path.suffix.lower() in images.SUFFIXES)
    if arrays and pictures:
        raise UsageError(f"{folder} has both arrays and images: {arrays[0].name}, {pictures[0].name}")
    if not arrays and not pictures:
        raise UsageError(f"the folder {folder} has no .npy or .npz files, and no images")
    feeds: Feeds = []
    for path in arrays or pictures:
        if most is not None and len(feeds) >= most:
            break
        if pictures:
            feeds.append({inputs[0].name: images.load(path, _only(inputs, path), pixels)})
        else:
            feeds += _split(_read(path, inputs), inputs, str(path))
    what = f"images in {folder}, {pixels}" if pictures else str(folder)
    return Samples(feeds if most is None else feeds[:most], what)


def _read(path: Path, inputs: Sequence[Input]) -> dict[str, Array]:
    """The arrays of a file, by input. Raises UsageError."""
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            arrays = {_only(inputs, path).name: loaded}
        else:
            with loaded as file:
                arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        reason = getattr(error, "strerror", None) or "NumPy has not written it, or it holds objects"
        raise UsageError(f"cannot read {path}: {reason}") from error
    names = {value.name for value in inputs}
    expected = ", ".join(map(str, inputs))
    if missing := sorted(names - arrays.keys()):
        raise UsageError(
            f"{path} has no array {missing[0]}, but {', '.join(sorted(arrays)) or 'none'}; "
            f"the model's inputs: {expected}"
        )
    if unknown := sorted(arrays.keys() - names):
        raise UsageError(f"{path} has an array {unknown[0]}; the model's inputs: {expected}")
    for value in inputs:
        array = arrays[value.name]
        dtype = None if value.dtype is None else value.dtype.numpy()
        if dtype is not None and array.dtype != dtype:
            raise UsageError(
                f"{path}: {value.name} is {array.dtype}, the model's input is {dtype}: "
                f"write array.astype({str(dtype)!r})"
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise UsageError(f"{path}: {value.name} has values that are infinite or no number")
    return arrays


def _only(inputs: Sequence[Input], path: Path) -> Input:
    if len(inputs) != 1:
        raise UsageError(
            f"{path} is for a model with one input, this one has {len(inputs)}: "
            f"{', '.join(map(str, inputs))}; write .npz files with an array for each"
        )
    return inputs[0]


def _split(arrays: Mapping[str, Array], inputs: Sequence[Input], path: str) -> Feeds:
    """One feed for each sample, or for each batch of the size that the model fixes."""
    parts = {value.name: _parts(arrays[value.name], value, path) for value in inputs}
    counts = {name: len(part) for name, part in parts.items()}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{count} of {name}" for name, count in counts.items())
        raise UsageError(f"{path} has different numbers of samples: {told}")
    return [dict(zip(parts, values, strict=True)) for values in zip(*parts.values(), strict=True)]


def _parts(array: Array, value: Input, path: str) -> list[Array]:
    """What to feed one input, sample by sample. Raises UsageError where the shape is not the input's."""
    if value.dims is None:
        return [array[index : index + 1] for index in range(len(array))] if array.ndim else [array]
    rank = len(value.dims)
    batch = value.dims[0] if rank and isinstance(value.dims[0], int) else 1
    if array.ndim == rank + 1:
        parts = list(array)
    elif array.ndim == rank and rank:
        parts = [array[at : at + batch] for at in range(0, len(array) - batch + 1, batch)]
        if not parts and len(array):
            raise UsageError(
                f"{path}: {value.name} has {len(array)} samples, the model takes {batch} at once"
            )
    elif array.ndim == rank - 1 and batch == 1:
        parts = [array[None]]
    else:
        parts = [array]
    for part in parts[:1]:
        if part.ndim != rank or any(
            isinstance(dim, int) and dim != size for dim, size in zip(value.dims, part.shape, strict=True)
        ):
            raise UsageError(
                f"{path}: {value.name} has the shape {list(array.shape)}, the model's input is {value}"
            )
    return parts
