"""Candidates for ranking: near by vector, good by words, and what was said just before and after.

The engine chooses rows; distances and BM25 are reckoned here, from the same small vectors and the same words as the
SQLite store keeps, so that both rank alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import log
from typing import Any, NamedTuple

import numpy as np

from mcp_memory.domain.filters import Where
from mcp_memory.domain.moments import microseconds
from mcp_memory.ports.memories import Candidates, Probe
from mcp_memory.stores.nothing import NOTHING
from mcp_memory.stores.redis import keys, queries, tallies
from mcp_memory.stores.redis.generations import Generations
from mcp_memory.stores.redis.keys import handle_of
from mcp_memory.stores.redis.neighbours import Surroundings, around, rows_of
from mcp_memory.stores.redis.queries import Query
from mcp_memory.stores.redis.rows import Columns, beside, vector_field
from mcp_memory.stores.redis.server import Command, Hit, Server
from mcp_memory.stores.redis.words import Words

SPARE = 2
"""Times as many rows by words are looked at as are asked for: the engine's own BM25 counts words of all owners."""
LEAST_REACH = 200
"""How many rows a search in a graph of vectors keeps in sight at least."""
_PART_ENDED, _WIDER = 8, 4
"""For so many of the nearest one more is asked for, as some may have ended; and so many times as many, if more have."""
_SATURATION, _LENGTH = 1.2, 0.75
"""The customary k1 and b of BM25."""


class _Worded(NamedTuple):
    """A memory that holds words of the question."""

    handle: int
    words: list[bytes]
    length: int


@dataclass(slots=True)
class _Found:
    """What the engine answered: memories, and how many there are of what."""

    without_vector: int
    near: list[int] = field(default_factory=list)
    worded: list[_Worded] = field(default_factory=list)
    holding: dict[bytes, int] = field(default_factory=dict)
    """How many of the allowed memories hold each word."""
    allowed: int = 0
    length: int = 0
    """Words of all allowed memories together."""
    ended: int = 0
    """How many memories within the scope had ended."""


async def candidates(server: Server, generations: Generations, words: Words, probe: Probe, where: Where) -> Candidates:
    """Return what the port promises."""
    query = await queries.condition(server, where)
    if query.nothing:
        return NOTHING
    number = await generations.number(probe.generation)
    await generations.meet([number] if number else [])
    plan = _Plan(server, generations, query, where, probe)
    found = await plan.ask(number, words.of_terms(probe.terms) if probe.lexical else [])
    lexical = _best(found, probe.lexical)
    rows = await rows_of(server, [*{*found.near, *lexical}])
    near = await plan.standing(number, found, rows)
    chosen = {handle: rows[handle] for handle in {*near, *lexical} if handle in rows}
    surroundings = await around(server, query, where, chosen, probe.neighbours, ended=found.ended)
    return replace(_columns(surroundings, lexical, probe, number), without_vector=found.without_vector)


class _Plan:
    """The searches of one question, sent together."""

    def __init__(self, server: Server, generations: Generations, query: Query, where: Where, probe: Probe) -> None:
        self._server = server
        self._generations = generations
        self._query = query
        self._where = where
        self._probe = probe
        # To leave out in the engine what has ended takes many times as long as to find it too and leave it out here.
        self._loose = queries.is_plain(where) and where.current_at is not None
        self._asked = probe.nearest + (probe.nearest // _PART_ENDED if self._loose else 0)

    async def ask(self, number: int, words: Sequence[str]) -> _Found:
        """Return what the engine finds, for a model of this number and these words."""
        by_vector = bool(number and self._probe.vector is not None and self._probe.nearest)
        sized = bool(words) or queries.is_plain(self._where)
        commands: list[Command] = [self._generations.how_many(), self._without_vector()]
        commands += self._sizes() if sized else []
        commands += [self._by_vector(number, self._asked)] if by_vector else []
        commands += [self._by_words(words)] if words else []
        commands += [self._count(queries.holding([word])) for word in words]
        answers = await self._server.whole(lambda: self._server.many(commands))
        found = _Found(await self._lacking(*answers[:2]))
        rest = answers[2:]
        if sized:
            self._read_sizes(found, (rest.pop(0), rest.pop(0)))
        if by_vector:
            found.near = self._server.found(rest.pop(0))
        if words:
            found.worded = [self._worded(hit) for hit in self._server.hits(rest.pop(0)).rows]
            counted = zip(words, rest, strict=True)
            found.holding = {word.encode(): self._server.hits(answer).total for word, answer in counted}
        return found

    async def _lacking(self, models: int, counted: Any) -> int:
        """Return how many memories have no vector of the model, counted anew where there are models unheard of."""
        if self._probe.vector is None:
            return 0
        if await self._generations.are_more(models):
            counted = await self._server.call(*self._without_vector())
        return self._server.hits(counted).total

    def _without_vector(self) -> Command:
        others = self._generations.known_others(self._probe.generation)
        return self._count(queries.tag("g", map(str, others)))

    def _sizes(self) -> list[Command]:
        """Return what asks how many memories are allowed and how many words they have: two commands."""
        scope = self._where.scope
        reach = keys.reach(scope.namespace, scope.user_id, scope.session_id)
        counted = ("HGET", self._server.keys.counts, reach)
        steps = ("GROUPBY", 0, "REDUCE", "COUNT", 0, "AS", "n", "REDUCE", "SUM", 1, "@len", "AS", "len")
        if self._query.keys is not None:
            asked = ("RETURN", 1, "len", "LIMIT", 0, queries.MOST_ROWS, *self._query.among)
            return [counted, self._server.search("memories", self._query.text, *asked)]
        if not queries.is_plain(self._where):
            text = self._query.text
        elif self._where.current_at is None:
            return [counted, counted]
        else:
            # Of a scope it is counted as memories come and go; what has ended is little, and is taken off.
            text = queries.within(scope).besides(queries.until("until", microseconds(self._where.current_at)))
        return [counted, self._server.aggregate("memories", text, *steps)]

    def _read_sizes(self, found: _Found, answers: Sequence[Any]) -> None:
        if self._query.keys is not None:
            lengths = [int(hit.fields[b"len"]) for hit in self._server.hits(answers[1]).rows]
            found.allowed, found.length = len(lengths), sum(lengths)
            return
        memories, words = tallies.counted(answers[0])
        if queries.is_plain(self._where) and self._where.current_at is None:
            found.allowed, found.length = memories, words
            return
        groups = self._server.groups(answers[1])
        number, length = [int(float(groups[0][name])) for name in (b"n", b"len")] if groups else [0, 0]
        if queries.is_plain(self._where):
            found.allowed, found.length, found.ended = memories - number, words - length, number
        else:
            found.allowed, found.length = number, length

    def _count(self, wanted: str) -> Command:
        words = ("NOCONTENT", "LIMIT", 0, 0, *self._query.among)
        return self._server.search("memories", self._query.besides(wanted), *words)

    async def standing(self, number: int, found: _Found, rows: dict[int, bytes]) -> list[int]:
        """Return the nearest without those that had ended; rows that were not read yet are added to the others."""
        near, asked, most = found.near, self._asked, self._probe.nearest
        if not found.ended or self._where.current_at is None:
            return near[:most]
        moment = microseconds(self._where.current_at)
        for strict in (False, True):
            standing = [handle for handle in near if handle in rows and beside(rows[handle]).until > moment]
            if len(standing) >= most or len(near) < asked:
                return standing[:most]
            asked = most if strict else asked * _WIDER
            near = await self._nearest(number, asked, strict=strict)
            rows |= await rows_of(self._server, [handle for handle in near if handle not in rows])
        return near

    async def _nearest(self, number: int, most: int, *, strict: bool) -> list[int]:
        command = self._by_vector(number, most, strict=strict)
        return self._server.found(await self._server.whole(lambda: self._server.call(*command)))

    def _by_vector(self, number: int, most: int, *, strict: bool = False) -> Command:
        graph = self._generations.searched_by(number) == "hnsw"
        query = queries.within(self._where.scope) if self._loose and not strict else self._query
        reach = f" EF_RUNTIME {max(LEAST_REACH, most)}" if graph else ""
        text = f"({query.text})=>[KNN {most} @{vector_field(number)} $vector{reach} AS distance]"
        vector = self._generations.bytes_of(number, self._probe.vector) if self._probe.vector is not None else b""
        asked = ("PARAMS", 2, "vector", vector, "NOCONTENT", "SORTBY", "distance", "ASC", "LIMIT", 0, most)
        return self._server.search("memories", text, *asked, *query.among)

    def _by_words(self, words: Sequence[str]) -> Command:
        most = self._probe.lexical * SPARE
        asked = ("SCORER", "BM25STD", "RETURN", 2, "words", "len", "LIMIT", 0, most, *self._query.among)
        return self._server.search("memories", self._query.besides(queries.holding(words)), *asked)

    def _worded(self, hit: Hit) -> _Worded:
        return _Worded(handle_of(hit.key), hit.fields[b"words"].split(), int(hit.fields[b"len"]))


def _best(found: _Found, most: int) -> dict[int, float]:
    """Return the BM25 of the best rows by words. How rare a word is, is counted among the allowed memories."""
    usual = max(1.0, found.length / max(1, found.allowed))
    rarity = {word: log(1 + (found.allowed - held + 0.5) / (held + 0.5)) for word, held in found.holding.items()}
    scores: dict[int, float] = {}
    for handle, words, length in found.worded:
        spread = _SATURATION * (1 - _LENGTH + _LENGTH * length / usual)
        score = 0.0
        for word in rarity.keys() & words:
            times = words.count(word)
            score += rarity[word] * times * (_SATURATION + 1) / (times + spread)
        # Rounded, so that what holds the same words as often has the same score.
        scores[handle] = float(np.float32(score))
    best = sorted(scores, key=lambda handle: (-scores[handle], handle))[:most]
    return {handle: scores[handle] for handle in best}


def _columns(found: Surroundings, lexical: Mapping[int, float], probe: Probe, number: int) -> Candidates:
    handles = sorted(found.rows)
    if not handles:
        return NOTHING
    columns = Columns([found.rows[handle] for handle in handles])
    before, after = found.links(handles)
    head = columns.head
    return Candidates(
        handles=[*handles],
        distance=columns.distances(number, probe.vector),
        lexical=np.array([lexical.get(handle, 0.0) for handle in handles], np.float32),
        before=before,
        after=after,
        session=columns.threads(),
        words=head["words"].astype(np.int32),
        flags=head["flags"].astype(np.int32),
        day=head["day"].astype(np.int32),
        speaker=columns.speakers(),
        created=head["created"].astype(np.float64),
        accessed=head["used"] / 1e6,
    )
