"""The promises of ``ports.JobStore``, kept by every store."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest

from mcp_memory.domain.jobs import Job, JobProgress, JobState, claimed, reported, succeeded
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.store import Store
from tests.contracts.entries import EVERYWHERE, entry, operation, session
from tests.standing_clock import NOON

pytestmark = pytest.mark.anyio

EVERYBODY = Scope()
LEASE = timedelta(minutes=1)
LATER = NOON + timedelta(hours=1)
_numbers = count(1)


def job(name: str = "compact", **fields: Any) -> Job:
    """Return a job of noon, due at once, with a fresh id."""
    given: dict[str, Any] = {"id": f"job-{next(_numbers):06}", "created_at": NOON, "not_before": NOON}
    return Job(name=name, **given | fields)


async def claim(store: Store, job_id: str, now: datetime = NOON) -> Job | None:
    return await store.change_job(job_id, partial(claimed, now=now, lease=LEASE))


async def finish(store: Store, job_id: str, now: datetime = NOON) -> None:
    held = await claim(store, job_id, now)
    assert held is not None
    await store.change_job(job_id, lambda job: succeeded(job, held.attempts, None, now))


async def test_a_job_is_read_back_whole(store: Store) -> None:
    """``put_job``, ``job``: every field comes back as it was given."""
    given = job(
        arguments={"namespace": "work", "deep": [{"x": None}, 1.5, "ä\0"]},
        namespace="work",
        user_id="ann",
        session_id="monday",
        dedup_key="k",
        state=JobState.FAILED,
        attempts=3,
        returned=1,
        max_attempts=2,
        progress=JobProgress(done=1, total=2, message="half"),
        result={"merged": 2},
        error="no",
        started_at=NOON,
        finished_at=LATER,
        cancel_requested=True,
    )
    assert await store.put_job(given) == given
    assert await store.job(given.id, EVERYBODY) == given


async def test_an_unfinished_job_of_the_same_key_is_answered_instead(store: Store) -> None:
    """``put_job``: whether it waits or runs."""
    first = await store.put_job(job(dedup_key="same"))
    assert await store.put_job(job(dedup_key="same")) == first
    assert (await store.put_job(job(dedup_key="other"))) != first
    running = await claim(store, first.id)
    assert await store.put_job(job(dedup_key="same")) == running
    assert len((await store.jobs(EVERYBODY, limit=9))[0]) == 2


async def test_a_finished_job_makes_room_for_another_of_its_key(store: Store) -> None:
    """``put_job``."""
    first = await store.put_job(job(dedup_key="same"))
    await finish(store, first.id)
    second = await store.put_job(job(dedup_key="same"))
    assert second.id != first.id


async def test_jobs_without_a_key_are_all_kept(store: Store) -> None:
    """``put_job``."""
    assert (await store.put_job(job())).id != (await store.put_job(job())).id


async def test_a_job_is_seen_within_its_scope_only(store: Store) -> None:
    """``job``, ``jobs``: a scope narrows; what belongs to nobody is not in it."""
    anns = await store.put_job(job(namespace="work", user_id="ann"))
    bobs = await store.put_job(job(namespace="work", user_id="bob", session_id="monday"))
    whole = await store.put_job(job("optimise"))
    seen = {
        EVERYBODY: [whole, bobs, anns],
        Scope("work"): [bobs, anns],
        Scope(user_id="ann"): [anns],
        Scope("work", "bob", "monday"): [bobs],
        Scope("home"): [],
        Scope("work", "ann", "monday"): [],
    }
    for scope, expected in seen.items():
        assert await store.jobs(scope, limit=9) == (expected, len(expected))
        found = [await store.job(one.id, scope) for one in (whole, bobs, anns)]
        assert [one for one in found if one] == expected


async def test_jobs_are_paged_newest_first_by_state(store: Store) -> None:
    """``jobs``: a page, and how many there are."""
    put = [await store.put_job(job()) for _ in range(5)]
    for one in put[:2]:
        await finish(store, one.id)
    found, total = await store.jobs(EVERYBODY, limit=2, offset=1)
    assert ([one.id for one in found], total) == ([put[3].id, put[2].id], 5)
    found, total = await store.jobs(EVERYBODY, states=[JobState.SUCCEEDED], limit=9)
    assert ([one.id for one in found], total) == ([put[1].id, put[0].id], 2)
    assert (await store.jobs(EVERYBODY, states=[JobState.SUCCEEDED, JobState.QUEUED], limit=0))[1] == 5
    assert await store.jobs(EVERYBODY, states=[JobState.FAILED], limit=9) == ([], 0)


async def test_jobs_that_are_due_are_ready_longest_due_first(store: Store) -> None:
    """``ready_jobs``: due, or their lease over; not those of other names."""
    late = await store.put_job(job(not_before=NOON - timedelta(seconds=1)))
    due = await store.put_job(job())
    await store.put_job(job(not_before=NOON + timedelta(microseconds=1)))
    await store.put_job(job("unknown"))
    held = await store.put_job(job(not_before=NOON - timedelta(hours=1)))
    await claim(store, held.id)
    assert await store.ready_jobs(["compact"], NOON, 9) == [late.id, due.id]
    assert await store.ready_jobs(["compact"], NOON, 1) == [late.id]
    assert await store.ready_jobs([], NOON, 9) == []
    assert held.id not in await store.ready_jobs(["compact"], NOON + LEASE - timedelta(microseconds=1), 9)
    assert held.id in await store.ready_jobs(["compact"], NOON + LEASE, 9)
    await finish(store, held.id, NOON + LEASE)
    assert held.id not in await store.ready_jobs(["compact"], LATER, 9)


async def test_of_many_that_claim_a_job_one_gets_it(store: Store) -> None:
    """``change_job``: the second sees what the first made."""
    one = await store.put_job(job())
    claims = await asyncio.gather(*(claim(store, one.id) for _ in range(20)))
    assert [held.attempts for held in claims if held] == [1]


async def test_changes_at_once_are_all_made(store: Store) -> None:
    """``change_job``: each rule is applied to what the one before made."""
    one = await store.put_job(job())

    def more(there: Job) -> Job:
        return there.model_copy(update={"progress": JobProgress(done=there.progress.done + 1)})

    await asyncio.gather(*(store.change_job(one.id, more) for _ in range(50)))
    found = await store.job(one.id, EVERYBODY)
    assert found is not None
    assert found.progress.done == 50


async def test_a_worker_that_lost_its_lease_changes_nothing(store: Store) -> None:
    """``change_job`` with the rules of ``domain.jobs``: the number of the attempt decides."""
    one = await store.put_job(job())
    first = await claim(store, one.id)
    second = await claim(store, one.id, NOON + LEASE)
    assert first is not None
    assert second is not None
    assert second.attempts == 2
    for rule in (
        partial(succeeded, attempt=1, result="late", now=LATER),
        partial(reported, attempt=1, progress=JobProgress(done=9), lease_until=LATER),
    ):
        assert await store.change_job(one.id, rule) is None
    assert await store.job(one.id, EVERYBODY) == second


async def test_a_rule_that_fails_changes_nothing(store: Store) -> None:
    """``change_job``: one transaction; what the rule raises comes out."""
    one = await store.put_job(job())

    def broken(there: Job) -> Job:
        raise LookupError(there.id)

    with pytest.raises(LookupError):
        await store.change_job(one.id, broken)
    assert await store.job(one.id, EVERYBODY) == one
    assert await store.change_job("none", broken) is None


async def test_a_period_has_one_job(store: Store) -> None:
    """``put_periodic``: whoever comes first wins, also when the first is long finished and gone."""
    first = await store.put_periodic(job(), NOON)
    assert first is not None
    await finish(store, first.id)
    await store.prune_jobs(LATER)
    assert await store.put_periodic(job(created_at=NOON + timedelta(minutes=9)), NOON) is None
    assert await store.put_periodic(job("expire"), NOON) is not None
    assert await store.put_periodic(job(created_at=LATER), LATER) is not None
    assert await store.put_periodic(job(created_at=LATER), LATER) is None


async def test_a_clock_that_was_ahead_stops_no_period(store: Store) -> None:
    """``put_periodic``: what was put in the future does not count."""
    assert await store.put_periodic(job(created_at=LATER), LATER) is not None
    assert await store.put_periodic(job(created_at=NOON), NOON) is not None


async def test_of_many_processes_one_begins_the_period(store: Store) -> None:
    """``put_periodic``."""
    put = await asyncio.gather(*(store.put_periodic(job(), NOON) for _ in range(20)))
    assert len([one for one in put if one]) == 1


async def test_the_work_of_a_period_may_be_under_way(store: Store) -> None:
    """``put_periodic``: an unfinished job of the same key is the work of this period."""
    by_hand = await store.put_job(job(dedup_key="same"))
    assert await store.put_periodic(job(dedup_key="same"), NOON) == by_hand
    assert await store.put_periodic(job(dedup_key="same"), NOON) is None


async def test_finished_jobs_are_removed_after_their_time(store: Store) -> None:
    """``prune_jobs``: only those that finished before."""
    old, new, open_one = [await store.put_job(job()) for _ in range(3)]
    await finish(store, old.id)
    await finish(store, new.id, NOON + timedelta(seconds=1))
    assert await store.prune_jobs(NOON) == 0
    assert await store.prune_jobs(NOON + timedelta(seconds=1)) == 1
    assert (await store.jobs(EVERYBODY, limit=9))[1] == 2
    assert await store.job(old.id, EVERYBODY) is None
    assert await store.job(open_one.id, EVERYBODY) is not None


async def test_sessions_past_their_ttl_are_removed(store: Store) -> None:
    """``expire_sessions``: how many there were."""
    for name, ttl in (("short", 60), ("long", 9_999), ("endless", None)):
        await store.put_session(session(name, ttl_seconds=ttl), expected_version=None, now=NOON)
    assert await store.expire_sessions(NOON) == 0
    assert await store.expire_sessions(NOON + timedelta(seconds=60)) == 1
    assert await store.expire_sessions(NOON + timedelta(seconds=60)) == 0
    assert (await store.sessions(EVERYBODY, LATER, limit=9))[1] == 2


async def test_good_order_changes_nothing_that_can_be_read(store: Store) -> None:
    """``optimise``."""
    for number in range(40):
        await store.add([entry(f"memory {number} of tea", id=str(number))], operation())
    await store.optimise()
    await store.optimise()
    assert await store.count(EVERYWHERE, ["tea"]) == 40
    assert len(await store.page(EVERYWHERE, limit=99)) == 40
