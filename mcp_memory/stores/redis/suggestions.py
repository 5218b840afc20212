"""Suggestions, each under its id, listed for every scope that its first memory lies within."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from mcp_memory.domain.moments import microseconds
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.suggestions import Suggestion, SuggestionKind, SuggestionState
from mcp_memory.ports.memories import Seen
from mcp_memory.ports.suggestions import Proposal
from mcp_memory.stores.redis import history, keys, reading
from mcp_memory.stores.redis.committing import NUMBER, Check, commit
from mcp_memory.stores.redis.documents import moment
from mcp_memory.stores.redis.server import Command, Moved, Server

_PLAIN = ("id", "reason", "closeness", "text")


async def suggest(server: Server, proposals: Sequence[Proposal]) -> int:
    """Keep the proposals, in the place of older ones about the same two memories."""
    for proposal in proposals:
        await server.transact(lambda proposal=proposal: _put(server, proposal))  # type: ignore[misc]
    return len(proposals)


async def _put(server: Server, proposal: Proposal) -> None:
    one, other = int(proposal.one[0]), int(proposal.other[0])
    pair = server.keys.suggested(one, other)
    former = await server.call("GET", pair)
    scope = await _last_scope(server, one)
    reaches = [*keys.reaches(scope.namespace, scope.user_id, scope.session_id)]
    commands: list[Command] = [] if former is None else await _struck(server, former.decode())
    commands += [
        ("SET", server.keys.suggestion(proposal.id), _written(proposal, reaches)),
        ("SET", pair, proposal.id),
        *(("SADD", server.keys.suggestions_about(handle), proposal.id) for handle in (one, other)),
        # What is suggested last is listed first.
        *(("ZADD", server.keys.suggestions(reach), NUMBER, proposal.id) for reach in reaches),
    ]
    await commit(server, [Check(pair, "", former)], commands)


async def _last_scope(server: Server, handle: int) -> Scope:
    """Return where the memory lies, or lay last: one that comes back by an undo is still suggested."""
    (record,) = await reading.records(server, [handle])
    if record is None:
        images = (await history.images_of_memories(server, [handle]))[handle]
        record = next((image.before for image in reversed(images) if image.before is not None), None)
    return Scope() if record is None else record.scope


def _written(proposal: Proposal, reaches: Sequence[str]) -> str:
    found: dict[str, Any] = {name: getattr(proposal, name) for name in _PLAIN}
    found |= {"kind": str(proposal.kind), "state": str(proposal.state), "at": microseconds(proposal.at)}
    return json.dumps(found | {"one": proposal.one, "other": proposal.other, "reaches": reaches}, ensure_ascii=False)


def proposal_of(written: bytes) -> Proposal:
    """Return the suggestion that was written so."""
    found = json.loads(written)
    return Proposal(
        **{name: found[name] for name in _PLAIN},
        kind=SuggestionKind(found["kind"]),
        state=SuggestionState(found["state"]),
        at=moment(found["at"]),
        one=(found["one"][0], found["one"][1]),
        other=(found["other"][0], found["other"][1]),
    )


async def _struck(server: Server, suggestion_id: str) -> list[Command]:
    """Return the commands that delete a suggestion."""
    written = await server.call("GET", server.keys.suggestion(suggestion_id))
    if written is None:
        return []
    found = json.loads(written)
    one, other = found["one"][0], found["other"][0]
    return [
        ("DEL", server.keys.suggestion(suggestion_id)),
        ("DEL", server.keys.suggested(one, other)),
        *(("SREM", server.keys.suggestions_about(handle), suggestion_id) for handle in (one, other)),
        *(("ZREM", server.keys.suggestions(reach), suggestion_id) for reach in found["reaches"]),
    ]


async def forgotten(server: Server, handle: int) -> list[Command]:
    """Return the commands that delete all suggestions about a memory."""
    ids = await server.call("SMEMBERS", server.keys.suggestions_about(handle))
    return [command for one in sorted(ids) for command in await _struck(server, one.decode())]


async def _listed(server: Server, scope: Scope) -> list[Proposal]:
    """Return the suggestions about memories of the scope, newest first, those that have ended too."""
    reach = keys.reach(scope.namespace, scope.user_id, scope.session_id)
    ids = await server.call("ZRANGE", server.keys.suggestions(reach), 0, -1, "REV")
    found = await server.many([("GET", server.keys.suggestion(one.decode())) for one in ids])
    return [proposal_of(written) for written in found if written is not None]


async def _told(server: Server, proposals: Sequence[Proposal]) -> Iterator[tuple[Proposal, Suggestion]]:
    """Return what has not ended: both memories are there, as they were read."""
    handles = [int(handle) for proposal in proposals for handle, _ in (proposal.one, proposal.other)]
    records = await reading.records(server, handles)
    return (
        (
            proposal,
            proposal.told(one, other),
        )
        for proposal, one, other in zip(proposals, records[::2], records[1::2], strict=True)
        if one is not None and other is not None
        if (one.version, other.version) == (proposal.one[1], proposal.other[1])
    )


async def page(
    server: Server, scope: Scope, state: SuggestionState, limit: int, offset: int
) -> tuple[list[Suggestion], int]:
    """Return a page of the suggestions in this state, newest first, and their number."""
    proposals = [proposal for proposal in await _listed(server, scope) if proposal.state is state]
    standing = [suggestion for _, suggestion in await _told(server, proposals)]
    return standing[offset : offset + limit], len(standing)


async def find(server: Server, suggestion_id: str, scope: Scope) -> tuple[Proposal, Suggestion] | None:
    """Return the open suggestion with this id."""
    written = await server.call("GET", server.keys.suggestion(suggestion_id))
    if written is None or (proposal := proposal_of(written)).state is not SuggestionState.OPEN:
        return None
    told = next(await _told(server, [proposal]), None)
    return told if told is not None and scope.covers(told[1].one.scope) else None


async def settle(server: Server, suggestion_id: str, state: SuggestionState) -> None:
    """Note what became of a suggestion."""

    async def attempt() -> None:
        key = server.keys.suggestion(suggestion_id)
        written = await server.call("GET", key)
        if written is not None:
            changed = json.dumps(json.loads(written) | {"state": str(state)}, ensure_ascii=False)
            await commit(server, [Check(key, "", written)], [("SET", key, changed)])

    await server.transact(attempt)


async def settled(server: Server, pairs: Sequence[tuple[Seen, Seen]]) -> list[SuggestionState | None]:
    """Return for each pair the state of what was suggested about it."""
    asked = [("GET", server.keys.suggested(int(one[0]), int(other[0]))) for one, other in pairs]
    ids = [b"" if found is None else found for found in await server.many(asked)]
    written = await server.many([("GET", server.keys.suggestion(one.decode())) for one in ids])
    found: list[SuggestionState | None] = []
    for (one, other), held in zip(pairs, written, strict=True):
        proposal = None if held is None else proposal_of(held)
        same = proposal is not None and {proposal.one, proposal.other} == {
            (int(one[0]), one[1]),
            (int(other[0]), other[1]),
        }
        found.append(proposal.state if proposal is not None and same else None)
    return found


async def compared(server: Server, scope: Scope) -> tuple[datetime, float] | None:
    """Return when the memories of the scope were last compared, and at which distance."""
    found = await server.call("HGET", server.keys.compared, _exactly(scope))
    if found is None:
        return None
    at, distance = json.loads(found)
    return moment(at), distance


async def note_compared(server: Server, scope: Scope, at: datetime, distance: float) -> None:
    """Remember that, and let go of suggestions that have ended."""
    await server.call("HSET", server.keys.compared, _exactly(scope), json.dumps([microseconds(at), distance]))
    proposals = await _listed(server, scope)
    standing = {proposal.id for proposal, _ in await _told(server, proposals)}
    for proposal in proposals:
        if proposal.id not in standing:
            held = await server.call("GET", server.keys.suggestion(proposal.id))
            try:
                check = Check(server.keys.suggestion(proposal.id), "", held)
                await commit(server, [check], await _struck(server, proposal.id))
            except Moved:
                # Somebody else did something about it; the next time will tell.
                continue


def _exactly(scope: Scope) -> str:
    return keys.digest(scope.namespace, scope.user_id, scope.session_id)
