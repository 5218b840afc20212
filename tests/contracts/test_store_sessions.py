"""The promises of ``ports.SessionStore``, kept by every store."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mcp_memory.domain.records import Message, Strategy
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import VersionConflict
from mcp_memory.ports.store import Store
from tests.contracts.entries import ANN, record, session
from tests.standing_clock import NOON

pytestmark = pytest.mark.anyio

LATER = NOON + timedelta(hours=1)


async def put(store: Store, session_id: str = "monday", **fields: object) -> None:
    await store.put_session(session(session_id, **fields), expected_version=None, now=NOON)


async def test_a_session_is_read_back_whole(store: Store) -> None:
    """``put_session``, ``session``: every field comes back as it was given."""
    given = session(
        messages=[
            Message(id="1", role="user", content="a\0b 😀", created_at=NOON),
            Message(id="2", role="assistant", content="x" * 100_000, created_at=NOON, persisted_at=NOON),
        ],
        memories=[record("Tea")],
        data={"deep": [{"x": None}]},
        context="summary",
        tokens=9,
        long_term_memory_strategy=Strategy(strategy="custom", config={"k": 1}),
        ttl_seconds=9,
    )
    stored = await store.put_session(given, expected_version=0, now=NOON)
    assert stored == given
    assert await store.session("monday", ANN, NOON) == given


async def test_versions_count_up_from_one(store: Store) -> None:
    """``put_session``: answers the session with its new version."""
    for version in range(3):
        stored = await store.put_session(session(), expected_version=version, now=NOON)
        assert stored.version == version + 1
    assert (await store.put_session(session(), expected_version=None, now=LATER)).version == 4


@pytest.mark.parametrize(("there", "expected"), [(0, 1), (1, 0), (2, 1)])
async def test_a_session_at_another_version_is_not_overwritten(store: Store, there: int, expected: int) -> None:
    """``put_session``: VersionConflict; nothing was changed."""
    for _ in range(there):
        await put(store)
    with pytest.raises(VersionConflict) as caught:
        await store.put_session(session(context="mine"), expected_version=expected, now=NOON)
    assert (caught.value.expected, caught.value.found) == (expected, there)
    found = await store.session("monday", ANN, NOON)
    assert found is None if there == 0 else found is not None and found.context is None


async def test_an_old_version_never_fits_a_new_session(store: Store) -> None:
    """Versions go on where a session was deleted or expired."""
    await put(store)
    await store.remove_session("monday", ANN, NOON)
    stored = await store.put_session(session(ttl_seconds=1), expected_version=0, now=NOON)
    assert stored.version == 2
    stored = await store.put_session(session(), expected_version=0, now=LATER)
    assert stored.version == 3


async def test_the_exact_scope_comes_first_then_the_only_one(store: Store) -> None:
    """``session``: a part of the scope that is None is open; None when more than one matches."""
    await put(store, namespace=None, user_id=None, context="nobody's")
    await put(store, namespace="work", user_id=None, context="work's")
    await put(store, namespace="work", user_id="bob", context="Bob's")
    asked = {
        "nobody's": Scope(),
        "work's": Scope("work"),
        "Bob's": Scope("work", "bob"),
        None: Scope("home"),
    }
    for context, scope in asked.items():
        found = await store.session("monday", scope, NOON)
        assert (found.context if found else None) == context
    assert (await store.session("monday", Scope(user_id="bob"), NOON)) is not None
    await put(store, namespace="home", user_id="bob")
    assert await store.session("monday", Scope(user_id="bob"), NOON) is None


async def test_a_session_past_its_ttl_does_not_exist(store: Store) -> None:
    """For no verb; its TTL begins anew at each put."""
    await put(store, ttl_seconds=60)
    end = NOON + timedelta(seconds=60)
    assert await store.session("monday", ANN, end - timedelta(microseconds=1)) is not None
    assert await store.session("monday", ANN, end) is None
    assert await store.sessions(ANN, end, limit=9) == ([], 0)
    assert not await store.remove_session("monday", ANN, end)
    await store.put_session(session(ttl_seconds=60), expected_version=None, now=end - timedelta(seconds=1))
    assert await store.session("monday", ANN, end) is not None


async def test_an_expired_session_is_no_conflict(store: Store) -> None:
    """``expected_version``: 0 if none exists."""
    await put(store, ttl_seconds=60)
    assert (await store.put_session(session(), expected_version=0, now=LATER)).context is None


async def test_a_removed_session_is_gone(store: Store) -> None:
    """``remove_session``: the session that ``session`` would return."""
    await put(store)
    assert not await store.remove_session("monday", Scope("home"), NOON)
    assert await store.remove_session("monday", Scope(), NOON)
    assert not await store.remove_session("monday", Scope(), NOON)
    assert await store.session("monday", ANN, NOON) is None


async def test_sessions_are_listed_last_updated_first(store: Store) -> None:
    """``sessions``: a page, without their messages, and how many there are."""
    for n in range(5):
        message = Message(id="1", role="user", content="hello", created_at=NOON)
        given = session(f"day {n}", messages=[message], context=str(n), user_id=("ann", "bob")[n % 2])
        await store.put_session(given, expected_version=None, now=NOON + timedelta(minutes=n))
    found, total = await store.sessions(Scope("work"), LATER, limit=2, offset=1)
    assert ([one.session_id for one in found], total) == (["day 3", "day 2"], 5)
    assert ([one.messages for one in found], [one.context for one in found]) == ([[], []], ["3", "2"])
    found, total = await store.sessions(Scope("work", "bob"), LATER, limit=9)
    assert ([one.session_id for one in found], total) == (["day 3", "day 1"], 2)
    assert await store.sessions(Scope("home"), LATER, limit=9) == ([], 0)


async def test_stats_count_the_sessions_that_exist(store: Store) -> None:
    """``stats``: by the store's own clock."""
    await put(store)
    await put(store, "expired", ttl_seconds=0)
    assert (await store.stats(Scope(), None)).sessions == 1
    assert (await store.stats(Scope("home"), None)).sessions == 0
