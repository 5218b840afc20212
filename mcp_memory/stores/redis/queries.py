"""``Where`` as queries of the engine. Only digests, numbers and names of fields are ever written into one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mcp_memory.domain.filters import DateField, Dates, TagField, Tags, Where
from mcp_memory.domain.moments import microseconds
from mcp_memory.domain.records import MemoryType
from mcp_memory.domain.scope import Scope
from mcp_memory.stores.redis.documents import TAGS, label_digest
from mcp_memory.stores.redis.server import Command, Server, Word
from mcp_memory.stores.redis.tallies import LISTED

MOST_ROWS = 1_000_000
"""What the engine hands out at most; it is where one would ask for all."""
_TOGETHER = 1_000
"""Memories asked about at once."""
_MOMENTS: dict[DateField, str] = {"created_at": "created", "event_date": "event"}


@dataclass(slots=True)
class Query:
    """A condition as the engine reads it."""

    wanted: list[str] = field(default_factory=list)
    unwanted: list[str] = field(default_factory=list)
    nothing: bool = False
    """Nothing can meet the condition; the engine is not to be asked."""
    keys: list[str] | None = None
    """Only these memories, where another index was asked before."""

    @property
    def text(self) -> str:
        """The condition as the engine reads it."""
        return " ".join([*self.wanted, *(f"-{part}" for part in self.unwanted)]) or "*"

    def besides(self, *wanted: str) -> str:
        """Return the condition with others that must hold as well."""
        return " ".join([*self.wanted, *wanted, *(f"-{part}" for part in self.unwanted)])

    @property
    def among(self) -> tuple[Word, ...]:
        """The words of a search that restrict it to the keys."""
        return () if self.keys is None else ("INKEYS", len(self.keys), *self.keys)


def tag(name: str, values: Iterable[str]) -> str:
    """Return the condition that a label has one of these digests."""
    return f"@{name}:{{{'|'.join(values)}}}"


def span(name: str, first: int | None, end: int | None) -> str:
    """Return the condition ``first <= moment < end``."""
    return f"@{name}:[{'-inf' if first is None else first} {'+inf' if end is None else f'({end}'}]"


def until(name: str, last: int) -> str:
    """Return the condition ``moment <= last``."""
    return f"@{name}:[-inf {last}]"


def beyond(name: str, number: int) -> str:
    """Return the condition that a number is greater."""
    return f"@{name}:[({number} +inf]"


def holding(words: Iterable[str]) -> str:
    """Return the condition that a memory holds one of the words."""
    return f"@words:({'|'.join(words)})"


def within(scope: Scope) -> Query:
    """Return the condition of a scope alone."""
    parts = (("ns", scope.namespace), ("us", scope.user_id), ("se", scope.session_id))
    return Query([tag(name, [label_digest(value)]) for name, value in parts if value is not None])


def is_plain(where: Where) -> bool:
    """Say whether the scope and the end of memories are all that is asked."""
    return not where.tags and not where.dates and where.as_of is None


async def condition(server: Server, where: Where) -> Query:
    """Return the whole condition; the values of labels that begin with something are asked for."""
    query = within(where.scope)
    for tags in where.tags:
        await _tags(server, query, tags)
    for dates in where.dates:
        if dates.field == "last_accessed":
            await _accessed(server, query, where.scope, dates)
        else:
            _dates(query, _MOMENTS[dates.field], dates)
    if where.current_at is not None:
        query.unwanted.append(until("until", microseconds(where.current_at)))
    if where.as_of is not None:
        at = microseconds(where.as_of)
        query.wanted.append(until("holds", at))
        query.unwanted.append(until("until", at))
    return query


async def _tags(server: Server, query: Query, tags: Tags) -> None:
    name = TAGS[tags.field]
    if tags.any is not None:
        _one_of(query, name, tags.any)
    for value in sorted(tags.all or ()):
        _one_of(query, name, [value])
    if tags.none:
        query.unwanted.append(tag(name, sorted(map(label_digest, tags.none))))
    if tags.startswith is not None:
        _one_of(query, name, await beginning(server, tags.field, tags.startswith))


def _one_of(query: Query, name: str, values: Iterable[str]) -> None:
    digests = sorted(map(label_digest, values))
    query.nothing = query.nothing or not digests
    query.wanted.append(tag(name, digests))


async def beginning(server: Server, name: TagField, prefix: str, most: int | None = None) -> list[str]:
    """Return the values of a label that begin with the prefix, sorted; at the most so many."""
    if name not in LISTED:
        return [kind.value for kind in MemoryType if kind.value.startswith(prefix)]
    first = prefix.encode("utf-8", "surrogatepass")
    # No byte of UTF-8 is as great.
    words: Command = ("ZRANGEBYLEX", server.keys.values(name), b"[" + first, b"(" + first + b"\xff")
    found = await server.call(*words, *(() if most is None else ("LIMIT", 0, most)))
    return [value.decode("utf-8", "surrogatepass") for value in found]


def _dates(query: Query, name: str, dates: Dates) -> None:
    first, end = (None if moment is None else microseconds(moment) for moment in (dates.start, dates.end))
    if first is not None or end is not None:
        query.wanted.append(span(name, first, end))
    for start, stop in dates.outside:
        query.unwanted.append(span(name, microseconds(start), microseconds(stop)))


async def _accessed(server: Server, query: Query, scope: Scope, dates: Dates) -> None:
    """Restrict the query to the memories that were last used then; their uses have an index of their own.

    What was never used counts as used when it was created. That is asked first: what is used meanwhile has a use then.
    """
    new, uses = within(scope), within(scope)
    _dates(new, "created", dates)
    _dates(uses, "at", dates)
    found = await _unused(server, await keys_of(server, "memories", new.text))
    found += await keys_of(server, "accesses", uses.text)
    memories = {server.keys.memory(handle) for handle in found}
    query.keys = sorted(memories if query.keys is None else memories & {*query.keys})
    query.nothing = query.nothing or not query.keys


async def _unused(server: Server, handles: list[int]) -> list[int]:
    """Return which of the memories were never used."""
    unused: list[int] = []
    for start in range(0, len(handles), _TOGETHER):
        some = handles[start : start + _TOGETHER]
        used = await server.many([("EXISTS", server.keys.access(handle)) for handle in some])
        unused += [handle for handle, there in zip(some, used, strict=True) if not there]
    return unused


async def keys_of(server: Server, kind: str, query: str) -> list[int]:
    """Return the handles at the end of the keys of all that a query finds."""
    answer = await server.find(kind, query, "NOCONTENT", "LIMIT", 0, MOST_ROWS)
    return [int(row.key.rpartition(b":")[2]) for row in answer.rows]


async def count(server: Server, query: Query, *wanted: str) -> int:
    """Return how many memories meet the condition, and others besides."""
    if query.nothing:
        return 0
    answer = await server.find("memories", query.besides(*wanted) or "*", "NOCONTENT", "LIMIT", 0, 0, *query.among)
    return answer.total
