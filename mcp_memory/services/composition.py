"""The use cases put together. What they stand on and which rules hold is for ``bootstrap`` to say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from mcp_memory.domain.forgetting import Policy
from mcp_memory.ports.given import Clock, NewId
from mcp_memory.ports.jobs import TaskQueue
from mcp_memory.ports.models import Embedder
from mcp_memory.ports.store import Store
from mcp_memory.ports.tokens import Secrets
from mcp_memory.services.archive import Archive
from mcp_memory.services.beginnings import Beginnings
from mcp_memory.services.entries import Indexer
from mcp_memory.services.forgetting import Forgetting
from mcp_memory.services.hydration import Hydration
from mcp_memory.services.job_table import JOBS
from mcp_memory.services.jobs import KEPT, Jobs
from mcp_memory.services.long_term import LongTerm
from mcp_memory.services.memory import Memory
from mcp_memory.services.operations import Operations
from mcp_memory.services.suggestions import Suggestions
from mcp_memory.services.tokens import Tokens
from mcp_memory.services.upkeep import Upkeep
from mcp_memory.services.view_texts import Summarist
from mcp_memory.services.views import Views
from mcp_memory.services.working import SessionRules, Working


@dataclass(frozen=True, slots=True)
class Ground:
    """What the use cases stand on."""

    store: Store
    embedder: Embedder
    queue: TaskQueue
    clock: Clock
    new_id: NewId
    secrets: Callable[[], Secrets]


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be decided otherwise by whoever runs the program."""

    long_term_memory: bool = True
    sessions: SessionRules = field(default_factory=SessionRules)
    forgetting: Policy = field(default_factory=Policy)
    history_kept: timedelta | None = None
    """None: for ever."""
    jobs_kept: timedelta = KEPT


def memory_over(ground: Ground, rules: Rules) -> Memory:
    """Return the use cases over what they stand on, which is open already."""
    store, clock, new_id = ground.store, ground.clock, ground.new_id
    indexer = Indexer(ground.embedder)
    long_term = LongTerm(store, ground.embedder, clock, new_id, enabled=rules.long_term_memory)
    working = Working(store, long_term, clock, new_id, rules.sessions)
    jobs = Jobs(store, ground.queue, clock, new_id, JOBS, rules.jobs_kept)
    return Memory(
        long_term=long_term,
        working=working,
        hydration=Hydration(long_term, working),
        operations=Operations(store, indexer, clock, new_id, rules.history_kept),
        suggestions=Suggestions(store, indexer, clock, new_id),
        forgetting=Forgetting(store, clock, new_id, rules.forgetting),
        upkeep=Upkeep(store, ground.embedder),
        archive=Archive(store, indexer, clock, new_id),
        jobs=jobs,
        beginnings=Beginnings(store),
        tokens=Tokens(store, ground.secrets, clock, new_id),
        views=Views(store, jobs, clock, new_id, Summarist()),
        store=store,
        embedder=ground.embedder,
        queue=ground.queue,
    )
