"""Suggestions in the file. Every function is called within one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import apsw

from mcp_memory.domain.moments import microseconds
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.suggestions import Suggestion, SuggestionKind, SuggestionState
from mcp_memory.ports.memories import Seen
from mcp_memory.ports.suggestions import Proposal
from mcp_memory.stores.sqlite import filters, reading
from mcp_memory.stores.sqlite.filters import Condition
from mcp_memory.stores.sqlite.rows import Row
from mcp_memory.stores.sqlite.statements import sql
from mcp_memory.stores.sqlite.writing import numbers_given

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def suggest(connection: apsw.Connection, proposals: Sequence[Proposal]) -> int:
    """Keep the proposals, in the place of older ones about the same two memories."""
    connection.executemany(sql("put_suggestion"), [_row(proposal) for proposal in proposals])
    return len(proposals)


def _row(proposal: Proposal) -> Row:
    return (
        proposal.id,
        str(proposal.kind),
        str(proposal.state),
        microseconds(proposal.at),
        proposal.reason,
        proposal.closeness,
        proposal.text,
        int(proposal.one[0]),
        proposal.one[1],
        int(proposal.other[0]),
        proposal.other[1],
    )


def page(
    connection: apsw.Connection, scope: Scope, state: SuggestionState, limit: int, offset: int
) -> tuple[list[Suggestion], int]:
    """Return a page of the suggestions in this state, newest first, and their number."""
    within = _within(connection, scope)
    if within is None:
        return [], 0
    condition = f"{sql('suggestions_in_state')} AND {within.text}"
    values = (str(state), *within.values)
    total = int(connection.execute(sql("count_suggestions", condition), values).get)
    statement = sql("suggestions", condition) + "\n" + sql("newest_suggestions")
    proposals = [proposal_of(row) for row in connection.execute(statement, (*values, limit, offset))]
    return _told(connection, proposals), total


def find(connection: apsw.Connection, suggestion_id: str, scope: Scope) -> tuple[Proposal, Suggestion] | None:
    """Return the open suggestion with this id."""
    within = _within(connection, scope)
    if within is None:
        return None
    statement = sql("suggestions", f"{sql('suggestion_of_id')} AND {within.text}")
    row = connection.execute(statement, (suggestion_id, *within.values)).fetchone()
    if row is None:
        return None
    proposal = proposal_of(row)
    (suggestion,) = _told(connection, [proposal])
    return proposal, suggestion


def _within(connection: apsw.Connection, scope: Scope) -> Condition | None:
    numbers = filters.numbers_of(connection, scope)
    return None if numbers is None else filters.within(numbers)


def proposal_of(row: Row) -> Proposal:
    """Return the suggestion of a row of ``suggestions``, without its number."""
    name, kind, state, at, reason, closeness, text, one, one_version, other, other_version = row
    return Proposal(
        id=str(name),
        kind=SuggestionKind(str(kind)),
        state=SuggestionState(str(state)),
        at=_EPOCH + timedelta(microseconds=int(str(at))),
        reason=str(reason),
        closeness=None if closeness is None else float(str(closeness)),
        text=None if text is None else str(text),
        one=(int(str(one)), int(str(one_version))),
        other=(int(str(other)), int(str(other_version))),
    )


def _told(connection: apsw.Connection, proposals: Sequence[Proposal]) -> list[Suggestion]:
    """Return the proposals with the records that they are about."""
    handles = [int(handle) for proposal in proposals for handle in (proposal.one[0], proposal.other[0])]
    records = reading.records(connection, handles)
    told = []
    for proposal, one, other in zip(proposals, records[::2], records[1::2], strict=True):
        if one is not None and other is not None:
            told.append(proposal.told(one, other))
    return told


def settle(connection: apsw.Connection, suggestion_id: str, state: SuggestionState) -> None:
    """Note what became of a suggestion."""
    connection.execute(sql("settle_suggestion"), (str(state), suggestion_id))


def settled(connection: apsw.Connection, pairs: Sequence[tuple[Seen, Seen]]) -> list[SuggestionState | None]:
    """Return for each pair the state of what was suggested about it."""
    found = []
    for (one, one_version), (other, other_version) in pairs:
        state = connection.execute(sql("settled"), (int(one), one_version, int(other), other_version)).get
        found.append(None if state is None else SuggestionState(str(state)))
    return found


def compared(connection: apsw.Connection, scope: Scope) -> tuple[datetime, float] | None:
    """Return when the memories of the scope were last compared, and at which distance."""
    numbers = filters.numbers_of(connection, scope)
    row = None if numbers is None else connection.execute(sql("compared"), numbers).fetchone()
    return None if row is None else (_EPOCH + timedelta(microseconds=int(str(row[0]))), float(str(row[1])))


def note_compared(connection: apsw.Connection, scope: Scope, moment: datetime, distance: float) -> None:
    """Remember that, and let go of suggestions that have ended."""
    connection.execute(sql("note_compared"), (*numbers_given(connection, scope), microseconds(moment), distance))
    connection.execute(sql("end_suggestions"))
