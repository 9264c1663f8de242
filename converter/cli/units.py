"""Sizes with units, as options take them."""

import argparse
import re
from collections.abc import Callable

_FACTORS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def size(text: str) -> int:
    """Bytes of `1048576`, `512K`, `256M`, `1G` or `1.5GiB`: K is 1024 bytes, as in `dd` or `docker`.

    Raises argparse.ArgumentTypeError.
    """
    match = re.fullmatch(r"\s*(-?\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*", text, re.IGNORECASE)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: write bytes, or 512K, 256M, 1G")
    number, unit = match.groups()
    return (
        int(float(number) * _FACTORS[unit.upper()]) if "." in number else int(number) * _FACTORS[unit.upper()]
    )


def at_least(least: int) -> Callable[[str], int]:
    """The type of an option that takes a whole number, no less than this."""

    def number(text: str) -> int:
        if not re.fullmatch(r"\s*\d+\s*", text) or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is no number of {least} and more")
        return int(text)

    return number
