"""What a view may be, whose it is, which memories it sums up, and the task that a run is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mcp_memory.domain.access import LOCAL, Caller
from mcp_memory.domain.jobs import Job, JobState
from mcp_memory.domain.scope import OPEN, Scope
from mcp_memory.domain.views import (
    RUN,
    CreateSummaryView,
    SummaryView,
    check_group,
    group_key,
    group_of,
    new_view,
    task_of,
    where_of,
)
from mcp_memory.errors import InvalidRequest, NotAllowed
from tests.contracts.entries import record
from tests.standing_clock import NOON

ANN = Caller("ann", bound=Scope("work", "ann"))


def made(caller: Caller = LOCAL, **fields: Any) -> SummaryView:
    return new_view(CreateSummaryView.model_validate({"source": "long_term"} | fields), "v1", caller)


def matches(view: SummaryView, group: dict[str, str] | None = None, **fields: Any) -> bool:
    return where_of(view, NOON, group).matches(record(**fields))


def test_a_view_keeps_what_was_asked_and_takes_nulls_for_nothing() -> None:
    fields: dict[str, Any] = {
        "name": "Weekly",
        "group_by": ["user_id", "user_id", "namespace"],
        "filters": {"topics": ["tea"]},
    }
    view = made(**fields, prompt=None, continuous=True, time_window_days=7, unknown=1)
    assert view.model_dump() == {
        "id": "v1",
        "name": "Weekly",
        "source": "long_term",
        "group_by": ["user_id", "namespace"],
        "filters": {"topics": ["tea"]},
        "time_window_days": 7,
        "continuous": True,
        "prompt": None,
        "model_name": None,
    }
    assert made(filters=None, group_by=None).filters == made(filters={"user_id": None}).filters == {}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"source": "working_memory"}, "long_term"),
        ({"group_by": ["user_id", "topics", "id"]}, "^Unsupported group_by fields: id, topics$"),
        ({"filters": {"user_id": "ann", "text": "x", "entities": "y"}}, "^Unsupported filter fields: entities, text$"),
        ({"filters": {"user_id": {"is": "ann"}}}, "filters: user_id: unknown operator is"),
        ({"filters": {"memory_type": "fact"}}, "fact"),
        ({"filters": {"event_date": {"gte": "soon"}}}, "no date"),
        ({"filters": {"topics": ["\ud800"]}}, "filters: .*surrogates not allowed"),
        ({"filters": {"user_id": {"eq": "ann", "field": float("nan")}}}, "filters: .*not JSON compliant"),
    ],
)
def test_a_view_that_cannot_be_summed_up_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        made(**fields)


@pytest.mark.parametrize(
    ("filters", "scope"),
    [
        ({}, OPEN),
        ({"user_id": "ann"}, Scope(user_id="ann")),
        ({"user_id": {"any": ["ann"]}, "session_id": {"eq": "s"}}, Scope(None, "ann", "s")),
        ({"user_id": ["ann", "bob"]}, OPEN),
        ({"user_id": {"startswith": "ann"}}, OPEN),
        ({"user_id": {"ne": "bob"}}, OPEN),
    ],
)
def test_a_view_belongs_to_what_its_filters_hold_it_to(filters: dict[str, Any], scope: Scope) -> None:
    assert made(filters=filters).scope == scope


def test_what_a_caller_is_bound_to_is_filled_in_as_filters() -> None:
    assert made(ANN).filters == {"namespace": "work", "user_id": "ann"}
    assert made(ANN, filters={"user_id": {"eq": "ann"}, "topics": "tea"}).filters == {
        "user_id": {"eq": "ann"},
        "topics": "tea",
        "namespace": "work",
    }
    assert made(LOCAL.defaulting_to(Scope("home")), filters={"user_id": "bob"}).scope == Scope("home", "bob")


@pytest.mark.parametrize(
    "others", ["bob", ["ann", "bob"], {"startswith": "a"}, {"ne": "bob"}, {"eq": "ann", "ne": "x"}]
)
def test_filters_that_let_others_through_are_refused_to_a_bound_caller(others: Any) -> None:
    with pytest.raises(NotAllowed):
        made(ANN, filters={"user_id": others})


def test_a_view_sums_up_what_meets_its_filters_and_has_not_ended() -> None:
    view = made(filters={"user_id": ["ann", "bob"], "topics": {"all": ["tea"]}, "event_date": {"gte": "2026-01-01"}})
    fits: dict[str, Any] = {"topics": ["Tea", "cups"], "event_date": NOON}
    assert matches(view, **fits)
    assert not matches(view, **fits | {"topics": ["cups"]})
    assert not matches(view, **fits | {"event_date": None})
    assert not matches(view, **fits, user_id="carl")
    assert not matches(view, **fits, valid_to=NOON)
    assert matches(view, **fits, valid_to=NOON + timedelta(seconds=1))


def test_a_window_counts_from_the_creation() -> None:
    view = made(time_window_days=7)
    assert matches(view, created_at=NOON - timedelta(days=7), event_date=NOON - timedelta(days=99))
    assert not matches(view, created_at=NOON - timedelta(days=7, microseconds=1), event_date=NOON)


def test_a_group_narrows_a_view_and_never_widens_it() -> None:
    view = made(filters={"user_id": "ann"}, group_by=["user_id", "memory_type", "session_id"])
    group = {"user_id": "ann", "memory_type": "semantic", "session_id": "s"}
    assert matches(view, group, session_id="s")
    assert not matches(view, group, session_id="t")
    assert not matches(view, group, session_id="s", memory_type="message")
    for user in ("ann", "bob"):
        assert not matches(view, group | {"user_id": "bob"}, session_id="s", user_id=user)


def test_groups_are_known_whatever_the_order_of_their_keys() -> None:
    assert group_key({"user_id": "ä", "namespace": "n|user_id=x"}) == '{"namespace": "n|user_id=x", "user_id": "ä"}'
    assert group_key({"b": "1", "a": "2"}) == group_key({"a": "2", "b": "1"})


def test_a_memory_that_lacks_a_field_is_in_no_group() -> None:
    assert group_of(record(), ["user_id", "memory_type"]) == {"user_id": "ann", "memory_type": "semantic"}
    assert group_of(record(), ["session_id"]) is None
    assert group_of(record(), []) == {}


@pytest.mark.parametrize("group", [{}, {"user_id": "ann"}, {"user_id": "a", "namespace": "n", "session_id": "s"}])
def test_a_group_has_the_keys_of_its_view(group: dict[str, str]) -> None:
    view = made(group_by=["user_id", "namespace"])
    check_group(view, {"namespace": "n", "user_id": "u"})
    with pytest.raises(InvalidRequest, match=r"exactly those of group_by: namespace, user_id; given"):
        check_group(view, group)


@pytest.mark.parametrize(
    ("state", "error", "status", "message"),
    [
        ("queued", None, "pending", None),
        ("queued", "busy", "pending", None),
        ("running", None, "running", None),
        ("succeeded", None, "success", None),
        ("failed", "no room", "failed", "no room"),
        ("cancelled", None, "failed", "The run was cancelled"),
    ],
)
def test_a_run_is_a_task_as_clients_know_it(state: str, error: str | None, status: str, message: str | None) -> None:
    moment = datetime(2026, 5, 20, tzinfo=UTC)
    job = Job(
        id="t1",
        name=RUN,
        arguments={"view_id": "v1"},
        state=JobState(state),
        error=error,
        not_before=moment,
        created_at=moment,
        started_at=moment,
        finished_at=moment,
    )
    assert task_of(job).model_dump(mode="json") == {
        "id": "t1",
        "type": "summary_view_full_run",
        "status": status,
        "view_id": "v1",
        "created_at": "2026-05-20T00:00:00Z",
        "started_at": "2026-05-20T00:00:00Z",
        "completed_at": "2026-05-20T00:00:00Z",
        "error_message": message,
    }
