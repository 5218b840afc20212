"""Ids as people type them: whole, or as much of the beginning as names one alone. No other door takes beginnings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from mcp_memory.domain.scope import Scope
from mcp_memory.errors import JobNotFound, MemoryNotFound, NotFound, OperationNotFound

if TYPE_CHECKING:
    from mcp_memory.services.memory import Memory

Answer = TypeVar("Answer")

NAMED = 10
"""Candidates that are named."""


async def of_memory(memory: Memory, written: str, scope: Scope, act: Callable[[str], Awaitable[Answer]]) -> Answer:
    """Act on the memory that is named."""
    try:
        return await act(written)
    except MemoryNotFound as error:
        found = await memory.beginnings.memories(written, scope=scope)
        return await act(_only(found, written, error, "memories"))


async def of_operation(memory: Memory, written: str, scope: Scope, act: Callable[[str], Awaitable[Answer]]) -> Answer:
    """Act on the operation that is named."""
    try:
        return await act(written)
    except OperationNotFound as error:
        found = await memory.beginnings.operations(written, scope=scope)
        return await act(_only(found, written, error, "operations"))


async def of_job(memory: Memory, written: str, scope: Scope, act: Callable[[str], Awaitable[Answer]]) -> Answer:
    """Act on the job that is named."""
    try:
        return await act(written)
    except JobNotFound as error:
        found = await memory.beginnings.jobs(written, scope=scope)
        return await act(_only(found, written, error, "jobs"))


def _only(found: list[str], written: str, missing: NotFound, what: str) -> str:
    """Return the one id that begins as it was written.

    Raises:
        NotFound: none does; this is ``missing``.
        ClickException: several do; they are named.
    """
    if not found:
        raise missing
    if len(found) > 1:
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        raise click.ClickException(f"{len(found)} {what} begin with {written}: {', '.join(found[:NAMED])}{more}")
    return found[0]
