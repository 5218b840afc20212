"""From near pairs to decisions: what is merged, what ends what, and what a person should look at.

The words decide (``domain.duplicates``); a model may write the text, and whoever wrote it, it passes the conservation
check or nothing is merged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TypeAlias

from mcp_memory.domain.compaction import Step, StepKind, union
from mcp_memory.domain.conservation import Loss, missing_of
from mcp_memory.domain.duplicates import Finding, Statement, Verdict, clusters, judge, listed
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.slots import Values
from mcp_memory.domain.suggestions import SuggestionKind, SuggestionState
from mcp_memory.ports.given import Clock, NewId
from mcp_memory.ports.memories import Handle, Merge, NearPair, Seen
from mcp_memory.ports.store import Store
from mcp_memory.ports.suggestions import Proposal
from mcp_memory.services.entries import Indexer
from mcp_memory.services.merged_text import Author
from mcp_memory.services.statements import Statements

LARGEST_CLUSTER = 48
"""Memories that say the same among which every pair is judged; of more, only near ones are."""
SUGGESTIONS_EACH = 3
"""Suggestions about one memory in one run: its likeliest."""

ENDS = (".", "!", "?", "。", "！", "？", "…")
"""How a sentence ends."""
PIECE = 128
"""Pairs that are judged without a break."""

Pair: TypeAlias = tuple[Handle, Handle]
Breathe: TypeAlias = Callable[[], Awaitable[None]]
"""Let others have their turn."""


@dataclass(frozen=True, slots=True)
class Held:
    """A memory as it was read."""

    handle: Handle
    record: MemoryRecord

    @property
    def seen(self) -> Seen:
        """The memory and its version."""
        return self.handle, self.record.version


@dataclass(slots=True)
class Decisions:
    """What is to be done about some memories."""

    merges: list[tuple[Step, Merge]] = field(default_factory=list)
    endings: list[tuple[Step, Merge]] = field(default_factory=list)
    """In the order of the moments from which the later ones hold."""
    proposals: list[tuple[Step, Proposal]] = field(default_factory=list)


class _Read(dict[Handle, Statement]):
    """What is compared of the memories of a case, each read when it is first needed and kept as long as the case."""

    def __init__(self, statements: Statements, held: Mapping[Handle, Held]) -> None:
        super().__init__()
        self._statements = statements
        self._held = held

    def __missing__(self, handle: Handle) -> Statement:
        """Read it now."""
        held = self._held[handle]
        read = self[handle] = self._statements.of(held.seen, held.record)
        return read


@dataclass(frozen=True, slots=True)
class _Case:
    """Some memories with all that was found of them."""

    held: Mapping[Handle, Held]
    read: Mapping[Handle, Statement]
    verdicts: Mapping[Pair, Verdict]
    closeness: Mapping[Pair, float]
    settled: Mapping[Pair, SuggestionState | None]

    def found(self, finding: Finding) -> list[Pair]:
        """Return the pairs of which this was found and that nobody decided to leave as they are."""
        return [
            pair
            for pair, verdict in self.verdicts.items()
            if verdict.finding is finding and self.settled.get(pair) is not SuggestionState.DISMISSED
        ]

    def listed(self, pairs: Sequence[Pair]) -> set[Pair]:
        """Return those of the pairs that are entries of a log or a list."""
        scopes: dict[Scope, list[tuple[Pair, Values]]] = {}
        for pair in pairs:
            values = self.verdicts[pair].values
            if values is not None:
                scopes.setdefault(self.held[pair[0]].record.scope, []).append((pair, values))
        return {pair for given in scopes.values() for pair in listed(given)}

    def missing(self, members: Sequence[Held], kept: Held) -> list[Loss]:
        """Return what the members say and the text of one of them does not."""
        return missing_of([self.read[member.handle].reading for member in members], self.read[kept.handle].reading)

    def joined(self, members: Sequence[Held]) -> str:
        """Return a text that keeps all: the one that holds what the others say, or all of them in a row."""
        for one in sorted(members, key=lambda member: (-len(member.record.text), member.record.text)):
            if not self.missing(members, one):
                return one.record.text
        texts = [member.record.text.strip() for member in members]
        return " ".join(text if text.endswith(ENDS) else f"{text}." for text in texts)

    def clusters(self) -> list[list[Held]]:
        """Return the groups of memories that all say the same."""
        held = list(self.held.values())
        place = {one.handle: number for number, one in enumerate(held)}
        same = [(place[one], place[other]) for one, other in self.found(Finding.SAME)]
        return [[held[number] for number in cluster] for cluster in clusters(same)]


class Judge:
    """Decides about near memories."""

    def __init__(self, store: Store, indexer: Indexer, author: Author, clock: Clock, new_id: NewId) -> None:
        self._store = store
        self._indexer = indexer
        self._author = author
        self._clock = clock
        self._new_id = new_id

    async def decide(self, pairs: Sequence[NearPair], statements: Statements, breathe: Breathe) -> Decisions:
        """Return what to do about the memories of these pairs.

        ``breathe`` is awaited between pieces of the work, so that others get their turn.
        """
        case = await self._case(pairs, statements, breathe)
        decisions = Decisions()
        taken: set[Handle] = set()
        for cluster in case.clusters():
            taken |= await self._merge(case, cluster, decisions)
        self._end(case, taken, decisions)
        await self._suggest(case, taken, decisions)
        return decisions

    async def _case(self, pairs: Sequence[NearPair], statements: Statements, breathe: Breathe) -> _Case:
        handles = list(dict.fromkeys(handle for pair in pairs for handle in (pair.one, pair.other)))
        records = zip(handles, await self._store.records(handles), strict=True)
        held = {handle: Held(handle, record) for handle, record in records if record is not None}
        closeness = {(p.one, p.other): p.closeness for p in pairs if p.one in held and p.other in held}
        read = _Read(statements, held)
        verdicts = await self._judged(read, closeness, breathe)
        telling = [pair for pair, verdict in verdicts.items() if verdict.finding is not Finding.DIFFERENT]
        states = await self._store.settled([(held[one].seen, held[other].seen) for one, other in telling])
        return _Case(held, read, verdicts, closeness, dict(zip(telling, states, strict=True)))

    async def _judged(
        self, read: Mapping[Handle, Statement], closeness: Mapping[Pair, float], breathe: Breathe
    ) -> dict[Pair, Verdict]:
        """Judge the near pairs, and every pair of those that hang together by saying the same."""
        verdicts: dict[Pair, Verdict] = {}

        def judge_some(pairs: Sequence[Pair]) -> None:
            for one, other in pairs:
                verdicts[one, other] = judge(read[one], read[other], closeness.get((one, other)))

        async def judge_all(pairs: Sequence[Pair]) -> None:
            for start in range(0, len(pairs), PIECE):
                # In a thread, and not for long: others are answered meanwhile.
                await asyncio.to_thread(judge_some, pairs[start : start + PIECE])
                await breathe()

        await judge_all(list(closeness))
        same = [pair for pair, verdict in verdicts.items() if verdict.finding is Finding.SAME]
        groups = [group for group in components(same) if len(group) <= LARGEST_CLUSTER]
        others = [pair for group in groups for pair in combinations(group, 2)]
        await judge_all([pair for pair in others if pair not in verdicts and pair[::-1] not in verdicts])
        return verdicts

    async def _merge(self, case: _Case, members: Sequence[Held], decisions: Decisions) -> set[Handle]:
        """Merge what says the same; return the memories that are dealt with."""
        kept = _fullest(case, members)
        others = [member for member in members if member is not kept and not member.record.pinned]
        if not others:
            return set()
        every = [kept, *others]
        text = kept.record.text
        if not kept.record.pinned:
            text = await self._author.of_same([member.record.text for member in every], text)
        # What a model wrote has passed the same check.
        lost = case.missing(every, kept) if text == kept.record.text else []
        if lost:
            reason = f"They may say the same. {lost[0]}"
            self._propose(case, [(kept.handle, other.handle) for other in others], reason, decisions)
            return set()
        reason = case.verdicts[_pair(kept, others[0], case)].reason
        decisions.merges.append(await self._merged(kept, others, text, reason))
        return {member.handle for member in (kept, *others)}

    async def _merged(self, kept: Held, others: Sequence[Held], text: str, reason: str) -> tuple[Step, Merge]:
        record = union(self._reworded(kept.record, text), [other.record for other in others])
        step = Step(kind=StepKind.MERGE, reason=reason, before=[m.record for m in (kept, *others)], after=record)
        if text == kept.record.text:
            entry = self._indexer.plain(record)
        else:
            (entry,) = await self._indexer.entries([record])
        return step, Merge(entry, tuple(member.seen for member in (kept, *others)))

    def _reworded(self, record: MemoryRecord, text: str) -> MemoryRecord:
        return record if text == record.text else record.model_copy(update={"text": text, "updated_at": self._clock()})

    def _end(self, case: _Case, taken: set[Handle], decisions: Decisions) -> None:
        """End what a later memory says is over; each by the first that says so."""
        by_later: dict[Handle, list[Held]] = {}
        for earlier, later in _first_endings(case, taken):
            if earlier.record.pinned or later.record.holds_from < earlier.record.holds_from:
                reason = case.verdicts[_pair(earlier, later, case)].reason
                pair = _pair(earlier, later, case)
                decisions.proposals.append(
                    self._proposal(case, pair, SuggestionKind.SUPERSEDE, reason, (earlier, later))
                )
            else:
                by_later.setdefault(later.handle, []).append(earlier)
        for handle in sorted(by_later, key=lambda handle: (case.held[handle].record.holds_from, str(handle))):
            decisions.endings.append(self._ending(case, case.held[handle], by_later[handle]))

    def _ending(self, case: _Case, later: Held, ended: Sequence[Held]) -> tuple[Step, Merge]:
        names = [*later.record.supersedes, *(one.record.id for one in ended)]
        record = later.record.model_copy(update={"supersedes": list(dict.fromkeys(names)), "updated_at": self._clock()})
        reason = case.verdicts[_pair(ended[0], later, case)].reason
        before = [one.record for one in (*ended, later)]
        step = Step(kind=StepKind.SUPERSEDE, reason=reason, before=before, after=record)
        unchanged = tuple(one.seen for one in ended)
        return step, Merge(self._indexer.plain(record), (later.seen,), unchanged)

    async def _suggest(self, case: _Case, taken: set[Handle], decisions: Decisions) -> None:
        """Leave to people what is likely and not sure; a model may settle it before."""
        each: dict[Handle, int] = {}
        found = case.found(Finding.SUGGEST)
        entries = case.listed(found)
        likely = sorted((p for p in found if p not in entries), key=lambda pair: -case.closeness.get(pair, 0.0))
        for pair in likely:
            known = case.settled.get(pair)
            if known is not None or not taken.isdisjoint(pair) or _full(each, pair):
                continue
            one, other = case.held[pair[0]], case.held[pair[1]]
            written = await self._author.of_alike([one.record.text, other.record.text])
            if written is not None and not (one.record.pinned or other.record.pinned):
                decisions.merges.append(await self._merged(one, [other], written, "A model wrote what both say."))
                taken |= set(pair)
                continue
            self._propose(case, [pair], case.verdicts[pair].reason, decisions)
            for handle in pair:
                each[handle] = each.get(handle, 0) + 1

    def _propose(self, case: _Case, pairs: Iterable[Pair], reason: str, decisions: Decisions) -> None:
        for one, other in pairs:
            first, second = sorted((case.held[one], case.held[other]), key=lambda held: held.record.created_at)
            pair = _pair(first, second, case)
            if case.settled.get(pair) is None:
                made = self._proposal(case, pair, SuggestionKind.MERGE, reason, (first, second))
                decisions.proposals.append(made)

    def _proposal(
        self, case: _Case, pair: Pair, kind: SuggestionKind, reason: str, about: tuple[Held, Held]
    ) -> tuple[Step, Proposal]:
        one, other = about
        text = None if kind is SuggestionKind.SUPERSEDE else case.joined(about)
        proposal = Proposal(
            id=self._new_id(),
            kind=kind,
            one=one.seen,
            other=other.seen,
            at=self._clock(),
            reason=reason,
            closeness=case.closeness.get(pair),
            text=text,
        )
        step = Step(kind=StepKind.SUGGEST, reason=reason, before=[one.record, other.record])
        return step, proposal


def _fullest(case: _Case, members: Sequence[Held]) -> Held:
    """Return the member whose text holds what all say: a pinned one, else the one that most pairs would keep."""
    pinned = [member for member in members if member.record.pinned]
    votes = dict.fromkeys((member.handle for member in members), 0)
    for one, other in combinations(members, 2):
        pair = _pair(one, other, case)
        keep = case.verdicts[pair].keep
        votes[pair[keep or 0]] += 1
    return max(
        pinned or members, key=lambda member: (votes[member.handle], len(member.record.text), str(member.handle))
    )


def _first_endings(case: _Case, taken: set[Handle]) -> Iterator[tuple[Held, Held]]:
    """Yield who is ended by whom, each by the first of those that end it."""
    firsts: dict[Handle, tuple[Held, Held]] = {}
    for pair in case.found(Finding.CHANGED):
        if not taken.isdisjoint(pair):
            continue
        keep = case.verdicts[pair].keep or 0
        earlier, later = case.held[pair[1 - keep]], case.held[pair[keep]]
        known = firsts.get(earlier.handle)
        if known is None or later.record.holds_from < known[1].record.holds_from:
            firsts[earlier.handle] = (earlier, later)
    yield from firsts.values()


def _full(each: Mapping[Handle, int], pair: Pair) -> bool:
    return any(each.get(handle, 0) >= SUGGESTIONS_EACH for handle in pair)


def _pair(one: Held, other: Held, case: _Case) -> Pair:
    """Return the two in the order in which they were judged."""
    pair = (one.handle, other.handle)
    return pair if pair in case.verdicts else pair[::-1]


def components(pairs: Iterable[Pair]) -> list[list[Handle]]:
    """Return the groups of memories that hang together by pairs, in order of their first appearance."""
    parent: dict[Handle, Handle] = {}

    def root(handle: Handle) -> Handle:
        parent.setdefault(handle, handle)
        while parent[handle] != handle:
            parent[handle] = parent[parent[handle]]
            handle = parent[handle]
        return handle

    for one, other in pairs:
        parent[root(other)] = root(one)
    groups: dict[Handle, list[Handle]] = {}
    for handle in list(parent):
        groups.setdefault(root(handle), []).append(handle)
    return list(groups.values())
