"""The MCP prompts: what a person picks from a menu to recall, to remember, and to see what is known."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    GetPromptResult,
    Prompt,
    PromptArgument,
    PromptMessage,
    TextContent,
)
from pydantic import ValidationError

from mcp_memory.domain.access import Access, Caller
from mcp_memory.domain.filters import TagFilter
from mcp_memory.domain.replies import Hit
from mcp_memory.domain.requests import Search
from mcp_memory.errors import InvalidRequest, MemoryServerError
from mcp_memory.mcp_door.asking import MemoryAsked
from mcp_memory.mcp_door.on_demand import MemoryOnDemand
from mcp_memory.mcp_door.resources import namespaces
from mcp_memory.mcp_door.wording import what_is_wrong
from mcp_memory.prompts.texts import text

logger = logging.getLogger(__name__)

NONE_KNOWN = "(none)"
Arguments: TypeAlias = Mapping[str, str]
Fill: TypeAlias = Callable[[MemoryAsked, Arguments], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Starter:
    """One prompt: what it is called, what it asks of the person, and how its text is made."""

    name: str
    title: str
    description: str
    argument: str
    asks: str
    fill: Fill


async def recall(memory: MemoryAsked, given: Arguments) -> str:
    """A question with the memories that bear on it."""
    return text("recall.md").format(
        query=given["query"], memories=await _found(memory, given["query"], given, limit=10)
    )


async def remember(_: MemoryAsked, given: Arguments) -> str:
    """Something to keep, and how to keep it well."""
    where = f', namespace "{given["namespace"]}"' if given.get("namespace") else ""
    return text("remember.md").format(text=given["text"], where=where)


async def what_do_you_know_about(memory: MemoryAsked, given: Arguments) -> str:
    """A topic with all that is known of it."""
    found = await _found(memory, given["topic"], given, limit=30)
    return text("what-do-you-know-about.md").format(topic=given["topic"], memories=found)


async def _found(memory: MemoryAsked, query: str, given: Arguments, *, limit: int) -> str:
    at = await memory.opened()
    namespace = given.get("namespace")
    request = Search(text=query, limit=limit, namespace=TagFilter(eq=namespace) if namespace else None)
    found = await at.memory.long_term.search(request, caller=at.caller)
    return "\n".join(map(_line, found.memories)) or NONE_KNOWN


def _line(hit: Hit) -> str:
    return f"- {hit.event_date or hit.created_at:%Y-%m-%d} {hit.text} (id {hit.id})"


STARTERS: tuple[Starter, ...] = (
    Starter(
        "recall",
        "Recall",
        "Answer a question from what is remembered; the memories found are put into the prompt.",
        "query",
        "What you want to know",
        recall,
    ),
    Starter(
        "remember",
        "Remember this",
        "Keep something for good, as clear single facts and without duplicates.",
        "text",
        "What to remember",
        remember,
    ),
    Starter(
        "what-do-you-know-about",
        "What do you know about …?",
        "Sum up everything that is remembered about a person, project or topic.",
        "topic",
        "A person, project or topic",
        what_do_you_know_about,
    ),
)
_NAMESPACE = PromptArgument(name="namespace", description="Only within this namespace", required=False)


class Menu:
    """Lists, fills and completes the prompts."""

    def __init__(self, memory: MemoryOnDemand) -> None:
        self._memory = memory

    def listed(self) -> list[Prompt]:
        """Return the prompts as a client sees them."""
        return [
            Prompt(
                name=starter.name,
                title=starter.title,
                description=starter.description,
                arguments=[PromptArgument(name=starter.argument, description=starter.asks, required=True), _NAMESPACE],
            )
            for starter in STARTERS
        ]

    async def filled(self, name: str, given: Arguments, caller: Caller | None) -> GetPromptResult:
        """Return the prompt's messages.

        Raises:
            MCPError: there is no such prompt, an argument is missing, or memory cannot be read.
        """
        starter = next((starter for starter in STARTERS if starter.name == name), None)
        if starter is None:
            raise MCPError(INVALID_PARAMS, f"Unknown prompt: {name}")
        if not given.get(starter.argument, "").strip():
            raise MCPError(INVALID_PARAMS, f"{starter.argument}: required ({starter.asks.lower()})")
        memory = MemoryAsked(self._memory, caller)
        try:
            memory.require(Access.READ)
            said = await starter.fill(memory, given)
        except ValidationError as error:
            raise MCPError(INVALID_PARAMS, what_is_wrong(error)) from error
        except InvalidRequest as error:
            raise MCPError(INVALID_PARAMS, str(error)) from error
        except MemoryServerError as error:
            raise MCPError(INTERNAL_ERROR, str(error)) from error
        except MCPError:
            raise
        except Exception as error:
            logger.exception("prompt %s failed unexpectedly", name)
            raise MCPError(INTERNAL_ERROR, f"{name} failed unexpectedly; the server's log (stderr) says why") from error
        message = PromptMessage(role="user", content=TextContent(type="text", text=said))
        return GetPromptResult(description=starter.description, messages=[message])

    async def complete(self, argument: str, begun: str, caller: Caller | None) -> Sequence[str]:
        """Return what an argument of a prompt may be; only namespaces can be known."""
        return await namespaces(MemoryAsked(self._memory, caller), begun) if argument == "namespace" else ()
