"""The composition root: the only reader of Settings, and where implementations meet the use cases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_memory.auth.attempts import Attempts
from mcp_memory.auth.trust import Trust
from mcp_memory.domain.forgetting import Policy
from mcp_memory.errors import ConfigurationError
from mcp_memory.loading import load
from mcp_memory.machine import new_ids, now
from mcp_memory.ports.access import Authenticator
from mcp_memory.ports.archive import Source
from mcp_memory.ports.jobs import TaskQueue
from mcp_memory.ports.models import Embedder
from mcp_memory.ports.store import Store
from mcp_memory.ports.tokens import Secrets
from mcp_memory.queues.inline import InlineQueue
from mcp_memory.queues.on_demand import QueueOnDemand
from mcp_memory.services.composition import Ground, Rules, memory_over
from mcp_memory.services.job_runner import JobRunner, Pause, Terms
from mcp_memory.services.job_table import JOBS
from mcp_memory.services.memory import Memory
from mcp_memory.services.working import SessionRules

if TYPE_CHECKING:
    from mcp_memory.config import Settings

STORES: dict[str, str] = {
    "sqlite": "mcp_memory.stores.sqlite.store:SqliteStore",
    "ephemeral": "mcp_memory.stores.ephemeral.store:EphemeralStore",
    "redis": "mcp_memory.stores.redis.store:RedisStore",
}
REDIS_PLACE = "mcp_memory.stores.redis.connecting:place_of"
REDIS_QUEUE = "mcp_memory.queues.redis:RedisQueue"
AGENT_MEMORY_SERVER = "mcp_memory.stores.redis.agent_memory_server:AgentMemoryServer"
NO_REDIS = 'what is in Redis needs packages that are not installed ({error}): pip install "mcp-memory[redis]"'
EMBEDDERS: dict[str, str] = {
    "all-MiniLM-L6-v2": "mcp_memory.embedders.minilm.embedder:MiniLMEmbedder",
    "hashing": "mcp_memory.embedders.hashing:HashingEmbedder",
}
SECRETS = "mcp_memory.auth.secrets:BcryptSecrets"
AUTHENTICATORS: dict[str, str] = {
    "disabled": "mcp_memory.auth.disabled:DisabledAuthenticator",
    "token": "mcp_memory.auth.tokens:TokenAuthenticator",
    "oauth2": "mcp_memory.auth.oauth2:OAuth2Authenticator",
}
QUEUE = "mcp_memory.queues.huey:HueyQueue"
WORKER_POLL_SECONDS = 0.05
EMBEDDED_POLL_SECONDS = 1.0
EMBEDDED_TEND_SECONDS = 5.0
GRACE_SECONDS = 5.0
"""What running jobs may take when a worker is told to leave; containers are killed after ten."""


async def open_memory(settings: Settings, *, wait_seconds: float = 0) -> Memory:
    """Open the store that the settings name and put the use cases together over it.

    Args:
        settings: say where the store is, and how it is used.
        wait_seconds: how long to wait for a server that is not there yet; none where a person waits for the answer.

    Raises:
        StoreError: the store cannot be used; the message says what to do.
    """
    store = _store(settings, wait_seconds)
    await store.open()
    ground = Ground(store, _embedder(settings), _queue(settings), now, new_ids(), _secrets)
    return memory_over(ground, _rules(settings))


def _rules(settings: Settings) -> Rules:
    return Rules(
        long_term_memory=settings.long_term_memory,
        sessions=SessionRules(
            promote=settings.long_term_memory,
            require_timestamps=settings.require_message_timestamps,
            max_future=timedelta(seconds=settings.max_future_timestamp_seconds),
        ),
        forgetting=_standing(settings),
        history_kept=timedelta(days=settings.history_days) if settings.history_days else None,
        jobs_kept=timedelta(days=settings.job_retention_days),
    )


def _standing(settings: Settings) -> Policy:
    return Policy(
        max_age_days=settings.forgetting_max_age_days,
        max_inactive_days=settings.forgetting_max_inactive_days,
        budget=settings.forgetting_budget_keep_top_n,
    )


@asynccontextmanager
async def open_agent_memory_server(settings: Settings, url: str) -> AsyncIterator[Source]:
    """Return what agent-memory-server keeps in the Redis at the URL.

    Raises:
        ConfigurationError: the driver of Redis is not installed.
    """
    source = _of_redis(AGENT_MEMORY_SERVER)(url, now, prefix=settings.redisvl_index_prefix)
    try:
        yield source
    finally:
        await source.close()


def open_authenticator(settings: Settings, memory: Memory) -> Authenticator:
    """Return what lets callers over the network in, in the mode that the settings mean.

    Raises:
        ConfigurationError: they ask for authentication that cannot be done as it is set.
    """
    mode = settings.auth()
    make: Callable[..., Authenticator] = load(AUTHENTICATORS[mode])
    if mode == "oauth2":
        return make(_trust(settings), now)
    return make(memory.store, _secrets(), now, Attempts(now)) if mode == "token" else make()


def _trust(settings: Settings) -> Trust:
    return Trust(
        issuer=settings.oauth2_issuer_url or "",
        audiences=settings.oauth2_audience or (),
        algorithms=settings.oauth2_algorithms,
        jwks_url=settings.oauth2_jwks_url,
        user_claim=settings.oauth2_user_claim,
        namespace_claim=settings.oauth2_namespace_claim,
    )


def task_runner(settings: Settings, memory: Memory, *, concurrency: int) -> JobRunner:
    """Return what does the jobs of a process that does nothing else."""
    terms = Terms(
        lease=timedelta(seconds=settings.redelivery_timeout_seconds),
        periods=_periods(settings),
        concurrency=concurrency,
        poll_seconds=WORKER_POLL_SECONDS,
        grace_seconds=GRACE_SECONDS,
    )
    return JobRunner(memory, memory.queue, now, terms)


def embedded_runner(settings: Settings, memory: Memory, pause: Pause) -> JobRunner:
    """Return what does jobs, one after the other, beside a server's requests; these go first by ``pause``."""
    terms = Terms(
        lease=timedelta(seconds=settings.redelivery_timeout_seconds),
        periods=_periods(settings),
        poll_seconds=EMBEDDED_POLL_SECONDS,
        tend_seconds=EMBEDDED_TEND_SECONDS,
    )
    return JobRunner(memory, memory.queue, now, terms, pause=pause)


def _periods(settings: Settings) -> dict[str, timedelta]:
    """Return the jobs that are to be done by themselves, and how often."""
    found = {}
    for kind in JOBS:
        period = kind.period
        if period is not None and (period.only_if is None or getattr(settings, period.only_if)):
            found[kind.name] = timedelta(minutes=getattr(settings, period.minutes))
    return {name: period for name, period in found.items() if period}


def _queue(settings: Settings) -> TaskQueue:
    kind, path = settings.store_location()
    if kind == "redis":
        return QueueOnDemand(partial(_queue_in_redis, settings))
    return InlineQueue() if path is None else QueueOnDemand(partial(_queue_beside, path))


def _queue_in_redis(settings: Settings) -> TaskQueue:
    place = _redis_place(settings)
    make: Callable[..., TaskQueue] = load(REDIS_QUEUE)
    return make(place.plain_url, place.queue, place.nodes)


def _redis_place(settings: Settings, wait_seconds: float = 0) -> Any:
    """Return where the store in Redis is; what that is, only the store knows."""
    place_of = _of_redis(REDIS_PLACE)
    vectors = (
        settings.redisvl_indexing_algorithm,
        settings.redisvl_vector_datatype,
        settings.redisvl_distance_metric,
    )
    names = (settings.redisvl_index_name, settings.redisvl_index_prefix)
    durability = settings.memory_durability
    return place_of(settings.store_url(), names, vectors, wait_seconds=wait_seconds, durability=durability)


def _of_redis(name: str) -> Any:
    """Return what needs the driver of Redis.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        return load(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("mcp_memory"):
            raise
        raise ConfigurationError(NO_REDIS.format(error=error)) from error


def _queue_beside(store: Path) -> TaskQueue:
    make: Callable[[Path], TaskQueue] = load(QUEUE)
    return make(store.with_name(f"{store.name}.queue"))


def _secrets() -> Secrets:
    made: Secrets = load(SECRETS)()
    return made


def _store(settings: Settings, wait_seconds: float) -> Store:
    kind, path = settings.store_location()
    place = _redis_place(settings, wait_seconds) if kind == "redis" else None
    make: Callable[..., Store] = load(STORES[kind])
    if place is not None:
        return make(place, clock=now)
    if path is None:
        return make(clock=now)
    return make(
        path,
        synchronous=settings.memory_durability,
        clock=now,
        allow_shared_folder=settings.memory_allow_shared_folder,
    )


def _embedder(settings: Settings) -> Embedder:
    make: Callable[..., Embedder] = load(EMBEDDERS[settings.embedder()])
    if settings.embedder() == "hashing":
        return make()
    return make(threads=settings.embedder_threads, idle_seconds=settings.embedder_idle_seconds)
