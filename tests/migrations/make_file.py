"""Write a file of the present schema for the tests to read: run at a release, when the version goes into RELEASED.

python tests/migrations/make_file.py tests/migrations/v2.sqlite3
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from mcp_memory.domain.records import Message
from mcp_memory.domain.scope import Scope
from mcp_memory.stores.sqlite.store import SqliteStore
from tests.contracts.entries import entry, merge, operation, session, vector
from tests.standing_clock import NOON, StandingClock


async def main(path: Path) -> None:
    """Write two memories that became one, one that ended, a plain one and a session."""
    store = SqliteStore(path, clock=StandingClock())
    await store.open()
    await store.add(
        [
            entry("Ann drinks tea", vector(1), id="tea", session_id="s", topics=["Drinks"], metadata={"cups": 3}),
            entry("Ann drinks tea", id="tea again", session_id="s"),
            entry("Ann lives in Lyon", vector(0, 1), id="lyon"),
            entry("Ann lives in Oslo", vector(0, 1, 1), id="oslo", supersedes=["lyon"], event_date=NOON),
        ],
        operation(),
        duplicates="keep_both",
    )
    (tea, record), (again, _) = [(await store.named([name], Scope()))[0] for name in ("tea", "tea again")]
    merged = entry(record.text, id="tea", session_id="s", topics=["Drinks"], metadata={"cups": 3})
    await store.merge(merge(merged, (tea, 1), (again, 1)), operation())
    message = Message(id="1", role="user", content="Hello", created_at=NOON)
    given = session(messages=[message], context="greetings", updated_at=NOON + timedelta(1))
    await store.put_session(given, expected_version=None, now=NOON)
    await store.close()


if __name__ == "__main__":
    Path(sys.argv[1]).unlink(missing_ok=True)
    asyncio.run(main(Path(sys.argv[1])))
