"""The routes of working memory: sessions and their messages."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from mcp_memory.domain.access import Access
from mcp_memory.domain.replies import Ack, SessionList, SessionReply
from mcp_memory.domain.requests import Append, GetSession, PutSession, Window
from mcp_memory.rest_door.asking import At
from mcp_memory.rest_door.routes import Route
from mcp_memory.rest_door.wire import (
    WITHOUT_CREATED_AT,
    Expected,
    Id,
    MessagesBody,
    Named,
    SessionBody,
    SessionReader,
    SessionsQuery,
    SessionWriter,
    etag,
    undated,
)


async def list_sessions(at: At, asked: Annotated[SessionsQuery, Query()]) -> SessionList:
    """List session ids, last updated first."""
    return await at.memory.working.list(asked, caller=at.caller)


async def get_session(
    at: At, session_id: Id, reader: Annotated[SessionReader, Query()], response: Response
) -> SessionReply:
    """Read a session.

    Without a user or namespace it is found if it is the only one of its id.
    """
    asked = GetSession(session_id=session_id, **dict(reader))
    reply = await at.memory.working.get(asked, caller=at.caller)
    response.headers["ETag"] = etag(reply.version)
    return reply


async def put_session(
    at: At,
    session_id: Id,
    body: SessionBody,
    named: Annotated[SessionWriter, Query()],
    expected: Expected,
    response: Response,
) -> SessionReply:
    """Replace a session whole.

    Its memories are kept for good. `If-Match` or `expected_version` refuse to overwrite what others wrote meanwhile.
    """
    fields = dict(body) | {"session_id": session_id}
    if expected is not None:
        fields["expected_version"] = expected
    window = Window(model_name=named.model_name, context_window_max=named.context_window_max)
    reply = await at.memory.working.put(PutSession(**fields), window=window, caller=at.about(named.scope))
    response.headers["ETag"] = etag(reply.version)
    if undated(body.messages):
        response.headers["X-Deprecation-Warning"] = WITHOUT_CREATED_AT
    return reply


async def append_messages(at: At, session_id: Id, body: MessagesBody, named: Named, response: Response) -> SessionReply:
    """Add messages to a session, which is begun if it is not there.

    What others add meanwhile stays, and a message whose id is there is not added again.
    """
    asked = Append(**(dict(body) | {"session_id": session_id}))
    reply = await at.memory.working.append(asked, caller=at.about(named.scope))
    response.headers["ETag"] = etag(reply.version)
    return reply


async def delete_session(at: At, session_id: Id, named: Named) -> Ack:
    """Delete a session; it is no error if there is none."""
    return await at.memory.working.delete(session_id, scope=named.scope, caller=at.caller)


_GROUP = "Working memory"
ROUTES = (
    Route("GET", "/v1/working-memory", list_sessions, Access.READ, _GROUP),
    Route("GET", "/v1/working-memory/{session_id}", get_session, Access.READ, _GROUP, (404,)),
    Route("PUT", "/v1/working-memory/{session_id}", put_session, Access.WRITE, _GROUP, (400, 409, 507)),
    Route("DELETE", "/v1/working-memory/{session_id}", delete_session, Access.WRITE, _GROUP),
    Route("POST", "/v1/working-memory/{session_id}/messages", append_messages, Access.WRITE, _GROUP, (400, 409, 507)),
)
