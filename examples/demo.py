"""A real MCP client talks with the real server over stdio: remember, end the server, start another, recall.

    python3 make.py demo [--keep]

Nothing is staged: the server is the installed program, its database a new file that is deleted at the end (--keep
leaves it), and what is printed is what came back, with how long the client waited. The exit code is 1 when an answer
is not the one that the conversation calls for.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
import textwrap
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp_types import TextContent

FACTS: tuple[dict[str, Any], ...] = (
    {"text": "Maya cannot eat peanuts; even traces put her in hospital."},
    {"text": "The billing service stores its data in PostgreSQL, because row-level security was needed."},
    {"text": "Tomasz Lindqvist runs the warehouse in Gothenburg."},
    {"text": "The user adopted a grey kitten called Biscuit.", "event_date": "2026-03-14T10:00:00Z"},
    {"text": "The user ran the Lisbon marathon in just under four hours.", "event_date": "2025-10-12T09:00:00Z"},
    {"text": "The user keeps mornings free of meetings and does the hardest work then."},
)


@dataclass(frozen=True)
class Question:
    """What is asked, and which fact has to come first; no fact means that nothing is known."""

    text: str
    about: str
    answer: int | None


QUESTIONS = (
    Question("Which foods are dangerous for my friend?", "a paraphrase: it shares no word with what was said", 0),
    Question("Where do invoices get persisted?", "another one", 1),
    Question("Lindqvist", "a name, which a keyword finds", 2),
    Question("What happened in March 2026?", "a date, which no memory's text holds", 3),
    Question("When is it best to leave me alone so that I can concentrate?", "a habit", 5),
    Question("What is the registration number of the company car?", "something that was never said", None),
)
WIDTH = 96


class Conversation:
    """Talks with one server after another over the same database, and prints what was asked, what came and when."""

    def __init__(self, database: Path) -> None:
        self._server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "mcp_memory", "mcp"],
            env={"MEMORY_STORE_URL": f"sqlite:///{database.as_posix()}"},
        )
        self.missed = 0

    async def hold(self) -> None:
        """Remember with one server; recall with the next."""
        async with self._started("A server is started") as client:
            await self._remember(client)
        async with self._started("Another server is started on the same file") as client:
            for number, question in enumerate(QUESTIONS, 1):
                await self._ask(client, number, question)

    @asynccontextmanager
    async def _started(self, title: str) -> AsyncIterator[Client]:
        started = time.perf_counter()
        async with Client(self._server) as client:
            row(title, milliseconds(started), heading=True)
            tools = await client.list_tools()
            note(f"It speaks MCP {client.protocol_version} and offers {len(tools.tools)} tools.")
            yield client
            started = time.perf_counter()
        row("The server is ended.", milliseconds(started))

    async def _remember(self, client: Client) -> None:
        for number, fact in enumerate(FACTS):
            started = time.perf_counter()
            await called(client, "create_long_term_memories", {"memories": [fact]})
            day = f" ({fact['event_date'][:10]})" if "event_date" in fact else ""
            row(f"Remember: {fact['text']}{day}", milliseconds(started))
            if number == 0:
                note("The first call opens the database and loads the embedding model; the next ones find them ready.")

    async def _ask(self, client: Client, number: int, question: Question) -> None:
        started = time.perf_counter()
        found = await called(client, "search_long_term_memory", {"text": question.text, "limit": 3})
        row(f"Ask {number}: {question.text}", milliseconds(started))
        note(f"({question.about})")
        hits = [hit["text"] for hit in found["memories"]]
        expected = None if question.answer is None else FACTS[question.answer]["text"]
        note(f"-> {hits[0] if hits else found.get('note') or 'nothing'}")
        if (hits[0] if hits else None) != expected:
            self.missed += 1
            note(f"   That is NOT what was to come: {expected or 'nothing'}")


async def called(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Call a tool and return its structured answer.

    Raises:
        RuntimeError: the tool answered with an error, which is the message.
    """
    result = await client.call_tool(tool, arguments)
    if result.is_error:
        said = " ".join(block.text for block in result.content if isinstance(block, TextContent))
        raise RuntimeError(f"{tool} answered with an error: {said}")
    return dict(result.structured_content or {})


def row(text: str, waited: float, *, heading: bool = False) -> None:
    """Print a line with the milliseconds that the client waited in the last column."""
    lines = textwrap.wrap(text, WIDTH - 12, subsequent_indent="    ")
    if heading:
        print(f"\n{lines[0]:<{WIDTH - 10}}{waited:>7.0f} ms\n{'-' * WIDTH}", flush=True)
        return
    print(f"  {lines[0]:<{WIDTH - 12}}{waited:>7.0f} ms", *lines[1:], sep="\n  ", flush=True)


def note(text: str) -> None:
    """Print a line that belongs to the one above."""
    print(textwrap.fill(text, WIDTH - 12, initial_indent="    ", subsequent_indent="       "), flush=True)


def milliseconds(since: float) -> float:
    """Return the time since then."""
    return (time.perf_counter() - since) * 1000


def reasons(error: BaseException) -> list[str]:
    """Return what went wrong, without the groups that task groups wrap around it."""
    if isinstance(error, BaseExceptionGroup):
        return [reason for part in error.exceptions for reason in reasons(part)]
    return [f"{type(error).__name__}: {error}"]


def main() -> int:
    """Hold the conversation and say where its database is, or that it is gone."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--keep", action="store_true", help="leave the database where it is")
    keep = parser.parse_args().keep
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A Windows console may have a code page that cannot show what a memory holds.
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    folder = Path(tempfile.mkdtemp(prefix="mcp-memory-demo-"))
    database = folder / "memory.db"
    conversation = Conversation(database)
    print("A client, a server and a file, on this machine only. The last column is what the client waited.", flush=True)
    try:
        anyio.run(conversation.hold)
    except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 -- the outermost frame, which says what happened
        print("\nThe conversation broke off:", *reasons(error), sep="\n  ", file=sys.stderr)
        return 1
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"\nThe database is in {database}." if keep else "\nThe database was deleted; --keep leaves it.")
    if conversation.missed:
        print(f"{conversation.missed} of {len(QUESTIONS)} answers were not the ones called for.")
    return 1 if conversation.missed else 0


if __name__ == "__main__":
    sys.exit(main())
