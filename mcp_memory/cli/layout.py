"""How answers look as text: aligned columns, moments, sizes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime

GAP = "  "


def table(rows: Iterable[Sequence[str]], headings: Sequence[str] = ()) -> str:
    """Return rows as aligned columns, under headings and a line if there are any."""
    cells = [[_plain(cell) for cell in row] for row in rows]
    above = [list(headings)] if headings else []
    widths = [max(map(_width, column)) for column in zip(*above, *cells, strict=True)]
    ruled = [*above, ["-" * width for width in widths], *cells] if headings else cells
    return "\n".join(_line(row, widths) for row in ruled)


def moment(when: datetime | None) -> str:
    """Return a moment to the second, in UTC; empty for none."""
    return "" if when is None else when.strftime("%Y-%m-%dT%H:%M:%SZ")


def size(count: int) -> str:
    """Return a number of bytes as people say it."""
    amount = float(count)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:  # noqa: PLR2004 -- the step of the units
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def shortened(text: str, length: int) -> str:
    """Return the first characters of a text, with dots if there are more."""
    return text if len(text) <= length else text[:length] + "..."


def visible(text: str) -> str:
    """Return a text with a sign in place of what would steer the terminal instead of being seen on it."""
    return "".join("\N{REPLACEMENT CHARACTER}" if _steers(letter) else letter for letter in text)


def counted(count: int, one: str, many: str) -> str:
    """Return a number with what is counted: "1 memory", "2 memories"."""
    return f"{count} {one if count == 1 else many}"


def owner(namespace: str | None, user_id: str | None) -> str:
    """Return whose something is, to stand behind it; empty where it is nobody's."""
    said = [f"{what} {name}" for what, name in (("namespace", namespace), ("user", user_id)) if name is not None]
    return f"({', '.join(said)})" if said else ""


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True))
    return GAP.join(padded).rstrip()


def _plain(cell: str) -> str:
    return visible(" ".join(cell.splitlines()))


def _steers(letter: str) -> bool:
    return unicodedata.category(letter) == "Cc" and letter not in "\n\t"


def _width(cell: str) -> int:
    """Return how many columns of a terminal the text takes: letters of China, Japan and Korea take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in cell)
