"""Candidates for ranking: near by vector, good by words, and what was said just before and after.

The engine chooses rows; distances and BM25 are reckoned here, from the same small vectors and the same words as the
SQLite store keeps, so that both rank alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcp_memory.domain.filters import Where
from mcp_memory.domain.moments import microseconds
from mcp_memory.ports.memories import Candidates, Probe
from mcp_memory.stores import vectors
from mcp_memory.stores.nothing import NOTHING
from mcp_memory.stores.redis import keys, queries
from mcp_memory.stores.redis.documents import Row, read_row
from mcp_memory.stores.redis.generations import Generations
from mcp_memory.stores.redis.keys import handle_of
from mcp_memory.stores.redis.neighbours import Surroundings, around
from mcp_memory.stores.redis.queries import Query
from mcp_memory.stores.redis.server import Command, Server
from mcp_memory.stores.redis.words import Words

SPARE = 2
"""Times as many rows by words are looked at as are asked for: the engine's own BM25 counts words of all owners."""
LEAST_REACH = 200
"""How many rows a search in a graph of vectors keeps in sight at least."""
_SATURATION, _LENGTH = 1.2, 0.75
"""The customary k1 and b of BM25."""


@dataclass(slots=True)
class _Found:
    """What the engine answered: rows, and how many there are of what."""

    rows: dict[int, Row]
    near: list[int]
    worded: dict[int, Counter[str]]
    holding: dict[str, int]
    """How many of the allowed memories hold each word."""
    allowed: int
    length: int
    """Words of all allowed memories together."""
    without_vector: int


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
    chosen = sorted({*found.near, *lexical})
    rows = {handle: found.rows[handle] for handle in chosen}
    surroundings = await around(server, query, where, rows, probe.neighbours)
    return replace(_columns(surroundings, lexical, probe, number), without_vector=found.without_vector)


class _Plan:
    """The searches of one question, sent together."""

    def __init__(self, server: Server, generations: Generations, query: Query, where: Where, probe: Probe) -> None:
        self._server = server
        self._generations = generations
        self._query = query
        self._where = where
        self._probe = probe

    async def ask(self, number: int, words: Sequence[str]) -> _Found:
        """Return what the engine finds, for a model of this number and these words."""
        commands: list[Command] = [*self._sizes(), self._generations.how_many(), self._without_vector()]
        by_vector = bool(number and self._probe.vector is not None and self._probe.nearest)
        commands += [self._by_vector(number)] if by_vector else []
        commands += [self._by_words(words)] if words else []
        commands += [self._count(queries.holding([word])) for word in words]
        answers = await self._server.whole(lambda: self._server.many(commands))
        allowed, length = self._size(answers[:2])
        if self._probe.vector is not None and await self._generations.are_more(answers[2]):
            answers[3] = await self._server.call(*self._without_vector())
        without = self._server.hits(answers[3]).total if self._probe.vector is not None else 0
        found = _Found({}, [], {}, {}, allowed, length, without)
        rest = answers[4:]
        if by_vector:
            self._read_near(found, rest.pop(0))
        if words:
            self._read_worded(found, rest.pop(0), words)
        found.holding = {word: self._server.hits(answer).total for word, answer in zip(words, rest, strict=True)}
        return found

    def _without_vector(self) -> Command:
        others = self._generations.known_others(self._probe.generation)
        return self._count(queries.tag("g", map(str, others)))

    def _sizes(self) -> list[Command]:
        """Return what asks how many memories are allowed and how many words they have: two commands."""
        scope = self._where.scope
        counts = self._server.keys.counts(keys.reach(scope.namespace, scope.user_id, scope.session_id))
        steps = ("GROUPBY", 0, "REDUCE", "COUNT", 0, "AS", "n", "REDUCE", "SUM", 1, "@len", "AS", "len")
        if self._query.keys is not None:
            asked = ("RETURN", 1, "len", "LIMIT", 0, queries.MOST_ROWS, *self._query.among)
            return [("HMGET", counts, "n", "len"), self._server.search("memories", self._query.text, *asked)]
        if not queries.is_plain(self._where):
            text = self._query.text
        elif self._where.current_at is None:
            return [("HMGET", counts, "n", "len")] * 2
        else:
            # Of a scope it is counted as memories come and go; what has ended is little, and is taken off.
            text = queries.within(scope).besides(queries.until("until", microseconds(self._where.current_at)))
        return [("HMGET", counts, "n", "len"), self._server.aggregate("memories", text, *steps)]

    def _size(self, answers: Sequence[Any]) -> tuple[int, int]:
        if self._query.keys is not None:
            lengths = [int(hit.fields[b"len"]) for hit in self._server.hits(answers[1]).rows]
            return len(lengths), sum(lengths)
        counted = [int(number or 0) for number in answers[0]]
        if queries.is_plain(self._where) and self._where.current_at is None:
            return counted[0], counted[1]
        groups = self._server.groups(answers[1])
        found = [int(float(groups[0][name])) for name in (b"n", b"len")] if groups else [0, 0]
        if not queries.is_plain(self._where):
            return found[0], found[1]
        return counted[0] - found[0], counted[1] - found[1]

    def _count(self, wanted: str) -> Command:
        words = ("NOCONTENT", "LIMIT", 0, 0, *self._query.among)
        return self._server.search("memories", self._query.besides(wanted), *words)

    def _by_vector(self, number: int) -> Command:
        probe, graph = self._probe, self._generations.searched_by(number) == "hnsw"
        reach = f" EF_RUNTIME {max(LEAST_REACH, probe.nearest)}" if graph else ""
        text = f"({self._query.text})=>[KNN {probe.nearest} @{self._generations.field(number)} $vector{reach}]"
        vector = self._generations.bytes_of(number, probe.vector) if probe.vector is not None else b""
        asked = ("PARAMS", 2, "vector", vector, "RETURN", 1, "row", "LIMIT", 0, probe.nearest, *self._query.among)
        return self._server.search("memories", text, *asked)

    def _by_words(self, words: Sequence[str]) -> Command:
        most = self._probe.lexical * SPARE
        asked = ("SCORER", "BM25STD", "RETURN", 2, "row", "words", "LIMIT", 0, most, *self._query.among)
        return self._server.search("memories", self._query.besides(queries.holding(words)), *asked)

    def _read_near(self, found: _Found, answer: Any) -> None:
        for hit in self._server.hits(answer).rows:
            handle = handle_of(hit.key)
            found.rows[handle] = read_row(hit.fields[b"row"])
            found.near.append(handle)

    def _read_worded(self, found: _Found, answer: Any, words: Sequence[str]) -> None:
        wanted = frozenset(words)
        for hit in self._server.hits(answer).rows:
            handle = handle_of(hit.key)
            if handle not in found.rows:
                found.rows[handle] = read_row(hit.fields[b"row"])
            held = hit.fields[b"words"].decode().split()
            found.worded[handle] = Counter(word for word in held if word in wanted)


def _best(found: _Found, most: int) -> dict[int, float]:
    """Return the BM25 of the best rows by words. How rare a word is, is counted among the allowed memories."""
    usual = max(1.0, found.length / max(1, found.allowed))
    rarity = {
        word: np.float32(log(1 + (found.allowed - held + 0.5) / (held + 0.5))) for word, held in found.holding.items()
    }
    scores: dict[int, float] = {}
    for handle, held in found.worded.items():
        spread = _SATURATION * (1 - _LENGTH + _LENGTH * found.rows[handle].length / usual)
        gains = (rarity[word] * times * (_SATURATION + 1) / (times + spread) for word, times in held.items())
        scores[handle] = float(sum(gains))
    best = sorted(scores, key=lambda handle: (-scores[handle], handle))[:most]
    return {handle: scores[handle] for handle in best}


def _columns(found: Surroundings, lexical: Mapping[int, float], probe: Probe, number: int) -> Candidates:
    handles = sorted(found.rows)
    if not handles:
        return NOTHING
    rows = [found.rows[handle] for handle in handles]
    before, after, session = found.links(handles)
    return Candidates(
        handles=[*handles],
        distance=_distances(rows, probe, number),
        lexical=np.array([lexical.get(handle, 0.0) for handle in handles], np.float32),
        before=before,
        after=after,
        session=session,
        words=np.array([row.words for row in rows], np.int32),
        flags=np.array([row.flags for row in rows], np.int32),
        day=np.array([row.day for row in rows], np.int32),
        speaker=[row.speaker for row in rows],
        created=np.array([row.created for row in rows], np.float64),
        accessed=np.array([found.moments[handle] for handle in handles], np.float64) / 1e6,
    )


def _distances(rows: Sequence[Row], probe: Probe, number: int) -> NDArray[np.float32]:
    """Return the distances of the rows whose vectors are of the probe's model, nan for the others."""
    distance = np.full(len(rows), np.nan, np.float32)
    if probe.vector is None or not number:
        return distance
    same = [place for place, row in enumerate(rows) if row.vector is not None and row.generation == number]
    if same:
        stored = [rows[place].vector or b"" for place in same]
        distance[same] = vectors.distances(stored, probe.vector)
    return distance
