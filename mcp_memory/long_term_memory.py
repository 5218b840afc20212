"""The Python door of compaction, under the name and with the parameters that agent-memory-server's users know."""

from __future__ import annotations

from mcp_memory.bootstrap import open_memory
from mcp_memory.config import read_settings
from mcp_memory.domain.requests import Compact


async def compact_long_term_memories(  # noqa: PLR0913 -- the documented signature
    limit: int = 1000,  # noqa: ARG001 -- accepted for older programs: all are looked at
    namespace: str | None = None,
    user_id: str | None = None,
    session_id: str | None = None,
    vector_distance_threshold: float | None = None,
    *,
    compact_hash_duplicates: bool = True,
    compact_semantic_duplicates: bool = True,
) -> int:
    """Make duplicates one in the store that the settings name; return how many memories remain in the scope."""
    request = Compact(
        namespace=namespace,
        user_id=user_id,
        session_id=session_id,
        hash_duplicates=compact_hash_duplicates,
        semantic_duplicates=compact_semantic_duplicates,
        distance_threshold=vector_distance_threshold,
    )
    memory = await open_memory(read_settings())
    try:
        return (await memory.long_term.compact(request)).remaining
    finally:
        await memory.close()
