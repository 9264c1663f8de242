"""Samples in folders and files: how they are split, and what is said of those that do not fit."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest

from qudnn.converter.cli.images import Pixels
from qudnn.converter.cli.samples import load_samples
from qudnn.converter.cli.shapes import Input
from qudnn.converter.cli.verb import UsageError

FLOAT, INT64 = ir.DataType.FLOAT, ir.DataType.INT64
ONE = [Input("x", FLOAT, ("N", 3))]
FIXED = [Input("x", FLOAT, (2, 3))]
TWO = [Input("x", FLOAT, ("N", 3)), Input("ids", INT64, ("N", "S"))]


def loaded(path: Path, inputs: list[Input], most: int | None = None) -> list[dict[str, Any]]:
    return load_samples(str(path), inputs, most, Pixels()).feeds


def floats(*shape: int) -> Any:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def test_stacked_samples(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", x=floats(5, 3), ids=np.arange(20).reshape(5, 4))
    feeds = loaded(tmp_path / "s.npz", TWO)
    assert [feed["x"].tolist() for feed in feeds] == [[[3 * n, 3 * n + 1, 3 * n + 2]] for n in range(5)]
    assert [feed["ids"].shape for feed in feeds] == [(1, 4)] * 5
    assert len(loaded(tmp_path / "s.npz", TWO, 2)) == 2
    np.savez(tmp_path / "s.npz", x=floats(5, 3))
    assert [feed["x"].shape for feed in loaded(tmp_path / "s.npz", FIXED)] == [(2, 3)] * 2  # one is left over
    np.savez(tmp_path / "s.npz", x=floats(5, 2, 3))  # whole inputs
    assert [feed["x"].shape for feed in loaded(tmp_path / "s.npz", FIXED)] == [(2, 3)] * 5


def test_folders(tmp_path: Path) -> None:
    np.save(tmp_path / "b.npy", floats(3) + 9)
    np.save(tmp_path / "a.npy", floats(2, 3))
    assert [feed["x"].tolist() for feed in loaded(tmp_path, ONE)] == [[[0, 1, 2]], [[3, 4, 5]], [[9, 10, 11]]]
    assert len(loaded(tmp_path, ONE, 2)) == 2
    (tmp_path / "a.npy").unlink()
    (tmp_path / "b.npy").unlink()
    for index in range(3):
        np.savez(tmp_path / f"{index}.npz", x=floats(1, 3) + index, ids=np.full((1, 2), index))
    assert [feed["ids"].tolist() for feed in loaded(tmp_path, TWO)] == [[[n, n]] for n in range(3)]


@pytest.mark.parametrize(
    ("arrays", "inputs", "message"),
    [
        ({"z": floats(2, 3)}, ONE, "has no array x, but z; the model's inputs: x [N, 3]"),
        ({"x": floats(2, 3), "z": floats(2)}, ONE, "has an array z; the model's inputs: x [N, 3]"),
        (
            {"x": np.zeros((2, 3))},
            ONE,
            "x is float64, the model's input is float32: write array.astype('float32')",
        ),
        ({"x": floats(2, 4)}, ONE, "x has the shape [2, 4], the model's input is x [N, 3]"),
        ({"x": floats(2, 3, 1, 1)}, ONE, "x has the shape [2, 3, 1, 1], the model's input is x [N, 3]"),
        ({"x": floats(1, 3)}, FIXED, "x has 1 samples, the model takes 2 at once"),
        ({"x": floats(2, 3) * np.float32(np.nan)}, ONE, "x has values that are infinite or no number"),
        ({"x": floats(0, 3)}, ONE, "has no samples: its arrays are empty"),
        (
            {"x": floats(2, 3), "ids": np.zeros((3, 1), np.int64)},
            TWO,
            "has different numbers of samples: 2 of x, 3 of ids",
        ),
    ],
)
def test_what_does_not_fit(tmp_path: Path, arrays: Any, inputs: list[Input], message: str) -> None:
    np.savez(tmp_path / "s.npz", **arrays)
    with pytest.raises(UsageError) as error:
        loaded(tmp_path / "s.npz", inputs)
    assert str(error.value).endswith(message)
    assert str(error.value).startswith(str(tmp_path))


def test_what_is_no_data(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path, f"the folder {tmp_path} has no .npy or .npz files, and no images"),
        (tmp_path / "no", f"there is no folder and no file {tmp_path}/no"),
        (tmp_path / "no.npz", f"cannot read {tmp_path}/no.npz: No such file or directory"),
        (Path(__file__), f"{__file__} is no data: give a folder, or a file that numpy.savez has written"),
    ):
        with pytest.raises(UsageError) as error:
            loaded(path, ONE)
        assert str(error.value) == message
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 not an archive")
    with pytest.raises(UsageError, match=r"cannot read .*bad\.npz"):
        loaded(tmp_path / "bad.npz", ONE)
    np.save(tmp_path / "a.npy", floats(2, 3))
    with pytest.raises(UsageError, match="is for a model with one input, this one has 2"):
        loaded(tmp_path / "a.npy", TWO)
    (tmp_path / "b.png").write_bytes(b"")
    with pytest.raises(UsageError, match=r"has both arrays and images: a\.npy, b\.png"):
        loaded(tmp_path, ONE)


def test_images_need_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "b.png").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(UsageError, match="needs Pillow: pip install pillow, or write the samples"):
        loaded(tmp_path, [Input("x", FLOAT, ("N", 3, 4, 6))])


def test_images(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    image.fromarray(pixels).save(tmp_path / "a.png")
    options = Pixels((0.5, 0.4, 0.3), (0.2, 0.25, 0.5))
    expected = (pixels / 255 - options.mean) / options.std
    for inputs, want in (
        ([Input("x", FLOAT, ("N", 3, 4, 6))], expected.transpose(2, 0, 1)[None]),
        ([Input("x", FLOAT, (1, 4, 6, 3))], expected[None]),
    ):
        (feed,) = load_samples(str(tmp_path), inputs, None, options).feeds
        assert feed["x"].dtype == np.float32
        np.testing.assert_allclose(feed["x"], want, atol=1e-5)
    with pytest.raises(UsageError, match=r"is an image, but the model's input x .* is none of fixed size"):
        loaded(tmp_path, [Input("x", FLOAT, ("N", 3, "h", "w"))])
    with pytest.raises(UsageError, match="--mean and --std have to be one number, or 3"):
        load_samples(str(tmp_path), [Input("x", FLOAT, ("N", 3, 4, 6))], None, Pixels((1.0, 2.0)))
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(UsageError, match="it is no image that Pillow knows"):
        loaded(tmp_path, [Input("x", FLOAT, ("N", 3, 4, 6))])
