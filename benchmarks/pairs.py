"""Print what compaction makes of labelled pairs: what it merges, supersedes, suggests to a person, or leaves alone.

    python benchmarks/pairs.py [PATH/TO/locomo10.json] [--list]

The pairs of ``benchmarks/text`` are embedded with the bundled model and judged in both orders. The rules were tuned on
the first part. Pairs of texts that were drawn by lot serve as further negatives. With a LoCoMo file (CC BY-NC 4.0, not
part of this project), every pair of turns of one conversation at a cosine of 0.8 or more is judged too, and what would
be merged or superseded is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.quality import locomo
from benchmarks.text.pairs import FIRST, LABELS, LATER, PARTS, Pair, memory, pairs
from mcp_memory.domain.duplicates import Finding, Statement, Verdict, judge
from mcp_memory.domain.identity import normalised
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.embedders.minilm.embedder import MiniLMEmbedder

if TYPE_CHECKING:
    from numpy.typing import NDArray

DONE = {Finding.SAME: "merged", Finding.CHANGED: "superseded", Finding.SUGGEST: "suggested", Finding.DIFFERENT: "left"}
UNRELATED = 2_000
NEAR = 0.8


@dataclass(frozen=True, slots=True)
class Judged:
    """A pair with its verdict."""

    pair: Pair
    closeness: float
    verdict: Verdict


def judged(known: Iterable[Pair], vectors: dict[str, NDArray[np.float32]]) -> Iterator[Judged]:
    """Yield each pair with its verdict, which must not depend on the order."""
    for pair in known:
        one = Statement.of(memory("1", pair.earlier, FIRST))
        other = Statement.of(memory("2", pair.later, FIRST + LATER))
        closeness = float(vectors[pair.earlier] @ vectors[pair.later])
        verdict, turned = judge(one, other, closeness), judge(other, one, closeness)
        if verdict.finding is not turned.finding:
            raise RuntimeError(f"the order counts: {pair} is {verdict} or {turned}")
        yield Judged(pair, closeness, verdict)


def show(results: Sequence[Judged]) -> None:
    """Print what became of each label, by part."""
    print(f"| part | pairs | {' | '.join(DONE.values())} |\n|---|---{'|---' * len(DONE)}|")
    for part in PARTS:
        for label in LABELS:
            found = Counter(
                each.verdict.finding for each in results if (each.pair.part, each.pair.label) == (part, label)
            )
            cells = " | ".join(str(found[finding]) for finding in DONE)
            print(f"| {part} | {label} ({found.total()}) | {cells} |")
    wrong = sum(each.verdict.finding is Finding.SAME and each.pair.label != "same" for each in results)
    ended = sum(each.verdict.finding is Finding.CHANGED and each.pair.label != "changed" for each in results)
    print(f"\nwrong merges: {wrong}; wrong supersessions: {ended}")
    for label in LABELS:
        share = statistics.fmean(
            each.verdict.finding is not Finding.DIFFERENT for each in results if each.pair.label == label
        )
        print(f"{label}: {100 * share:.0f} % merged, superseded or suggested")


def by_lot(known: Sequence[Pair]) -> list[Pair]:
    """Return pairs of texts from different places of the set."""
    chance = random.Random(1)
    drawn: list[Pair] = []
    while len(drawn) < UNRELATED:
        one, other = chance.sample(known, 2)
        if normalised(one.earlier) != normalised(other.later):
            drawn.append(Pair("", "different", "", one.earlier, other.later))
    return drawn


def show_speed(known: Sequence[Pair]) -> None:
    """Print what reading and judging cost."""
    texts = [text for pair in known for text in (pair.earlier, pair.later)]
    began = time.process_time()
    read = [Statement.of(memory(str(at), text, FIRST)) for at, text in enumerate(texts)]
    reading = (time.process_time() - began) / len(texts)
    rounds = 20
    began = time.process_time()
    for _ in range(rounds):
        for at in range(0, len(read), 2):
            judge(read[at], read[at + 1], NEAR)
    judging = (time.process_time() - began) / (rounds * len(known))
    print(f"{1e6 * reading:.0f} microseconds to read a text once, {1e6 * judging:.0f} to judge a pair")


async def show_talk(path: Path, embedder: MiniLMEmbedder) -> None:
    """Print what would be merged of conversations."""
    counted: Counter[Finding] = Counter()
    for talk in locomo(path, sessions=False):
        records = [
            memory(
                str(fields["id"]), str(fields["text"]), datetime.fromisoformat(str(fields["event_date"]))
            ).model_copy(update={"event_date": datetime.fromisoformat(str(fields["event_date"]))})
            for fields in talk.memories
        ]
        found = await near(records, embedder)
        for one, other, closeness in found:
            verdict = judge(Statement.of(one), Statement.of(other), closeness)
            counted[verdict.finding] += 1
            if verdict.finding in {Finding.SAME, Finding.CHANGED}:
                print(f"{verdict.finding} ({closeness:.2f}): {one.text!r} / {other.text!r}")
    print(f"{counted.total()} near pairs: " + ", ".join(f"{counted[finding]} {done}" for finding, done in DONE.items()))


async def near(
    records: Sequence[MemoryRecord], embedder: MiniLMEmbedder
) -> list[tuple[MemoryRecord, MemoryRecord, float]]:
    """Return the pairs whose vectors are near."""
    vectors = await embedder.embed([record.text for record in records])
    cosines = np.triu(vectors @ vectors.T, 1)
    return [(records[i], records[j], float(cosines[i, j])) for i, j in np.argwhere(cosines >= NEAR)]


async def run(path: Path | None, *, listed: bool) -> None:
    """Embed, judge and print."""
    known = list(pairs())
    embedder = MiniLMEmbedder()
    texts = list(dict.fromkeys(text for pair in known for text in (pair.earlier, pair.later)))
    vectors = dict(zip(texts, await embedder.embed(texts), strict=True))
    results = list(judged(known, vectors))
    show(results)
    lot = Counter(each.verdict.finding for each in judged(by_lot(known), vectors))
    print(f"of {UNRELATED} pairs by lot: " + ", ".join(f"{lot[finding]} {done}" for finding, done in DONE.items()))
    show_speed(known)
    if listed:
        for each in results:
            texts_ = f"{each.pair.earlier!r} / {each.pair.later!r}"
            found = f"{each.pair.part} {each.pair.label}: {each.verdict.finding} ({each.closeness:.2f})"
            print(f"{found} {texts_}: {each.verdict.reason}")
    if path is not None:
        await show_talk(path, embedder)
    await embedder.close()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, nargs="?", help="the LoCoMo file")
    parser.add_argument("--list", action="store_true", help="print every pair with its verdict")
    arguments = parser.parse_args()
    asyncio.run(run(arguments.path, listed=arguments.list))


if __name__ == "__main__":
    main()
