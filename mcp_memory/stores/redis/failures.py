"""Redis' errors as ours, translated once. Nothing else of the package catches a driver's error to rename it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from redis import exceptions

from mcp_memory.errors import StoreBusy, StoreCorrupt, StoreError, StoreFull, StoreReadOnly, StoreUnavailable
from mcp_memory.stores.redis.patience import causes

UNREACHABLE = (
    "{place} cannot be reached ({error}): check that Redis runs there and that REDIS_URL names the right host and port"
)
UNKNOWN_HOST = "{place} names a host that nobody knows ({error}): correct it in REDIS_URL"
UNANSWERED = (
    "{place} did not take the connection in time ({error}): check the host and port in REDIS_URL, and that the server "
    "there speaks TLS if it begins with rediss://"
)
ENDED = (
    "{place} ended the connection ({error}): check that Redis runs there; if it speaks TLS only, REDIS_URL begins with "
    "rediss://, and if it wants to see a certificate, has ssl_certfile and ssl_keyfile"
)
CERTIFICATE = (
    "{place} has a certificate that is not trusted ({error}): add ?ssl_ca_certs=FILE to REDIS_URL, the file with the "
    "certificate that signed it, and use the host name that it was made for"
)
NO_TLS = (
    "{place} and this program do not understand each other over TLS ({error}): check that the server speaks TLS (if "
    "not, REDIS_URL begins with redis://), and the files of ssl_ca_certs, ssl_certfile and ssl_keyfile in REDIS_URL"
)
NO_FILE = "{place} names a file that is not there ({error}): correct it in REDIS_URL"
REFUSED = (
    "{place} refuses the user or password ({error}): put the right ones into REDIS_URL, redis://USER:PASSWORD@HOST"
)
FORBIDDEN = (
    "{place} does not let this user do it ({error}): allow it the keys mcp-memory:* and the commands FT.*, and what is "
    "refused here"
)
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
NO_DISK = (
    "{place} cannot say when a write is on its disk ({error}): set its appendonly to yes (from Redis 7.2 on), or "
    "MEMORY_DURABILITY to normal"
)
NOT_ON_DISK = (
    "{place} has stored it, but did not have it on its disk within {seconds} s: see to the disk of the server, and "
    "whether it still has what was written"
)
READ_ONLY = "{place} is a replica that can be read but not written: put the address of the primary into REDIS_URL"
CROWDED = "{place} takes no more connections ({error}): end programs that hold some, or raise its maxclients"
CLUSTERED = "{place} is one of a cluster ({error}): begin REDIS_URL with redis+cluster://; if it does, try again"
NO_CLUSTER = "{place} is no cluster ({error}): begin REDIS_URL with redis:// or rediss://"
MOVING = "{place} moves this store to another part of the cluster ({error}): try again when that is done"
CLUSTER_DOWN = "{place} is a cluster of which a part is down ({error}): bring that part back and try again"
NO_INDEX = "{place} has lost the index of the memories ({error}): restart this server, which makes it anew"
OTHER_DATABASE = (
    "{place} is another database than 0 ({error}): the Query Engine indexes that one alone, so end REDIS_URL with /0; "
    "REDISVL_INDEX_PREFIX keeps stores apart"
)
WRONG_KIND = "{place} holds something else under a key of mcp-memory ({error}): choose another REDISVL_INDEX_PREFIX"
FAILED = "{place} failed: {error}"

CAUSES: Sequence[tuple[type[OSError], type[StoreError], str]] = (
    (ssl.SSLCertVerificationError, StoreUnavailable, CERTIFICATE),
    (ssl.SSLError, StoreUnavailable, NO_TLS),
    (socket.gaierror, StoreUnavailable, UNKNOWN_HOST),
    (FileNotFoundError, StoreUnavailable, NO_FILE),
    (ConnectionResetError, StoreUnavailable, ENDED),
    (ConnectionAbortedError, StoreUnavailable, ENDED),
    (BrokenPipeError, StoreUnavailable, ENDED),
)
"""What the system says of a connection that failed, and the fitting error of ours; the first that fits counts."""

ERRORS: Sequence[tuple[type[Exception], str, type[StoreError], str]] = (
    (exceptions.AuthenticationError, "", StoreUnavailable, REFUSED),
    (exceptions.AuthorizationError, "", StoreUnavailable, REFUSED),
    (exceptions.BusyLoadingError, "", StoreBusy, LOADING),
    (exceptions.MaxConnectionsError, "", StoreBusy, CROWDED),
    (exceptions.TimeoutError, "connecting to server", StoreUnavailable, UNANSWERED),
    (exceptions.TimeoutError, "", StoreBusy, SLOW),
    (exceptions.NoPermissionError, "", StoreUnavailable, FORBIDDEN),
    (exceptions.ReadOnlyError, "", StoreReadOnly, READ_ONLY),
    (exceptions.OutOfMemoryError, "", StoreFull, FULL),
    (exceptions.MasterDownError, "", StoreUnavailable, UNREACHABLE),
    (exceptions.ClusterDownError, "", StoreUnavailable, CLUSTER_DOWN),
    (exceptions.MovedError, "", StoreUnavailable, CLUSTERED),
    (exceptions.AskError, "", StoreBusy, MOVING),
    (exceptions.TryAgainError, "", StoreBusy, MOVING),
    (exceptions.ConnectionError, "max number of clients", StoreBusy, CROWDED),
    (exceptions.ConnectionError, "connection closed by server", StoreUnavailable, ENDED),
    (exceptions.ConnectionError, "", StoreUnavailable, UNREACHABLE),
    (exceptions.RedisClusterException, "cluster mode is not enabled", StoreUnavailable, NO_CLUSTER),
    (exceptions.RedisError, "cluster support disabled", StoreUnavailable, NO_CLUSTER),
    (exceptions.RedisClusterException, "", StoreUnavailable, UNREACHABLE),
    (exceptions.RedisError, "waitaof", StoreUnavailable, NO_DISK),
    (exceptions.RedisError, "unknown command", StoreUnavailable, NO_ENGINE),
    (exceptions.RedisError, "timeout limit", StoreBusy, CUT_SHORT),
    (exceptions.RedisError, "oom ", StoreFull, FULL),
    (exceptions.RedisError, "misconf", StoreFull, NOT_SAVED),
    (exceptions.RedisError, "noreplicas", StoreUnavailable, FAILED),
    (exceptions.RedisError, "readonly", StoreReadOnly, READ_ONLY),
    (exceptions.RedisError, "noperm", StoreUnavailable, FORBIDDEN),
    (exceptions.RedisError, "no such index", StoreCorrupt, NO_INDEX),
    (exceptions.RedisError, "unknown index name", StoreCorrupt, NO_INDEX),
    (exceptions.RedisError, "index not found", StoreCorrupt, NO_INDEX),
    (exceptions.RedisError, "db != 0", StoreUnavailable, OTHER_DATABASE),
    (exceptions.RedisError, "wrongtype", StoreCorrupt, WRONG_KIND),
)
"""The same for what Redis says, by its kind and its words; a script hands on the words of what failed within it."""


def fitting(error: Exception) -> tuple[type[StoreError], str]:
    """Return the error of ours that fits, and what is said."""
    if isinstance(error, exceptions.ConnectionError | OSError):
        led = [*causes(error)]
        for cause, ours, message in CAUSES:
            if any(isinstance(one, cause) for one in led):
                return ours, message
    said = str(error).lower()
    for kind, words, ours, message in ERRORS:
        if isinstance(error, kind) and words in said:
            return ours, message
    return (StoreUnavailable, UNREACHABLE) if isinstance(error, OSError) else (StoreError, FAILED)


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Turn what Redis raises within into the store error that fits, with what to do about it."""
    try:
        yield
    except (exceptions.RedisError, exceptions.RedisClusterException, OSError) as error:
        kind, message = fitting(error)
        raise kind(message.format(place=place, error=error)) from error
