"""The MCP resources: memories and sessions that a person can attach to a conversation; their names are completed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, UnexpectedResourceError
from mcp.shared.exceptions import MCPError
from mcp.shared.uri_template import UriTemplate
from mcp_types import Annotations, Resource, ResourceTemplate
from pydantic import ValidationError

from mcp_memory.domain.access import Access, Caller
from mcp_memory.domain.replies import Found
from mcp_memory.domain.requests import GetSession, ListSessions, Search
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import MemoryServerError, NotFound
from mcp_memory.mcp_door.asking import MemoryAsked
from mcp_memory.mcp_door.on_demand import MemoryOnDemand
from mcp_memory.mcp_door.wording import spoken, what_is_wrong

RECENT = 20
COMPLETIONS = 100
"""The most values that the protocol lets one completion answer carry."""
JSON = "application/json"

Read: TypeAlias = Callable[[MemoryAsked, str], Awaitable[str]]
Complete: TypeAlias = Callable[[MemoryAsked, str], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Template:
    """A family of resources that differ in one name."""

    uri: str
    argument: str
    name: str
    title: str
    description: str
    read: Read
    complete: Complete


async def one_memory(memory: MemoryAsked, memory_id: str) -> str:
    """The memory with this id, whole."""
    at = await memory.opened()
    return (await at.memory.long_term.get(memory_id, caller=at.caller)).model_dump_json(by_alias=True)


async def one_session(memory: MemoryAsked, session_id: str) -> str:
    """The working memory of this session, whole."""
    at = await memory.opened()
    session = await at.memory.working.get(GetSession(session_id=session_id), caller=at.caller)
    return session.model_dump_json(by_alias=True)


async def recent(memory: MemoryAsked) -> str:
    """The newest memories of the connection's scope."""
    at = await memory.opened()
    return _listed(await at.memory.long_term.search(Search(limit=RECENT), caller=at.caller))


async def recent_in_namespace(memory: MemoryAsked, namespace: str) -> str:
    """The newest memories of one namespace."""
    at = await memory.opened()
    caller = at.caller.defaulting_to(at.caller.scope(Scope(namespace=namespace)))
    return _listed(await at.memory.long_term.search(Search(limit=RECENT), caller=caller))


async def memory_ids(memory: MemoryAsked, begun: str) -> Sequence[str]:
    """Ids of the newest memories that begin so."""
    at = await memory.opened()
    found = await at.memory.long_term.search(Search(limit=COMPLETIONS), caller=at.caller)
    return [hit.id for hit in found.memories if hit.id.startswith(begun)]


async def session_ids(memory: MemoryAsked, begun: str) -> Sequence[str]:
    """Ids of the sessions last used that begin so."""
    at = await memory.opened()
    held = await at.memory.working.list(ListSessions(limit=COMPLETIONS), caller=at.caller)
    return [session_id for session_id in held.sessions if session_id.startswith(begun)]


async def namespaces(memory: MemoryAsked, begun: str) -> Sequence[str]:
    """Namespaces that begin so."""
    at = await memory.opened()
    return await at.memory.long_term.namespaces(begun, caller=at.caller)


def _listed(found: Found) -> str:
    whole: list[Any] = found.model_dump(mode="json", by_alias=True)["memories"]
    for hit in whole:
        # Nothing was compared, so there is no distance to tell.
        del hit["dist"]
    return spoken(whole)


TEMPLATES: tuple[Template, ...] = (
    Template("memory://{id}", "id", "memory", "A memory", "One long-term memory by its id", one_memory, memory_ids),
    Template(
        "memory://session/{session_id}",
        "session_id",
        "session",
        "A session",
        "The working memory of one session: messages, context, data",
        one_session,
        session_ids,
    ),
    Template(
        "memory://namespace/{namespace}",
        "namespace",
        "namespace",
        "A namespace",
        f"The {RECENT} newest memories of one namespace",
        recent_in_namespace,
        namespaces,
    ),
)
RECENT_URI = "memory://recent"


class Shelf:
    """Lists, reads and completes the resources."""

    def __init__(self, memory: MemoryOnDemand) -> None:
        self._memory = memory

    def listed(self) -> list[Resource]:
        """Return the resources that are always there."""
        return [
            Resource(
                uri=RECENT_URI,
                name="recent",
                title="Recent memories",
                description=f"The {RECENT} newest memories",
                mime_type=JSON,
                annotations=Annotations(audience=["user", "assistant"], priority=0.6),
            )
        ]

    def templates(self) -> list[ResourceTemplate]:
        """Return the families of resources."""
        return [
            ResourceTemplate(
                uri_template=template.uri,
                name=template.name,
                title=template.title,
                description=template.description,
                mime_type=JSON,
            )
            for template in TEMPLATES
        ]

    async def read(self, uri: str, caller: Caller | None) -> list[ReadResourceContents]:
        """Return the content behind the address.

        Raises:
            ResourceNotFoundError: there is nothing behind it.
            ResourceError: the store cannot answer; the message says why.
            UnexpectedResourceError: a fault of this program; it is logged, the caller only learns that it happened.
        """
        try:
            return [
                ReadResourceContents(
                    content=await self._content(uri, MemoryAsked(self._memory, caller)), mime_type=JSON
                )
            ]
        except NotFound as error:
            raise ResourceNotFoundError(str(error)) from error
        except ValidationError as error:
            # What cannot be an id names nothing.
            raise ResourceNotFoundError(f"Unknown resource: {what_is_wrong(error)}") from error
        except MemoryServerError as error:
            raise ResourceError(str(error)) from error
        except (ResourceError, MCPError):
            raise
        except Exception as error:
            raise UnexpectedResourceError(f"{uri} cannot be read; the server's log (stderr) says why") from error

    async def _content(self, uri: str, memory: MemoryAsked) -> str:
        memory.require(Access.READ)
        if uri == RECENT_URI:
            return await recent(memory)
        for template in TEMPLATES:
            match = UriTemplate.parse(template.uri).match(uri)
            if match is not None and (name := str(match[template.argument])):
                return await template.read(memory, name)
        raise ResourceNotFoundError(f"Unknown resource: {uri}")

    async def complete(self, uri: str, argument: str, begun: str, caller: Caller | None) -> Sequence[str]:
        """Return what the argument of a template may be, given how it begins."""
        for template in TEMPLATES:
            if template.uri == uri and template.argument == argument:
                return await template.complete(MemoryAsked(self._memory, caller), begun)
        return ()
