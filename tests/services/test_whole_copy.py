"""Moving a store with its history, through the use case: where it fits, and where it does not."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from mcp_memory.auth.attempts import Attempts
from mcp_memory.auth.secrets import BcryptSecrets
from mcp_memory.auth.tokens import TokenAuthenticator
from mcp_memory.domain.operations import Operation, OperationKind
from mcp_memory.domain.replies import Moved
from mcp_memory.domain.requests import Create, Edit, ListOperations, NewMemory, Undo
from mcp_memory.domain.scope import OPEN, Scope
from mcp_memory.domain.suggestions import SuggestionKind, SuggestionState
from mcp_memory.domain.tokens import Token
from mcp_memory.domain.views import SummaryView, SummaryViewPartitionResult
from mcp_memory.embedders.hashing import HashingEmbedder
from mcp_memory.errors import NotAuthenticated, StoreBusy
from mcp_memory.machine import new_ids
from mcp_memory.ports.archive import Census, Page, Source
from mcp_memory.ports.store import Store
from mcp_memory.ports.suggestions import Proposal
from mcp_memory.ports.views import Partition
from mcp_memory.services.archive import Archive
from mcp_memory.services.entries import Indexer
from mcp_memory.services.memory import Memory
from mcp_memory.services.tokens import AddToken
from mcp_memory.sources.archive_file import ArchiveFile, write
from mcp_memory.stores.sqlite.store import SqliteStore
from tests.standing_clock import NOON, StandingClock

pytestmark = pytest.mark.anyio


@pytest.fixture
async def target(tmp_path: Path, clock: StandingClock) -> AsyncIterator[Store]:
    store = SqliteStore(tmp_path / "target.sqlite3", clock=clock)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def ours(target: Store, clock: StandingClock) -> Archive:
    return Archive(target, Indexer(HashingEmbedder()), clock, new_ids())


@pytest.fixture
async def theirs(memory: Memory) -> Memory:
    """A store in which memories were stored, edited and deleted."""
    await memory.long_term.create(Create(memories=[NewMemory(text=f"Fact {n}", id=f"m{n}") for n in range(9)]))
    await memory.long_term.edit(Edit(memory_id="m1", text="Fact 1, edited"))
    await memory.long_term.delete(["m2"])
    return memory


async def is_the_same(ours: Archive, theirs: Source) -> bool:
    compared = await ours.holds(theirs, "whole")
    return not any((*compared.missing.values(), *compared.surplus.values()))


async def operations(memory: Memory) -> list[Operation]:
    return list((await memory.operations.list(ListOperations())).operations)


async def test_a_source_that_went_on_is_followed(theirs: Memory, ours: Archive, target: Store) -> None:
    assert (await ours.take_in(theirs.archive)).history == "whole"
    await theirs.long_term.edit(Edit(memory_id="m3", text="Fact 3, edited"))
    await theirs.long_term.delete(["m4"])
    deleted = (await operations(theirs))[2]
    await theirs.operations.undo(Undo(operation_id=deleted.id))
    await theirs.long_term.create(Create(memories=[NewMemory(text="New", id="new")]))
    assert not await is_the_same(ours, theirs.archive)
    dry = await ours.take_in(theirs.archive, dry_run=True)
    imported = await ours.take_in(theirs.archive)
    assert (dry.history, imported.history, imported.operation) == ("whole", "whole", None)
    assert dry.kinds == imported.kinds
    assert imported.taken("memories") == 3
    assert await is_the_same(ours, theirs.archive)
    assert await target.named(["m4"], OPEN) == []
    assert [found.text for _, found in await target.named(["m3"], OPEN)] == ["Fact 3, edited"]


async def test_what_was_done_here_since_keeps_history_out(theirs: Memory, ours: Archive, target: Store) -> None:
    await ours.take_in(theirs.archive)
    ((handle, record),) = await target.named(["m5"], OPEN)
    edited = Indexer(HashingEmbedder()).plain(record.model_copy(update={"text": "Ours"}))
    done = Operation(id="ours", kind=OperationKind.EDIT, at=NOON)
    await target.replace(handle, edited, done, expected_version=1)
    await theirs.long_term.create(Create(memories=[NewMemory(text="New", id="new")]))
    for _ in range(2):
        imported = await ours.take_in(theirs.archive)
        assert imported.history == "left"
        assert [found.text for _, found in await target.named(["m5"], OPEN)] == ["Ours"]
        # Nobody knows any more that it was edited here; it differs all the same.
        await target.forget_operations(NOON + timedelta(days=1))
    assert (await target.operations(OPEN, limit=9))[1] == 0


async def test_what_was_deleted_here_keeps_history_out(theirs: Memory, ours: Archive, target: Store) -> None:
    await ours.take_in(theirs.archive)
    ((handle, _),) = await target.named(["m5"], OPEN)
    deleted = Operation(id="ours", kind=OperationKind.DELETE, at=NOON)
    await target.remove([handle], deleted)
    imported = await ours.take_in(theirs.archive)
    assert (imported.history, imported.taken("memories")) == ("left", 1)


async def test_what_was_stored_here_since_keeps_history_out(theirs: Memory, ours: Archive, target: Store) -> None:
    """Also when nobody knows any more that it was stored here."""
    await ours.take_in(theirs.archive)
    entry = Indexer(HashingEmbedder()).plain((await theirs.long_term.get("m5")).model_copy(update={"id": "ours"}))
    await target.add([entry], Operation(id="ours", kind=OperationKind.CREATE, at=NOON), duplicates="keep_both")
    await target.forget_operations(NOON + timedelta(days=1))
    assert (await ours.take_in(theirs.archive)).history == "left"


async def test_what_is_here_alone_keeps_history_out(theirs: Memory, ours: Archive, target: Store) -> None:
    entry = Indexer(HashingEmbedder()).plain((await theirs.long_term.get("m5")).model_copy(update={"id": "ours"}))
    await target.add([entry], Operation(id="ours", kind=OperationKind.CREATE, at=NOON))
    await target.forget_operations(NOON + timedelta(days=1))
    imported = await ours.take_in(theirs.archive)
    assert (imported.history, imported.taken("memories"), imported.kinds["operations"].left) == ("left", 8, 3)
    assert imported.operation is not None


async def test_what_was_erased_there_since_is_told(theirs: Memory, ours: Archive) -> None:
    await ours.take_in(theirs.archive)
    ((handle, _),) = await theirs.store.named(["m6"], OPEN)
    await theirs.store.purge([handle])
    compared = await ours.holds(theirs.archive, "whole")
    assert (set(compared.missing.values()), compared.surplus["memories"], compared.surplus["changes"]) == ({0}, 1, 1)


async def test_a_suggestion_that_was_dismissed_since_is_dismissed_here(
    theirs: Memory, ours: Archive, target: Store
) -> None:
    ((one, _), (other, _)) = await theirs.store.named(["m7", "m8"], OPEN)
    await theirs.store.suggest([Proposal("s", SuggestionKind.MERGE, (one, 1), (other, 1), NOON, "Alike")])
    await ours.take_in(theirs.archive)
    await theirs.suggestions.dismiss("s")
    assert (await ours.take_in(theirs.archive)).taken("suggestions") == 1
    assert await target.settled([((one, 1), (other, 1))]) == [SuggestionState.DISMISSED]
    assert await is_the_same(ours, theirs.archive)


async def test_among_others_a_suggestion_comes_where_both_memories_are_as_they_were(
    theirs: Memory, ours: Archive, target: Store
) -> None:
    pairs = [await theirs.store.named(names, OPEN) for names in (["m7", "m8"], ["m5", "m6"])]
    await theirs.store.suggest(
        [
            Proposal(str(n), SuggestionKind.MERGE, (one, 1), (other, 1), NOON, "Alike", SuggestionState.DISMISSED)
            for n, ((one, _), (other, _)) in enumerate(pairs)
        ]
    )
    record = (await theirs.long_term.get("m6")).model_copy(update={"version": 2})
    done = Operation(id="ours", kind=OperationKind.CREATE, at=NOON)
    await target.add([Indexer(HashingEmbedder()).plain(record)], done)
    imported = await ours.take_in(theirs.archive)
    assert imported.kinds["suggestions"] == Moved(taken=1, left=1)
    (one, _), (other, _) = await target.named(["m7", "m8"], OPEN)
    assert await target.settled([((one, 1), (other, 1))]) == [SuggestionState.DISMISSED]
    assert (await ours.take_in(theirs.archive)).kinds["suggestions"] == Moved(there=1, left=1)


async def test_whoever_has_a_token_is_let_in_here(theirs: Memory, ours: Archive, target: Store) -> None:
    issued = await theirs.tokens.add(AddToken(description="laptop", namespace="work"))
    removed = await theirs.tokens.add(AddToken(description="lost"))
    await theirs.store.remove_token(removed.token.id)
    await ours.take_in(theirs.archive)
    clock = StandingClock()
    door = TokenAuthenticator(target, BcryptSecrets(rounds=4), clock, Attempts(clock))
    caller = await door.identify(issued.secret, "here")
    assert caller.bound == Scope("work")
    with pytest.raises(NotAuthenticated):
        await door.identify(removed.secret, "here")


async def test_a_view_or_a_token_that_is_here_stays_as_it_is(theirs: Memory, ours: Archive, target: Store) -> None:
    for store, name in ((theirs.store, "there"), (target, "here")):
        await store.put_view(SummaryView(id="view", name=name, source="long_term"))
        token = {"id": "token", "description": name, "lookup": name, "token_hash": "#", "created_at": NOON}
        await store.add_token(Token.model_validate(token))
    result = SummaryViewPartitionResult(view_id="view", group={}, summary="Theirs", memory_count=8, computed_at=NOON)
    await theirs.store.put_partition(Partition(result, "selection:then"))
    imported = await ours.take_in(theirs.archive)
    assert imported.history == "whole"
    kinds = [imported.kinds[kind] for kind in ("views", "summaries", "tokens")]
    assert kinds == [Moved(there=1), Moved(left=1), Moved(there=1)]
    assert [view.name for view in await target.views(OPEN)] == ["here"]
    assert [token.description for token in await target.tokens(OPEN)] == ["here"]
    assert await target.partitions("view", {}) == []


class Moment:
    """The port ``Source`` over an archive, with the census of an earlier moment."""

    def __init__(self, archive: Archive, census: Census) -> None:
        self._archive = archive
        self._census = census

    async def census(self) -> Census:
        return self._census

    async def pages(self) -> AsyncGenerator[Page, None]:
        async for page in self._archive.pages():
            yield page


async def test_what_comes_there_while_it_is_copied_is_left_for_the_next_time(theirs: Memory, ours: Archive) -> None:
    """Its numbers may be given here meanwhile."""
    plain, long = Indexer(HashingEmbedder()).plain, Operation(id="long", kind=OperationKind.IMPORT, at=NOON)
    record = await theirs.long_term.get("m5")
    first, second = (plain(record.model_copy(update={"id": name})) for name in ("first", "second"))
    await theirs.store.add([first], long, duplicates="keep_both")
    census = await theirs.archive.census()
    await theirs.store.add([second], long, duplicates="keep_both")
    await theirs.long_term.create(Create(memories=[NewMemory(text="New", id="new")]))
    imported = await ours.take_in(Moment(theirs.archive, census))
    left = {kind: moved.left for kind, moved in imported.kinds.items() if moved.left}
    assert left == {"operations": 1, "changes": 2, "memories": 2}
    imported = await ours.take_in(theirs.archive)
    assert (imported.history, imported.taken("memories")) == ("whole", 2)
    assert await is_the_same(ours, theirs.archive)


class Busy(Moment):
    """The same, and something is stored there while it is read."""

    def __init__(self, archive: Archive, census: Census, theirs: Memory) -> None:
        super().__init__(archive, census)
        self._theirs = theirs

    async def census(self) -> Census:
        return await self._archive.census()

    async def pages(self) -> AsyncGenerator[Page, None]:
        async for page in super().pages():
            if page.changes:
                await self._theirs.long_term.create(Create(memories=[NewMemory(text="New", id="new")]))
            yield page


async def test_a_file_holds_also_what_was_stored_while_it_was_written(
    theirs: Memory, ours: Archive, target: Store, tmp_path: Path
) -> None:
    source = Busy(theirs.archive, Census(), theirs)
    assert (await write(source, tmp_path / "all.jsonl", StandingClock()))["memories"] == 9
    imported = await ours.take_in(ArchiveFile(tmp_path / "all.jsonl"))
    assert (imported.history, imported.taken("memories")) == ("whole", 9)
    assert [found.text for _, found in await target.named(["new"], OPEN)] == ["New"]


class Disturbing(Moment):
    """The same, and something is stored in the target when it is read for the third time."""

    def __init__(self, archive: Archive, census: Census, target: Store) -> None:
        super().__init__(archive, census)
        self._target = target
        self._readings = 0

    async def pages(self) -> AsyncGenerator[Page, None]:
        self._readings += 1
        async for page in super().pages():
            if page.memories and self._readings == 3:
                record = page.memories[0].record.model_copy(update={"id": "ours"})
                done = Operation(id="ours", kind=OperationKind.CREATE, at=NOON)
                await self._target.add([Indexer(HashingEmbedder()).plain(record)], done, duplicates="keep_both")
            yield page


async def test_what_is_stored_here_meanwhile_ends_it(theirs: Memory, ours: Archive, target: Store) -> None:
    """After it was seen that the history fits, and before its numbers are reserved."""
    await ours.take_in(theirs.archive)
    await theirs.long_term.edit(Edit(memory_id="m3", text="Fact 3, edited"))
    with pytest.raises(StoreBusy, match="run it again"):
        await ours.take_in(Disturbing(theirs.archive, await theirs.archive.census(), target))
    assert (await ours.take_in(theirs.archive)).history == "left"
