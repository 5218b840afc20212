"""The MCP server of both eras of the protocol: hands each request to the tools, resources and prompts, with its caller.

Over what it is served is not its matter. Nothing that a first answer does not need is loaded.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    CallToolResult,
    CompleteRequestParams,
    CompleteResult,
    Completion,
    GetPromptResult,
    Prompt,
    PromptReference,
    Resource,
    ResourceTemplate,
    SubscriptionsListenRequestParams,
    Tool,
)
from pydantic import AnyUrl

from mcp_memory import __version__
from mcp_memory.domain.access import Caller
from mcp_memory.errors import MemoryServerError
from mcp_memory.mcp_door.asking import WhoAsks, as_connected, as_requested, by_connection, by_request
from mcp_memory.mcp_door.background import Traffic, attended
from mcp_memory.mcp_door.calls import ToolBox
from mcp_memory.mcp_door.listening import Listening
from mcp_memory.mcp_door.on_demand import MemoryOnDemand
from mcp_memory.mcp_door.resources import COMPLETIONS, Shelf
from mcp_memory.mcp_door.starters import Menu
from mcp_memory.mcp_door.stdio import flush_what_was_printed, lines_of_stdin
from mcp_memory.mcp_door.unanswered import Answers, Unanswered
from mcp_memory.prompts.texts import text

logger = logging.getLogger(__name__)

NAME = "mcp-memory"
TITLE = "Memory"
FINISHING_SECONDS = 5.0
"""What calls that are being done may take when stdin has ended; a client that is in a hurry sends SIGTERM."""
_STATIC = CacheHint(ttl_ms=3_600_000, scope="public")
_MOVING = CacheHint(ttl_ms=0, scope="private")


class MemoryServer(MCPServer[None]):
    """Serves what the door offers; each method is one of the protocol's.

    Args:
        memory: what is served.
        host: the traffic of a program that this server is a part of; that program then does the background jobs,
            closes memory, and says of each request who asks. Without one the server is its only client's.
    """

    def __init__(self, memory: MemoryOnDemand, host: Traffic | None = None) -> None:
        self._who_asks: WhoAsks = by_connection if host is None else by_request
        self.listening = Listening(self._who_asks, as_connected if host is None else as_requested)
        self.tools = ToolBox(memory, self.listening.bus)
        self._shelf = Shelf(memory)
        self._menu = Menu(memory)
        traffic = host or Traffic()

        @asynccontextmanager
        async def lifespan(_: MCPServer[None]) -> AsyncIterator[None]:
            if host is not None:
                yield
                return
            async with attended(memory, traffic):
                yield

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
            subscriptions=self.listening.bus,
        )
        self.middleware.append(traffic.watch)
        self.wire.add_request_handler("completion/complete", CompleteRequestParams, self.complete)
        self.wire.add_request_handler("subscriptions/listen", SubscriptionsListenRequestParams, self.listening.listen)

    @property
    def wire(self) -> Server[None]:
        """The server of the protocol itself, for those that serve it over a transport."""
        return self._lowlevel_server

    async def list_tools(self) -> list[Tool]:
        """Return the tools."""
        return self.tools.listed()

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[None, Any] | None = None
    ) -> CallToolResult:
        """Call a tool; an unknown one is a protocol error."""
        return await self.tools.call(name, arguments, context or self._context(), self._caller(context))

    async def list_resources(self) -> list[Resource]:
        """Return the resources that are always there."""
        return self._shelf.listed()

    async def list_resource_templates(self) -> list[ResourceTemplate]:
        """Return the families of resources."""
        return self._shelf.templates()

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[None, Any] | None = None
    ) -> Iterable[ReadResourceContents]:
        """Return what is behind an address."""
        return await self._shelf.read(str(uri), self._caller(context))

    async def list_prompts(self) -> list[Prompt]:
        """Return the prompts."""
        return self._menu.listed()

    async def get_prompt(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        context: Context[None, Any] | None = None,
    ) -> GetPromptResult:
        """Return a prompt with what is remembered in it."""
        return await self._menu.filled(name, arguments or {}, self._caller(context))

    async def complete(self, context: ServerRequestContext[None, Any], asked: CompleteRequestParams) -> CompleteResult:
        """Return what an argument of a prompt or resource may be."""
        argument, caller = asked.argument, self._who_asks(context)
        try:
            if isinstance(asked.ref, PromptReference):
                values = await self._menu.complete(argument.name, argument.value, caller)
            else:
                values = await self._shelf.complete(asked.ref.uri, argument.name, argument.value, caller)
        except MemoryServerError as error:
            raise MCPError(INTERNAL_ERROR, str(error)) from error
        except MCPError:
            raise
        except Exception as error:
            logger.exception("completion of %s failed unexpectedly", argument.name)
            raise MCPError(INTERNAL_ERROR, "failed unexpectedly; the server's log (stderr) says why") from error
        return CompleteResult(completion=_completion(values))

    async def run_stdio_async(self) -> None:
        """Serve stdin and stdout until stdin ends; unlike the SDK's, this can be cancelled at any time."""
        unanswered = Unanswered()
        self.middleware.append(unanswered.watch)
        settled = partial(unanswered.settle, FINISHING_SECONDS)
        with lines_of_stdin(settled) as lines:
            async with stdio_server(stdin=lines) as (read, write):
                try:
                    await self.wire.run(read, Answers(write, unanswered), self.wire.create_initialization_options())
                finally:
                    flush_what_was_printed()

    def _caller(self, context: Context[None, Any] | None) -> Caller | None:
        """Return who asks; None as well for a call by a program that has this server in itself."""
        return None if context is None else self._who_asks(context.request_context)

    def _context(self) -> Context[None, Any]:
        return Context(mcp_server=self, subscriptions=self._subscriptions)


def _completion(values: Sequence[str]) -> Completion:
    return Completion(values=list(values[:COMPLETIONS]), has_more=len(values) > COMPLETIONS)
