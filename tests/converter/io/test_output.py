"""Where models are written: through links, devices and pipes, and never in the place of what is no file."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import onnx
import pytest

from qudnn import converter
from qudnn.converter.io import output

NULL = (1, 3)  # of Linux's /dev/null


@pytest.fixture
def expected(source: Path) -> bytes:
    conversion = converter.convert(source)
    assert conversion.report.converted == {"QConv": 1}
    content: bytes = conversion.model.SerializeToString()
    return content


def apart(source: Path) -> Path:
    """The model with its weights in another file, in a folder of its own."""
    folder = source.parent / "apart"
    folder.mkdir()
    target = folder / "in.onnx"
    onnx.save_model(
        onnx.load(source), target, save_as_external_data=True, location="weights", size_threshold=0
    )
    return target


def same(path: Path, expected: bytes) -> bool:
    return bool(onnx.load(path) == onnx.ModelProto.FromString(expected))


def test_a_link_stays_a_link(source: Path, expected: bytes, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link, file = tmp_path / "link.onnx", tmp_path / "there" / "file.onnx"
    link.symlink_to("there/file.onnx")
    for _ in range(2):  # to what is not there yet, and to a file
        converter.convert_file(source, link)
        assert link.is_symlink()
        assert same(file, expected)
    assert {path.name for path in tmp_path.iterdir()} == {"in.onnx", "link.onnx", "there"}


def test_weights_go_beside_what_a_link_leads_to(source: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link.onnx").symlink_to("there/file.onnx")
    converter.convert_file(apart(source), tmp_path / "link.onnx")
    assert sorted(path.name for path in (tmp_path / "there").iterdir()) == ["file.onnx", "file.onnx.data"]


def test_links_that_lead_nowhere(source: Path, tmp_path: Path) -> None:
    (tmp_path / "link.onnx").symlink_to(tmp_path / "absent" / "file.onnx")
    with pytest.raises(converter.ConversionError, match=f"there is no folder {tmp_path}/absent"):
        converter.convert_file(source, tmp_path / "link.onnx")
    (tmp_path / "circle.onnx").symlink_to("circle.onnx")
    with pytest.raises(converter.ConversionError, match="Too many levels of symbolic links"):
        converter.convert_file(source, tmp_path / "circle.onnx")


def test_a_link_in_the_place_of_the_weights_is_not_followed(source: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "out.onnx.data").symlink_to("mine")
    with pytest.raises(converter.ConversionError, match=r"cannot write .*out\.onnx\.data: it is a link"):
        converter.convert_file(apart(source), tmp_path / "out.onnx")
    assert (tmp_path / "mine").read_text() == "mine"
    assert not (tmp_path / "out.onnx").exists()


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_a_file_keeps_its_mode(source: Path, expected: bytes, tmp_path: Path, mode: int) -> None:
    target = tmp_path / "out.onnx"
    target.write_bytes(b"before")
    target.chmod(mode)
    converter.convert_file(source, target)
    assert stat.S_IMODE(target.stat().st_mode) == mode
    assert same(target, expected)


def test_a_new_file_is_as_the_process_masks_it(source: Path, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        converter.convert_file(source, tmp_path / "out.onnx")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.onnx").stat().st_mode) == 0o640


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_may_not_be_written_stays(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.onnx"
    target.write_bytes(b"before")
    target.chmod(0o400)
    with pytest.raises(converter.ConversionError, match="it may not be written"):
        converter.convert_file(source, target)
    assert target.read_bytes() == b"before"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a device")
@pytest.mark.parametrize("linked", [False, True])
def test_a_device_stays_a_device(source: Path, tmp_path: Path, linked: bool) -> None:
    """One of our own: where this fails, it is replaced."""
    device = tmp_path / "null"
    try:
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(*NULL))
    except OSError as error:
        pytest.skip(f"no devices here: {error.strerror}")
    target = tmp_path / "link" if linked else device
    if linked:
        target.symlink_to(device)
    assert converter.convert_file(source, target).converted == {"QConv": 1}
    assert stat.S_ISCHR(device.stat().st_mode)
    assert {path.name for path in tmp_path.iterdir()} == {"in.onnx", "null", *(["link"] if linked else [])}


@pytest.mark.parametrize("model", [lambda path: path, apart], ids=["whole", "apart"])
def test_a_pipe_gets_the_whole_model(source: Path, tmp_path: Path, model: Callable[[Path], Path]) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(pipe.read_bytes)
        report = converter.convert_file(model(source), pipe)
        content = reading.result()
    assert report.converted == {"QConv": 1}
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    converted = onnx.ModelProto.FromString(content)
    assert converter.is_converted(converted)
    assert all(tensor.raw_data or tensor.dims == [0] for tensor in converted.graph.initializer)


def test_a_pipe_is_read_once(source: Path, expected: bytes, tmp_path: Path) -> None:
    pipe, target = tmp_path / "pipe", tmp_path / "out.onnx"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(pipe.write_bytes, source.read_bytes())
        converter.convert_file(pipe, target)
        assert same(target, expected)
        again = tmp_path / "again.onnx"
        pool.submit(pipe.write_bytes, target.read_bytes())
        assert converter.convert_file(pipe, again).already
    assert again.read_bytes() == target.read_bytes()


def test_a_full_device_is_an_error(source: Path) -> None:
    if not Path("/dev/full").is_char_device():
        pytest.skip("no such device")
    with pytest.raises(converter.ConversionError, match="cannot write /dev/full: No space left on device"):
        converter.convert_file(source, "/dev/full")
    assert Path("/dev/full").is_char_device()


@pytest.mark.parametrize("length", [249, 250, 255])
def test_names_may_be_as_long_as_the_system_allows(source: Path, tmp_path: Path, length: int) -> None:
    for name in ("n" * length, "\N{GREEK SMALL LETTER MU}" * (length // 2)):
        converter.convert_file(source, tmp_path / name)
        assert converter.is_converted(tmp_path / name)
    model = apart(source)
    for name in ("w" * length, "\N{GREEK SMALL LETTER NU}" * (length // 2)):
        converter.convert_file(model, tmp_path / name)
        onnx.load(tmp_path / name)  # with its weights
        assert len(list(tmp_path.glob(f"{name[:20]}*.data"))) == 1


def test_a_name_that_is_too_long(source: Path, tmp_path: Path) -> None:
    with pytest.raises(converter.ConversionError, match="File name too long"):
        converter.convert_file(source, tmp_path / ("n" * 256))
    with pytest.raises(converter.ConversionError, match="null"):
        converter.convert_file(source, f"{tmp_path}/a\0b")


COMMAND = [sys.executable, "-P", "-c", "import sys; from qudnn.converter.cli import main; sys.exit(main())"]


@pytest.mark.parametrize(("given", "target"), [("-", "-"), ("/dev/stdin", "/dev/stdout")])
def test_standard_input_and_output(
    source: Path, expected: bytes, tmp_path: Path, given: str, target: str
) -> None:
    piped = subprocess.run(
        [*COMMAND, "convert", given, "-o", target],
        input=source.read_bytes(),
        capture_output=True,
        cwd=tmp_path,
    )
    assert piped.returncode == 0
    assert onnx.ModelProto.FromString(piped.stdout) == onnx.ModelProto.FromString(expected)
    names = {"-": ("standard input", "standard output")}.get(given, (given, target))
    assert piped.stderr.decode().endswith(f"{names[1]} is the conversion of {names[0]}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["in.onnx"]


def test_standard_input_that_is_no_model() -> None:
    piped = subprocess.run([*COMMAND, "convert", "-", "-o", "-"], input=b"Dear model,", capture_output=True)
    assert (piped.returncode, piped.stdout) == (1, b"")
    assert piped.stderr == b"qudnn: standard input is not an ONNX model, or only a part of one\n"


def test_a_file_that_is_called_like_standard_output(source: Path, tmp_path: Path) -> None:
    subprocess.run(
        [*COMMAND, "convert", "in.onnx", "-o", "./-"], cwd=tmp_path, check=True, capture_output=True
    )
    assert converter.is_converted(tmp_path / "-")


def test_what_is_a_file(tmp_path: Path) -> None:
    assert output.is_file(tmp_path / "absent")
    assert not output.is_file(tmp_path)
    assert not output.is_file("-")
    assert output.is_file("./-")
