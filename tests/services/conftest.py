"""The use cases over the shipped fakes, with a clock that stands until a test moves it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from mcp_memory.auth.secrets import BcryptSecrets
from mcp_memory.domain.forgetting import Policy
from mcp_memory.embedders.hashing import HashingEmbedder
from mcp_memory.machine import new_ids
from mcp_memory.queues.inline import InlineQueue
from mcp_memory.services.archive import Archive
from mcp_memory.services.beginnings import Beginnings
from mcp_memory.services.entries import Indexer
from mcp_memory.services.forgetting import Forgetting
from mcp_memory.services.hydration import Hydration
from mcp_memory.services.job_table import JOBS
from mcp_memory.services.jobs import JobKind, Jobs
from mcp_memory.services.long_term import LongTerm
from mcp_memory.services.memory import Memory
from mcp_memory.services.operations import Operations
from mcp_memory.services.suggestions import Suggestions
from mcp_memory.services.tokens import Tokens
from mcp_memory.services.upkeep import Upkeep
from mcp_memory.services.view_texts import Summarist
from mcp_memory.services.views import Views
from mcp_memory.services.working import SessionRules, Working
from mcp_memory.stores.ephemeral.store import EphemeralStore
from tests.services.digging import Digging, Hole
from tests.standing_clock import StandingClock


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
async def memory(clock: StandingClock) -> AsyncIterator[Memory]:
    store = EphemeralStore(clock=clock)
    await store.open()
    embedder = HashingEmbedder()
    new_id = new_ids()
    long_term = LongTerm(store, embedder, clock, new_id, enabled=True)
    working = Working(store, long_term, clock, new_id, SessionRules())
    indexer = Indexer(embedder)
    operations = Operations(store, indexer, clock, new_id)
    suggestions = Suggestions(store, indexer, clock, new_id)
    queue = InlineQueue()
    jobs = Jobs(store, queue, clock, new_id, JOBS)
    forgetting = Forgetting(store, clock, new_id, Policy())
    memory = Memory(
        long_term=long_term,
        working=working,
        hydration=Hydration(long_term, working),
        operations=operations,
        suggestions=suggestions,
        forgetting=forgetting,
        upkeep=Upkeep(store, embedder),
        archive=Archive(store, indexer, clock, new_id),
        jobs=jobs,
        beginnings=Beginnings(store),
        tokens=Tokens(store, lambda: BcryptSecrets(rounds=4), clock, new_id),
        views=Views(store, jobs, clock, new_id, Summarist()),
        store=store,
        embedder=embedder,
        queue=queue,
    )
    yield memory
    await memory.close()


@pytest.fixture
def hole() -> Hole:
    return Hole()


@pytest.fixture
def digging(memory: Memory, hole: Hole, clock: StandingClock) -> Memory:
    """Memory that knows one job more."""
    kinds: list[JobKind[Any]] = [*JOBS, JobKind("dig", "dig a hole", Digging, hole.dig, aliases=("old.dig",))]
    return replace(memory, jobs=Jobs(memory.store, memory.queue, clock, new_ids(), kinds))
