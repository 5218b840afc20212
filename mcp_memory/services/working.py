"""Working memory: the messages, facts and data of one conversation. Nothing is overwritten silently."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from mcp_memory.domain import windows
from mcp_memory.domain.access import LOCAL, Caller
from mcp_memory.domain.records import MemoryRecord, Message, Session
from mcp_memory.domain.replies import Ack, SessionList, SessionReply
from mcp_memory.domain.requests import (
    Append,
    Create,
    GetSession,
    ListSessions,
    NewMemory,
    NewMessage,
    PutSession,
    Window,
)
from mcp_memory.domain.scope import OPEN, Scope
from mcp_memory.errors import SessionNotFound, UnusableMoment, VersionConflict
from mcp_memory.ports.given import Clock, NewId
from mcp_memory.ports.sessions import SessionStore
from mcp_memory.services.long_term import LongTerm

APPEND_TRIES = 16
"""Appends of others that one append outwaits; each try loses only to another append that got through."""


@dataclass(frozen=True, slots=True)
class SessionRules:
    """What is asked of the messages that are handed in, and what becomes of the facts."""

    promote: bool = True
    """Facts go to long-term memory."""
    require_timestamps: bool = False
    max_future: timedelta = timedelta(seconds=300)


class Working:
    """What is kept for the time of a conversation."""

    def __init__(
        self, store: SessionStore, long_term: LongTerm, clock: Clock, new_id: NewId, rules: SessionRules
    ) -> None:
        self._store = store
        self._long_term = long_term
        self._clock = clock
        self._new_id = new_id
        self._rules = rules

    async def put(self, request: PutSession, *, window: Window | None = None, caller: Caller = LOCAL) -> SessionReply:
        """Replace the session whole and promote its facts to long-term memory, in the session's scope.

        The reply says how full the window is, and leaves nothing out for it.

        Raises:
            VersionConflict: the session is not at ``expected_version``.
        """
        now = self._clock()
        scope = caller.scope(request.scope)
        there = await self._exact(request.session_id, scope, now)
        messages = self._messages(request.messages, now)
        session = Session(
            session_id=request.session_id,
            namespace=scope.namespace,
            user_id=scope.user_id,
            messages=list(messages),
            memories=list(self._facts(request, caller.defaulting_to(scope), now)),
            data=request.data,
            context=request.context,
            tokens=sum(map(windows.message_tokens, messages)),
            long_term_memory_strategy=request.long_term_memory_strategy,
            ttl_seconds=request.ttl_seconds,
            created_at=request.created_at or (there.created_at if there else now),
            updated_at=now,
            last_accessed=now,
        )
        stored = await self._store.put_session(session, expected_version=request.expected_version, now=now)
        return _reply(await self._promoted(stored, request.memories, caller), stored.messages, window or Window())

    async def append(self, request: Append, *, caller: Caller = LOCAL) -> SessionReply:
        """Add messages at the end of the session; what others wrote meanwhile stays."""
        now = self._clock()
        scope = caller.scope(request.scope)
        new = self._messages(request.messages, now)
        tries_left = APPEND_TRIES
        while True:
            tries_left -= 1
            try:
                return await self._appended(request, scope, new, now)
            except VersionConflict:
                if not tries_left:
                    raise

    async def _appended(self, request: Append, scope: Scope, new: Sequence[Message], now: datetime) -> SessionReply:
        there = await self._store.session(request.session_id, scope, now)
        known = {message.id for message in there.messages} if there else set()
        added = [message for message in new if message.id not in known]
        session = _with_messages(there, added, now) if there else self._begun(request, scope, added, now)
        stored = await self._store.put_session(session, expected_version=there.version if there else 0, now=now)
        return _reply(stored, stored.messages, Window())

    async def get(
        self, request: GetSession, *, caller: Caller = LOCAL, missing: Literal["error", "empty"] = "error"
    ) -> SessionReply:
        """Return the session with the newest messages that fit the reader's window.

        Raises:
            SessionNotFound: there is none in this scope, and ``missing`` is "error".
        """
        now = self._clock()
        scope = caller.scope(request.scope)
        session = await self._store.session(request.session_id, scope, now)
        if session is None:
            if missing == "error":
                raise SessionNotFound(request.session_id)
            session = self._begun(request, scope, [], now).model_copy(update={"version": 0})
        return _reply(session, windowed(session.messages, request, request.recent_messages_limit), request)

    async def delete(self, session_id: str, *, scope: Scope = OPEN, caller: Caller = LOCAL) -> Ack:
        """Delete the session; it is no error if there is none."""
        await self._store.remove_session(session_id, caller.scope(scope), self._clock())
        return Ack(status="ok")

    async def list(self, request: ListSessions, *, caller: Caller = LOCAL) -> SessionList:
        """Return a page of session ids, last updated first."""
        scope = caller.scope(Scope(request.namespace, request.user_id))
        found, total = await self._store.sessions(scope, self._clock(), limit=request.limit, offset=request.offset)
        return SessionList(sessions=[session.session_id for session in found], total=total)

    async def expire(self) -> int:
        """Remove the sessions past their TTL; return how many there were."""
        return await self._store.expire_sessions(self._clock())

    async def _exact(self, session_id: str, scope: Scope, now: datetime) -> Session | None:
        found = await self._store.session(session_id, scope, now)
        return found if found and found.scope == Scope(scope.namespace, scope.user_id, session_id) else None

    def _begun(self, request: Append | GetSession, scope: Scope, messages: Sequence[Message], now: datetime) -> Session:
        return Session(
            session_id=request.session_id,
            namespace=scope.namespace,
            user_id=scope.user_id,
            messages=list(messages),
            tokens=sum(map(windows.message_tokens, messages)),
            created_at=now,
            updated_at=now,
            last_accessed=now,
        )

    def _messages(self, given: Iterable[NewMessage], now: datetime) -> Sequence[Message]:
        return [self._message(new, now + timedelta(microseconds=place)) for place, new in enumerate(given)]

    def _message(self, new: NewMessage, now: datetime) -> Message:
        if new.created_at is None and self._rules.require_timestamps:
            raise UnusableMoment("created_at is required on every message (REQUIRE_MESSAGE_TIMESTAMPS)")
        if new.created_at is not None and new.created_at > now + self._rules.max_future:
            raise UnusableMoment(f"created_at {new.created_at.isoformat()} of a message lies in the future")
        return Message(**(dict(new) | {"id": new.id or self._new_id(), "created_at": new.created_at or now}))

    def _facts(self, request: PutSession, caller: Caller, now: datetime) -> Sequence[MemoryRecord]:
        return [
            self._long_term.record(_with_id(new, self._new_id), caller=caller, now=now).model_copy(
                update={"persisted_at": None, "extraction_strategy": request.long_term_memory_strategy.strategy}
            )
            for new in request.memories
        ]

    async def _promoted(self, stored: Session, given: Sequence[NewMemory], caller: Caller) -> Session:
        """Store the session's facts for good and note in the session that they are.

        Promotion is repeated safely: a fact keeps its id, so the second time it is already there.
        """
        if not (self._rules.promote and stored.memories):
            return stored
        own = caller.defaulting_to(stored.scope)
        facts = [
            new.model_copy(update={"id": fact.id, "extraction_strategy": fact.extraction_strategy})
            for new, fact in zip(given, stored.memories, strict=True)
        ]
        await self._long_term.create(Create(memories=facts), caller=own)
        now = self._clock()
        noted = [fact.model_copy(update={"persisted_at": now}) for fact in stored.memories]
        session = stored.model_copy(update={"memories": noted})
        try:
            return await self._store.put_session(session, expected_version=stored.version, now=now)
        except VersionConflict:
            # Somebody wrote the session since; theirs stays, and their own put promotes what it holds.
            return session


def windowed(messages: Sequence[Message], window: Window, recent: int | None = None) -> list[Message]:
    """Return the messages that a reader with this window gets: the newest, in order."""
    kept = list(messages)
    if recent is not None and recent > 0:
        kept = sorted(kept, key=lambda message: message.created_at)[-recent:]
    if window.model_name is None and window.context_window_max is None:
        return kept
    return windows.last_that_fit(kept, windows.window_of(window.model_name, window.context_window_max))


def _with_id(new: NewMemory, new_id: NewId) -> NewMemory:
    return new if new.id else new.model_copy(update={"id": new_id()})


def _with_messages(session: Session, added: Sequence[Message], now: datetime) -> Session:
    messages = [*session.messages, *added]
    tokens = sum(map(windows.message_tokens, messages))
    return session.model_copy(update={"messages": messages, "tokens": tokens, "updated_at": now, "last_accessed": now})


def _reply(session: Session, messages: Sequence[Message], window: Window) -> SessionReply:
    used = until = None
    if window.model_name is not None or window.context_window_max is not None:
        limit = windows.window_of(window.model_name, window.context_window_max)
        used = min(100.0, 100 * session.tokens / limit)
        until = min(100.0, 100 * session.tokens / (limit * windows.SUMMARIZE_AT))
    return SessionReply(
        **(dict(session) | {"messages": list(messages)}),
        context_percentage_total_used=used,
        context_percentage_until_summarization=until,
    )
