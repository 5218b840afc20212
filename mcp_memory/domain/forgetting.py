"""Forgetting: which memories a policy lets go of, and by which rule. Pure; what is pinned is never chosen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from heapq import heappush, heappushpop
from typing import Annotated, Generic, TypeAlias, TypeVar

from pydantic import Field

from mcp_memory.domain.recency import Recency
from mcp_memory.domain.records import MemoryType
from mcp_memory.domain.requests import Label, Labels, Request
from mcp_memory.domain.scope import Scope

Key = TypeVar("Key")
Days = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Owner: TypeAlias = tuple[str | None, str | None]
_DAY = timedelta(days=1)


class Policy(Request):
    """What may be forgotten. Nothing is, where no limit is given."""

    max_age_days: Days | None = Field(None, description="Older ones; with max_inactive_days only if unused as well")
    max_inactive_days: Days | None = Field(None, description="Those not used for longer")
    budget: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Keep so many of each namespace and user, the most recently made and used"
    )
    memory_type_allowlist: list[MemoryType] | None = Field(None, description="Only these kinds may be forgotten")
    hard_age_multiplier: Annotated[float, Field(ge=1, allow_inf_nan=False)] = Field(
        12.0, description="Beyond so many times max_age_days use no longer protects"
    )

    @property
    def limits_nothing(self) -> bool:
        """Whether no memory can be chosen."""
        return self.max_age_days is None and self.max_inactive_days is None and self.budget is None

    def told(self) -> str:
        """Return the policy in words."""
        return "; ".join(self._parts()) or "nothing"

    def _parts(self) -> Iterator[str]:
        if self.max_age_days is not None and self.max_inactive_days is not None:
            yield f"older than {days(self.max_age_days)} and unused for {days(self.max_inactive_days)}"
            yield f"older than {days(self.max_age_days * self.hard_age_multiplier)}"
        elif self.max_age_days is not None:
            yield f"older than {days(self.max_age_days)}"
        elif self.max_inactive_days is not None:
            yield f"unused for {days(self.max_inactive_days)}"
        if self.budget is not None:
            yield f"more than {self.budget} of one namespace and user"
        if self.memory_type_allowlist is not None:
            yield f"only of type {', '.join(self.memory_type_allowlist) or 'none'}"


class Forget(Request):
    """Forget what a policy lets go of."""

    policy: Policy
    namespace: Label | None = None
    user_id: Label | None = None
    session_id: Label | None = None
    pinned_ids: Labels = Field(default_factory=list, description="Ids of memories to keep whatever the policy says")
    limit: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Forget at most so many; all that are due if left out"
    )
    dry_run: bool = Field(default=True, description="Only say what would be forgotten")

    @property
    def scope(self) -> Scope:
        """Where to look."""
        return Scope(self.namespace, self.user_id, self.session_id)


@dataclass(frozen=True, slots=True)
class Aged:
    """What is asked of a memory before it is forgotten; its text is not."""

    id: str
    namespace: str | None
    user_id: str | None
    memory_type: str
    created_at: datetime
    last_accessed: datetime
    pinned: bool
    version: int


class Rule(StrEnum):
    """By which limit of a policy a memory was chosen."""

    AGE = "age"
    INACTIVE = "inactive"
    AGE_AND_INACTIVE = "age_and_inactive"
    HARD_AGE = "hard_age"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Choice(Generic[Key]):
    """A memory that is to be forgotten, and why."""

    key: Key
    memory: Aged
    rule: Rule
    why: str


class Chooser(Generic[Key]):
    """Is offered the memories one by one and says which of them are to be forgotten.

    It holds as many memories of each owner as the budget lets stay, and nothing else.
    """

    def __init__(self, policy: Policy, now: datetime, protected: AbstractSet[Key] = frozenset()) -> None:
        self._policy = policy
        self._now = now
        self._protected = protected
        self._offered = 0
        self._recency = Recency()
        self._staying: defaultdict[Owner, list[tuple[float, datetime, int, Key, Aged]]] = defaultdict(list)

    def offer(self, key: Key, memory: Aged) -> Choice[Key] | None:
        """Return what is to be forgotten now: this memory, another one that has no place beside it, or none."""
        allowed = self._policy.memory_type_allowlist
        if memory.pinned or key in self._protected or (allowed is not None and memory.memory_type not in allowed):
            return None
        due = self._due(memory)
        if due is not None:
            return Choice(key, memory, *due)
        return None if self._policy.budget is None else self._beyond(self._policy.budget, key, memory)

    def _due(self, memory: Aged) -> tuple[Rule, str] | None:
        age, unused = self._age(memory), self._unused(memory)
        oldest, longest = self._policy.max_age_days, self._policy.max_inactive_days
        if oldest is None:
            if longest is None or unused <= longest:
                return None
            return Rule.INACTIVE, f"unused for {days(unused)}, more than {days(longest)}"
        if age <= oldest:
            return None
        old = f"{days(age)} old, more than {days(oldest)}"
        if longest is None:
            return Rule.AGE, old
        if unused > longest:
            return Rule.AGE_AND_INACTIVE, f"{old}, and unused for {days(unused)}, more than {days(longest)}"
        hardest = oldest * self._policy.hard_age_multiplier
        return (Rule.HARD_AGE, f"{days(age)} old, more than {days(hardest)}") if age > hardest else None

    def _beyond(self, budget: int, key: Key, memory: Aged) -> Choice[Key] | None:
        """Let the memory stay; return the least recent one of its owner if these are too many then."""
        self._offered += 1
        score = self._recency.of_one(self._unused(memory), self._age(memory))
        staying = self._staying[memory.namespace, memory.user_id]
        # Of two that are as recent the one that was offered first goes.
        placed = (score, memory.last_accessed, self._offered, key, memory)
        if len(staying) < budget:
            heappush(staying, placed)
            return None
        *_, least, least_recent = heappushpop(staying, placed)
        return Choice(least, least_recent, Rule.BUDGET, f"not among the {budget} most recent of its namespace and user")

    def _age(self, memory: Aged) -> float:
        return max(0.0, (self._now - memory.created_at) / _DAY)

    def _unused(self, memory: Aged) -> float:
        return max(0.0, (self._now - memory.last_accessed) / _DAY)


def days(count: float) -> str:
    """Return a number of days as people say it."""
    return f"{count:.1f}".removesuffix(".0") + " days"
