"""Sizes with units, as reports and verbs print them: K is 1024 bytes, as in the options that take sizes."""


def in_units(count: int) -> str:
    """`1.5 MiB`; `17 bytes`."""
    number, name = float(count), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if number < 1024:
            break
        number, name = number / 1024, larger
    return f"{count} bytes" if name == "bytes" else f"{number:.1f} {name}"
