"""Print how much evidence is found by plain cosine, by BM25, and by our ranking with and without vectors.

    python benchmarks/quality.py [PATH/TO/locomo10.json] [--through tools|store] [--embedder minilm|hashing|none]

Of LoCoMo, a conversation is a namespace and a turn is a memory ("speaker: text", dated with its session); without a
path, the texts of ``benchmarks/text`` are asked: facts, two sets of long chats, and questions that nothing answers. A
question is searched as it stands. recall@k is the share of its evidence among the first k hits, all@10 the share of
questions with all of it. ``--through tools`` starts the real server and speaks MCP with it; ``store`` stays in this
process and adds the ranking without any vectors. LoCoMo (CC BY-NC 4.0) is not part of this project. Weights are set by
hand; its first four conversations served to compare variants, so only the others measure.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import re
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks.text.assistant_chats import assistant_chats
from benchmarks.text.long_chats import chats, rows
from mcp_memory.bootstrap import open_memory
from mcp_memory.config import Settings
from mcp_memory.domain.requests import Create, NewMemory, Search
from mcp_memory.errors import EmbedderUnavailable
from mcp_memory.machine import new_ids, now
from mcp_memory.ports.models import Generation
from mcp_memory.services.long_term import LongTerm

CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
MEASURES = ("r@1", "r@5", "r@10", "r@20", "all@10", "mrr", "ndcg@10")
PAGE, DEPTH = 10, 20
NOTHING_KNOWN = "answered by nothing"
BATCH = 100
MODELS = {"minilm": "all-MiniLM-L6-v2", "hashing": "hashing", "none": "hashing"}
COSINE, BM25, OURS, WORDS_ONLY = "plain cosine", "BM25", "ours", "ours without vectors"

Fields: TypeAlias = dict[str, Any]
Finds: TypeAlias = Callable[[Fields], Awaitable[list[str]]]
"""Run a search with these fields and return the ids found, best first."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the ids of the turns that hold its evidence."""

    text: str
    category: str
    """"SET", or "SET: PART"."""
    evidence: frozenset[str]

    @property
    def groups(self) -> tuple[str, ...]:
        """The set that it belongs to and, of a set in parts, its part."""
        return tuple(dict.fromkeys((self.category.partition(": ")[0], self.category)))


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation: its turns as memories, and what is asked about it."""

    name: str
    memories: list[Fields]
    questions: list[Asked]


def written() -> Iterator[Talk]:
    """Yield the texts that were written for this: stores of facts, long chats; what nothing answers has no evidence."""
    facts: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for store, fact, question in rows("facts.tsv"):
        facts[store].append((fact, question))
    strange = [Asked(text, NOTHING_KNOWN, frozenset()) for language, text in rows("unrelated.tsv") if language == "en"]
    for store, pairs in facts.items():
        told = [{"id": f"{store}/{at}", "text": fact, "namespace": store} for at, (fact, _) in enumerate(pairs)]
        asked = [Asked(text, "facts", frozenset([f"{store}/{at}"])) for at, (_, text) in enumerate(pairs)]
        yield Talk(store, told, asked + (strange if store.startswith("en") else []))
    for chat in chats():
        said = [_message(chat.name, *message) for message in chat.messages]
        yield Talk(chat.name, said, [Asked(text, "long chats", frozenset([id_])) for text, id_ in chat.questions])


def assisted() -> Iterator[Talk]:
    """Yield the assistant chats, each category of their questions by itself; what is unanswerable has no evidence."""
    for talk in assistant_chats():
        said = [_message(talk.name, told.id, told.role, told.text, told.when) for told in talk.messages]
        asked = [Asked(one.text, f"assistant chats: {one.category}", one.evidence) for one in talk.questions]
        yield Talk(talk.name, said, asked)


def _message(namespace: str, id_: str, role: str, text: str, when: datetime) -> Fields:
    return {"id": id_, "text": f"{role}: {text}", "namespace": namespace, "event_date": when.isoformat()}


def locomo(path: Path, *, sessions: bool) -> Iterator[Talk]:
    """Yield the conversations of a LoCoMo file; questions whose evidence is not a turn are left out."""
    for sample in json.loads(path.read_text(encoding="utf-8")):
        memories = list(_turns(sample["sample_id"], sample["conversation"], sessions=sessions))
        known = {memory["id"] for memory in memories}
        questions = []
        for qa in sample["qa"]:
            named = {f"{sample['sample_id']}/{turn}" for text in qa["evidence"] for turn in re.split(r"[;,\s]+", text)}
            if evidence := frozenset(named & known):
                questions.append(Asked(qa["question"], CATEGORIES[qa["category"]], evidence))
        yield Talk(sample["sample_id"], memories, questions)


def _turns(name: str, conversation: dict[str, Any], *, sessions: bool) -> Iterator[Fields]:
    numbers = sorted(int(key.split("_")[1]) for key in conversation if re.fullmatch(r"session_\d+", key))
    for number in numbers:
        held = conversation[f"session_{number}_date_time"]
        when = datetime.strptime(held, "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC).isoformat()
        for turn in conversation[f"session_{number}"]:
            yield {
                "id": f"{name}/{turn['dia_id']}",
                "text": f"{turn['speaker']}: {turn['text']}",
                "namespace": name,
                "event_date": when,
            } | ({"session_id": f"{name}/{number}"} if sessions else {})


def measures(found: Sequence[str], evidence: frozenset[str]) -> tuple[float, ...]:
    """Return the measures of one answer, in the order of ``MEASURES``."""
    places = [place for place, memory_id in enumerate(found) if memory_id in evidence]
    recall = [sum(place < k for place in places) / len(evidence) for k in (1, 5, PAGE, 20)]
    gain = sum(1 / math.log2(place + 2) for place in places if place < PAGE)
    ideal = sum(1 / math.log2(place + 2) for place in range(min(len(evidence), PAGE)))
    return (*recall, float(recall[2] == 1), 1 / (places[0] + 1) if places else 0.0, gain / ideal)


class NoEmbedder:
    """An embedder that is never available, so that words must do."""

    @property
    def generation(self) -> Generation:
        """What the vectors would be made by."""
        return Generation("none", 1, "none")

    async def embed(self, texts: Sequence[str]) -> Any:
        """Refuse.

        Raises:
            EmbedderUnavailable: always.
        """
        raise EmbedderUnavailable(f"{len(texts)} texts are to be found by words alone")

    async def close(self) -> None:
        """Hold nothing, give back nothing."""


@asynccontextmanager
async def in_process(url: str, memories: list[Fields], embedder: str) -> AsyncIterator[dict[str, Finds]]:
    """Put the memories into a store of this process; yield the ways to search it."""
    settings = Settings(memory_store_url=url, embedding_model=MODELS[embedder])
    memory = await open_memory(settings)
    wordy = LongTerm(memory.store, NoEmbedder(), now, new_ids(), enabled=True)
    writer = wordy if embedder == "none" else memory.long_term
    for start in range(0, len(memories), BATCH):
        batch = [NewMemory(**fields) for fields in memories[start : start + BATCH]]
        await writer.create(Create(memories=batch, deduplicate=False))

    def through(service: LongTerm) -> Finds:
        async def find(fields: Fields) -> list[str]:
            return [hit.id for hit in (await service.search(Search(**fields))).memories]

        return find

    ways = {} if embedder == "none" else {COSINE: through(memory.long_term), OURS: through(memory.long_term)}
    try:
        yield {**ways, BM25: through(wordy), WORDS_ONLY: through(wordy)}
    finally:
        await memory.close()


@asynccontextmanager
async def over_mcp(url: str, memories: list[Fields], embedder: str) -> AsyncIterator[dict[str, Finds]]:
    """Start the server over an empty store, add the memories with its tools; yield the ways to search it."""
    from mcp import ClientSession, StdioServerParameters, stdio_client  # noqa: PLC0415 - only this way needs a client

    environment = {"MEMORY_STORE_URL": url, "EMBEDDING_MODEL": MODELS[embedder]}
    server = StdioServerParameters(command=sys.executable, args=["-m", "mcp_memory", "mcp"], env=environment)
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        await session.initialize()

        async def call(tool: str, arguments: Fields) -> Fields:
            result = await session.call_tool(tool, arguments)
            if result.is_error or result.structured_content is None:
                raise RuntimeError(f"{tool}: {result.content}")
            return dict(result.structured_content)

        for start in range(0, len(memories), BATCH):
            await call("create_long_term_memories", {"memories": memories[start : start + BATCH]})

        async def find(fields: Fields) -> list[str]:
            answer = await call("search_long_term_memory", {**fields, "recency_boost": None})
            return [hit["id"] for hit in answer["memories"]]

        yield {COSINE: find, BM25: find, OURS: find}


MODES: dict[str, Fields] = {
    COSINE: {"search_mode": "semantic"},
    BM25: {"search_mode": "keyword"},
    OURS: {},
    WORDS_ONLY: {},
}


@dataclass(slots=True)
class Tally:
    """What one way of searching found: the measures by category and by conversation, the refusals, the time."""

    by_group: dict[str, list[tuple[float, ...]]] = field(default_factory=lambda: defaultdict(list))
    asked: Counter[str] = field(default_factory=Counter)
    """How many questions with evidence, and how many without in each category."""
    refused: Counter[str] = field(default_factory=Counter)
    """How many of them were answered with nothing."""
    seconds: list[float] = field(default_factory=list)

    def mean(self, group: str) -> list[float]:
        """Return the means of a group, in per cent."""
        return [100 * statistics.fmean(column) for column in zip(*self.by_group[group], strict=True)]


async def measured(way: str, find: Finds, conversations: list[Talk]) -> Tally:
    """Ask every question one way."""
    tally = Tally()
    for talk in conversations:
        for question in talk.questions:
            fields = {"text": question.text, "namespace": {"eq": talk.name}, "limit": DEPTH, **MODES[way]}
            began = time.perf_counter()
            found = await find(fields)
            tally.seconds.append(time.perf_counter() - began)
            kind = "with evidence" if question.evidence else question.category
            tally.refused[kind] += not found
            tally.asked[kind] += 1
            if not question.evidence:
                continue
            values = measures(found, question.evidence)
            for group in ("all", *question.groups, talk.name):
                tally.by_group[group].append(values)
    return tally


def show(tallies: dict[str, Tally], groups: Sequence[str]) -> None:
    """Print a table for each group, with the ratio to plain cosine in the last columns."""
    print(f"| questions | method | {' | '.join(MEASURES)} | x r@1 | x r@10 |")
    print("|---" * (len(MEASURES) + 4) + "|")
    for group in groups:
        base = tallies[COSINE].mean(group) if COSINE in tallies else None
        for way, tally in tallies.items():
            means = tally.mean(group)
            ratios = [f"{means[at] / base[at]:.2f}" if base and base[at] else "-" for at in (0, 2)]
            cells = [f"{group} ({len(tally.by_group[group])})", way, *(f"{mean:.1f}" for mean in means), *ratios]
            print(f"| {' | '.join(cells)} |")
    for way, tally in tallies.items():
        refused = ", ".join(f"{tally.refused[kind]} of {number} {kind}" for kind, number in tally.asked.items())
        median = 1e3 * statistics.median(tally.seconds)
        print(f"{way}: refused {refused}; {median:.1f} ms a search")


async def run(arguments: argparse.Namespace) -> None:
    """Fill the store, ask, and print."""
    conversations = list(
        locomo(arguments.path, sessions=arguments.sessions) if arguments.path else (*written(), *assisted())
    )
    memories = [fields for talk in conversations for fields in talk.memories]
    print(f"{len(memories)} memories, {sum(len(talk.questions) for talk in conversations)} questions", flush=True)
    opened = over_mcp if arguments.through == "tools" else in_process
    with tempfile.TemporaryDirectory() as folder:
        url = "ephemeral://" if arguments.store == "ephemeral" else f"sqlite:///{Path(folder) / 'quality.sqlite3'}"
        async with opened(url, memories, arguments.embedder) as ways:
            tallies = {way: await measured(way, find, conversations) for way, find in ways.items()}
    answered = [question for talk in conversations for question in talk.questions if question.evidence]
    asked = {group for question in answered for group in question.groups}
    show(tallies, ["all", *sorted(asked), *(talk.name for talk in conversations if arguments.path)])


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, nargs="?", help="the LoCoMo file")
    parser.add_argument("--through", choices=["tools", "store"], default="store")
    parser.add_argument("--store", choices=["sqlite", "ephemeral"], default="sqlite")
    parser.add_argument("--embedder", choices=sorted(MODELS), default="minilm")
    parser.add_argument("--sessions", action="store_true", help="give each session an id")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
