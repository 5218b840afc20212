"""What working memory promises, through the use cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from mcp_memory.domain.requests import Append, GetSession, Hydrate, ListSessions, PutSession, Search
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import InvalidRequest, SessionNotFound, VersionConflict
from mcp_memory.services.memory import Memory
from mcp_memory.services.working import SessionRules, Working

if TYPE_CHECKING:
    from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio


def put(**fields: Any) -> PutSession:
    return PutSession.model_validate({"session_id": "s"} | fields)


def said(*texts: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text} for text in texts]


async def test_a_put_replaces_the_session_whole(memory: Memory) -> None:
    """What is not handed in is not kept; the creation is."""
    first = await memory.working.put(put(messages=said("hello"), data={"a": 1}, context="so far"))
    second = await memory.working.put(put(messages=said("bye")))
    read = await memory.working.get(GetSession(session_id="s"))
    assert [message.content for message in read.messages] == ["bye"]
    assert (read.data, read.context, read.version) == (None, None, second.version)
    assert read.created_at == first.created_at


async def test_a_put_of_an_old_version_is_refused(memory: Memory) -> None:
    """Optimistic versions: nothing is overwritten silently."""
    first = await memory.working.put(put(messages=said("hello"), expected_version=0))
    await memory.working.put(put(messages=said("second"), expected_version=first.version))
    with pytest.raises(VersionConflict):
        await memory.working.put(put(messages=said("lost"), expected_version=first.version))
    with pytest.raises(VersionConflict):
        await memory.working.put(put(messages=said("lost"), expected_version=0))
    read = await memory.working.get(GetSession(session_id="s"))
    assert [message.content for message in read.messages] == ["second"]


async def test_appends_at_the_same_time_all_arrive(memory: Memory) -> None:
    """Ten writers, ten messages, none twice."""
    async with anyio.create_task_group() as tasks:
        for n in range(10):
            request = Append.model_validate({"session_id": "s", "messages": said(f"m{n}")})
            tasks.start_soon(memory.working.append, request)
    read = await memory.working.get(GetSession(session_id="s"))
    assert sorted(message.content for message in read.messages) == sorted(f"m{n}" for n in range(10))


async def test_an_append_keeps_ttl_data_and_strategy(memory: Memory) -> None:
    """And a message that is there already is not added again."""
    strategy = {"strategy": "summary", "config": {"max_summary_length": 9}}
    await memory.working.put(put(ttl_seconds=60, data={"a": 1}, long_term_memory_strategy=strategy))
    message = {"id": "1", "role": "user", "content": "hi"}
    for _ in range(2):
        reply = await memory.working.append(Append.model_validate({"session_id": "s", "messages": [message]}))
    assert (reply.ttl_seconds, reply.data, reply.long_term_memory_strategy.strategy) == (60, {"a": 1}, "summary")
    assert len(reply.messages) == 1


async def test_a_session_past_its_ttl_does_not_exist(memory: Memory, clock: StandingClock) -> None:
    """An append or put begins the time anew."""
    await memory.working.put(put(ttl_seconds=60, messages=said("hello")))
    clock.advance(seconds=50)
    await memory.working.append(Append.model_validate({"session_id": "s", "messages": said("still here")}))
    clock.advance(seconds=50)
    assert len((await memory.working.get(GetSession(session_id="s"))).messages) == 2
    clock.advance(seconds=11)
    with pytest.raises(SessionNotFound):
        await memory.working.get(GetSession(session_id="s"))
    assert (await memory.working.list(ListSessions())).total == 0


async def test_a_session_is_found_by_its_id_alone_while_that_is_clear(memory: Memory) -> None:
    """If several scopes hold the id, none is guessed."""
    await memory.working.put(put(namespace="a", user_id="ann", messages=said("hello")))
    assert (await memory.working.get(GetSession(session_id="s"))).user_id == "ann"
    with pytest.raises(SessionNotFound):
        await memory.working.get(GetSession(session_id="s", namespace="b"))
    await memory.working.put(put(namespace="b", messages=said("other")))
    with pytest.raises(SessionNotFound):
        await memory.working.get(GetSession(session_id="s"))


async def test_scopes_that_look_alike_when_joined_stay_apart(memory: Memory) -> None:
    """A namespace "x" without user is not the user "x" without namespace."""
    await memory.working.put(put(namespace="x", messages=said("namespace")))
    await memory.working.put(put(user_id="x", messages=said("user")))
    read = await memory.working.get(GetSession(session_id="s", user_id="x"))
    assert [message.content for message in read.messages] == ["user"]


async def test_facts_are_promoted_in_the_scope_of_the_session(memory: Memory) -> None:
    """At once, and once however often the session is put."""
    facts = [{"text": "Ann drinks green tea"}, {"text": "Ann has a dog", "id": "dog"}]
    for _ in range(2):
        reply = await memory.working.put(put(namespace="home", user_id="ann", memories=facts))
    assert all(fact.persisted_at for fact in reply.memories)
    found = await memory.long_term.search(Search.model_validate({"namespace": "home", "user_id": "ann"}))
    assert sorted(hit.text for hit in found.memories) == ["Ann drinks green tea", "Ann has a dog"]
    assert {hit.session_id for hit in found.memories} == {"s"}


async def test_a_read_is_windowed_and_the_store_is_not(memory: Memory) -> None:
    """Without a model nothing is summarised away."""
    await memory.working.put(put(messages=said(*("word " * 100 for _ in range(20)))))
    narrow = await memory.working.get(GetSession(session_id="s", context_window_max=300))
    assert len(narrow.messages) == 2
    assert narrow.context_percentage_total_used == 100.0
    recent = await memory.working.get(GetSession(session_id="s", recent_messages_limit=5))
    assert len(recent.messages) == 5
    assert recent.context_percentage_total_used is None
    assert len((await memory.working.get(GetSession(session_id="s"))).messages) == 20


async def test_a_session_that_is_not_there_can_be_read_as_empty(memory: Memory) -> None:
    """For doors whose clients expect that; nothing is stored by reading."""
    reply = await memory.working.get(GetSession(session_id="none"), missing="empty")
    assert (reply.messages, reply.version) == ([], 0)
    assert (await memory.working.list(ListSessions())).total == 0


async def test_deleting_a_session_leaves_others(memory: Memory) -> None:
    """It is no error to delete what is not there."""
    await memory.working.put(put(namespace="a"))
    await memory.working.put(put(namespace="b"))
    await memory.working.delete("s", scope=Scope(namespace="a"))
    assert (await memory.working.delete("s", scope=Scope(namespace="a"))).status == "ok"
    assert (await memory.working.list(ListSessions())).sessions == ["s"]


async def test_messages_from_the_future_or_without_a_date_are_refused_where_that_is_asked(
    memory: Memory, clock: StandingClock
) -> None:
    """The message says which rule it is."""
    with pytest.raises(InvalidRequest, match="lies in the future"):
        await memory.working.put(put(messages=[{"role": "user", "content": "x", "created_at": "2026-05-20T12:06:00Z"}]))
    rules = SessionRules(promote=False, require_timestamps=True)
    strict = Working(memory.store, memory.long_term, clock, lambda: "1", rules)
    with pytest.raises(InvalidRequest, match="REQUIRE_MESSAGE_TIMESTAMPS"):
        await strict.put(put(messages=said("x")))


async def test_a_prompt_holds_summary_conversation_knowledge_and_query_in_order(memory: Memory) -> None:
    """What is known is searched by the query, within the session's scope."""
    await memory.working.put(
        put(
            user_id="ann",
            context="They talked of drinks.",
            messages=[{"role": "user", "content": "Hi"}, {"role": "tool", "content": "42"}],
            memories=[{"text": "Ann drinks green tea", "id": "tea", "event_date": "2026-05-01"}],
        )
    )
    asked = {"query": "which tea?", "session": {"session_id": "s", "user_id": "ann"}, "long_term_search": {}}
    request = Hydrate.model_validate(asked)
    prompt = await memory.hydration.prompt(request)
    assert [message.role for message in prompt.messages] == ["system", "user", "assistant", "system", "user"]
    assert prompt.messages[0].content.text.endswith("They talked of drinks.")
    assert "- Ann drinks green tea (ID: tea, 2026-05-01)" in prompt.messages[3].content.text
    assert prompt.messages[4].content.text == "which tea?"
    stranger = Hydrate.model_validate(asked | {"session": {"session_id": "s", "user_id": "bob"}})
    assert (await memory.hydration.prompt(stranger)).long_term_memories == []


async def test_a_prompt_of_nothing_is_refused(memory: Memory) -> None:
    """It needs a session or a search."""
    with pytest.raises(InvalidRequest, match="Either session or long_term_search"):
        await memory.hydration.prompt(Hydrate(query="x"))
