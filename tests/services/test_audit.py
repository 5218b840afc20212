"""The audit log has a line for each act that needs an admin: what, where, by whom; none where nothing was done."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeAlias

import pytest

from mcp_memory.domain.access import Access, Caller
from mcp_memory.domain.forgetting import Forget, Policy
from mcp_memory.domain.requests import Compact, Create, NewMemory, Undo
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.views import CreateSummaryView, RunView
from mcp_memory.services.job_table import CompactLater
from mcp_memory.services.memory import Memory

pytestmark = pytest.mark.anyio

ANN = Caller("ann", Access.ADMIN, bound=Scope("work", "ann"))
BOB = Caller("bob", Access.WRITE)
BY_ANN = "; namespace 'work', user 'ann'; by 'ann'"
Noted: TypeAlias = Callable[[], list[str]]


@pytest.fixture
def noted(caplog: pytest.LogCaptureFixture) -> Noted:
    """What was noted since it was asked last."""
    caplog.set_level(logging.INFO)

    def take() -> list[str]:
        lines = [record.getMessage() for record in caplog.records if record.name == "mcp_memory.audit"]
        caplog.clear()
        return lines

    return take


async def create(memory: Memory, *texts: str, caller: Caller = ANN) -> str:
    request = Create(memories=[NewMemory(text=text) for text in texts], deduplicate=False)
    return (await memory.long_term.create(request, caller=caller)).operation or ""


async def test_compaction_is_noted_if_it_changed_anything(memory: Memory, noted: Noted) -> None:
    await create(memory, "Tea at five", "Tea at five")
    await memory.long_term.compact(Compact(dry_run=True), caller=ANN)
    assert noted() == []
    done = await memory.long_term.compact(Compact(), caller=ANN)
    assert noted() == [f"compacted, 1 memories ended: {done.operation}{BY_ANN}"]
    await memory.long_term.compact(Compact(), caller=ANN)
    assert noted() == []


async def test_forgetting_is_noted_if_anything_was_forgotten(memory: Memory, noted: Noted) -> None:
    await create(memory, "Tea at five")
    everything = Policy(budget=0)
    await memory.forgetting.forget(Forget(policy=everything), caller=ANN)
    assert noted() == []
    done = await memory.forgetting.forget(Forget(policy=everything, dry_run=False), caller=ANN)
    assert noted() == [f"forgot 1 memories: {done.operation}{BY_ANN}"]


async def test_erasing_is_noted(memory: Memory, noted: Noted) -> None:
    request = Create(memories=[NewMemory(text="Tea at five", id="tea")])
    await memory.long_term.create(request, caller=ANN)
    await memory.long_term.purge(["tea"], caller=ANN)
    assert noted() == [f"erased 1 memories for good{BY_ANN}"]


async def test_a_cancelled_job_is_noted_once(memory: Memory, noted: Noted) -> None:
    job = await memory.jobs.schedule("compact", CompactLater(namespace="work", user_id="ann"))
    for _ in range(2):
        await memory.jobs.cancel(job.id, caller=ANN)
    assert noted() == [f"job compact cancelled: {job.id}{BY_ANN}"]


async def test_undoing_what_others_did_is_noted_and_ones_own_is_not(memory: Memory, noted: Noted) -> None:
    mine, theirs = await create(memory, "Tea at five", caller=BOB), await create(memory, "Cake at six")
    await memory.operations.undo(Undo(operation_id=mine), caller=BOB)
    assert noted() == []
    undone = await memory.operations.undo(Undo(operation_id=theirs))
    assert noted() == [f"operation {theirs} of others undone: {undone.operation}; everywhere; by this machine"]


async def test_views_are_noted_when_they_are_made_run_and_deleted(memory: Memory, noted: Noted) -> None:
    request = CreateSummaryView.model_validate({"source": "long_term", "group_by": ["session_id"]})
    view = await memory.views.create(request, caller=ANN)
    await memory.views.run(RunView(view_id=view.id), caller=ANN)
    for _ in range(2):
        await memory.views.delete(view.id, caller=ANN)
    assert noted() == [f"view {act}: {view.id}{BY_ANN}" for act in ("made", "run", "deleted")]
