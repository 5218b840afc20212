"""Where what is sent differs from the requests and replies of the use cases, for the sake of existing clients."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import unquote

from fastapi import Depends, Header, Path, Query, Response
from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from mcp_memory.domain.forgetting import Policy
from mcp_memory.domain.moments import Moment
from mcp_memory.domain.records import MemoryRecord, SearchMode
from mcp_memory.domain.replies import Ack, Compacted, Created, Edited, Forgotten, Reply, UndoReply
from mcp_memory.domain.requests import (
    MAX_BATCH,
    Compact,
    Hydrate,
    Label,
    Labels,
    ListJobs,
    ListOperations,
    ListSessions,
    ListSuggestions,
    MemoryChanges,
    NewMemory,
    NewMessage,
    NewMessages,
    Owned,
    OwnedPage,
    Request,
    Search,
    SessionContents,
    SessionScoped,
    Text,
    Window,
)
from mcp_memory.domain.scope import OPEN, Scope
from mcp_memory.errors import AmbiguousId, InvalidRequest

Answer = TypeVar("Answer")

REFUSED = "refused"
"""The type of what is refused with 400 and one text, where other unusable values are with 422 and a list."""
WITHOUT_CREATED_AT = (
    "messages[].created_at will become required in the next major version. Please provide timestamps for all messages."
)
ALL_KNOWN = 20
"""Memories in a prompt whose search is only asked for by ``true``."""

Id = Annotated[Label, BeforeValidator(unquote), Path()]
"""An id in a path, of which ``rest_door.paths`` leaves the parts as they were written."""


# ------------------------------------------------------------------------------------------------------------ versions


def _version(text: str) -> int:
    number = text.strip().removeprefix("W/").strip('"')
    if not number.isdecimal():
        raise InvalidRequest(f"If-Match holds no version: {text!r}; send the ETag of what you read")
    return int(number)


async def _expected(
    if_match: Annotated[str | None, Header(description="The ETag of what was read: refuse if it changed since")] = None,
    if_none_match: Annotated[str | None, Header(description="*: refuse if there is one already")] = None,
) -> int | None:
    if if_none_match is not None and if_none_match.strip() == "*":
        return 0
    return None if if_match is None or if_match.strip() == "*" else _version(if_match)


Expected = Annotated[int | None, Depends(_expected)]
"""The version that the client read, by the headers of HTTP; None if it does not say."""


def etag(version: int) -> str:
    """Return a version as a client gets it; weak, since counted accesses do not change it."""
    return f'W/"{version}"'


# ------------------------------------------------------------------------------------------------------------- scopes


async def of_its_id(act: Callable[[Scope], Awaitable[Answer]], named: Scope) -> Answer:
    """Do it to what has this id; the scope that the query names counts where several scopes have one.

    Clients send their default namespace with every id, whatever namespace it is from.
    """
    try:
        return await act(OPEN)
    except AmbiguousId:
        if named == OPEN:
            raise
        return await act(named)


# ------------------------------------------------------------------------------------------------------------ queries

AT_ONCE = ConfigDict(defer_build=False)
"""FastAPI has more to say of what it takes if it is built later than its route."""


class Whose(Owned):
    """Whose something is."""

    model_config = AT_ONCE


Named = Annotated[Whose, Query()]
"""A parameter of a route: the scope that the query names."""


class SessionWriter(Owned, Window):
    """Whose session, and how much of it fits its reader."""

    model_config = AT_ONCE


class SessionReader(SessionWriter):
    """The same, and how much of it is wanted."""

    recent_messages_limit: int | None = Field(None, description="Only the last so many messages")


class SessionsQuery(ListSessions):
    """Which sessions."""

    model_config = AT_ONCE


class OperationsQuery(ListOperations):
    """Which operations."""

    model_config = AT_ONCE


class ChangesQuery(OwnedPage):
    """Which of what an operation did to memories."""

    model_config = AT_ONCE


class SuggestionsQuery(ListSuggestions):
    """Which suggestions."""

    model_config = AT_ONCE


class JobsQuery(ListJobs):
    """Which jobs."""

    model_config = AT_ONCE


class CompactQuery(Compact):
    """Where to compact, and what."""

    model_config = AT_ONCE


class ForgetQuery(Owned):
    """Where to forget, and how much."""

    model_config = AT_ONCE

    session_id: Label | None = None
    limit: Annotated[int, Field(ge=1)] | None = Field(None, description="At most so many; all that are due if left out")
    dry_run: bool = Field(default=True, description="Only say what would be forgotten")


# ------------------------------------------------------------------------------------------------------------- bodies


def _refused(message: str) -> PydanticCustomError:
    return PydanticCustomError(REFUSED, "{message}", {"message": message})


def _with_content(message: Any) -> Any:
    if isinstance(message, dict) and isinstance(content := message.get("content"), str) and not content.strip():
        named = message.get("id") or "none given"
        raise _refused(f"Message content cannot be empty (message ID: {named})")
    return message


Sent = Annotated[NewMessage, BeforeValidator(_with_content)]


class SessionBody(Owned, SessionContents):
    """A session, whole. Its id is that of the path."""

    model_config = AT_ONCE

    messages: list[Sent] = Field(default_factory=list)


class MessagesBody(Owned, NewMessages):
    """Messages to be added to a session."""

    model_config = AT_ONCE

    messages: Annotated[list[Sent], Field(min_length=1)]


class MemoriesBody(Request):
    """Memories to be kept for good."""

    model_config = AT_ONCE

    memories: Annotated[list[NewMemory], Field(max_length=MAX_BATCH)]
    deduplicate: bool = Field(default=True, description="Answer exact duplicates with the memory already there")


class SearchBody(Search):
    """What to find; the filters of older and newer clients, all of which must hold."""

    model_config = AT_ONCE

    @model_validator(mode="before")
    @classmethod
    def _threshold_of_a_distance(cls, fields: Any) -> Any:
        if isinstance(fields, dict) and fields.get("distance_threshold") is not None:
            mode = fields.get("search_mode")
            if isinstance(mode, str) and mode in {SearchMode.KEYWORD, SearchMode.HYBRID}:
                raise _refused("distance_threshold is only supported for semantic search mode")
        return fields


class EditBody(MemoryChanges):
    """What is to become of a memory; what is not given, or null, stays."""

    model_config = AT_ONCE


class PromptSession(SessionScoped, Window):
    """The session of a prompt, and the model that will read it."""


class PromptBody(Request):
    """A query that is to become a prompt."""

    model_config = AT_ONCE

    query: Text
    session: PromptSession | None = None
    long_term_search: SearchBody | bool | None = Field(None, description="true: whatever is relevant to the query")

    def hydrate(self) -> Hydrate:
        """Return the request of the use case."""
        known = self.long_term_search
        if isinstance(known, bool):
            known = SearchBody(limit=ALL_KNOWN) if known else None
        window = self.session or Window()
        return Hydrate(
            query=self.query,
            session=self.session,
            long_term_search=known,
            model_name=window.model_name,
            context_window_max=window.context_window_max,
        )


class ForgetBody(Request):
    """What may be forgotten."""

    model_config = AT_ONCE

    policy: Policy
    pinned_ids: Labels | None = Field(None, description="Ids of memories to keep whatever the policy says")


class UndoBody(Owned):
    """How much of an operation to take back."""

    model_config = AT_ONCE

    only: Labels | None = Field(None, description="Ids of the memories to bring back; all if left out")


class AcceptBody(Request):
    """How a suggestion is to be done."""

    model_config = AT_ONCE

    text: Text | None = Field(None, description="Text of the merged memory, in place of the one proposed")


# ------------------------------------------------------------------------------------------------------------ replies


class Health(Reply):
    """The server answers."""

    now: int
    """Milliseconds since 1970."""


class Ready(Reply):
    """Whether the server can do its work, and what it lacks."""

    status: Literal["ready", "not ready"]
    store: str
    worker: str
    detail: str | None = Field(None, exclude_if=lambda detail: detail is None)
    """What is wrong, in one line."""


class Counts(Reply):
    """How much is remembered."""

    memories: int
    sessions: int
    by_namespace: dict[str, int]
    by_type: dict[str, int]
    without_vector: int
    embedding_model: str
    embedding_dimensions: int
    as_of: Moment


class NamespaceList(Reply):
    """The first namespaces that were asked for."""

    namespaces: list[str]


class Detail(Reply):
    """What went wrong."""

    detail: str
    code: str | None = None
    """Stable, for programs; the words may change."""


class Fault(Reply):
    """A value that cannot be used."""

    type: str
    loc: list[str | int]
    msg: str


class Faults(Reply):
    """What cannot be used of a request."""

    detail: list[Fault]


def undated(messages: Iterable[NewMessage]) -> bool:
    """Say whether a message does not say when it was created."""
    return any(message.created_at is None for message in messages)


Done = TypeVar("Done", Ack, Created, Compacted, UndoReply, Edited, Forgotten)


def done(reply: Done, response: Response) -> Done:
    """Return the reply, and its operation as a header: by that it can be looked at and undone."""
    if reply.operation is not None:
        response.headers["X-Operation-ID"] = reply.operation
    return reply


def tagged(record: MemoryRecord) -> dict[str, str]:
    """Return the headers of an answer that holds one memory."""
    return {"ETag": etag(record.version)}
