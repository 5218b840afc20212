"""Who writes the text of a merged memory: a model where there is one, else nobody, and a source's text is kept."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from mcp_memory.domain.conservation import missing
from mcp_memory.errors import LLMUnavailable
from mcp_memory.ports.models import LLM
from mcp_memory.prompts.texts import text

logger = logging.getLogger(__name__)

DIFFERENT = "DIFFERENT"
"""What a model answers where the memories are not about one thing."""


class Author:
    """Writes one text for several that say the same."""

    def __init__(self, llm: LLM | None = None) -> None:
        self._llm = llm

    async def of_same(self, texts: Sequence[str], fullest: str) -> str:
        """Return the text for memories that say the same: a model's if it keeps all, else the fullest of them."""
        written = await self.of_alike(texts) if len(set(texts)) > 1 else None
        return fullest if written is None else written

    async def of_alike(self, texts: Sequence[str]) -> str | None:
        """Return what a model makes of memories that may say the same; None unless it keeps all that they say."""
        if self._llm is None:
            return None
        memories = "\n".join(f"- {' '.join(one.split())}" for one in texts)
        try:
            written = (await self._llm.write(text("merge.md").replace("{memories}", memories))).strip()
        except LLMUnavailable as error:
            logger.warning("merging goes on without a model: %s", error)
            return None
        if not written or written.strip(" .").upper() == DIFFERENT or missing(texts, written):
            return None
        return written
