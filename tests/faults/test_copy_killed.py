"""A copy that is killed goes on when it is called again, and what comes of it is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_memory.domain.operations import Operation, OperationKind
from mcp_memory.domain.scope import OPEN
from mcp_memory.domain.suggestions import SuggestionKind, SuggestionState
from mcp_memory.domain.tokens import Token
from mcp_memory.domain.views import SummaryView, SummaryViewPartitionResult
from mcp_memory.ports.archive import Page
from mcp_memory.ports.memories import Merge
from mcp_memory.ports.store import Store
from mcp_memory.ports.suggestions import Proposal
from mcp_memory.ports.views import Partition
from tests.contracts.entries import entry, operation, session, vector
from tests.faults.copy_child import archive
from tests.faults.reporting import answer, begun, opened
from tests.standing_clock import NOON

pytestmark = pytest.mark.anyio

MEMORIES, EDITED, DELETED, MERGED = 900, 150, 60, 40
REPORTS = (1, 2, 4, 6, 8, 9, 10, 11)
"""After which report of its progress the copy is killed, once each."""


async def fill(store: Store) -> None:
    for start in range(0, MEMORIES, 300):
        facts = [entry(f"Fact {n}", vector(n % 7, 1), id=f"m{n}") for n in range(start, start + 300)]
        await store.add(facts, operation())
    handles = [handle for handle, _ in await store.scan(None, MEMORIES)]
    for n in range(EDITED):
        edited = entry(f"Fact {n} again", vector(n % 5, 1), id=f"m{n}")
        await store.replace(handles[n], edited, operation(OperationKind.EDIT), expected_version=1)
    await store.remove(handles[200 : 200 + DELETED], operation(OperationKind.DELETE))
    pairs = zip(handles[300 : 300 + MERGED], handles[400 : 400 + MERGED], strict=True)
    merges = [
        Merge(entry(f"Fact {300 + n}", vector(1), id=f"m{300 + n}"), ((one, 1), (other, 1)))
        for n, (one, other) in enumerate(pairs)
    ]
    await store.merge(merges, operation(OperationKind.COMPACT))
    await store.suggest(
        [
            Proposal(f"s{n}", SuggestionKind.MERGE, (handles[500 + n], 1), (handles[600 + n], 1), NOON, "Alike", state)
            for n, state in enumerate([SuggestionState.DISMISSED, SuggestionState.OPEN] * 40)
        ]
    )
    for n in range(70):
        await store.put_session(session(f"session-{n}"), expected_version=0, now=NOON)
    for n in range(3):
        await store.put_view(SummaryView(id=f"view-{n}", source="long_term"))
        result = SummaryViewPartitionResult(
            view_id=f"view-{n}", group={}, summary="All", memory_count=9, computed_at=NOON
        )
        await store.put_partition(Partition(result, "selection:then"))
        token = {"id": f"t{n}", "description": "", "lookup": f"l{n}", "token_hash": "#", "created_at": NOON}
        await store.add_token(Token.model_validate(token))


def killed(source: str, target: str, reports: int) -> None:
    """Begin a copy, and kill it while it does what comes after so many reports."""
    with begun("tests.faults.copy_child", source, target) as child:
        answer(child, "importing", reports)
        child.kill()


async def test_a_copy_that_was_killed_again_and_again_is_completed(tmp_path: Path, where: str) -> None:
    source = str(tmp_path / "source.sqlite3")
    async with opened(source) as theirs:
        await fill(theirs)
    for reports in REPORTS:
        killed(source, where, reports)
    async with opened(source) as theirs, opened(where) as ours:
        before = await ours.numbers()
        imported = await archive(ours).take_in(archive(theirs))
        assert (imported.history, before.handle) == ("whole", MEMORIES)
        assert {kind: moved.taken + moved.there for kind, moved in imported.kinds.items()} == {
            "operations": 3 + EDITED + 2,
            "changes": MEMORIES + EDITED + DELETED + 2 * MERGED,
            "memories": MEMORIES - DELETED - MERGED,
            "suggestions": 80,
            "sessions": 70,
            "views": 3,
            "summaries": 3,
            "tokens": 3,
        }
        assert imported.there > 0
        for one, other in ((ours, theirs), (theirs, ours)):
            compared = await archive(one).holds(archive(other), "whole")
            assert set(compared.missing.values()) == {0}
            assert sum(compared.records.values()) == sum(moved.taken + moved.there for moved in imported.kinds.values())
        assert await listed(ours) == await listed(theirs)
        assert await counted(ours) == await counted(theirs)


async def listed(store: Store) -> list[Operation]:
    found, _ = await store.operations(OPEN, limit=999)
    return found


async def counted(store: Store) -> list[tuple[int, int]]:
    """Return how many records there are: what is there twice is counted twice."""
    pages: list[Page] = [page async for page in archive(store).pages()]
    return [(sum(len(page.changes) for page in pages), sum(len(page.suggestions) for page in pages))]
