"""Compaction: memories that say the same become one, and what holds no longer is ended. Nothing is lost by it.

What is not certain becomes a suggestion. Every step is one transaction that does nothing if a memory changed since it
was read, and is part of one operation that can be undone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from mcp_memory.domain.compaction import Step, StepKind, union
from mcp_memory.domain.filters import Where
from mcp_memory.domain.operations import Operation
from mcp_memory.domain.requests import Compact
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.suggestions import SuggestionState
from mcp_memory.machine import seldom_collected
from mcp_memory.ports.given import Clock, Progress
from mcp_memory.ports.memories import Handle, Merge, NearPair
from mcp_memory.ports.store import Store
from mcp_memory.ports.suggestions import Proposal
from mcp_memory.services.entries import Indexer
from mcp_memory.services.judging import Decisions, Held, Judge
from mcp_memory.services.statements import Statements
from mcp_memory.services.turns import in_turn

DISTANCE = 0.3
"""Cosine distance up to which memories are compared by their words."""
NEIGHBOURS = 3
"""Near memories that each one is compared with at most."""
OVERLAP = timedelta(minutes=10)
"""A memory may be stored so long after its moment; what is new is looked for from that much earlier on."""
STEPS_SHOWN = 1_000
"""Steps that an answer holds at most; all are counted."""
_GROUPS = 16
"""Groups of exact duplicates that are read at a time."""
_PAIRS = 8_192
"""Near pairs that are judged at a time; what hangs together across them is compared again when it has changed."""
_AT_ONCE = 2
"""Merges in one transaction: whoever writes meanwhile waits for no more."""
_SUGGESTED_AT_ONCE = 32
"""Suggestions kept in one transaction, for the same reason."""


@dataclass(slots=True)
class Outcome:
    """What a compaction did, or would do."""

    merged: int = 0
    """Memories that took others in."""
    retired: int = 0
    """Memories that became part of another one."""
    superseded: int = 0
    """Memories that were ended."""
    suggested: int = 0
    steps: list[Step] = field(default_factory=list)

    def note(self, step: Step) -> None:
        """Count a step, and keep it to be shown."""
        others = len(step.before) - 1
        if step.kind is StepKind.SUGGEST:
            self.suggested += 1
        elif step.kind is StepKind.SUPERSEDE:
            self.superseded += others
        else:
            self.merged += 1
            self.retired += others
        if len(self.steps) < STEPS_SHOWN:
            self.steps.append(step)


class Compactor:
    """Tidies the memories of a scope."""

    def __init__(self, store: Store, indexer: Indexer, judge: Judge, clock: Clock) -> None:
        self._store = store
        self._indexer = indexer
        self._judge = judge
        self._clock = clock

    async def compact(
        self, request: Compact, scope: Scope, operation: Operation, progress: Progress | None = None
    ) -> Outcome:
        """Do what the request asks for within the scope; with ``dry_run`` only say what would be done."""
        run = _Run(self._store, operation, dry=request.dry_run)
        with seldom_collected():
            if request.hash_duplicates:
                await self._exact(Where(scope, current_at=self._clock()), run, progress)
            if request.semantic_duplicates:
                await self._near(request, scope, run, progress)
        return run.outcome

    async def _exact(self, where: Where, run: _Run, progress: Progress | None) -> None:
        """Make every group of exact duplicates one memory, however many they are; what ended tells of another time."""
        groups = await self._store.duplicates(where)
        for start in range(0, len(groups), _GROUPS):
            part = groups[start : start + _GROUPS]
            handles = [handle for group in part for handle in group]
            records = dict(zip(handles, await self._store.records(handles), strict=True))
            held = {handle: Held(handle, record) for handle, record in records.items() if record is not None}
            found = [_parted([held[handle] for handle in group if handle in held]) for group in part]
            await run.merge([self._same(one) for one in await self._not_kept_apart(found)])
            if progress is not None:
                await progress(start + len(part), len(groups), "merging exact duplicates")

    def _same(self, group: Sequence[Held]) -> tuple[Step, Merge]:
        """Return the merge of a group into its first."""
        before = [held.record for held in group]
        record = union(before[0], before[1:])
        step = Step(kind=StepKind.EXACT, reason="They say the same to the letter.", before=before, after=record)
        return step, Merge(self._indexer.plain(record), tuple(held.seen for held in group))

    async def _not_kept_apart(self, groups: Sequence[Sequence[Held]]) -> list[list[Held]]:
        """Leave out of each group what somebody decided to keep apart from its first, and then groups of one."""
        pairs = [(first.seen, other.seen) for first, *others in groups for other in others]
        states = iter(await self._store.settled(pairs))
        allowed = [
            [first, *(other for other in others if next(states) is not SuggestionState.DISMISSED)]
            for first, *others in groups
        ]
        return [group for group in allowed if len(group) > 1]

    async def _near(self, request: Compact, scope: Scope, run: _Run, progress: Progress | None) -> None:
        """Judge the memories that are near by vector, and do what is certain."""
        began = self._clock()
        distance = DISTANCE if request.distance_threshold is None else request.distance_threshold
        since = None if request.full else await self._since(scope, distance)
        where = Where(scope, current_at=began)
        generation = self._indexer.generation
        found = await self._store.near_pairs(where, generation, distance=distance, most=NEIGHBOURS, since=since)
        pairs = run.still_there(found)
        statements = Statements()
        done = 0

        async def tell() -> None:
            if progress is not None:
                await progress(done, len(pairs), "comparing near memories")

        for start in range(0, len(pairs), _PAIRS):
            part = pairs[start : start + _PAIRS]
            await run.apply(await self._judge.decide(part, statements, tell))
            done += len(part)
            await tell()
        if not run.dry:
            await self._store.note_compared(scope, began - OVERLAP, distance)

    async def _since(self, scope: Scope, distance: float) -> datetime | None:
        """Return since when the memories of the scope, alone or within a wider one, were not all compared."""
        wider = {scope, replace(scope, session_id=None), Scope(scope.namespace), Scope(None, scope.user_id), Scope()}
        found = [await self._store.compared(one) for one in wider]
        return max((moment for moment, reached in filter(None, found) if reached >= distance), default=None)


def _parted(group: Sequence[Held]) -> list[Held]:
    """Return of a group what may become one: at most one that is pinned, as the first, into which the others go."""
    return [held for held in group if held.record.pinned][:1] + [held for held in group if not held.record.pinned]


class _Run:
    """One compaction on its way: does what is decided, or only notes it."""

    def __init__(self, store: Store, operation: Operation, *, dry: bool) -> None:
        self._store = store
        self._operation = operation
        self.dry = dry
        self.outcome = Outcome()
        self._would_retire: set[Handle] = set()

    async def apply(self, decisions: Decisions) -> None:
        """Do what was decided."""
        await self.merge(decisions.merges)
        await self._end(decisions.endings)
        await self._suggest(decisions.proposals)

    async def _suggest(self, proposals: Sequence[tuple[Step, Proposal]]) -> None:
        for start in range(0, len(proposals), _SUGGESTED_AT_ONCE):
            part = proposals[start : start + _SUGGESTED_AT_ONCE]
            if not self.dry:
                await in_turn(self._store.suggest([proposal for _, proposal in part]))
            for step, _ in part:
                self.outcome.note(step)

    async def merge(self, merges: Sequence[tuple[Step, Merge]]) -> None:
        """Do the merges; what changed meanwhile is left for the next run."""
        for start in range(0, len(merges), _AT_ONCE):
            part = merges[start : start + _AT_ONCE]
            for step, _ in self._noted(part) if self.dry else await self._done(part):
                self.outcome.note(step)

    def _noted(self, part: Sequence[tuple[Step, Merge]]) -> Sequence[tuple[Step, Merge]]:
        self._would_retire.update(handle for _, merge in part for handle, _ in merge.sources[1:])
        return part

    def still_there(self, pairs: Sequence[NearPair]) -> Sequence[NearPair]:
        """Leave out pairs of memories that a dry run would have retired before."""
        if not self._would_retire:
            return pairs
        return [pair for pair in pairs if self._would_retire.isdisjoint((pair.one, pair.other))]

    async def _done(self, part: Sequence[tuple[Step, Merge]]) -> list[tuple[Step, Merge]]:
        results = await in_turn(self._store.merge([merge for _, merge in part], self._operation))
        return [one for one, result in zip(part, results, strict=True) if result is not None]

    async def _end(self, endings: Sequence[tuple[Step, Merge]]) -> None:
        """End one after the other: what ended an earlier one may be ended by a later one."""
        versions: dict[Handle, int] = {}
        for step, ending in endings:
            if self.dry:
                self.outcome.note(step)
                continue
            unchanged = tuple((handle, versions.get(handle, version)) for handle, version in ending.unchanged)
            (result,) = await in_turn(self._store.merge([replace(ending, unchanged=unchanged)], self._operation))
            if result is not None:
                versions[ending.sources[0][0]] = result.version
                self.outcome.note(step)
