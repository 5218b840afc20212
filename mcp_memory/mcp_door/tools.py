"""The MCP tools: names and parameters of agent-memory-server, each one call of one use case.

What a tool takes is a request model of ``domain.requests``; what it answers is a reply model. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from mcp_types import Tool as ToolOnTheWire
from mcp_types import ToolAnnotations
from pydantic import BaseModel

from mcp_memory.domain.access import Access
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.replies import Ack, Created, Found, Now, Prompt, SessionReply
from mcp_memory.domain.requests import Append, Compact, Create, Edit, GetSession, PutSession, Request, Search
from mcp_memory.mcp_door.arguments import TTL_SECONDS, Enrich, Nothing, OneMemory, SomeMemories
from mcp_memory.mcp_door.asking import MemoryAsked
from mcp_memory.mcp_door.schemas import Schema, input_schema, output_schema
from mcp_memory.prompts.texts import text

if TYPE_CHECKING:
    from mcp_memory.ports.given import Progress


@dataclass(frozen=True, slots=True)
class Call:
    """What a tool works with, beside what it was asked."""

    memory: MemoryAsked
    progress: Progress


Act: TypeAlias = Callable[[Call, Any], Awaitable[BaseModel]]

READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
ADDS_ONCE = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
ADDS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)
OVERWRITES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: what it takes, what it answers, what it may do, and the call that it makes."""

    name: str
    title: str
    takes: type[Request]
    answers: type[BaseModel]
    may: ToolAnnotations
    access: Access
    """What the caller needs."""
    act: Act
    shows: tuple[str, ...] = ()
    """The parameters in the schema, in this order; the model may accept more."""
    needs: tuple[str, ...] = ()
    """The parameters that must be given."""
    usually: tuple[tuple[str, Any], ...] = ()
    """Values of parameters that are not given, where this door differs from the model."""
    outlines: tuple[str, ...] = ()
    """Fields of the answer that the schema only outlines."""
    unasked: frozenset[str] = frozenset()
    """Fields within the parameters that are taken and not shown here."""

    def on_the_wire(self) -> ToolOnTheWire:
        """Return the tool as a client sees it."""
        return ToolOnTheWire(
            name=self.name,
            title=self.title,
            description=text(f"tools/{self.name}.md"),
            input_schema=self._input_schema(),
            output_schema=output_schema(self.answers, UNDESCRIBED, self.outlines),
            annotations=self.may,
        )

    def _input_schema(self) -> Schema:
        schema = input_schema(self.takes, self.shows, self.needs, UNASKED | self.unasked)
        for name, part in schema["properties"].items():
            part.update(_HINTS.get(name, {}) | _HINTS.get(f"{self.name}.{name}", {}))
        return schema


async def get_current_datetime(call: Call, _: Nothing) -> Now:
    """Tell the time."""
    moment = call.memory.clock()
    return Now(iso_utc=f"{moment:%Y-%m-%dT%H:%M:%SZ}", unix_ts=int(moment.timestamp()))


async def create_long_term_memories(call: Call, asked: Create) -> Created:
    """Remember for good."""
    at = await call.memory.opened()
    return await at.memory.long_term.create(asked, caller=at.caller, progress=call.progress)


async def search_long_term_memory(call: Call, asked: Search) -> Found:
    """Find what is known."""
    at = await call.memory.opened()
    return await at.memory.long_term.search(asked, caller=at.caller)


async def memory_prompt(call: Call, asked: Enrich) -> Prompt:
    """Put a prompt together."""
    at = await call.memory.opened()
    return await at.memory.hydration.prompt(asked.hydrate(), caller=at.caller)


async def set_working_memory(call: Call, asked: PutSession) -> SessionReply:
    """Replace a session."""
    at = await call.memory.opened()
    return await at.memory.working.put(asked, caller=at.caller)


async def append_working_memory(call: Call, asked: Append) -> SessionReply:
    """Add messages to a session."""
    at = await call.memory.opened()
    return await at.memory.working.append(asked, caller=at.caller)


async def get_working_memory(call: Call, asked: GetSession) -> SessionReply:
    """Read a session."""
    at = await call.memory.opened()
    return await at.memory.working.get(asked, caller=at.caller, missing="empty")


async def get_long_term_memory(call: Call, asked: OneMemory) -> MemoryRecord:
    """Read one memory."""
    at = await call.memory.opened()
    return await at.memory.long_term.get(asked.memory_id, scope=asked.scope, caller=at.caller)


async def edit_long_term_memory(call: Call, asked: Edit) -> MemoryRecord:
    """Change one memory."""
    at = await call.memory.opened()
    return await at.memory.long_term.edit(asked, caller=at.caller)


async def delete_long_term_memories(call: Call, asked: SomeMemories) -> Ack:
    """Delete memories."""
    at = await call.memory.opened()
    return await at.memory.long_term.delete(asked.memory_ids, scope=asked.scope, caller=at.caller)


async def compact_long_term_memories(call: Call, asked: Compact) -> Ack:
    """Tidy memories."""
    at = await call.memory.opened()
    done = await at.memory.long_term.compact(asked, caller=at.caller, progress=call.progress)
    return Ack(status=done.status)


_SCOPE = ("namespace", "user_id")
_RECENCY = (
    "recency_boost",
    "recency_semantic_weight",
    "recency_recency_weight",
    "recency_freshness_weight",
    "recency_novelty_weight",
    "recency_half_life_last_access_days",
    "recency_half_life_created_days",
    "server_side_recency",
)
_FILTERS = (
    *_SCOPE,
    "session_id",
    "topics",
    "entities",
    "memory_type",
    "created_at",
    "last_accessed",
    "event_date",
)
_PAGE = ("search_mode", "distance_threshold", "limit", "offset")
_EDITABLE = ("text", "topics", "entities", "memory_type", *_SCOPE, "session_id", "event_date", "pinned")

_HINTS: Mapping[str, Schema] = {
    "limit": {"minimum": 1, "maximum": 100},
    "search_long_term_memory.memory_type": {"description": "semantic, episodic, message"},
    "memory_prompt.session_id": {"description": "id of the session whose messages to include"},
    "set_working_memory.ttl_seconds": {"default": TTL_SECONDS},
    "get_working_memory.recent_messages_limit": {"description": "only the last N"},
}
"""What the schema of a parameter says beyond its model; by name, or by tool and name."""

UNASKED = frozenset(
    {
        "discrete_memory_extracted",
        "extracted_from",
        "extraction_strategy",
        "extraction_strategy_config",
        "last_accessed",
        "persisted_at",
    }
)
"""Fields of memories and messages that are taken and that no model should be asked for."""
UNDESCRIBED = UNASKED | {"memory_hash", "access_count", "annotations", "_meta", "long_term_memory_strategy"}
"""Fields of replies that are answered and not described, to spare every client their schemas."""
TOOLS: tuple[Tool, ...] = (
    Tool(
        "search_long_term_memory",
        "Recall",
        Search,
        Found,
        READS,
        Access.READ,
        search_long_term_memory,
        shows=(
            "text",
            *_FILTERS,
            "extraction_strategy",
            "source",
            "as_of",
            *_PAGE,
            "explain",
            "optimize_query",
            *_RECENCY,
        ),
        needs=("text",),
    ),
    Tool(
        "create_long_term_memories",
        "Remember",
        Create,
        Created,
        ADDS_ONCE,
        Access.WRITE,
        create_long_term_memories,
        shows=("memories", "deduplicate"),
        needs=("memories",),
    ),
    Tool(
        "get_long_term_memory",
        "Read a memory",
        OneMemory,
        MemoryRecord,
        READS,
        Access.READ,
        get_long_term_memory,
        ("memory_id", *_SCOPE),
        ("memory_id",),
    ),
    Tool(
        "edit_long_term_memory",
        "Correct a memory",
        Edit,
        MemoryRecord,
        OVERWRITES,
        Access.WRITE,
        edit_long_term_memory,
        shows=("memory_id", *_EDITABLE, "source", "valid_from", "valid_to", "metadata", "expected_version"),
        needs=("memory_id",),
    ),
    Tool(
        "delete_long_term_memories",
        "Forget memories",
        SomeMemories,
        Ack,
        OVERWRITES,
        Access.WRITE,
        delete_long_term_memories,
        shows=("memory_ids", *_SCOPE),
        needs=("memory_ids",),
    ),
    Tool(
        "memory_prompt",
        "Enrich a query",
        Enrich,
        Prompt,
        READS,
        Access.READ,
        memory_prompt,
        shows=(
            "query",
            "session_id",
            *_SCOPE,
            "model_name",
            "context_window_max",
            "include_long_term_search",
            *(name for name in _FILTERS if name not in {"session_id", *_SCOPE}),
            *_PAGE,
            "optimize_query",
            *_RECENCY,
        ),
        needs=("query",),
        outlines=("long_term_memories",),
    ),
    Tool(
        "set_working_memory",
        "Replace a session",
        PutSession,
        SessionReply,
        OVERWRITES,
        Access.WRITE,
        set_working_memory,
        shows=(
            "session_id",
            "messages",
            "memories",
            "context",
            "data",
            *_SCOPE,
            "ttl_seconds",
            "long_term_memory_strategy",
            "expected_version",
        ),
        needs=("session_id",),
        usually=(("ttl_seconds", TTL_SECONDS),),
        unasked=frozenset({"id", "created_at", "source", "valid_from", "valid_to", "supersedes", "pinned", *_SCOPE}),
        outlines=("memories",),
    ),
    Tool(
        "append_working_memory",
        "Add to a session",
        Append,
        SessionReply,
        ADDS,
        Access.WRITE,
        append_working_memory,
        shows=("session_id", "messages", *_SCOPE),
        needs=("session_id", "messages"),
        outlines=("memories",),
    ),
    Tool(
        "get_working_memory",
        "Read a session",
        GetSession,
        SessionReply,
        READS,
        Access.READ,
        get_working_memory,
        shows=("session_id", *_SCOPE, "recent_messages_limit", "model_name", "context_window_max"),
        needs=("session_id",),
        outlines=("memories",),
    ),
    Tool(
        "compact_long_term_memories",
        "Tidy up duplicates",
        Compact,
        Ack,
        OVERWRITES,
        Access.ADMIN,
        compact_long_term_memories,
        shows=(*_SCOPE, "session_id"),
    ),
    Tool("get_current_datetime", "Current date and time", Nothing, Now, READS, Access.READ, get_current_datetime),
)
"""In the order in which clients list them: what is used most comes first."""
