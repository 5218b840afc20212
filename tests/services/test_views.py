"""Summary views through the use cases: true counts, no stale summaries, tasks, and nothing of what others keep."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mcp_memory.domain.jobs import JobState
from mcp_memory.domain.requests import Create, Edit
from mcp_memory.domain.views import (
    RUN,
    CreateSummaryView,
    ListPartitions,
    RunPartition,
    RunView,
    SummaryView,
    SummaryViewPartitionResult,
    Task,
)
from mcp_memory.errors import InvalidRequest, LLMUnavailable, TaskNotFound, ViewNotFound
from mcp_memory.llms.scripted import ScriptedLLM
from mcp_memory.machine import new_ids
from mcp_memory.services.job_table import Whole
from mcp_memory.services.memory import Memory
from mcp_memory.services.view_texts import Summarist
from mcp_memory.services.views import Views
from tests.services.digging import runner
from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio


async def remember(memory: Memory, *texts: str, **fields: Any) -> list[str]:
    new = [{"text": text} | fields for text in texts]
    return (await memory.long_term.create(Create.model_validate({"memories": new, "deduplicate": False}))).ids


async def made(memory: Memory, **fields: Any) -> SummaryView:
    given = {"source": "long_term", "group_by": ["user_id"]} | fields
    return await memory.views.create(CreateSummaryView.model_validate(given))


async def run(memory: Memory, view: SummaryView, **group: str) -> SummaryViewPartitionResult:
    return await memory.views.run_partition(RunPartition(view_id=view.id, group=group))


async def summaries(memory: Memory, view: SummaryView, **group: Any) -> dict[str, str]:
    kept = await memory.views.partitions(ListPartitions(view_id=view.id, **group))
    return {" ".join(one.group.values()): one.summary for one in kept}


async def recompute(memory: Memory, view: SummaryView, **fields: Any) -> tuple[int, int, int]:
    done = await memory.views.recompute(RunView(view_id=view.id, **fields))
    return done.partitions, done.computed, done.removed


async def work(memory: Memory, task: Task, clock: StandingClock) -> Task:
    """Do the task as a worker would; answer it as it is then."""
    await runner(memory, clock).run(task.id)
    return await memory.views.task(task.id)


async def test_views_are_created_listed_newest_first_and_deleted(memory: Memory) -> None:
    first, second = await made(memory), await made(memory, name="Second")
    assert await memory.views.list() == [second, first]
    assert await memory.views.get(first.id) == first
    assert (await memory.views.delete(first.id)).status == "ok"
    assert (await memory.views.delete(first.id)).status == "ok"
    with pytest.raises(ViewNotFound, match=f"SummaryView {first.id} not found"):
        await memory.views.get(first.id)


async def test_a_group_is_summed_up_from_all_its_memories(memory: Memory, clock: StandingClock) -> None:
    for _ in range(3):
        await remember(memory, *(f"Ann saw bird {n}" for n in range(700)), user_id="ann")
    await remember(memory, "Bob sings", user_id="bob")
    view = await made(memory)
    done = await run(memory, view, user_id="ann")
    assert (done.view_id, done.group, done.memory_count, done.empty) == (view.id, {"user_id": "ann"}, 2_100, False)
    assert (done.computed_at, done.empty_reason) == (clock.now, None)
    assert done.summary.startswith("2100 memories; the 12 most telling, newest first:\n- 2026-05-20: Ann saw bird")
    assert await memory.views.partitions(ListPartitions(view_id=view.id)) == [done]


async def test_a_group_without_memories_is_empty_and_says_why(memory: Memory) -> None:
    await remember(memory, "Over since yesterday", user_id="ann", valid_to="2026-05-19")
    done = await run(memory, await made(memory), user_id="ann")
    assert (done.summary, done.memory_count, done.empty, done.empty_reason) == ("", 0, True, "no_matching_memories")


async def test_a_group_of_other_keys_is_refused(memory: Memory) -> None:
    view = await made(memory, group_by=["user_id", "namespace"])
    with pytest.raises(InvalidRequest, match="group keys must be exactly those of group_by: namespace, user_id"):
        await run(memory, view, user_id="ann")
    with pytest.raises(ViewNotFound):
        await run(memory, view.model_copy(update={"id": "none"}), user_id="ann", namespace="work")


async def test_a_whole_view_is_summed_up_group_by_group(memory: Memory) -> None:
    for user in ("ann", "bob"):
        await remember(memory, f"{user} sings", user_id=user, namespace="work", session_id="s")
    await remember(memory, "Nobody sings", namespace="work")
    await remember(memory, "ann dances", user_id="ann", namespace="home", memory_type="episodic")
    view = await made(memory, group_by=["namespace", "user_id"])
    assert await recompute(memory, view) == (3, 3, 0)
    assert list(await summaries(memory, view)) == ["home ann", "work ann", "work bob"]
    assert await summaries(memory, view, user_id="ann", namespace="home") == {
        "home ann": "1 memory:\n- 2026-05-20: ann dances"
    }
    whole = await made(memory, group_by=[], filters={"namespace": "work", "user_id": ["ann", "bob"]})
    assert await recompute(memory, whole) == (1, 1, 0)
    assert (await summaries(memory, whole))[""].startswith("2 memories, newest first:")


async def test_the_memories_of_one_moment_are_all_met(memory: Memory) -> None:
    """All are stored at once here, more than are read at a time."""
    await remember(memory, *(f"Number {n}" for n in range(999)), memory_type="episodic")
    done = await run(memory, await made(memory, group_by=["memory_type"]), memory_type="episodic")
    assert done.memory_count == 999


async def test_what_has_not_changed_is_not_summed_up_again_unless_forced(memory: Memory, clock: StandingClock) -> None:
    (ann,) = await remember(memory, "Ann sings", user_id="ann")
    await remember(memory, "Bob sings", user_id="bob")
    view = await made(memory)
    await run(memory, view, user_id="ann")
    assert await recompute(memory, view) == (2, 1, 0)
    assert await recompute(memory, view) == (2, 0, 0)
    clock.advance(hours=1)
    await memory.long_term.edit(Edit(memory_id=ann, text="Ann dances"))
    assert await recompute(memory, view) == (2, 1, 0)
    assert (await summaries(memory, view))["ann"].endswith("Ann dances")
    assert await recompute(memory, view, force=True) == (2, 2, 0)


async def test_summaries_of_groups_that_are_no_more_are_removed(memory: Memory, clock: StandingClock) -> None:
    await remember(memory, "Ann sings", user_id="ann")
    view = await made(memory, time_window_days=7)
    await run(memory, view, user_id="nobody")
    assert await recompute(memory, view) == (1, 1, 1)
    clock.advance(days=8)
    await remember(memory, "Bob sings", user_id="bob")
    assert await recompute(memory, view) == (1, 1, 1)
    assert list(await summaries(memory, view)) == ["bob"]


async def test_a_run_is_a_task_that_a_worker_does(memory: Memory, clock: StandingClock) -> None:
    await remember(memory, "Ann sings", user_id="ann", namespace="work")
    view = await made(memory, filters={"namespace": "work"})
    task = await memory.views.run(RunView(view_id=view.id, task_id="mine"))
    assert (task.id, task.type, task.status, task.view_id) == ("mine", "summary_view_full_run", "pending", view.id)
    assert await memory.views.run(RunView(view_id=view.id, task_id="other")) == task
    done = await work(memory, task, clock)
    assert (done.status, done.started_at, done.completed_at, done.error_message) == (
        "success", clock.now, clock.now, None,
    )  # fmt: skip
    assert list(await summaries(memory, view)) == ["ann"]
    job = await memory.jobs.get("mine")
    assert (job.name, job.namespace, job.result) == (
        RUN, "work", {"view_id": view.id, "partitions": 1, "computed": 1, "removed": 0},
    )  # fmt: skip
    again = await memory.views.run(RunView(view_id=view.id, task_id="mine"))
    assert (again.id != "mine", again.status) == (True, "pending")


async def test_a_forced_run_is_not_swallowed_by_one_that_waits(memory: Memory, clock: StandingClock) -> None:
    await remember(memory, "Ann sings", user_id="ann")
    view = await made(memory)
    await recompute(memory, view)
    waiting = await memory.views.run(RunView(view_id=view.id))
    forced = await memory.views.run(RunView(view_id=view.id, force=True))
    assert waiting.id != forced.id
    for task, computed in ((waiting, 0), (forced, 1)):
        await work(memory, task, clock)
        result = (await memory.jobs.get(task.id)).result
        assert isinstance(result, dict)
        assert result["computed"] == computed


async def test_a_task_fails_where_its_view_is_gone(memory: Memory, clock: StandingClock) -> None:
    view = await made(memory)
    task = await memory.views.run(RunView(view_id=view.id))
    await memory.views.delete(view.id)
    failed = await work(memory, task, clock)
    assert (failed.status, failed.error_message) == ("failed", f"SummaryView {view.id} not found")
    other = await memory.views.run(RunView(view_id=(await made(memory)).id))
    await memory.jobs.cancel(other.id)
    assert (await memory.views.task(other.id)).error_message == "The run was cancelled"


async def test_no_other_job_is_a_task(memory: Memory) -> None:
    job = await memory.jobs.schedule("optimise", Whole())
    for task_id in (job.id, "none"):
        with pytest.raises(TaskNotFound, match=f"Task {task_id} not found"):
            await memory.views.task(task_id)


async def test_what_changed_in_continuous_views_is_summed_up_by_itself(memory: Memory, clock: StandingClock) -> None:
    """The job ``refresh_views``."""
    await remember(memory, "Ann sings", user_id="ann")
    still, moving = await made(memory), await made(memory, continuous=True)
    told = []
    for changed in (False, False, True):
        if changed:
            await remember(memory, "Ann dances", user_id="ann")
        job = await memory.jobs.schedule("agent_memory_server.summary_views.periodic_refresh_summary_views", Whole())
        await runner(memory, clock).run(job.id)
        done = await memory.jobs.get(job.id)
        assert done.state is JobState.SUCCEEDED
        told.append(done.result)
    assert told == [{"views": 1, "computed": count} for count in (1, 0, 1)]
    assert (await summaries(memory, still), list(await summaries(memory, moving))) == ({}, ["ann"])


async def test_a_view_that_is_deleted_meanwhile_leaves_nothing(memory: Memory, clock: StandingClock) -> None:
    await remember(memory, "Ann sings", user_id="ann")
    await remember(memory, "Bob sings", user_id="bob")

    class Deleting:
        """A model during whose work somebody deletes the view."""

        async def write(self, _: str) -> str:
            await memory.views.delete(view.id)
            return "Written"

    written = Views(memory.store, memory.jobs, clock, new_ids(), Summarist(Deleting()))
    view = await made(memory, continuous=True)
    with pytest.raises(ViewNotFound):
        await written.recompute(RunView(view_id=view.id))
    assert await memory.store.partition_states(view.id) == {}
    await memory.store.put_view(view)
    assert (await written.refresh()).views == 0
    assert await memory.store.partition_states(view.id) == {}


async def test_a_model_that_comes_back_writes_what_it_could_not(memory: Memory, clock: StandingClock) -> None:
    await remember(memory, "Ann sings", user_id="ann")

    def write(_: str) -> str:
        if away:
            raise LLMUnavailable("no answer")
        return "Ann is a singer."

    written = Views(memory.store, memory.jobs, clock, new_ids(), Summarist(ScriptedLLM(write)))
    memory, away = replace(memory, views=written), True
    view = await made(memory)
    assert await recompute(memory, view) == (1, 1, 0)
    assert (await summaries(memory, view))["ann"].startswith("The language model could not be reached; this is a sel")
    away = False
    assert await recompute(memory, view) == (1, 1, 0)
    assert await summaries(memory, view) == {"ann": "Ann is a singer."}
    assert await recompute(memory, view) == (1, 0, 0)
