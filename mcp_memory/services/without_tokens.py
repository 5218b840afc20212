"""A place whose access tokens stay where they are."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

from mcp_memory.ports.archive import Census, Page, Source


class WithoutTokens:
    """The port ``Source`` over another one, but for its tokens."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def census(self) -> Census:
        return await self._source.census()

    async def pages(self) -> AsyncGenerator[Page, None]:
        async for page in self._source.pages():
            yield replace(page, tokens=())
