"""The statements of the SQLite store are found by name, so a name stands once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import apsw
import pytest

from mcp_memory.stores.sqlite import statements
from mcp_memory.stores.sqlite.statements import sql
from mcp_memory.stores.sqlite.store import SqliteStore
from tests.standing_clock import StandingClock


def test_no_two_statements_have_one_name() -> None:
    text = Path(statements.__file__).with_name("queries.sql").read_text(encoding="utf-8")
    names = Counter(line.removeprefix("-- name: ") for line in text.splitlines() if line.startswith("-- name: "))
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.anyio
async def test_what_is_changed_in_place_is_in_no_index(tmp_path: Path) -> None:
    path = tmp_path / "memory.sqlite3"
    store = SqliteStore(path, clock=StandingClock())
    await store.open()
    await store.close()
    connection = apsw.Connection(str(path))
    found = connection.execute(
        "SELECT c.name FROM pragma_index_list('memories') i JOIN pragma_index_info(i.name) c"
    ).fetchall()
    connection.close()
    indexed = {name for (name,) in found}
    assert "created_at" in indexed
    changed = sql("change_memory_in_place").partition("(")[2].partition(")")[0].split(",")
    assert indexed.isdisjoint(map(str.strip, changed))
