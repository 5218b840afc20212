"""The statements of the SQLite store are found by name, so a name stands once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from mcp_memory.stores.sqlite import statements


def test_no_two_statements_have_one_name() -> None:
    text = Path(statements.__file__).with_name("queries.sql").read_text(encoding="utf-8")
    names = Counter(line.removeprefix("-- name: ") for line in text.splitlines() if line.startswith("-- name: "))
    assert [name for name, count in names.items() if count > 1] == []
