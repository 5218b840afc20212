"""Names in Redis: of every key, and the digests under which what clients wrote is kept and found.

All keys of one store share one hash tag, so that a cluster keeps them on one shard and a script may write several at
once. Nothing that a client wrote is part of a key or of a query: a digest stands for it.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from itertools import product

from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope

_BYTES = 12
"""Of a digest: two of a billion texts meet with a chance of one in 10^11."""


_REMEMBERED = 8_192
"""Digests that a process remembers: the same scopes, labels and ids come again and again."""


def digest(*parts: object) -> str:
    """Return what stands for these parts: letters and digits, the same for the same parts only."""
    return blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=_BYTES).hexdigest()


def owner(record: MemoryRecord) -> str:
    """Return what stands for the namespace and user of a memory, exactly."""
    return owned(record.namespace, record.user_id)


@lru_cache(_REMEMBERED)
def owned(namespace: str | None, user_id: str | None) -> str:
    """Return what stands for exactly this namespace and user."""
    return digest(namespace, user_id)


def content(scope: Scope, memory_hash: str) -> str:
    """Return what stands for a content in exactly this scope."""
    return _held(scope.namespace, scope.user_id, scope.session_id, memory_hash)


def content_of(record: MemoryRecord) -> str | None:
    """Return what stands for the content of a memory in its scope; None if it was never hashed."""
    held = record.memory_hash
    return None if held is None else _held(record.namespace, record.user_id, record.session_id, held)


def thread(record: MemoryRecord) -> str | None:
    """Return what stands for the thread of talk that the memory stands in; None if it stands in none."""
    standing = record.thread
    return None if standing is None else _standing(record.namespace, record.user_id, *standing)


_held = lru_cache(_REMEMBERED)(digest)
_standing = lru_cache(_REMEMBERED)(digest)
_of_id = lru_cache(_REMEMBERED)(digest)


@lru_cache(_REMEMBERED)
def reach(*parts: str | None) -> str:
    """Return what stands for everything within these parts of a scope; None leaves a part open."""
    return digest("reach", *parts)


@lru_cache(_REMEMBERED)
def reaches(*parts: str | None) -> tuple[str, ...]:
    """Return the same for each scope that something with these parts lies within."""
    return tuple(reach(*chosen) for chosen in product(*({part, None} for part in parts)))


class Keys:
    """The keys of one store."""

    def __init__(self, prefix: str) -> None:
        # A brace within the tag would end it.
        tag = prefix.replace("%", "%25").replace("{", "%7B").replace("}", "%7D")
        self.before = f"mcp-memory:{{{tag}}}:"
        self.memories = f"{self.before}m:"
        self.accesses = f"{self.before}a:"
        self.sessions = f"{self.before}w:"
        self.jobs = f"{self.before}j:"
        self.threads = f"{self.before}t:"
        self.rows = f"{self.before}r:"
        self.generations = f"{self.before}generations"
        self.counts = f"{self.before}n"
        self.uses = f"{self.before}vn"
        self.schema = f"{self.before}schema"
        self.compared = f"{self.before}compared"
        self.operations_by_time = f"{self.before}ot"

    def index(self, name: str) -> str:
        """Return what the names of the indexes begin with; they are keys too where a cluster looks for their shard."""
        return f"{self.before}{name}"

    def _of(self, kind: str, name: object) -> str:
        return f"{self.before}{kind}:{name}"

    def last(self, kind: str) -> str:
        """Return where the last number of a kind is counted."""
        return self._of("last", kind)

    def done(self, turn: str) -> str:
        """Return what says for a while that a transaction was done."""
        return self._of("done", turn)

    def memory(self, handle: int) -> str:
        """Return where a memory is, and what finds it."""
        return f"{self.memories}{handle}"

    def access(self, handle: int) -> str:
        """Return where the use of a memory is noted, once it was used."""
        return f"{self.accesses}{handle}"

    def row(self, handle: int) -> str:
        """Return where what ranking reads of a memory is."""
        return f"{self.rows}{handle}"

    def named(self, memory_id: str) -> str:
        """Return where the owners of an id find the memory that has it or took it in."""
        return self._of("id", _of_id(memory_id))

    def content(self, name: str) -> str:
        """Return where the memories of one content are listed."""
        return self._of("c", name)

    def thread(self, name: str) -> str:
        """Return where the memories of one thread stand in their order."""
        return f"{self.threads}{name}"

    def values(self, field: str) -> str:
        """Return where the values of a label are, sorted."""
        return self._of("v", field)

    def operation_of_id(self, operation_id: str) -> str:
        """Return where the number of an operation is."""
        return self._of("oi", _of_id(operation_id))

    def operation(self, number: int) -> str:
        """Return where an operation is, with what it changed in each scope."""
        return self._of("o", number)

    def operations(self, reach: str) -> str:
        """Return where the operations that changed something within a scope are listed."""
        return self._of("ol", reach)

    def images_of_operation(self, number: int) -> str:
        """Return where the images of an operation are listed."""
        return self._of("io", number)

    def images_of_memory(self, handle: int) -> str:
        """Return where the images of a memory are listed."""
        return self._of("ih", handle)

    def image(self, number: int) -> str:
        """Return where is kept what one memory was before an operation."""
        return self._of("i", number)

    def suggestion(self, suggestion_id: str) -> str:
        """Return where a suggestion is."""
        return self._of("s", digest(suggestion_id))

    def suggested(self, one: int, other: int) -> str:
        """Return where the suggestion about two memories is named."""
        return self._of("sp", f"{min(one, other)}-{max(one, other)}")

    def suggestions(self, reach: str) -> str:
        """Return where the suggestions about memories of a scope are listed."""
        return self._of("sl", reach)

    def suggestions_about(self, handle: int) -> str:
        """Return where the suggestions about a memory are listed."""
        return self._of("sh", handle)

    def session(self, scope: Scope) -> str:
        """Return where the session of exactly this scope is."""
        return f"{self.sessions}{digest(scope.namespace, scope.user_id, scope.session_id)}"

    def session_version(self, scope: Scope) -> str:
        """Return where the last version of a session stays when it is gone."""
        return self._of("wv", digest(scope.namespace, scope.user_id, scope.session_id))

    def job(self, job_id: str) -> str:
        """Return where a job is."""
        return f"{self.jobs}{digest(job_id)}"

    def unfinished(self, dedup_key: str) -> str:
        """Return where the unfinished job of a key is named."""
        return self._of("jd", digest(dedup_key))

    def period(self, name: str) -> str:
        """Return where is noted when a job of this name was last put by itself."""
        return self._of("jp", digest(name))

    def token(self, token_id: str) -> str:
        """Return where an access token is."""
        return self._of("k", digest(token_id))

    def token_of(self, lookup: str) -> str:
        """Return where the token is named that a secret leads to."""
        return self._of("kl", digest(lookup))

    def tokens(self, reach: str) -> str:
        """Return where the tokens bound within a scope are listed."""
        return self._of("kn", reach)

    def view(self, view_id: str) -> str:
        """Return where a summary view is."""
        return self._of("y", digest(view_id))

    def views(self, reach: str) -> str:
        """Return where the summary views within a scope are listed."""
        return self._of("yl", reach)

    def summaries(self, view_id: str) -> str:
        """Return where the summaries of a view are, by the keys of their groups."""
        return self._of("ys", digest(view_id))


def handle_of(key: bytes) -> int:
    """Return the handle at the end of a key."""
    return int(key.rpartition(b":")[2])
