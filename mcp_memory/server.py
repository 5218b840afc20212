"""The MCP door: one server for both eras of the protocol, over stdio. It holds no rules of its own.

What it offers is in ``mcp_door``: tools, resources, prompts. Nothing that a first answer does not need is loaded.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from mcp.server.caching import CacheHint
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    CallToolResult,
    Completion,
    CompletionArgument,
    CompletionContext,
    GetPromptResult,
    Prompt,
    PromptReference,
    Resource,
    ResourceTemplate,
    ResourceTemplateReference,
    Tool,
)
from pydantic import AnyUrl

from mcp_memory import __version__
from mcp_memory.errors import MemoryServerError
from mcp_memory.mcp_door.background import Background, Traffic
from mcp_memory.mcp_door.calls import ToolBox
from mcp_memory.mcp_door.on_demand import MemoryOnDemand, Open, from_environment
from mcp_memory.mcp_door.resources import COMPLETIONS, Shelf
from mcp_memory.mcp_door.starters import Menu
from mcp_memory.mcp_door.stdio import (
    announce,
    configure_logging,
    flush_what_was_printed,
    lines_of_stdin,
    run_until_told_to_leave,
)
from mcp_memory.mcp_door.unanswered import Answers, Unanswered
from mcp_memory.prompts.texts import text

NAME = "mcp-memory"
TITLE = "Memory"
FINISHING_SECONDS = 5.0
"""What calls that are being done may take when stdin has ended; a client that is in a hurry sends SIGTERM."""
_STATIC = CacheHint(ttl_ms=3_600_000, scope="public")
_MOVING = CacheHint(ttl_ms=0, scope="private")


class MemoryServer(MCPServer[None]):
    """Serves what the door offers; each method is one of the protocol's."""

    def __init__(self, memory: MemoryOnDemand) -> None:
        self._tools = ToolBox(memory)
        self._shelf = Shelf(memory)
        self._menu = Menu(memory)
        traffic = Traffic()
        background = Background(memory, traffic)

        @asynccontextmanager
        async def lifespan(_: MCPServer[None]) -> AsyncIterator[None]:
            background.begin()
            try:
                yield
            finally:
                await background.end()
                await memory.close()

        super().__init__(
            NAME,
            title=TITLE,
            version=__version__,
            instructions=text("instructions.md"),
            lifespan=lifespan,
            cache_hints={
                "tools/list": _STATIC,
                "prompts/list": _STATIC,
                "resources/list": _STATIC,
                "resources/templates/list": _STATIC,
                "resources/read": _MOVING,
            },
        )
        self.middleware.append(traffic.watch)
        self.completion()(self.complete)  # type: ignore[no-untyped-call]

    async def list_tools(self) -> list[Tool]:
        """Return the tools."""
        return self._tools.listed()

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[None, Any] | None = None
    ) -> CallToolResult:
        """Call a tool; an unknown one is a protocol error."""
        return await self._tools.call(name, arguments, context or self._context())

    async def list_resources(self) -> list[Resource]:
        """Return the resources that are always there."""
        return self._shelf.listed()

    async def list_resource_templates(self) -> list[ResourceTemplate]:
        """Return the families of resources."""
        return self._shelf.templates()

    async def read_resource(
        self,
        uri: AnyUrl | str,
        context: Context[None, Any] | None = None,  # noqa: ARG002 -- the SDK passes it by position
    ) -> Iterable[ReadResourceContents]:
        """Return what is behind an address."""
        return await self._shelf.read(str(uri))

    async def list_prompts(self) -> list[Prompt]:
        """Return the prompts."""
        return self._menu.listed()

    async def get_prompt(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        context: Context[None, Any] | None = None,  # noqa: ARG002 -- the SDK passes it by position
    ) -> GetPromptResult:
        """Return a prompt with what is remembered in it."""
        return await self._menu.filled(name, arguments or {})

    async def complete(
        self,
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,  # noqa: ARG002 -- the SDK passes it by position
    ) -> Completion:
        """Return what an argument of a prompt or resource may be."""
        try:
            if isinstance(ref, PromptReference):
                values = await self._menu.complete(argument.name, argument.value)
            else:
                values = await self._shelf.complete(ref.uri, argument.name, argument.value)
        except MemoryServerError as error:
            raise MCPError(INTERNAL_ERROR, str(error)) from error
        return _completion(values)

    async def run_stdio_async(self) -> None:
        """Serve stdin and stdout until stdin ends; unlike the SDK's, this can be cancelled at any time."""
        unanswered = Unanswered()
        self.middleware.append(unanswered.watch)
        settled = partial(unanswered.settle, FINISHING_SECONDS)
        with lines_of_stdin(settled) as lines:
            async with stdio_server(stdin=lines) as (read, write):
                server = self._lowlevel_server
                try:
                    await server.run(read, Answers(write, unanswered), server.create_initialization_options())
                finally:
                    flush_what_was_printed()

    def _context(self) -> Context[None, Any]:
        return Context(mcp_server=self, subscriptions=self._subscriptions)


def _completion(values: Sequence[str]) -> Completion:
    return Completion(values=list(values[:COMPLETIONS]), has_more=len(values) > COMPLETIONS)


def build_server(open_it: Open = from_environment) -> MemoryServer:
    """Return a server over the memory that ``open_it`` opens at the first call that needs it."""
    return MemoryServer(MemoryOnDemand(open_it))


def run_stdio(open_it: Open = from_environment, *, log_level: str | None = None) -> None:
    """Serve stdin and stdout until stdin ends or the process is told to leave; then close what was opened.

    Args:
        open_it: opens memory, at the first call that needs it.
        log_level: what to log on stderr; the environment's LOG_LEVEL if not given.
    """
    # First of all: the SDK would configure logging in its own way.
    configure_logging(log_level)
    announce()
    run_until_told_to_leave(build_server(open_it).run_stdio_async)
