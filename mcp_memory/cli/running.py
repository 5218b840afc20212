"""What a command does around its one call: read the settings, open memory, build the request, show progress."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, TypeVar

import click
from pydantic import BaseModel, ValidationError

from mcp_memory.cli.options import STORE
from mcp_memory.domain.requests import Request
from mcp_memory.errors import InvalidRequest
from mcp_memory.loading import load

if TYPE_CHECKING:
    from mcp_memory.config import Settings
    from mcp_memory.services.memory import Memory

Answer = TypeVar("Answer")
Asked = TypeVar("Asked", bound=Request)


def settings(*, quietly: str = "WARNING", store: str | None = None, **overrides: object) -> Settings:
    """Return the settings of this call, and log as they say: from ``quietly`` on where nobody said.

    ``store`` is the URL of the store, if it is not that of --db.
    """
    store = store or click.get_current_context().meta.get(STORE)
    read: Settings = load("mcp_memory.config:read_settings")(memory_store_url=store, **overrides)
    level = quietly if read.origin("log_level") == "default" else read.log_level
    logging.basicConfig(stream=sys.stderr, level=level, format="%(levelname)s %(name)s: %(message)s")
    return read


def with_memory(act: Callable[[Memory], Awaitable[Answer]]) -> Answer:
    """Open memory, return what ``act`` answers, and close what was opened."""
    return asyncio.run(_opened(act, settings()))


def with_memories(stores: Sequence[str], act: Callable[[Sequence[Memory]], Awaitable[Answer]]) -> Answer:
    """Open the memory of each URL, return what ``act`` answers, and close what was opened."""

    async def opened() -> Answer:
        async with AsyncExitStack() as stack:
            memories = []
            for store in stores:
                memory: Memory = await load("mcp_memory.bootstrap:open_memory")(settings(store=store))
                stack.push_async_callback(memory.close)
                memories.append(memory)
            return await act(memories)

    return asyncio.run(opened())


async def _opened(act: Callable[[Memory], Awaitable[Answer]], read: Settings) -> Answer:
    memory: Memory = await load("mcp_memory.bootstrap:open_memory")(read)
    try:
        return await act(memory)
    finally:
        await memory.close()


def asked(kind: type[Asked], fields: Mapping[str, Any]) -> Asked:
    """Return the request that the options mean.

    Raises:
        InvalidRequest: with one line for each option that cannot be used.
    """
    try:
        return kind.model_validate(dict(fields))
    except ValidationError as error:
        raise InvalidRequest("\n".join(_faults(error))) from error


def _faults(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        message = fault["msg"].removeprefix("Value error, ")
        yield f"{_as_typed(str(fault['loc'][0]))}: {message}" if fault["loc"] else message


def _as_typed(field: str) -> str:
    """Return the option that gives a field, or else the field itself."""
    context = click.get_current_context(silent=True)
    for parameter in context.command.params if context else ():
        if parameter.name == field and isinstance(parameter, click.Option):
            return parameter.opts[-1]
    return field


def confirmed(question: str, *, err: bool = False) -> bool:
    """Ask, on stderr where stdout is for a program; nobody there to answer is an error, not a no."""
    return _answered(lambda: click.confirm(question, err=err))


def typed(question: str, *, err: bool = False) -> str:
    """Ask for a word; what is answered may be another one."""
    return _answered(lambda: str(click.prompt(question, default="", show_default=False, err=err)))


def _answered(ask: Callable[[], Answer]) -> Answer:
    try:
        return ask()
    except click.Abort as abort:
        if isinstance(abort.__context__, EOFError):
            raise click.UsageError("Nobody answered; --force goes on without asking.") from abort
        raise


def undo_line(operation: str | None) -> str:
    """Return how an operation is taken back, as a line to follow what was said; empty where nothing was changed."""
    return "" if operation is None else f"\nUndo: {to_type(f'undo {operation}')}"


def with_operation(reply: BaseModel, operation: str | None) -> str:
    """Return an answer as JSON, with the operation by which it is taken back: other doors say that apart from it."""
    return json.dumps(reply.model_dump(mode="json") | {"operation": operation}, indent=2, ensure_ascii=False)


def to_type(words: str) -> str:
    """Return a command as it is to be typed, over the store of this one."""
    store = click.get_current_context().meta.get(STORE)
    return f"agent-memory {words}" + (f' --db "{store}"' if store else "")


def sentence(status: str) -> str:
    """Return the status of an answer as a sentence; what is in it stays as it is, ids too."""
    told = status.removeprefix("ok, ")
    return f"{told[:1].upper()}{told[1:]}"


async def show_progress(done: int, total: int, what: str) -> None:
    """Show how far long work is, to a person at a terminal only."""
    tell_progress(done, total, what)


def tell_progress(done: int, total: int, what: str) -> None:
    """Show the same where no event loop runs."""
    if sys.stderr.isatty():
        click.echo(f"\r{what}: {done} of {total}", err=True, nl=done >= total)
