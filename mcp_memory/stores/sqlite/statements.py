"""The named statements of ``queries.sql``."""

from __future__ import annotations

from pathlib import Path

_MARK = "-- name: "


def _named(text: str) -> dict[str, str]:
    found = {}
    for part in text.split(_MARK)[1:]:
        name, _, statement = part.partition("\n")
        found[name.strip()] = statement.strip()
    return found


_STATEMENTS = _named(Path(__file__).with_name("queries.sql").read_text(encoding="utf-8"))


def sql(name: str, where: str = "") -> str:
    """Return the statement of this name, with the condition (of ``filters``) at its place."""
    statement = _STATEMENTS[name]
    return statement.replace("{where}", where) if where else statement
