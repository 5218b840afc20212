"""Two callers, each bound to a namespace and user: neither reaches, changes, counts or guesses what the other keeps."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from mcp_memory.domain.access import Access, Caller
from mcp_memory.domain.forgetting import Forget, Policy
from mcp_memory.domain.operations import Operation, OperationKind
from mcp_memory.domain.requests import (
    Accept,
    Append,
    Compact,
    Create,
    Edit,
    GetSession,
    Hydrate,
    ListJobs,
    ListOperations,
    ListSessions,
    ListSuggestions,
    NewMemory,
    PutSession,
    Search,
    SessionScoped,
    ShowOperation,
    Undo,
)
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.suggestions import SuggestionKind, SuggestionState
from mcp_memory.domain.views import CreateSummaryView, ListPartitions, RunPartition, RunView
from mcp_memory.errors import NotAllowed, NotFound
from mcp_memory.ports.memories import Cues, Entry
from mcp_memory.ports.suggestions import Proposal
from mcp_memory.services.beginnings import Beginnings
from mcp_memory.services.forgetting import Forgetting
from mcp_memory.services.hydration import Hydration
from mcp_memory.services.job_table import CompactLater
from mcp_memory.services.jobs import Jobs
from mcp_memory.services.long_term import LongTerm
from mcp_memory.services.memory import Memory
from mcp_memory.services.operations import Operations
from mcp_memory.services.suggestions import Suggestions
from mcp_memory.services.views import Views
from mcp_memory.services.working import Working
from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio

ANN = Caller("ann", Access.ADMIN, bound=Scope("work", "ann"))
BOB = Caller("bob", Access.ADMIN, bound=Scope("home", "bob"))
KEY = "Ann keeps the spare key under the blue flower pot"
OTHER_KEY = "Ann keeps her other key with the neighbour"

WITHOUT_A_CALLER = {
    "expire", "prune", "schedule", "begin_period", "kind", "kinds", "rebuild_index", "forget_as_settings_say",
    "record", "watch", "refresh", "left_over", "wait", "standing",
}  # fmt: skip
"""What only this program itself calls, about the whole store."""


@dataclass(frozen=True)
class Anns:
    """What Ann has, by its ids, which Bob may have learnt."""

    created: str
    suggestion: str
    job: str
    view: str
    task: str


@pytest.fixture
async def anns(memory: Memory, clock: StandingClock) -> Anns:
    made = await memory.long_term.create(
        Create(memories=[NewMemory(text=KEY, id="m1"), NewMemory(text=OTHER_KEY, id="m2")]), caller=ANN
    )
    await memory.long_term.create(Create(memories=[NewMemory(text="Nobody's words", id="m3")]))
    put = PutSession.model_validate({"session_id": "s1", "messages": [{"role": "user", "content": KEY}]})
    await memory.working.put(put, caller=ANN)
    (one, other) = await memory.store.named(["m1", "m2"], Scope("work", "ann"))
    proposal = Proposal(
        id="g1",
        kind=SuggestionKind.MERGE,
        state=SuggestionState.OPEN,
        one=(one[0], one[1].version),
        other=(other[0], other[1].version),
        at=clock(),
        reason="alike",
    )
    await memory.store.suggest([proposal])
    job = await memory.jobs.schedule("compact", CompactLater(namespace="work", user_id="ann"))
    view = await memory.views.create(CreateSummaryView(source="long_term", group_by=["user_id"]), caller=ANN)
    await memory.views.recompute(RunView(view_id=view.id), caller=ANN)
    task = await memory.views.run(RunView(view_id=view.id), caller=ANN)
    for filters in ({}, {"user_id": ["ann", "bob"]}):
        whole = await memory.views.create(CreateSummaryView(source="long_term", group_by=["user_id"], filters=filters))
        await memory.views.recompute(RunView(view_id=whole.id))
    return Anns(made.operation or "", "g1", job.id, view.id, task.id)


Act = Callable[[Memory, Anns], Awaitable[Any]]

BY_ID: dict[str, Act] = {
    "get": lambda memory, _: memory.long_term.get("m1", caller=BOB),
    "edit": lambda memory, _: memory.long_term.edit(Edit(memory_id="m1", text="Mine"), caller=BOB),
    "session": lambda memory, _: memory.working.get(GetSession(session_id="s1"), caller=BOB),
    "show": lambda memory, anns: memory.operations.show(ShowOperation(operation_id=anns.created), caller=BOB),
    "undo": lambda memory, anns: memory.operations.undo(Undo(operation_id=anns.created), caller=BOB),
    "undo one": lambda memory, anns: memory.operations.undo(Undo(operation_id=anns.created, only=["m1"]), caller=BOB),
    "history": lambda memory, _: memory.operations.history("m1", caller=BOB),
    "accept": lambda memory, anns: memory.suggestions.accept(Accept(suggestion_id=anns.suggestion), caller=BOB),
    "dismiss": lambda memory, anns: memory.suggestions.dismiss(anns.suggestion, caller=BOB),
    "job": lambda memory, anns: memory.jobs.get(anns.job, caller=BOB),
    "cancel": lambda memory, anns: memory.jobs.cancel(anns.job, caller=BOB),
    "view": lambda memory, anns: memory.views.get(anns.view, caller=BOB),
    "run": lambda memory, anns: memory.views.run(RunView(view_id=anns.view), caller=BOB),
    "recompute": lambda memory, anns: memory.views.recompute(RunView(view_id=anns.view), caller=BOB),
    "summaries": lambda memory, anns: memory.views.partitions(ListPartitions(view_id=anns.view), caller=BOB),
    "summary": lambda memory, anns: memory.views.run_partition(
        RunPartition(view_id=anns.view, group={"user_id": "bob"}), caller=BOB
    ),
    "task": lambda memory, anns: memory.views.task(anns.task, caller=BOB),
    "unscoped": lambda memory, _: memory.long_term.get("m3", caller=BOB),
}


@pytest.mark.parametrize("act", BY_ID.values(), ids=BY_ID)
async def test_an_id_of_another_answers_exactly_like_one_that_does_not_exist(
    act: Act, memory: Memory, anns: Anns
) -> None:
    with pytest.raises(NotFound) as theirs:
        await act(memory, anns)
    with pytest.raises(NotFound) as none:
        await act(await _emptied(memory, anns), anns)
    assert (type(theirs.value), str(theirs.value)) == (type(none.value), str(none.value))


async def _emptied(memory: Memory, anns: Anns) -> Memory:
    """Take away what Ann has."""
    await memory.working.delete("s1", caller=ANN)
    for known in await memory.store.recorded(["m1", "m2", "m3"], Scope()):
        await memory.store.purge([known.handle])
    for job_id in (anns.job, anns.task):
        await memory.store.change_job(job_id, lambda job: job.model_copy(update={"finished_at": job.created_at}))
    await memory.store.remove_view(anns.view, Scope())
    return memory


NOTHING: dict[str, tuple[Act, Callable[[Any], object]]] = {
    "search": (lambda memory, _: memory.long_term.search(Search(text=KEY), caller=BOB), lambda found: found.total),
    "list": (lambda memory, _: memory.long_term.search(Search(text=""), caller=BOB), lambda found: found.total),
    "any of": (
        lambda memory, _: memory.long_term.search(
            Search.model_validate({"namespace": {"any": ["work", "home"]}, "user_id": {"ne": "bob2"}}), caller=BOB
        ),
        lambda found: found.total,
    ),
    "recent": (lambda memory, _: memory.long_term.recent(caller=BOB), lambda found: found.total),
    "prompt": (
        lambda memory, _: memory.hydration.prompt(
            Hydrate(query=KEY, session=SessionScoped(session_id="s1"), long_term_search=Search()), caller=BOB
        ),
        lambda prompt: len(prompt.messages) - 2 + len(prompt.long_term_memories),
    ),
    "sessions": (lambda memory, _: memory.working.list(ListSessions(), caller=BOB), lambda found: found.total),
    "operations": (lambda memory, _: memory.operations.list(ListOperations(), caller=BOB), lambda found: found.total),
    "suggestions": (
        lambda memory, _: memory.suggestions.list(ListSuggestions(), caller=BOB), lambda found: found.total
    ),
    "jobs": (lambda memory, _: memory.jobs.list(ListJobs(), caller=BOB), lambda found: found.total),
    "views": (lambda memory, _: memory.views.list(caller=BOB), len),
    "namespaces": (lambda memory, _: memory.long_term.namespaces(caller=BOB), len),
    "stats": (
        lambda memory, _: memory.long_term.stats(caller=BOB),
        lambda told: told.memories + told.sessions + len(told.by_namespace) + len(told.by_type) + told.without_vector,
    ),
    "recorded": (lambda memory, _: memory.long_term.recorded(["m1"], caller=BOB), len),
    "forget": (
        lambda memory, _: memory.forgetting.forget(Forget(policy=Policy(budget=0), dry_run=False), caller=BOB),
        lambda done: done.scanned + done.deleted,
    ),
    "compact": (
        lambda memory, _: memory.long_term.compact(Compact(full=True), caller=BOB), lambda done: done.remaining
    ),
}  # fmt: skip


@pytest.mark.parametrize(("act", "counted"), NOTHING.values(), ids=NOTHING)
async def test_whatever_is_asked_nothing_of_another_is_found_or_counted(
    act: Act, counted: Callable[[Any], object], memory: Memory, anns: Anns
) -> None:
    assert counted(await act(memory, anns)) == 0


OUTSIDE: dict[str, Act] = {
    "create": lambda memory, _: memory.long_term.create(
        Create(memories=[NewMemory(text="Mine", namespace="work")]), caller=BOB
    ),
    "move": lambda memory, _: memory.long_term.edit(Edit(memory_id="b1", namespace="work"), caller=BOB),
    "give": lambda memory, _: memory.long_term.edit(Edit(memory_id="b1", user_id="ann"), caller=BOB),
    "search": lambda memory, _: memory.long_term.search(
        Search.model_validate({"user_id": {"eq": "ann"}}), caller=BOB
    ),
    "put": lambda memory, _: memory.working.put(PutSession(session_id="s1", namespace="work"), caller=BOB),
    "put facts": lambda memory, _: memory.working.put(
        PutSession(session_id="s2", memories=[NewMemory(text="Mine", user_id="ann")]), caller=BOB
    ),
    "append": lambda memory, _: memory.working.append(
        Append.model_validate(
            {"session_id": "s1", "user_id": "ann", "messages": [{"role": "user", "content": "Mine"}]}
        ),
        caller=BOB,
    ),
    "read": lambda memory, _: memory.working.get(GetSession(session_id="s1", user_id="ann"), caller=BOB),
    "sessions": lambda memory, _: memory.working.list(ListSessions(namespace="work"), caller=BOB),
    "delete": lambda memory, _: memory.long_term.delete(["m1"], scope=Scope("work", "ann"), caller=BOB),
    "compact": lambda memory, _: memory.long_term.compact(Compact(namespace="work"), caller=BOB),
    "forget": lambda memory, _: memory.forgetting.forget(Forget(policy=Policy(), namespace="work"), caller=BOB),
    "jobs": lambda memory, _: memory.jobs.list(ListJobs(user_id="ann"), caller=BOB),
    "undo": lambda memory, anns: memory.operations.undo(
        Undo(operation_id=anns.created, namespace="work"), caller=BOB
    ),
    "view": lambda memory, _: memory.views.create(
        CreateSummaryView(source="long_term", filters={"user_id": "ann"}), caller=BOB
    ),
    "view of both": lambda memory, _: memory.views.create(
        CreateSummaryView(source="long_term", filters={"user_id": ["bob", "ann"]}), caller=BOB
    ),
    "summaries": lambda memory, anns: memory.views.partitions(
        ListPartitions(view_id=anns.view, user_id="ann"), caller=BOB
    ),
    "summary": lambda memory, anns: memory.views.run_partition(
        RunPartition(view_id=anns.view, group={"user_id": "ann"}), caller=BOB
    ),
}  # fmt: skip


@pytest.mark.parametrize("act", OUTSIDE.values(), ids=OUTSIDE)
async def test_naming_the_scope_of_another_is_refused_and_changes_nothing(act: Act, memory: Memory, anns: Anns) -> None:
    await memory.long_term.create(Create(memories=[NewMemory(text="Bob's own", id="b1")]), caller=BOB)
    before = await _everything(memory)
    with pytest.raises(NotAllowed):
        await act(memory, anns)
    assert await _everything(memory) == before


async def _everything(memory: Memory) -> object:
    found = await memory.long_term.search(Search(limit=100))
    sessions = [await memory.store.session("s1", Scope("work", "ann"), found.memories[0].created_at)]
    return (
        [hit.model_dump() for hit in found.memories],
        sessions,
        (await memory.operations.list(ListOperations())).total,
        await memory.views.list(),
    )


async def test_a_view_of_another_is_neither_deleted_nor_widened_by_its_id(memory: Memory, anns: Anns) -> None:
    """Ann's view sums up what is hers, and Bob's what is his, whatever they leave out."""
    assert (await memory.views.delete(anns.view, caller=BOB)).status == "ok"
    kept = await memory.views.partitions(ListPartitions(view_id=anns.view), caller=ANN)
    assert [(one.group, one.memory_count) for one in kept] == [({"user_id": "ann"}, 2)]
    assert await memory.views.list(caller=ANN) == [await memory.views.get(anns.view)]
    whole = await memory.views.create(CreateSummaryView(source="long_term"), caller=BOB)
    empty = await memory.views.run_partition(RunPartition(view_id=whole.id, group={}), caller=BOB)
    assert (empty.memory_count, empty.summary) == (0, "")
    named = await memory.views.run(RunView(view_id=whole.id, task_id=anns.task), caller=BOB)
    assert named.id != anns.task
    assert (await memory.views.task(anns.task, caller=ANN)).view_id == anns.view


async def test_the_same_ids_name_other_records_for_another(memory: Memory, anns: Anns) -> None:
    """One tenant's id never overwrites, merges into or ends another's."""
    new = NewMemory(text=KEY, id="m1", supersedes=["m2"])
    assert (await memory.long_term.create(Create(memories=[new]), caller=BOB)).stored == 1
    await memory.working.put(PutSession(session_id="s1", context="Bob's"), caller=BOB)
    anns_own = await memory.long_term.get("m1", caller=ANN)
    assert (anns_own.text, anns_own.namespace, anns_own.version) == (KEY, "work", 1)
    assert (await memory.long_term.get("m2", caller=ANN)).valid_to is None
    assert (await memory.working.get(GetSession(session_id="s1"), caller=ANN)).messages[0].content == KEY
    assert (await memory.long_term.delete(["m1", "m2"], caller=BOB)).status == "ok, deleted 1 memories"
    assert (await memory.long_term.get("m1", caller=ANN)).text == KEY
    await memory.working.delete("s1", caller=BOB)
    await memory.working.delete("s1", caller=BOB)
    assert (await memory.working.get(GetSession(session_id="s1"), caller=ANN)).messages
    assert anns.created


async def test_what_another_was_told_is_no_echo(memory: Memory, anns: Anns) -> None:
    """That a text was returned to somebody tells nobody else that it is there."""
    assert (await memory.long_term.search(Search(text=KEY), caller=ANN)).total
    made = await memory.long_term.create(Create(memories=[NewMemory(text=KEY)]), caller=BOB)
    assert (made.stored, made.duplicates) == (1, 0)
    assert anns.created


async def test_the_beginning_of_an_id_finds_only_what_is_ones_own(memory: Memory, anns: Anns) -> None:
    await memory.long_term.create(Create(memories=[NewMemory(text="Her own", id="spare-key")]), caller=ANN)
    finders = (memory.beginnings.memories, memory.beginnings.operations, memory.beginnings.jobs)
    for begins, beginnings in zip(("spare-key", anns.created, anns.job), finders, strict=True):
        assert begins in await beginnings(begins[:8], caller=ANN)
        assert await beginnings(begins[:8], caller=BOB) == []
        assert await beginnings(begins[:7]) == []


async def test_what_lacks_an_id_or_a_text_is_shown_to_its_owner_only(memory: Memory, anns: Anns) -> None:
    whole = await memory.long_term.get("m1", caller=ANN)
    broken = [whole.model_copy(update={"id": "m4", "text": " "}), whole.model_copy(update={"id": ""})]
    entries = [Entry(record, terms="", cues=Cues()) for record in broken]
    by = Operation(id="other program", kind=OperationKind.CREATE, at=whole.created_at)
    await memory.store.add(entries, by, duplicates="keep_both")
    assert [one.id for one in await memory.long_term.lacking(caller=ANN)] == ["m4", ""]
    assert await memory.long_term.lacking(caller=BOB) == []
    assert anns.created


async def test_an_alias_of_another_finds_nothing(memory: Memory, anns: Anns) -> None:
    await memory.suggestions.accept(Accept(suggestion_id=anns.suggestion), caller=ANN)
    merged = await memory.long_term.get("m2", caller=ANN)
    assert (await memory.long_term.get("m1", caller=ANN)).id == merged.id
    for memory_id in ("m1", "m2"):
        with pytest.raises(NotFound):
            await memory.long_term.get(memory_id, caller=BOB)


async def test_an_operation_on_the_memories_of_both_is_each_ones_own_part(memory: Memory, anns: Anns) -> None:
    await memory.long_term.create(Create(memories=[NewMemory(text="Bob's own", id="b1")]), caller=BOB)
    handles = [handle for handle, _ in await memory.store.named(["m1", "b1"], Scope())]
    both = Operation(id="both", kind=OperationKind.DELETE, at=(await memory.long_term.get("m1", caller=ANN)).created_at)
    await memory.store.remove(handles, both)
    shown = await memory.operations.show(ShowOperation(operation_id="both"), caller=BOB)
    assert (shown.removed, [change.memory_id for change in shown.changes]) == (1, ["b1"])
    await memory.operations.undo(Undo(operation_id="both"), caller=BOB)
    assert (await memory.long_term.get("b1", caller=BOB)).text == "Bob's own"
    with pytest.raises(NotFound):
        await memory.long_term.get("m1", caller=ANN)
    assert anns.created


@pytest.mark.parametrize(
    "service", [LongTerm, Working, Hydration, Operations, Suggestions, Forgetting, Jobs, Views, Beginnings]
)
def test_every_use_case_asks_who_calls(service: type) -> None:
    acts = {name: act for name, act in vars(service).items() if not name.startswith("_") and callable(act)}
    silent = {name for name, act in acts.items() if "caller" not in inspect.signature(act).parameters}
    assert silent <= WITHOUT_A_CALLER
