"""A prompt made of a query, its conversation so far and what is known."""

from __future__ import annotations

from typing import Literal

from mcp_memory.domain.access import LOCAL, Caller
from mcp_memory.domain.records import Message
from mcp_memory.domain.replies import Content, Found, Hit, Prompt, PromptMessage
from mcp_memory.domain.requests import GetSession, Hydrate, Search, SessionScoped
from mcp_memory.errors import InvalidRequest
from mcp_memory.services.long_term import LongTerm
from mcp_memory.services.working import Working

Role = Literal["system", "user", "assistant"]

SUMMARY = "## A summary of the conversation so far:\n"
KNOWN = "## Long term memories related to the user's query\n"
NONE_KNOWN = "No relevant long-term memories found."


class Hydration:
    """Puts a prompt together."""

    def __init__(self, long_term: LongTerm, working: Working) -> None:
        self._long_term = long_term
        self._working = working

    async def prompt(self, request: Hydrate, *, caller: Caller = LOCAL) -> Prompt:
        """Return summary, conversation, what is known, and the query, in this order.

        Raises:
            InvalidRequest: neither a session nor a search was asked for.
        """
        if request.session is None and request.long_term_search is None:
            raise InvalidRequest("Either session or long_term_search must be provided")
        messages: list[PromptMessage] = []
        if request.session is not None:
            messages += await self._conversation(request.session, request, caller)
        hits: list[Hit] | None = None
        if request.long_term_search is not None:
            found = await self._known(request, request.long_term_search, caller)
            hits = found.memories
            messages.append(_message("system", KNOWN + "\n".join(map(_line, hits)) if hits else KNOWN + NONE_KNOWN))
        messages.append(_message("user", request.query))
        return Prompt(messages=messages, long_term_memories=hits)

    async def _conversation(self, named: SessionScoped, request: Hydrate, caller: Caller) -> list[PromptMessage]:
        window = GetSession(
            session_id=named.session_id,
            namespace=named.namespace,
            user_id=named.user_id,
            model_name=request.model_name,
            context_window_max=request.context_window_max,
        )
        session = await self._working.get(window, caller=caller, missing="empty")
        summary = [_message("system", SUMMARY + session.context)] if session.context else []
        return summary + [_message(_role(message), message.content) for message in session.messages]

    async def _known(self, request: Hydrate, search: Search, caller: Caller) -> Found:
        """Search for the query; what the search leaves open of its scope is the session's."""
        if request.session is not None:
            caller = caller.defaulting_to(caller.scope(request.session.scope))
        return await self._long_term.search(search.model_copy(update={"text": request.query}), caller=caller)


def _message(role: Role, text: str) -> PromptMessage:
    return PromptMessage(role=role, content=Content(text=text))


def _role(message: Message) -> Role:
    return "user" if message.role == "user" else "assistant"


def _line(hit: Hit) -> str:
    return f"- {hit.text} (ID: {hit.id}, {hit.about:%Y-%m-%d})"
