"""Everything that can be asked of this program, in one value that every door holds."""

from __future__ import annotations

from dataclasses import dataclass

from mcp_memory.ports.jobs import TaskQueue
from mcp_memory.ports.models import Embedder
from mcp_memory.ports.store import Store
from mcp_memory.services.archive import Archive
from mcp_memory.services.beginnings import Beginnings
from mcp_memory.services.forgetting import Forgetting
from mcp_memory.services.hydration import Hydration
from mcp_memory.services.jobs import Jobs
from mcp_memory.services.long_term import LongTerm
from mcp_memory.services.operations import Operations
from mcp_memory.services.suggestions import Suggestions
from mcp_memory.services.tokens import Tokens
from mcp_memory.services.upkeep import Upkeep
from mcp_memory.services.views import Views
from mcp_memory.services.working import Working


@dataclass(frozen=True, slots=True)
class Memory:
    """The use cases, and what they stand on."""

    long_term: LongTerm
    working: Working
    hydration: Hydration
    operations: Operations
    suggestions: Suggestions
    forgetting: Forgetting
    upkeep: Upkeep
    archive: Archive
    jobs: Jobs
    beginnings: Beginnings
    tokens: Tokens
    views: Views
    store: Store
    embedder: Embedder
    queue: TaskQueue

    async def close(self) -> None:
        """Give back files, models and connections."""
        await self.queue.close()
        await self.embedder.close()
        await self.store.close()
