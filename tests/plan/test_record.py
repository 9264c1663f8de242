"""The bytes of a stored plan: read back as they were, and anything else refused."""

import random
from typing import Any

import pytest
import records
import testing

FILE = testing.encode(records.record())


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"tuned": False, "first_plan": "", "first_microseconds": 0.0},
        {"serialized": b"", "plan": "", "engine": "", "cudnn": ""},
        {"serialized": bytes(256) * 500},
        {"device": "GPU \N{GREEK SMALL LETTER MU}\n\0"},
        {"workspace_limit": 2**64 - 1, "created": 0, "plan": "x" * 4096},
        {"workspace_limit": 0, "created": 253402300799, "microseconds": 1e12, "first_microseconds": 5e-324},
    ],
)
def test_round_trip(changed: dict[str, Any]) -> None:
    fields = records.record() | changed
    file = testing.encode(fields)
    assert testing.decode(file) == fields
    assert testing.encode(testing.decode(file)) == file


def test_the_format_is_this_one() -> None:
    """A change of it needs another version number: files of older releases lie in folders."""
    assert FILE.startswith(b"qudnnpln\x01\0\0\0")
    assert records.sealed(records.body(FILE)) == FILE
    size = len(records.PROBLEM)
    assert records.body(FILE).startswith(size.to_bytes(4, "little") + records.PROBLEM.encode())
    assert len(FILE) == 409


def refuse(file: bytes, reason: str | None = None) -> None:
    with pytest.raises(testing.BadRecord, match=reason):
        testing.decode(file)


@pytest.mark.parametrize("mask", [0xFF, 0x01, 0x80])
def test_every_changed_byte_is_noticed(mask: int) -> None:
    for index in range(len(FILE)):
        refuse(FILE[:index] + bytes([FILE[index] ^ mask]) + FILE[index + 1 :])


def test_every_truncation_is_noticed() -> None:
    for size in range(len(FILE)):
        refuse(FILE[:size])
        refuse(FILE[len(FILE) - size :])


def test_more_bytes_are_noticed() -> None:
    refuse(FILE + b"\0", "longer than it should be")
    refuse(FILE + FILE)


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (b"", "not a plan of qudnn"),
        (b"\x7fELF" + bytes(1000), "not a plan of qudnn"),
        (records.sealed(records.body(FILE), magic=b"qudnnarc"), "not a plan of qudnn"),
        (records.sealed(records.body(FILE), version=0), "of format 0, not 1"),
        (records.sealed(records.body(FILE), version=2), "of format 2, not 1"),
        (records.sealed(b""), "truncated"),
        (records.sealed(records.body(FILE) + b"\0"), "more fields"),
        (records.sealed(records.body(FILE)[:-1]), "truncated"),
        (records.sealed(b"\xff" * 400), "a name of 4294967295 bytes"),
        (FILE[:12] + b"\xff" * 8 + FILE[20:], "truncated"),
    ],
)
def test_foreign_files(file: bytes, reason: str) -> None:
    refuse(file, reason)


def test_fields_that_cannot_be() -> None:
    """Even where the checksum fits: whoever writes a file may be wrong, too."""
    body = records.body(FILE)
    flag = len(body) - len(tail_of_file())
    assert body[flag] == 1
    refuse(records.sealed(body[:flag] + b"\x02" + body[flag + 1 :]), "flag")
    for time in (b"\0\0\0\0\0\0\xf8\x7f", b"\0\0\0\0\0\0\xf0\x7f", b"\0\0\0\0\0\0\xf0\xbf"):  # NaN, inf, -1
        refuse(records.sealed(body[:-16] + time + body[-8:]), "time")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"created": -1}, "a date that is none"),
        ({"created": 253402300800}, "a date that is none"),
        ({"created": -(2**63)}, "a date that is none"),
        ({"microseconds": 1.1e12}, "a time that is none"),
        ({"first_microseconds": 1e300}, "a time that is none"),
        ({"plan": "x" * 4097}, "a name of 4097 bytes"),
        ({"problem": "\N{GREEK SMALL LETTER MU}" * 2049}, "a name of 4098 bytes"),
        ({"serialized": bytes(64 << 20)}, "too large for a plan"),
    ],
    ids=str,
)
def test_values_that_cannot_be(changed: dict[str, Any], reason: str) -> None:
    refuse(testing.encode(records.record() | changed), reason)


@pytest.mark.parametrize(
    "text",
    [
        *(b"\xff", b"\xc3", b"\xc3(", b"\xa9", b"\xe2\x82", b"\xf0\x9f\x98", b"\xf8\x88\x80\x80\x80"),
        *(b"\xc0\x80", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff" * 30),
    ],
)
def test_names_that_are_no_text(text: bytes) -> None:
    """As Python has it."""
    with pytest.raises(UnicodeDecodeError):
        text.decode()
    size = len(records.PROBLEM)
    body = len(text).to_bytes(4, "little") + text + records.body(FILE)[4 + size :]
    refuse(records.sealed(body), "a name that is no text")


def test_names_of_all_kinds_of_characters() -> None:
    names = ["", "\0", "\x7f\x80", "\u07ff\u0800", "\ud7ff\ue000", "\uffff\U00010000", "\U0010ffff"]
    for name in names:
        assert testing.decode(testing.encode(records.record(plan=name)))["plan"] == name


def tail_of_file() -> bytes:
    """What follows the key in FILE, which starts with the flag `tuned`."""
    other = records.body(testing.encode(records.record(tuned=False)))
    mine = records.body(FILE)
    return mine[next(i for i, (a, b) in enumerate(zip(mine, other, strict=True)) if a != b) :]


def test_sealed_noise_is_no_crash() -> None:
    rng = random.Random(0)
    body = records.body(FILE)
    read = 0
    for _ in range(3000):
        noise = bytearray(body)
        for _ in range(rng.randint(1, 6)):
            noise[rng.randrange(len(noise))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        start, stop = sorted(rng.choices(range(len(noise)), k=2))
        try:
            testing.decode(
                records.sealed(bytes(noise if rng.random() < 0.7 else noise[:start] + noise[stop:]))
            )
            read += 1
        except ValueError:  # BadRecord, or a name that is no text
            pass
    assert 0 < read < 3000
