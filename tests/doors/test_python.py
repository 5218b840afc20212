"""The Python door: compaction under the name that agent-memory-server's users call."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from mcp_memory.bootstrap import open_memory
from mcp_memory.config import read_settings
from mcp_memory.domain.requests import Create, NewMemory
from mcp_memory.loading import load
from mcp_memory.long_term_memory import compact_long_term_memories
from mcp_memory.services.job_table import JOBS

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def twice_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store in which Ann and Bob each have one fact three times."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEMORY_STORE_URL", f"sqlite:///{tmp_path / 'memory.db'}")
    monkeypatch.setenv("EMBEDDING_MODEL", "hashing")
    memory = await open_memory(read_settings())
    new = [NewMemory(text="Tea", user_id=who) for who in ("ann", "bob") for _ in range(3)]
    await memory.long_term.create(Create(memories=new, deduplicate=False))
    await memory.close()


async def test_the_memories_that_remain_in_the_scope_are_counted() -> None:
    assert await compact_long_term_memories(user_id="ann") == 1
    untouched = partial(compact_long_term_memories, compact_hash_duplicates=False, compact_semantic_duplicates=False)
    assert await untouched(user_id="bob") == 3
    assert await compact_long_term_memories(limit=1000, vector_distance_threshold=0.2) == 2


async def test_it_stands_where_the_job_says() -> None:
    (kind,) = [kind for kind in JOBS if kind.name == "compact"]
    assert load(kind.aliases[0].replace(".compact", ":compact")) is compact_long_term_memories
