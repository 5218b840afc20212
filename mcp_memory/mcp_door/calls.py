"""From a tool call on the wire to one call of a use case, and back. What the tools are: ``tools``."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, TypeAlias
from urllib.parse import quote

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import UnexpectedToolError
from mcp.server.subscriptions import SubscriptionBus
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, CallToolResult, TextContent
from mcp_types import Tool as ToolOnTheWire
from pydantic import BaseModel, ValidationError

from mcp_memory.domain.access import Access, Caller
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.requests import Create, Request
from mcp_memory.domain.scope import OPEN, Scope
from mcp_memory.errors import Conflict, InvalidRequest, MemoryServerError, NotAllowed, NotFound, StoreError
from mcp_memory.mcp_door.arguments import unpacked
from mcp_memory.mcp_door.asking import MemoryAsked
from mcp_memory.mcp_door.listening import UpdatedWithin
from mcp_memory.mcp_door.on_demand import MemoryOnDemand
from mcp_memory.mcp_door.tools import TOOLS, Call, Tool
from mcp_memory.mcp_door.wording import missing, spoken, what_is_wrong

logger = logging.getLogger(__name__)

_REFUSALS = (InvalidRequest, NotAllowed, NotFound, Conflict)

CallContext: TypeAlias = Context[Any, Any]
ERROR_CODE = "mcp-memory/code"
"""Where a failed result carries the error's stable code, for programs."""


class ToolBox:
    """Lists and calls the tools. Schemas and texts are made when a client first asks for them."""

    def __init__(self, memory: MemoryOnDemand, changes: SubscriptionBus, tools: Sequence[Tool] = TOOLS) -> None:
        self._memory = memory
        self._changes = changes
        self._tools: Mapping[str, Tool] = {tool.name: tool for tool in tools}
        self._listed: list[ToolOnTheWire] | None = None

    def listed(self) -> list[ToolOnTheWire]:
        """Return the tools as a client sees them."""
        if self._listed is None:
            self._listed = [tool.on_the_wire() for tool in self._tools.values()]
        return self._listed

    def needs(self, name: str) -> Access:
        """Return what a caller of this tool needs; of one that there is not, they are told when they call it."""
        return self._tools[name].access if name in self._tools else Access.READ

    async def call(
        self, name: str, arguments: Mapping[str, Any], context: CallContext, caller: Caller | None
    ) -> CallToolResult:
        """Return what the tool answers; what went wrong is an answer too, written for the model that called.

        Raises:
            MCPError: there is no such tool.
            UnexpectedToolError: a fault of this program; it is logged, the caller only learns that it happened.
        """
        tool = self._tools.get(name)
        if tool is None:
            raise MCPError(INVALID_PARAMS, f"Unknown tool: {name}")
        memory = MemoryAsked(self._memory, caller)
        try:
            memory.require(tool.access)
            asked = _asked(tool, arguments)
            reply = await tool.act(Call(memory, context.report_progress), asked)
        except MemoryServerError as error:
            return _failed(tool, error)
        except MCPError:
            raise
        except Exception as error:
            raise UnexpectedToolError(f"{name} failed unexpectedly; the server's log (stderr) says why") from error
        if not tool.may.read_only_hint:
            await self._tell(_touched(asked), _where(asked, reply, (await memory.opened()).caller))
        return _answered(reply)

    async def _tell(self, uris: Iterable[str], scopes: Iterable[Scope]) -> None:
        for uri, scope in product(uris, scopes):
            await self._changes.publish(UpdatedWithin(uri, scope))


def _asked(tool: Tool, arguments: Mapping[str, Any]) -> Request:
    """Return the request that the arguments mean.

    Raises:
        InvalidRequest: with what to change, a few words for each argument.
    """
    unknown = arguments.keys() - tool.takes.model_fields.keys()
    if absent := [name for name in tool.needs if name not in arguments]:
        raise InvalidRequest(missing(absent, unknown))
    try:
        return tool.takes.model_validate(dict(tool.usually) | unpacked(tool.takes, dict(arguments)))
    except ValidationError as error:
        raise InvalidRequest(what_is_wrong(error, unknown)) from error


def _answered(reply: BaseModel) -> CallToolResult:
    whole = reply.model_dump(mode="json", by_alias=True)
    return CallToolResult(content=[TextContent(type="text", text=spoken(whole))], structured_content=whole)


def _failed(tool: Tool, error: MemoryServerError) -> CallToolResult:
    level = logging.WARNING if isinstance(error, StoreError) else logging.INFO
    # A refusal quotes what was asked, which may be what somebody wants remembered.
    told = "" if isinstance(error, _REFUSALS) else error
    logger.log(level, "%s: %s %s", tool.name, type(error).__name__, told)
    logger.debug("%s: %s", tool.name, error)
    return CallToolResult(
        content=[TextContent(type="text", text=str(error))], is_error=True, _meta={ERROR_CODE: error.code}
    )


def _touched(asked: Request) -> Iterator[str]:
    """The resources that a successful write may have changed."""
    yield "memory://recent"
    for memory_id in [getattr(asked, "memory_id", None), *getattr(asked, "memory_ids", ())]:
        if memory_id is not None:
            yield f"memory://{quote(memory_id, safe='')}"
    # Only the tools of working memory take messages; elsewhere a session is a filter or a new value.
    if hasattr(asked, "messages"):
        yield f"memory://session/{quote(getattr(asked, 'session_id', ''), safe='')}"


def _where(asked: Request, reply: BaseModel, caller: Caller) -> set[Scope]:
    """Whose resources a successful write may have changed, as far as that is known."""
    if isinstance(asked, Create):
        return {caller.scope(Scope(new.namespace, new.user_id, new.session_id)) for new in asked.memories}
    if isinstance(reply, MemoryRecord):
        return {reply.scope}
    return {caller.scope(getattr(asked, "scope", OPEN))}
