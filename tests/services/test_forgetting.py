"""What forgetting promises, through the use case: the whole scope, by default only a look, and a way back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mcp_memory.domain.access import LOCAL
from mcp_memory.domain.forgetting import Forget, Policy
from mcp_memory.domain.requests import Compact, Create, Edit, Search, ShowOperation, Undo
from mcp_memory.domain.scope import Scope
from mcp_memory.machine import new_ids
from mcp_memory.services import forgetting
from mcp_memory.services.forgetting import Forgetting
from mcp_memory.services.memory import Memory

if TYPE_CHECKING:
    from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio


async def create(memory: Memory, *texts: str, **fields: Any) -> list[str]:
    new = [{"text": text} | fields for text in texts]
    return (await memory.long_term.create(Create.model_validate({"memories": new, "deduplicate": False}))).ids


def forget(policy: dict[str, Any], **fields: Any) -> Forget:
    return Forget.model_validate({"policy": policy, "dry_run": False} | fields)


async def left(memory: Memory) -> list[str]:
    return sorted(hit.text for hit in (await memory.long_term.search(Search(limit=100))).memories)


async def test_by_default_nothing_is_forgotten_and_all_is_said(memory: Memory, clock: StandingClock) -> None:
    (old,) = await create(memory, "Old", user_id="ann")
    clock.advance(days=40)
    await create(memory, "New")
    told = await memory.forgetting.forget(Forget(policy=Policy(max_age_days=30)))
    assert told.model_dump() == {"scanned": 2, "deleted": 1, "deleted_ids": [old], "dry_run": True}
    assert [(one.id, one.user_id, one.text, one.why) for one in told.listed] == [
        (old, "ann", "Old", "40 days old, more than 30 days")
    ]
    assert (told.operation, await left(memory)) == (None, ["New", "Old"])


async def test_what_was_forgotten_comes_back_by_one_undo(memory: Memory, clock: StandingClock) -> None:
    await create(memory, *(f"Old {number}" for number in range(250)))
    clock.advance(days=40)
    await create(memory, "New")
    told = await memory.forgetting.forget(forget({"max_age_days": 30}))
    assert (told.scanned, told.deleted, len(told.deleted_ids), await left(memory)) == (251, 250, 250, ["New"])
    shown = await memory.operations.show(ShowOperation(operation_id=told.operation or ""))
    assert (shown.kind, shown.note, shown.removed) == ("forget", "older than 30 days", 250)
    assert (await memory.operations.undo(Undo(operation_id=shown.id))).restored == 250
    assert (await memory.long_term.search(Search(limit=1))).total == 251


async def test_only_the_scope_is_looked_at(memory: Memory, clock: StandingClock) -> None:
    for owner in ({"user_id": "ann"}, {"user_id": "bob"}, {"user_id": "ann", "session_id": "s"}):
        await create(memory, str(owner), **owner)
    clock.advance(days=2)
    old = {"max_age_days": 1}
    assert (await memory.forgetting.forget(forget(old, session_id="s"))).scanned == 1
    assert (await memory.forgetting.forget(forget(old), caller=LOCAL.defaulting_to(Scope(user_id="bob")))).deleted == 1
    assert await left(memory) == ["{'user_id': 'ann'}"]


async def test_a_budget_is_for_each_owner_and_counts_the_whole_scope(memory: Memory, clock: StandingClock) -> None:
    """More than one page of it."""
    for number in range(3):
        await create(memory, *(f"{number} {n}" for n in range(forgetting.PAGE // 2)), user_id=f"u{number}")
        clock.advance(days=1)
    told = await memory.forgetting.forget(forget({"budget": 4}))
    assert (told.scanned, told.deleted) == (3 * forgetting.PAGE // 2, 3 * (forgetting.PAGE // 2 - 4))
    assert len(await left(memory)) == 12
    assert len(told.listed) == forgetting.LISTED
    assert sum(one.text is not None for one in told.listed) == forgetting.TEXTS_SHOWN


async def test_a_limit_ends_it_early(memory: Memory, clock: StandingClock) -> None:
    await create(memory, *map(str, range(250)))
    clock.advance(days=2)
    told = await memory.forgetting.forget(forget({"max_age_days": 1}, limit=120))
    assert (told.deleted, (await memory.long_term.search(Search())).total) == (120, 130)


async def test_pinned_ids_are_kept_also_under_the_names_of_what_was_merged(
    memory: Memory, clock: StandingClock
) -> None:
    await create(memory, "Tea", id="1")
    await create(memory, "Tea", id="2")
    await create(memory, "Milk", id="3")
    await memory.long_term.compact(Compact())
    gone = "2" if (await memory.long_term.get("1")).id == "1" else "1"
    await memory.long_term.edit(Edit(memory_id="3", pinned=True))
    clock.advance(days=2)
    await memory.forgetting.forget(forget({"max_age_days": 1}, pinned_ids=[gone, "nonsense"]))
    assert await left(memory) == ["Milk", "Tea"]


async def test_what_is_used_or_changed_while_others_go_stays(memory: Memory, clock: StandingClock) -> None:
    """A slow run over many memories is no reason to lose what somebody just needed."""
    first, _, third = await create(memory, "first", "second", "third")
    for part in range(2):
        await create(memory, *(f"{part} {n}" for n in range(forgetting.PAGE // 2)))
    clock.advance(days=2)

    async def meanwhile(done: int, _total: int, _what: str) -> None:
        if done == forgetting.PAGE:
            await memory.long_term.edit(Edit(memory_id=third, pinned=True))
            ((handle, _record),) = await memory.store.named([first], Scope())
            await memory.store.touch([handle], clock(), unless_since=clock())

    told = await memory.forgetting.forget(forget({"budget": forgetting.PAGE}), progress=meanwhile)
    assert (told.scanned, told.deleted, told.kept) == (forgetting.PAGE + 3, 1, 2)
    assert (await memory.long_term.get(first)).access_count == 1
    assert (await memory.long_term.get(third)).pinned


async def test_the_settings_policy_is_done_everywhere(memory: Memory, clock: StandingClock) -> None:
    await create(memory, "Ann's", user_id="ann")
    await create(memory, "Bob's", user_id="bob")
    clock.advance(days=2)
    standing = Forgetting(memory.store, clock, new_ids(), Policy(max_inactive_days=1))
    told = await standing.forget_as_settings_say()
    assert (told.deleted, told.dry_run, await left(memory)) == (2, False, [])
    assert (await memory.operations.undo(Undo(operation_id=told.operation or ""))).restored == 2
    assert (await memory.forgetting.forget_as_settings_say()).deleted == 0


async def test_how_far_it_is_is_told(memory: Memory) -> None:
    await create(memory, "Tea", "Milk")
    told: list[tuple[int, int]] = []

    async def note(done: int, total: int, _: str) -> None:
        told.append((done, total))

    await memory.forgetting.forget(forget({"max_age_days": 1}), progress=note)
    assert told == [(2, 2)]


async def test_seconds_count(memory: Memory, clock: StandingClock) -> None:
    await create(memory, "Tea")
    clock.now += timedelta(seconds=2)
    told = await memory.forgetting.forget(forget({"max_age_days": 1 / 86_400}))
    assert told.deleted == 1
