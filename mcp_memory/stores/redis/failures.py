"""Redis' errors as ours, translated once. Nothing else of the package catches a driver's error to rename it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from redis import exceptions

from mcp_memory.errors import StoreBusy, StoreCorrupt, StoreError, StoreFull, StoreReadOnly, StoreUnavailable

UNREACHABLE = (
    "{place} cannot be reached ({error}): check that Redis runs there and that REDIS_URL names the right host and port"
)
REFUSED = (
    "{place} refuses the user or password ({error}): put the right ones into REDIS_URL, redis://USER:PASSWORD@HOST"
)
FORBIDDEN = "{place} does not let this user do it ({error}): allow it the keys mcp-memory:* and the commands FT.*"
NO_ENGINE = (
    "{place} has no Query Engine, by which memories are found ({error}): use Redis 8 (docker run redis:8), Redis Stack "
    "7.4 (redis/redis-stack-server) or Redis Cloud with search"
)
LOADING = "{place} is still loading its data: try again in a while"
SLOW = "{place} did not answer in time ({error}): try again, or find out what keeps it busy (redis-cli SLOWLOG GET)"
CUT_SHORT = "{place} had no time to finish a search ({error}): try again, or raise its search-timeout"
INDEXING = "{place} is still indexing what it loaded ({percent:.0f} %): try again in a while"
FULL = "{place} has no memory left ({error}): raise its maxmemory; nothing of this call was stored"
NOT_SAVED = "{place} cannot save what it is given ({error}): free space on its disk; nothing of this call was stored"
READ_ONLY = "{place} is a replica that can be read but not written: put the address of the primary into REDIS_URL"
CROWDED = "{place} takes no more connections ({error}): end programs that hold some, or raise its maxclients"
CLUSTER_DOWN = "{place} is a cluster of which a part is down ({error}): bring that part back and try again"
NO_INDEX = "{place} has lost the index of the memories ({error}): restart this server, which makes it anew"
OTHER_DATABASE = (
    "{place} is another database than 0 ({error}): the Query Engine indexes that one alone, so end REDIS_URL with /0; "
    "REDISVL_INDEX_PREFIX and REDISVL_INDEX_NAME keep stores apart"
)
WRONG_KIND = "{place} holds something else under a key of mcp-memory ({error}): choose another REDISVL_INDEX_PREFIX"
FAILED = "{place} failed: {error}"

ERRORS: Sequence[tuple[type[Exception], type[StoreError], str]] = (
    (exceptions.AuthenticationError, StoreUnavailable, REFUSED),
    (exceptions.AuthorizationError, StoreUnavailable, REFUSED),
    (exceptions.BusyLoadingError, StoreBusy, LOADING),
    (exceptions.MaxConnectionsError, StoreBusy, CROWDED),
    (exceptions.TimeoutError, StoreBusy, SLOW),
    (exceptions.NoPermissionError, StoreUnavailable, FORBIDDEN),
    (exceptions.ReadOnlyError, StoreReadOnly, READ_ONLY),
    (exceptions.OutOfMemoryError, StoreFull, FULL),
    (exceptions.ClusterDownError, StoreUnavailable, CLUSTER_DOWN),
    (exceptions.MasterDownError, StoreUnavailable, UNREACHABLE),
    (exceptions.RedisClusterException, StoreUnavailable, UNREACHABLE),
    (exceptions.ConnectionError, StoreUnavailable, UNREACHABLE),
)
"""The fitting error of ours; the first that fits counts."""

TEXTS: Sequence[tuple[str, type[StoreError], str]] = (
    ("unknown command", StoreUnavailable, NO_ENGINE),
    ("timeout limit", StoreBusy, CUT_SHORT),
    ("max number of clients", StoreBusy, CROWDED),
    ("oom ", StoreFull, FULL),
    ("misconf", StoreFull, NOT_SAVED),
    ("noreplicas", StoreUnavailable, FAILED),
    ("readonly", StoreReadOnly, READ_ONLY),
    ("noperm", StoreUnavailable, FORBIDDEN),
    ("no such index", StoreCorrupt, NO_INDEX),
    ("unknown index name", StoreCorrupt, NO_INDEX),
    ("index not found", StoreCorrupt, NO_INDEX),
    ("db != 0", StoreUnavailable, OTHER_DATABASE),
    ("wrongtype", StoreCorrupt, WRONG_KIND),
)
"""The same for what Redis says in words alone; a script hands on the words of what failed within it."""


def fitting(error: Exception) -> tuple[type[StoreError], str]:
    """Return the error of ours that fits, and what is said."""
    for kind, ours, message in ERRORS:
        if isinstance(error, kind):
            return ours, message
    said = str(error).lower()
    for words, ours, message in TEXTS:
        if words in said:
            return ours, message
    return StoreError, FAILED


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Turn what Redis raises within into the store error that fits, with what to do about it."""
    try:
        yield
    except (exceptions.RedisError, exceptions.RedisClusterException) as error:
        kind, message = fitting(error)
        raise kind(message.format(place=place, error=error)) from error
    except OSError as error:
        raise StoreUnavailable(UNREACHABLE.format(place=place, error=error)) from error
