"""One search: read the question, ask the store for candidates, rank them, answer a page of true hits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from mcp_memory.domain.filters import Where
from mcp_memory.domain.recency import Recency
from mcp_memory.domain.records import MemoryRecord, SearchMode
from mcp_memory.domain.replies import Found, Hit
from mcp_memory.domain.requests import Search
from mcp_memory.errors import EmbedderUnavailable
from mcp_memory.ports.given import Clock
from mcp_memory.ports.memories import Candidates, Handle, MemoryStore, Probe
from mcp_memory.ports.models import Embedder
from mcp_memory.retrieval.questions import Question, read
from mcp_memory.retrieval.ranking import Ranking, Wish, rank
from mcp_memory.services import accesses

if TYPE_CHECKING:
    from numpy.typing import NDArray

POOL = 200
"""Candidates by vector and by words: recall stops rising beyond (docs/reference/quality.md)."""
NEVER = datetime.min.replace(tzinfo=UTC)
NOTHING = "Nothing relevant is known."
WITHOUT_VECTOR = "Memories that have no vector of this model yet and are found by their words only: {count}."


@dataclass(frozen=True, slots=True)
class _Ranked:
    """What a search found, best first, and how many there are in all."""

    handles: list[Handle]
    dist: NDArray[np.float32]
    score: NDArray[np.float64]
    why: list[dict[str, float]] | None
    total: int


class Finder:
    """Finds memories for a question."""

    def __init__(self, store: MemoryStore, embedder: Embedder, clock: Clock) -> None:
        self._store = store
        self._embedder = embedder
        self._clock = clock

    async def find(self, request: Search, where: Where) -> Found:
        """Answer the page of hits that the request asks for."""
        if not request.text.strip():
            return await self._listed(request, where)
        question = read(request.text, self._clock())
        probe, note = await self._probe(question, request)
        found = await self._store.candidates(probe, where)
        if found.without_vector and request.search_mode != SearchMode.KEYWORD:
            note = _joined(note, WITHOUT_VECTOR.format(count=found.without_vector))
        ranked = await self._ranked(request, where, question, probe, found)
        if ranked is None:
            return Found(memories=[], total=0, note=_joined(NOTHING, note))
        page = range(request.offset, min(request.offset + request.limit, len(ranked.handles)))
        handles = [ranked.handles[row] for row in page]
        records = await self._store.records(handles)
        now = self._clock()
        # That a memory was returned is noted also for those who do not want that to count as use.
        since = NEVER if request.recency_boost is False else now - accesses.TOUCH_AFTER
        used = [
            handle for handle, record in zip(handles, records, strict=True) if record and accesses.due(record, since)
        ]
        await accesses.count(self._store, used, now, since)
        hits = [
            _hit(record, ranked, row, request.search_mode or SearchMode.HYBRID)
            for row, record in zip(page, records, strict=True)
            if record is not None
        ]
        return Found(memories=hits, total=ranked.total, next_offset=_next(request, len(page), ranked.total), note=note)

    async def _listed(self, request: Search, where: Where) -> Found:
        records = await self._store.page(where, limit=request.limit, offset=request.offset)
        total = await self._store.count(where)
        hits = [Hit(**dict(record), dist=0.0) for record in records]
        return Found(memories=hits, total=total, next_offset=_next(request, len(hits), total))

    async def _probe(self, question: Question, request: Search) -> tuple[Probe, str | None]:
        semantic = request.search_mode == SearchMode.SEMANTIC
        if semantic:
            probe = Probe(nearest=POOL, lexical=0)
        elif request.search_mode == SearchMode.KEYWORD:
            probe = Probe(terms=question.terms, nearest=0, lexical=POOL)
        else:
            terms = question.terms + question.kinds
            probe = Probe(terms=terms, nearest=POOL, lexical=POOL, neighbours=1)
        try:
            vectors = await self._embedder.embed([request.text])
        except EmbedderUnavailable as error:
            if semantic or request.distance_threshold is not None:
                raise
            return probe, f"Searched by words only: {error}"
        return replace(probe, vector=vectors[0], generation=self._embedder.generation), None

    async def _ranked(
        self, request: Search, where: Where, question: Question, probe: Probe, found: Candidates
    ) -> _Ranked | None:
        """Rank the pool; then lengthen it by distance alone as far as the page or the threshold reaches."""
        mode = request.search_mode
        ranking = rank(question, found, _wish(request), now=self._clock())
        if mode in {None, SearchMode.HYBRID} and request.distance_threshold is None and not ranking.relevant:
            return None
        ranked = _within(_plain(ranking, found, explain=request.explain), request.distance_threshold)
        if mode == SearchMode.KEYWORD:
            return await self._more_words(request, where, question, probe, ranked)
        total = await self._store.count(where)
        reach = request.offset + request.limit
        if request.distance_threshold is None:
            if reach > len(ranked.handles) and total > len(ranked.handles):
                ranked = await self._longer(ranked, replace(probe, nearest=reach + len(found.handles)), where)
            # What has no vector and none of the words cannot be turned to: then there is no further page.
            ended = probe.vector is None or len(ranked.handles) < reach
            return replace(ranked, total=len(ranked.handles) if ended else total)
        return await self._all_within(request.distance_threshold, ranked, probe, where, total)

    async def _longer(self, ranked: _Ranked, probe: Probe, where: Where) -> _Ranked:
        """Append what lies beyond the pool, nearest first, so that every page of a search is there to turn to."""
        wide = await self._store.candidates(replace(probe, terms=(), lexical=0, neighbours=0), where)
        known = set(ranked.handles)
        order = np.argsort(wide.distance, kind="stable")
        rows = [int(row) for row in order if wide.handles[row] not in known]
        tail = wide.distance[rows]
        lowest = float(ranked.score[-1]) if len(ranked.score) else 1.0
        return _Ranked(
            handles=ranked.handles + [wide.handles[row] for row in rows],
            dist=np.concatenate([ranked.dist, tail]),
            score=np.concatenate([ranked.score, np.minimum(lowest, np.maximum(0.0, 1.0 - tail))]),
            why=None if ranked.why is None else ranked.why + [{"meaning": float(1.0 - d)} for d in tail],
            total=ranked.total,
        )

    async def _all_within(self, threshold: float, ranked: _Ranked, probe: Probe, where: Where, there: int) -> _Ranked:
        """Widen the search until it has gone past the threshold, so that the total is the number within."""
        nearest = probe.nearest
        while nearest < there:
            nearest = min(nearest * 4, there)
            wider = _within(await self._longer(ranked, replace(probe, nearest=nearest), where), threshold)
            if len(wider.handles) < nearest:
                return replace(wider, total=len(wider.handles))
            ranked = wider
        return replace(ranked, total=len(ranked.handles))

    async def _more_words(
        self, request: Search, where: Where, question: Question, probe: Probe, ranked: _Ranked
    ) -> _Ranked:
        reach = request.offset + request.limit
        total = len(ranked.handles)
        if total >= probe.lexical:
            total = await self._store.count(where, question.terms)
            if reach > len(ranked.handles):
                found = await self._store.candidates(replace(probe, lexical=reach), where)
                ranking = rank(question, found, _wish(request), now=self._clock())
                ranked = _plain(ranking, found, explain=request.explain)
        return replace(ranked, total=total)


def _plain(ranking: Ranking, found: Candidates, *, explain: bool) -> _Ranked:
    order = ranking.order
    why = None
    if explain:
        why = [
            {name: round(float(part[place]), 4) for name, part in ranking.parts.items() if part[place]}
            for place in range(len(order))
        ]
    # A row without a vector is as far as can be from being near: at a right angle.
    distance = np.nan_to_num(found.distance[order], nan=1.0)
    return _Ranked([found.handles[row] for row in order], distance, ranking.score, why, len(order))


def _within(ranked: _Ranked, threshold: float | None) -> _Ranked:
    if threshold is None:
        return ranked
    rows = [row for row in range(len(ranked.handles)) if ranked.dist[row] <= threshold]
    return _Ranked(
        [ranked.handles[row] for row in rows],
        ranked.dist[rows],
        ranked.score[rows],
        None if ranked.why is None else [ranked.why[row] for row in rows],
        len(rows),
    )


def _hit(record: MemoryRecord, ranked: _Ranked, row: int, mode: SearchMode) -> Hit:
    return Hit(
        **dict(record),
        dist=round(float(ranked.dist[row]), 6),
        score=round(float(ranked.score[row]), 6),
        score_type=mode,
        why=None if ranked.why is None else ranked.why[row],
    )


def _next(request: Search, shown: int, total: int) -> int | None:
    reached = request.offset + shown
    return reached if shown and reached < total else None


def _wish(request: Search) -> Wish:
    return Wish(request.search_mode, _recency(request), request.hybrid_alpha)


def _recency(request: Search) -> Recency | None:
    """Return the formula that the client asked for by its name or any of its weights; None for our bounded boost."""
    asked = {
        "semantic_weight": request.recency_semantic_weight,
        "recency_weight": request.recency_recency_weight,
        "freshness_weight": request.recency_freshness_weight,
        "novelty_weight": request.recency_novelty_weight,
        "half_life_last_access_days": request.recency_half_life_last_access_days,
        "half_life_created_days": request.recency_half_life_created_days,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    return Recency(**given) if (given or request.recency_boost) and request.recency_boost is not False else None


def _joined(*notes: str | None) -> str | None:
    return " ".join(note for note in notes if note) or None
