"""What a job may become: the rules that every store applies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mcp_memory.domain import jobs
from mcp_memory.domain.jobs import DIED, LONGEST_PAUSE, MAX_ERROR, Job, JobState
from mcp_memory.domain.scope import Scope

NOON = datetime(2026, 5, 20, 12, tzinfo=UTC)
LEASE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def queued(**fields: Any) -> Job:
    given: dict[str, Any] = {"id": "1", "name": "compact", "created_at": NOON, "not_before": NOON}
    return Job(**given | fields)


def taken(job: Job, now: datetime = NOON) -> Job:
    found = jobs.claimed(job, now=now, lease=LEASE)
    assert found is not None
    return found


def failed(job: Job, now: datetime = NOON, *, for_good: bool = False) -> Job:
    found = jobs.failed(job, job.attempts, "no", now, for_good=for_good)
    assert found is not None
    return found


def test_a_job_is_taken_when_it_is_due() -> None:
    job = queued(not_before=NOON + SECOND)
    assert jobs.claimed(job, now=NOON, lease=LEASE) is None
    running = taken(job, NOON + SECOND)
    assert (running.state, running.attempts, running.started_at) == (JobState.RUNNING, 1, NOON + SECOND)
    assert running.lease_until == running.due_at == NOON + SECOND + LEASE


def test_a_running_job_is_taken_again_when_its_lease_is_over() -> None:
    running = taken(queued())
    assert jobs.claimed(running, now=NOON + LEASE - SECOND, lease=LEASE) is None
    assert taken(running, NOON + LEASE).attempts == 2


def test_a_job_whose_workers_keep_dying_fails_in_the_end() -> None:
    job = queued(max_attempts=2)
    for number in range(2):
        job = taken(job, NOON + number * LEASE)
    ended = jobs.claimed(job, now=NOON + 2 * LEASE, lease=LEASE)
    assert ended is not None
    assert (ended.state, ended.error, ended.finished_at) == (JobState.FAILED, DIED, NOON + 2 * LEASE)


def test_a_failed_attempt_is_followed_by_longer_and_longer_pauses() -> None:
    job, now, pauses = queued(max_attempts=9), NOON, []
    for _ in range(8):
        job = failed(taken(job, now), now)
        assert (job.state, job.error, job.lease_until) == (JobState.QUEUED, "no", None)
        pauses.append(job.not_before - now)
        now = job.not_before
    assert pauses == sorted(pauses)
    assert pauses[:3] == [10 * SECOND, 40 * SECOND, 160 * SECOND]
    assert pauses[-1] == LONGEST_PAUSE
    assert failed(taken(job, now), now).state is JobState.FAILED


def test_what_no_repetition_can_mend_fails_at_once() -> None:
    assert failed(taken(queued()), for_good=True).state is JobState.FAILED


def test_an_attempt_that_was_handed_back_does_not_count() -> None:
    job = queued(max_attempts=1)
    for number in range(5):
        back = jobs.handed_back(taken(job), number + 1, NOON)
        assert back is not None
        job = back
    assert (job.state, job.attempts, job.not_before) == (JobState.QUEUED, 5, NOON)
    done = jobs.succeeded(taken(job), 6, {"x": 1}, NOON)
    assert done is not None
    assert (done.state, done.result, done.due_at) == (JobState.SUCCEEDED, {"x": 1}, None)


def test_an_error_is_forgotten_when_the_job_succeeds_later() -> None:
    job = failed(taken(queued()))
    done = jobs.succeeded(taken(job, job.not_before), 2, None, NOON)
    assert done is not None
    assert done.error is None


def test_only_the_attempt_that_runs_is_heard() -> None:
    running = taken(taken(queued()), NOON + LEASE)
    progress = running.progress
    for attempt in (1, 3):
        assert jobs.succeeded(running, attempt, None, NOON) is None
        assert jobs.failed(running, attempt, "", NOON, for_good=True) is None
        assert jobs.handed_back(running, attempt, NOON) is None
        assert jobs.stopped(running, attempt, NOON) is None
        assert jobs.reported(running, attempt, progress, NOON) is None
    done = jobs.succeeded(running, 2, None, NOON)
    assert done is not None
    assert jobs.succeeded(done, 2, None, NOON) is None


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_by_its_worker() -> None:
    waiting = jobs.cancelled(queued(), NOON)
    assert waiting is not None
    assert waiting.state is JobState.CANCELLED
    assert jobs.cancelled(waiting, NOON) is None
    running = jobs.cancelled(taken(queued()), NOON)
    assert running is not None
    assert (running.state, running.cancel_requested) == (JobState.RUNNING, True)
    stopped = jobs.stopped(running, 1, NOON)
    assert stopped is not None
    assert (stopped.state, stopped.finished) == (JobState.CANCELLED, True)


def test_a_job_that_was_to_be_cancelled_is_not_begun_again() -> None:
    running = jobs.cancelled(taken(queued()), NOON)
    assert running is not None
    assert taken(running, NOON + LEASE).state is JobState.CANCELLED
    assert failed(running).state is JobState.CANCELLED


def test_a_long_error_is_kept_shortened() -> None:
    ended = jobs.failed(taken(queued()), 1, "x" * 9_999, NOON, for_good=True)
    assert ended is not None
    assert len(ended.error or "") == MAX_ERROR


@pytest.mark.parametrize(
    "other", [Scope("home"), Scope("work", "ann"), Scope("work", None, "monday"), Scope(None, "work")]
)
def test_jobs_of_two_scopes_share_no_key(other: Scope) -> None:
    mine = jobs.dedup_key("compact", Scope("work"), {"threshold": 0.1})
    assert mine != jobs.dedup_key("compact", other, {"threshold": 0.1})


def test_jobs_that_would_do_the_same_share_a_key() -> None:
    key = jobs.dedup_key("compact", Scope("work"), {"a": 1, "b": None})
    assert key == jobs.dedup_key("compact", Scope("work"), {"b": None, "a": 1})
    assert key != jobs.dedup_key("compact", Scope("work"), {"a": 2, "b": None})
    assert key != jobs.dedup_key("expire", Scope("work"), {"a": 1, "b": None})
