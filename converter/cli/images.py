"""Images as a model's input. Reading them needs Pillow."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qudnn.converter.cli.verb import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qudnn.converter.cli.shapes import Input

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


@dataclass(frozen=True)
class Pixels:
    """What becomes of the pixels, which are in [0, 1]: (x - mean) / std, of each channel or of all."""

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def __str__(self) -> str:
        return f"RGB in [0, 1], minus {list(self.mean)}, over {list(self.std)}"


def load(path: Path, value: "Input", pixels: Pixels) -> "NDArray[Any]":
    """The image as float32 `[1, C, H, W]` or `[1, H, W, C]`, as the model's input is, in its size.

    The shorter side is resized to the model's, what is too much of the longer is cut off at both ends. One
    channel is grey. Raises UsageError where the input is no image, or Pillow is not installed.
    """
    import numpy as np

    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError as error:
        raise UsageError(
            f"reading {path} needs Pillow: pip install pillow, or write the samples as .npy files"
        ) from error
    first, height, width, channels = _layout(path, value)
    try:
        with Image.open(path) as image:
            picture = ImageOps.exif_transpose(image).convert("RGB" if channels == 3 else "L")
    except (OSError, UnidentifiedImageError) as error:
        raise UsageError(f"cannot read {path}: it is no image that Pillow knows") from error
    scaled = np.asarray(ImageOps.fit(picture, (width, height)), np.float32).reshape(height, width, channels)
    mean, std = (np.array(numbers, np.float32) for numbers in (pixels.mean, pixels.std))
    try:
        array = (scaled / np.float32(255) - mean) / std
    except ValueError as error:
        raise UsageError(f"--mean and --std have to be one number, or {channels}") from error
    return np.ascontiguousarray(array.transpose(2, 0, 1) if first else array)[None]


def _layout(path: Path, value: "Input") -> tuple[bool, int, int, int]:
    """Whether channels come first; height, width and number of channels."""
    dims = value.dims or ()
    for first, (height, width, channels) in (True, (2, 3, 1)), (False, (1, 2, 3)):
        sizes = [dims[axis] if len(dims) == 4 else None for axis in (height, width, channels)]
        if sizes[2] in (1, 3) and all(isinstance(size, int) for size in sizes):
            return first, int(sizes[0] or 0), int(sizes[1] or 0), int(sizes[2] or 0)
    raise UsageError(
        f"{path} is an image, but the model's input {value} is none of fixed size, such as [N, 3, 224, 224]: "
        "write the samples as .npy files"
    )
