"""The Python door of compaction, under the name and with the parameters that agent-memory-server's users know."""

from __future__ import annotations

from mcp_memory.bootstrap import open_memory
from mcp_memory.config import read_settings
from mcp_memory.domain.requests import Compact
from mcp_memory.domain.scope import Scope


async def compact_long_term_memories(  # noqa: PLR0913 -- the documented signature
    limit: int = 1000,  # noqa: ARG001 -- exact duplicates are made one in one pass, whatever their number
    namespace: str | None = None,
    user_id: str | None = None,
    session_id: str | None = None,
    vector_distance_threshold: float | None = None,  # noqa: ARG001 -- of similar memories
    *,
    compact_hash_duplicates: bool = True,
    compact_semantic_duplicates: bool | None = None,  # noqa: ARG001 -- of similar memories
) -> int:
    """Make duplicates one in the store that the settings name; return how many memories remain in the scope."""
    memory = await open_memory(read_settings())
    try:
        if compact_hash_duplicates:
            await memory.long_term.compact(Compact(namespace=namespace, user_id=user_id, session_id=session_id))
        return (await memory.long_term.stats(scope=Scope(namespace, user_id, session_id))).memories
    finally:
        await memory.close()
