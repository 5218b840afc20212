"""The use cases over the shipped fakes, with a clock that stands until a test moves it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from mcp_memory.auth.secrets import BcryptSecrets
from mcp_memory.embedders.hashing import HashingEmbedder
from mcp_memory.machine import new_ids
from mcp_memory.queues.inline import InlineQueue
from mcp_memory.services.composition import Ground, Rules, memory_over
from mcp_memory.services.job_table import JOBS
from mcp_memory.services.jobs import JobKind, Jobs
from mcp_memory.services.memory import Memory
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
    secrets = partial(BcryptSecrets, rounds=4)
    memory = memory_over(Ground(store, HashingEmbedder(), InlineQueue(), clock, new_ids(), secrets), Rules())
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
