"""The routes of what was done, of taking it back, and of what a person should look at."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from mcp_memory.domain.access import Access
from mcp_memory.domain.replies import Ack, OperationList, OperationReply, SuggestionList, UndoReply
from mcp_memory.domain.requests import Accept, ShowOperation, Undo
from mcp_memory.rest_door.asking import At
from mcp_memory.rest_door.routes import Route
from mcp_memory.rest_door.wire import (
    AcceptBody,
    ChangesQuery,
    Id,
    Named,
    OperationsQuery,
    SuggestionsQuery,
    UndoBody,
    done,
)


async def list_operations(at: At, asked: Annotated[OperationsQuery, Query()]) -> OperationList:
    """List what was done to memories, last first."""
    return await at.memory.operations.list(asked, caller=at.caller)


async def show_operation(at: At, operation_id: Id, page: Annotated[ChangesQuery, Query()]) -> OperationReply:
    """Show one operation, with a page of what it did to each memory, in order."""
    asked = ShowOperation(operation_id=operation_id, **dict(page))
    return await at.memory.operations.show(asked, caller=at.caller)


async def undo_operation(
    at: At, operation_id: Id, named: Named, response: Response, body: UndoBody | None = None
) -> UndoReply:
    """Bring memories back to what they were before an operation.

    Memories that were changed since are left as they are, and named. What others did, only `admin` may undo.
    """
    given = body or UndoBody()
    scope = given.scope.or_default(named.scope)
    asked = Undo(operation_id=operation_id, only=given.only, namespace=scope.namespace, user_id=scope.user_id)
    return done(await at.memory.operations.undo(asked, caller=at.caller), response)


async def list_suggestions(at: At, asked: Annotated[SuggestionsQuery, Query()]) -> SuggestionList:
    """List what compaction was not sure about, newest first."""
    return await at.memory.suggestions.list(asked, caller=at.caller)


async def apply_suggestion(
    at: At, suggestion_id: Id, named: Named, response: Response, body: AcceptBody | None = None
) -> Ack:
    """Do what is suggested; it can be undone."""
    asked = Accept(suggestion_id=suggestion_id, text=None if body is None else body.text)
    return done(await at.memory.suggestions.accept(asked, scope=named.scope, caller=at.caller), response)


async def dismiss_suggestion(at: At, suggestion_id: Id, named: Named) -> Ack:
    """Leave both memories as they are."""
    return await at.memory.suggestions.dismiss(suggestion_id, scope=named.scope, caller=at.caller)


_DONE = "Operations"
_OPEN = "Suggestions"
ROUTES = (
    Route("GET", "/v1/operations", list_operations, Access.READ, _DONE),
    Route("GET", "/v1/operations/{operation_id}", show_operation, Access.READ, _DONE, (404,)),
    Route("POST", "/v1/operations/{operation_id}/undo", undo_operation, Access.WRITE, _DONE, (404, 409, 507)),
    Route("GET", "/v1/suggestions", list_suggestions, Access.READ, _OPEN),
    Route("POST", "/v1/suggestions/{suggestion_id}/apply", apply_suggestion, Access.WRITE, _OPEN, (404, 409, 507)),
    Route("POST", "/v1/suggestions/{suggestion_id}/dismiss", dismiss_suggestion, Access.WRITE, _OPEN, (404,)),
)
