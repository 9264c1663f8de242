"""Names and numbers as HTML: whatever a model's names are, they are text."""

import html

_MOST = 300  # characters of a name


def escaped(text: str) -> str:
    """Text for HTML, also within attributes. What is not printed as itself is written out."""
    cut = text if len(text) <= _MOST else f"{text[:_MOST]}..."
    visible = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut)
    return html.escape(visible, quote=True)


def counted(number: int, one: str, many: str = "") -> str:
    """`1 node`, `2 nodes`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(names: list[str], most: int) -> str:
    """Names for HTML, of which those beyond `most` open at a click."""
    first, rest = names[:most], names[most:]
    text = ", ".join(f"<code>{escaped(name)}</code>" for name in first)
    if not rest:
        return text
    others = ", ".join(f"<code>{escaped(name)}</code>" for name in rest)
    return f"{text}<details class=more><summary>and {len(rest):,} more</summary>{others}</details>"
