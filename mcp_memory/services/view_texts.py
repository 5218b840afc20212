"""Who writes the summary of a group: a model where there is one, else nobody, and the memories that tell most stand."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal, TypeAlias

from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.views import SummaryView
from mcp_memory.errors import LLMUnavailable
from mcp_memory.ports.models import LLM
from mcp_memory.prompts.texts import text
from mcp_memory.retrieval.selection import Selection, line_of

logger = logging.getLogger(__name__)

PAGE_CHARACTERS = 24_000
"""Of notes that a model is given at once."""
NOTE_CHARACTERS = 2_000
"""Of one memory."""
PART_CHARACTERS = 4_000
"""Of the summary of a page, where there are several: some of them must fit on the next page."""
UNREACHED = "The language model could not be reached; this is a selection instead."

Author: TypeAlias = Literal["model", "selection"]


@dataclass(frozen=True, slots=True)
class Summary:
    """What was written of a group."""

    text: str
    count: int
    """Memories that it was written of."""
    author: Author


class Summarist:
    """Writes summaries."""

    def __init__(self, llm: LLM | None = None) -> None:
        self._llm = llm

    @property
    def author(self) -> Author:
        """Who writes, unless the model cannot be reached."""
        return "selection" if self._llm is None else "model"

    async def of(
        self,
        pages: AsyncIterator[Sequence[MemoryRecord]],
        view: SummaryView,
        group: Mapping[str, str],
        now: datetime,
    ) -> Summary:
        """Return the summary of the memories, which come newest first; all of them count, however many."""
        selection = Selection(now)
        writer = None if self._llm is None else _Writer(self._llm, _prompt(view, group))
        async for page in pages:
            for record in page:
                selection.offer(record)
                if writer is not None:
                    await writer.note(record)
        if not selection.count:
            return Summary("", 0, self.author)
        written = None if writer is None else await writer.written()
        if written is not None:
            return Summary(written, selection.count, "model")
        told = selection.told()
        return Summary(told if writer is None else f"{UNREACHED}\n{told}", selection.count, "selection")


def _prompt(view: SummaryView, group: Mapping[str, str]) -> Callable[..., str]:
    """Return what makes the prompt for ``notes``."""
    instructions = view.prompt or text("summary_view_usual.md")
    about = json.dumps(dict(group), ensure_ascii=False) if group else "everything"
    return partial(text("summary_view.md").format, instructions=instructions, group=about)


class _Writer:
    """Has a model write a summary, and where there are too many notes for it, a summary of summaries of pages."""

    def __init__(self, llm: LLM, prompt: Callable[..., str]) -> None:
        self._llm = llm
        self._prompt = prompt
        self._levels: list[list[str]] = [[]]
        self._failed = False

    async def note(self, record: MemoryRecord) -> None:
        """Take a memory in."""
        if not self._failed:
            try:
                await self._add(line_of(record, NOTE_CHARACTERS), 0)
            except LLMUnavailable as error:
                self._give_up(error)

    async def written(self) -> str | None:
        """Return the summary; None if the model could not be reached."""
        try:
            return None if self._failed else await self._whole()
        except LLMUnavailable as error:
            self._give_up(error)
            return None

    def _give_up(self, error: LLMUnavailable) -> None:
        self._failed = True
        logger.warning("summing up goes on without a model: %s", error)

    async def _add(self, note: str, level: int) -> None:
        if level == len(self._levels):
            self._levels.append([])
        page = self._levels[level]
        if page and sum(map(len, page)) + len(note) > PAGE_CHARACTERS:
            await self._turn(level)
        self._levels[level].append(note)

    async def _turn(self, level: int) -> None:
        """Sum up the page of a level, for the level above."""
        part = await self._write(self._levels[level])
        self._levels[level] = []
        await self._add(part[:PART_CHARACTERS], level + 1)

    async def _whole(self) -> str:
        level = 0
        while level < len(self._levels) - 1:
            if self._levels[level]:
                await self._turn(level)
            level += 1
        (*others, last) = self._levels[level]
        return last if level and not others else await self._write([*others, last])

    async def _write(self, notes: Sequence[str]) -> str:
        written = (await self._llm.write(self._prompt(notes="\n".join(notes)))).strip()
        if not written:
            raise LLMUnavailable("the model wrote nothing")
        return written
