"""Texts that come from a file, on their way to a terminal: they do nothing to it."""

from collections.abc import Sequence

_LONGEST = 100  # characters of a table's cell: a file may say anything


def escaped(text: str) -> str:
    """The text with escapes for all characters but line feeds that are not printed as themselves."""
    return "".join(
        c if c == "\n" or c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def cell(text: str) -> str:
    """A text of one line, cut where it is too long."""
    line = escaped(text[: _LONGEST + 1]).replace("\n", "\\n")
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "..."


def columns(rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """The rows as lines of a table: the first `left` columns are words, the others numbers."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if index < left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
