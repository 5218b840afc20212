"""Ids as people type them: whole, or as much of the beginning as names one alone. No other door takes beginnings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from mcp_memory.domain.requests import ListJobs, ListOperations
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import JobNotFound, MemoryNotFound, NotFound, OperationNotFound

if TYPE_CHECKING:
    from mcp_memory.services.memory import Memory

Answer = TypeVar("Answer")

LEAST = 8
"""Characters of a beginning at least: what names one memory by fewer may soon name several."""
NAMED = 10
"""Candidates that are named."""
_PAGE = 100
_MANY = 1_000


async def of_memory(memory: Memory, written: str, scope: Scope, act: Callable[[str], Awaitable[Answer]]) -> Answer:
    """Act on the memory that is named."""
    try:
        return await act(written)
    except MemoryNotFound as error:
        return await act(await _whole(written, _memories(memory, scope), error, "memories"))


async def of_operation(memory: Memory, written: str, scope: Scope, act: Callable[[str], Awaitable[Answer]]) -> Answer:
    """Act on the operation that is named."""
    try:
        return await act(written)
    except OperationNotFound as error:
        return await act(await _whole(written, _operations(memory, scope), error, "operations"))


async def of_job(memory: Memory, written: str, scope: Scope, act: Callable[[str], Awaitable[Answer]]) -> Answer:
    """Act on the job that is named."""
    try:
        return await act(written)
    except JobNotFound as error:
        return await act(await _whole(written, _jobs(memory, scope), error, "jobs"))


async def _whole(written: str, ids: AsyncIterator[str], missing: NotFound, what: str) -> str:
    """Return the one id that begins so.

    Raises:
        NotFound: none does, or too little is written; this is ``missing``.
        ClickException: several do; they are named.
    """
    if len(written) < LEAST:
        raise missing
    # Owners may use one id.
    found = sorted({one async for one in ids if one.startswith(written)})
    if not found:
        raise missing
    if len(found) > 1:
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        raise click.ClickException(f"{len(found)} {what} begin with {written}: {', '.join(found[:NAMED])}{more}")
    return found[0]


async def _memories(memory: Memory, scope: Scope) -> AsyncIterator[str]:
    page = await memory.store.aged(scope, None, _MANY)
    while page:
        for _, one in page:
            yield one.id
        page = await memory.store.aged(scope, page[-1][0], _MANY)


async def _operations(memory: Memory, scope: Scope) -> AsyncIterator[str]:
    async def page(offset: int) -> tuple[list[str], int]:
        asked = ListOperations(namespace=scope.namespace, user_id=scope.user_id, limit=_PAGE, offset=offset)
        found = await memory.operations.list(asked)
        return [one.id for one in found.operations], found.total

    async for one in _listed(page):
        yield one


async def _jobs(memory: Memory, scope: Scope) -> AsyncIterator[str]:
    async def page(offset: int) -> tuple[list[str], int]:
        asked = ListJobs(namespace=scope.namespace, user_id=scope.user_id, limit=_PAGE, offset=offset)
        found = await memory.jobs.list(asked)
        return [one.id for one in found.jobs], found.total

    async for one in _listed(page):
        yield one


async def _listed(page: Callable[[int], Awaitable[tuple[list[str], int]]]) -> AsyncIterator[str]:
    """Yield the ids of all pages; each tells its own and how many there are."""
    offset, total = 0, 1
    while offset < total:
        ids, total = await page(offset)
        for one in ids:
            yield one
        offset += _PAGE
