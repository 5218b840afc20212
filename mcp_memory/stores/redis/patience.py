"""How long the driver goes on trying: what may pass by itself is tried again, what cannot is said at once."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeAlias, TypeVar

from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    ConnectionError,  # noqa: A004 -- Redis' own
    ReadOnlyError,
    RedisError,
    TimeoutError,  # noqa: A004 -- Redis' own
    TryAgainError,
)

T = TypeVar("T")

TRIES, FIRST_PAUSE, LONGEST_PAUSE = 6, 0.1, 1.0
"""How a command is repeated whose answer was lost: for about three seconds, as a failover takes."""
CONNECT_SECONDS = 5.0
ONCE_MORE = 1
"""Tries of what took its whole time."""
SHORTLY = 2
"""Tries, within a third of a second, of what a person waits for."""
Kinds: TypeAlias = "tuple[type[RedisError], ...]"

PASSING: Kinds = (ConnectionError, TimeoutError)
"""What may pass: the server is started anew."""
DEMOTED: Kinds = (ReadOnlyError,)
"""A failover made a replica of what was a primary; another one will have its place."""
MOVED: Kinds = (AskError, TryAgainError, ClusterDownError)
"""Another node of the cluster has the store now, or will have it in a moment."""
IN_VAIN = (AuthenticationError, AuthorizationError, ssl.SSLCertVerificationError)
"""What stays as it is until somebody mends it."""

logger = logging.getLogger(__name__)


class Patience(Retry):
    """The tries of a program that has reached its server before."""

    def __init__(self, passing: Kinds, tries: int = TRIES) -> None:
        """Repeat so often what failed in one of these ways."""
        super().__init__(ExponentialBackoff(LONGEST_PAUSE, FIRST_PAUSE / 2), tries, passing)

    def is_worth_it(self, error: RedisError, failures: int) -> bool:
        """Say whether what failed so often may go well the next time."""
        most = ONCE_MORE if isinstance(error, TimeoutError) else self.get_retries()
        return failures <= most and not any(isinstance(one, IN_VAIN) for one in causes(error))

    async def call_with_retry(
        self,
        do: Callable[[], Awaitable[T]],
        fail: Callable[..., Any],
        is_retryable: Callable[[Exception], bool] | None = None,
        with_failure_count: bool = False,  # noqa: FBT001, FBT002 -- Redis' signature
    ) -> T:
        failures = 0

        def is_hopeful(error: Exception) -> bool:
            nonlocal failures
            failures += 1
            known = isinstance(error, RedisError) and self.is_worth_it(error, failures)
            return known and (is_retryable is None or is_retryable(error))

        return await super().call_with_retry(do, fail, is_hopeful, with_failure_count)


class FirstPatience(Patience):
    """The tries of a program that has not reached its server yet: few, or for as long as it may wait for its start."""

    def __init__(self, passing: Kinds, place: str, seconds: float) -> None:
        """Take an address to be wrong, rather than its server to be late, where there are no seconds to wait."""
        self._tries = tries_within(seconds)
        self._seconds = seconds
        self._place = place
        super().__init__(passing, max(self._tries, TRIES))

    def is_worth_it(self, error: RedisError, failures: int) -> bool:
        if isinstance(error, TimeoutError):
            return failures * CONNECT_SECONDS < self._seconds
        if not super().is_worth_it(error, failures):
            return False
        if isinstance(error, BusyLoadingError):
            return True
        if not self._tries:
            unknown = any(isinstance(one, socket.gaierror) for one in causes(error))
            return failures <= SHORTLY and not unknown
        if failures == 1:
            logger.warning("waits up to %.0f s for %s: %s", self._seconds, self._place, error)
        return failures <= self._tries


def tries_within(seconds: float) -> int:
    """Return how many tries fill so many seconds with their pauses."""
    tries, left, pause = 0, seconds, FIRST_PAUSE
    while left >= pause:
        left -= pause
        pause = min(LONGEST_PAUSE, 2 * pause)
        tries += 1
    return tries


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what led to it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
