"""Forgetting: what a policy lets go of is removed from the whole scope, as one operation that can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mcp_memory.domain.access import LOCAL, Caller
from mcp_memory.domain.filters import Where
from mcp_memory.domain.forgetting import Aged, Choice, Chooser, Forget, Policy
from mcp_memory.domain.operations import Operation, OperationKind
from mcp_memory.domain.replies import Forgettable, Forgotten
from mcp_memory.ports.given import Clock, NewId, Progress
from mcp_memory.ports.memories import Handle, MemoryStore
from mcp_memory.services.audit import note

PAGE = 2_000
"""Memories that are read at a time."""
AT_ONCE = 10
"""Memories removed in one transaction: whoever writes meanwhile waits for no more."""
IDS_SHOWN = 100_000
LISTED = 1_000
TEXTS_SHOWN = 100


class Forgetting:
    """Forgets by a policy; ``standing`` is the one of the settings."""

    def __init__(self, store: MemoryStore, clock: Clock, new_id: NewId, standing: Policy) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self.standing = standing

    async def forget(self, request: Forget, *, caller: Caller = LOCAL, progress: Progress | None = None) -> Forgotten:
        """Forget what the policy lets go of in the scope, the whole of it; by default only say what that would be.

        A memory that is changed or used after it was chosen stays.
        """
        scope = caller.scope(request.scope)
        now = self._clock()
        operation = Operation(
            id=self._new_id(), kind=OperationKind.FORGET, at=now, by=caller.name, note=request.policy.told()
        )
        protected = frozenset(handle for handle, _ in await self._store.named(request.pinned_ids, scope))
        total = 0 if progress is None else await self._store.count(Where(scope))
        run = _Run(self._store, request, Chooser(request.policy, now, protected), operation, progress, total)
        after: Handle | None = None
        while not run.full and (page := await self._store.aged(scope, after, PAGE)):
            await run.take(page)
            after = page[-1][0]
        outcome = run.outcome()
        if outcome.operation is not None:
            note(caller, f"forgot {outcome.deleted} memories: {outcome.operation}", scope)
        return outcome

    async def forget_as_settings_say(self, progress: Progress | None = None) -> Forgotten:
        """Forget everywhere what the settings let go of."""
        return await self.forget(Forget(policy=self.standing, dry_run=False), progress=progress)


@dataclass(slots=True)
class _Run:
    """One pass over a scope, and what it did so far."""

    store: MemoryStore
    request: Forget
    chooser: Chooser[Handle]
    operation: Operation
    progress: Progress | None
    total: int
    scanned: int = 0
    deleted: int = 0
    kept: int = 0
    ids: list[str] = field(default_factory=list)
    listed: list[Forgettable] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Whether as many are gone as may go at once."""
        return self.deleted == self.request.limit

    async def take(self, page: Sequence[tuple[Handle, Aged]]) -> None:
        """Let go of what has no place once these memories are known, too."""
        self.scanned += len(page)
        offered = (self.chooser.offer(handle, memory) for handle, memory in page)
        choices = [choice for choice in offered if choice is not None]
        while choices and not self.full:
            room = AT_ONCE if self.request.limit is None else min(AT_ONCE, self.request.limit - self.deleted)
            await self._let_go(choices[:room])
            choices = choices[room:]
            if choices:
                await self._tell()
        await self._tell()

    async def _tell(self) -> None:
        """Say how far it is, which lets others go first."""
        if self.progress is not None:
            await self.progress(self.scanned, max(self.total, self.scanned), "forgetting")

    async def _let_go(self, choices: Sequence[Choice[Handle]]) -> None:
        """Remove the memories that nothing happened to since they were read; in a dry run only note them."""
        shown = choices[: max(0, TEXTS_SHOWN - len(self.listed))]
        records = await self.store.records([choice.key for choice in shown])
        texts = {choice.key: record.text for choice, record in zip(shown, records, strict=True) if record is not None}
        gone = {choice.key for choice in choices}
        if not self.request.dry_run:
            seen = [(choice.key, choice.memory) for choice in choices]
            gone = {*await self.store.forget(seen, self.operation)}
        self.kept += len(choices) - len(gone)
        for choice in choices:
            if choice.key in gone:
                self._note(choice, texts.get(choice.key))

    def _note(self, choice: Choice[Handle], text: str | None) -> None:
        self.deleted += 1
        if len(self.ids) < IDS_SHOWN:
            self.ids.append(choice.memory.id)
        if len(self.listed) < LISTED:
            told = {"rule": choice.rule, "why": choice.why, "text": text}
            of_memory = Forgettable.model_fields.keys() - told.keys()
            self.listed.append(Forgettable(**told, **{name: getattr(choice.memory, name) for name in of_memory}))

    def outcome(self) -> Forgotten:
        """Return what became of the scope."""
        return Forgotten(
            scanned=self.scanned,
            deleted=self.deleted,
            deleted_ids=self.ids,
            dry_run=self.request.dry_run,
            operation=self.operation.id if self.deleted and not self.request.dry_run else None,
            kept=self.kept,
            listed=self.listed,
        )
