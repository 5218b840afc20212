"""The policy of forgetting: who is chosen, by which rule, and who never is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mcp_memory.domain.forgetting import Aged, Chooser, Policy, Rule

NOW = datetime(2026, 5, 20, tzinfo=UTC)


def aged(age: float, unused: float | None = None, **fields: Any) -> Aged:
    """Return a memory of so many days, not used for so many."""
    created, accessed = NOW - timedelta(age), NOW - timedelta(age if unused is None else unused)
    usual: dict[str, Any] = {"id": "1", "namespace": None, "user_id": None, "memory_type": "semantic"}
    state: dict[str, Any] = {"created_at": created, "last_accessed": accessed, "pinned": False, "version": 1}
    return Aged(**(usual | state | fields))


def rule(memory: Aged, **policy: Any) -> str | None:
    choice = Chooser[int](Policy(**policy), NOW).offer(1, memory)
    return None if choice is None else str(choice.rule)


def forgotten(memories: list[Aged], **policy: Any) -> list[int]:
    chooser = Chooser[int](Policy(**policy), NOW)
    choices = [chooser.offer(place, memory) for place, memory in enumerate(memories)]
    return sorted(choice.key for choice in choices if choice is not None)


BOTH = {"max_age_days": 10, "max_inactive_days": 5}


@pytest.mark.parametrize(
    ("memory", "policy", "chosen"),
    [
        (aged(11), {"max_age_days": 10}, Rule.AGE),
        (aged(10), {"max_age_days": 10}, None),
        (aged(11, 0), {"max_age_days": 10}, Rule.AGE),
        (aged(99, 6), {"max_inactive_days": 5}, Rule.INACTIVE),
        (aged(99, 5), {"max_inactive_days": 5}, None),
        (aged(11, 6), BOTH, Rule.AGE_AND_INACTIVE),
        (aged(11, 4), BOTH, None),
        (aged(9, 6), BOTH, None),
        (aged(119, 4), BOTH, None),
        (aged(121, 4), BOTH, Rule.HARD_AGE),
        (aged(21, 4), BOTH | {"hard_age_multiplier": 2}, Rule.HARD_AGE),
        (aged(1), {"budget": 0}, Rule.BUDGET),
        (aged(999), {}, None),
        (aged(-5), {"max_age_days": 0, "max_inactive_days": 0}, None),
    ],
)
def test_a_memory_is_chosen_by_its_age_its_use_or_both(
    memory: Aged, policy: dict[str, Any], chosen: str | None
) -> None:
    assert rule(memory, **policy) == chosen


@pytest.mark.parametrize("policy", [{"max_age_days": 1}, {"max_inactive_days": 1}, {"budget": 0}, BOTH])
def test_pinned_protected_and_other_types_are_never_chosen(policy: dict[str, Any]) -> None:
    assert rule(aged(9999, pinned=True), **policy) is None
    assert rule(aged(9999), memory_type_allowlist=["episodic", "message"], **policy) is None
    assert rule(aged(9999, memory_type="message"), memory_type_allowlist=["episodic", "message"], **policy) is not None
    assert Chooser(Policy(**policy), NOW, frozenset({7})).offer(7, aged(9999)) is None


def test_a_budget_keeps_the_most_recent_of_each_owner() -> None:
    ann: dict[str, Any] = {"user_id": "ann"}
    bob: dict[str, Any] = {"user_id": "bob"}
    memories = [aged(30, **ann), aged(9, **bob), aged(1, **ann), aged(20, **ann), aged(400, 0, **ann), aged(5)]
    assert forgotten(memories, budget=2) == [0, 3]
    assert forgotten(memories, budget=1) == [0, 3, 4]


def test_pinned_memories_take_no_place_of_a_budget() -> None:
    memories = [aged(1, pinned=True), aged(2), aged(3), aged(4)]
    assert forgotten(memories, budget=2) == [3]


def test_what_is_due_takes_no_place_of_a_budget() -> None:
    assert forgotten([aged(1), aged(50), aged(2), aged(3)], budget=2, max_age_days=10) == [1, 3]


def test_of_equals_those_stay_that_were_stored_last() -> None:
    """Also where they are so old that their recency is nothing at all."""
    assert forgotten([aged(5)] * 5, budget=2) == [0, 1, 2]
    assert forgotten([aged(90_000)] * 5, budget=2) == [0, 1, 2]


@given(st.lists(st.integers(0, 9_999), max_size=50), st.integers(0, 60))
def test_a_budget_leaves_exactly_so_many_the_newest(ages: list[int], budget: int) -> None:
    gone = forgotten([aged(age) for age in ages], budget=budget)
    assert len(gone) == max(0, len(ages) - budget)
    kept = [age for place, age in enumerate(ages) if place not in gone]
    assert not gone or not kept or max(kept) <= min(ages[place] for place in gone)


def test_a_choice_says_why() -> None:
    def why(memory: Aged, **policy: Any) -> str:
        choice = Chooser[int](Policy(**policy), NOW).offer(1, memory)
        assert choice is not None
        return choice.why

    assert why(aged(11.5), max_age_days=10) == "11.5 days old, more than 10 days"
    assert why(aged(20, 6), **BOTH) == "20 days old, more than 10 days, and unused for 6 days, more than 5 days"
    assert why(aged(121, 0), **BOTH) == "121 days old, more than 120 days"
    assert why(aged(6), max_inactive_days=5) == "unused for 6 days, more than 5 days"
    assert why(aged(6), budget=0) == "not among the 0 most recent of its namespace and user"


def test_a_policy_is_told_in_words() -> None:
    told = Policy(max_age_days=30, max_inactive_days=7.5, budget=9, memory_type_allowlist=["message"]).told()
    assert told == (
        "older than 30 days and unused for 7.5 days; older than 360 days; more than 9 of one namespace and user; "
        "only of type message"
    )
    assert Policy(max_age_days=1).told() == "older than 1 days"
    assert (Policy().told(), Policy().limits_nothing, Policy(budget=0).limits_nothing) == ("nothing", True, False)


@pytest.mark.parametrize(
    "policy",
    [
        {"max_age_days": -1},
        {"max_inactive_days": "nan"},
        {"budget": -1},
        {"hard_age_multiplier": 0.5},
        {"memory_type_allowlist": ["nonsense"]},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(policy: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Policy.model_validate(policy)
