"""The routes of long-term memory, and of prompts made of it."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import Query, Response

from mcp_memory.domain.access import Access
from mcp_memory.domain.forgetting import Forget
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.replies import Ack, Compacted, Created, Edited, Forgotten, Found, History, Prompt
from mcp_memory.domain.requests import Create, Edit, Label
from mcp_memory.domain.scope import Scope
from mcp_memory.rest_door.asking import At
from mcp_memory.rest_door.routes import Route
from mcp_memory.rest_door.wire import (
    CompactQuery,
    EditBody,
    Expected,
    ForgetBody,
    ForgetQuery,
    Id,
    MemoriesBody,
    Named,
    PromptBody,
    SearchBody,
    done,
    of_its_id,
    tagged,
)

Optimize = Annotated[bool, Query(description="Accepted; a question is understood as it is asked")]


async def create_memories(at: At, body: MemoriesBody, named: Named, response: Response) -> Created:
    """Remember some things for good.

    They are stored, and found by the next search, when this is answered.
    """
    if not body.memories:
        return Created(status="ok", ids=[], stored=0, duplicates=0, replaced=0)
    asked = Create(memories=body.memories, deduplicate=body.deduplicate)
    return done(await at.memory.long_term.create(asked, caller=at.about(named.scope)), response)


async def search_memories(at: At, body: SearchBody, *, optimize_query: Optimize = False) -> Found:
    """Find what is known; an empty text lists, newest first.

    All filters must hold, and none is ever relaxed. `explain` says why each memory was found.
    """
    asked = body.model_copy(update={"optimize_query": optimize_query or body.optimize_query})
    return await at.memory.long_term.search(asked, caller=at.caller)


async def delete_memories(
    at: At, named: Named, response: Response, memory_ids: Annotated[list[Label], Query(default_factory=list)]
) -> Ack:
    """Delete memories by their ids; those that are not there do not count."""

    async def delete(scope: Scope) -> Ack:
        return await at.memory.long_term.delete(memory_ids, scope=scope, caller=at.caller)

    return done(await of_its_id(delete, named.scope), response)


async def get_memory(at: At, memory_id: Id, named: Named, response: Response) -> MemoryRecord:
    """Read one memory."""
    get = partial(_get, at, memory_id)
    record = await of_its_id(get, named.scope)
    response.headers.update(tagged(record))
    return record


async def _get(at: At, memory_id: str, scope: Scope) -> MemoryRecord:
    return await at.memory.long_term.get(memory_id, scope=scope, caller=at.caller)


async def edit_memory(
    at: At, memory_id: Id, body: EditBody, named: Named, expected: Expected, response: Response
) -> MemoryRecord:
    """Change one memory; what is not given, or null, stays.

    `If-Match` or `expected_version` refuse to change what others changed meanwhile.
    """
    fields = body.model_dump(exclude_unset=True) | {"memory_id": memory_id}
    if expected is not None:
        fields["expected_version"] = expected
    asked = Edit.model_validate(fields)

    async def edit(scope: Scope) -> Edited:
        return await at.memory.long_term.edit(asked, scope=scope, caller=at.caller)

    record = done(await of_its_id(edit, named.scope), response)
    response.headers.update(tagged(record))
    return record


async def memory_history(at: At, memory_id: Id, named: Named) -> History:
    """Show what was done to a memory, also to one that is gone."""
    return await at.memory.operations.history(memory_id, scope=named.scope, caller=at.caller)


async def forget_memories(
    at: At, body: ForgetBody, asked: Annotated[ForgetQuery, Query()], response: Response
) -> Forgotten:
    """Forget what a policy lets go of; by default only say what that would be."""
    request = Forget.model_validate(dict(asked) | {"policy": body.policy, "pinned_ids": body.pinned_ids})
    return done(await at.memory.forgetting.forget(request, caller=at.caller), response)


async def compact_memories(at: At, asked: Annotated[CompactQuery, Query()], response: Response) -> Compacted:
    """Merge memories that say the same, and end what no longer holds."""
    return done(await at.memory.long_term.compact(asked, caller=at.caller), response)


async def memory_prompt(at: At, body: PromptBody, *, optimize_query: Optimize = False) -> Prompt:  # noqa: ARG001 -- clients send it
    """Make a prompt of a query, its conversation and what is known."""
    return await at.memory.hydration.prompt(body.hydrate(), caller=at.caller)


_GROUP = "Long-term memory"
_ALL = "/v1/long-term-memory"
_ONE = "/v1/long-term-memory/{memory_id}"
ROUTES = (
    Route("POST", _ALL, create_memories, Access.WRITE, _GROUP, (400, 409, 507)),
    Route("DELETE", _ALL, delete_memories, Access.WRITE, _GROUP, (400, 409)),
    Route("POST", f"{_ALL}/search", search_memories, Access.READ, _GROUP, (400,)),
    Route("POST", f"{_ALL}/forget", forget_memories, Access.ADMIN, _GROUP, (400,)),
    Route("POST", f"{_ALL}/compact", compact_memories, Access.ADMIN, _GROUP, (400,)),
    Route("GET", _ONE, get_memory, Access.READ, _GROUP, (404, 409)),
    Route("PATCH", _ONE, edit_memory, Access.WRITE, _GROUP, (400, 404, 409, 507)),
    Route("GET", f"{_ONE}/history", memory_history, Access.READ, _GROUP, (404,)),
    Route("POST", "/v1/memory/prompt", memory_prompt, Access.READ, "Prompts", (400,)),
)
