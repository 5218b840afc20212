"""What clients connect to in the place of a server: it hands on, switches from one server to another, loses answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.patience import PATIENCE

MOST = 65_536
COMMIT = b":done:"
"""Stands in the command that writes a transaction, and in no other."""


class Front:
    """Hands on to one server at a time."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.lost = asyncio.Event()
        self._loses = b""
        self._losing = False
        self.connections = 0
        self._open: list[asyncio.StreamWriter] = []

    def lose_answer_to(self, word: bytes) -> None:
        """Hand on the next command with the word, and keep its answer back, and all that come after."""
        self.lost.clear()
        self._loses = word

    async def until_lost(self) -> None:
        """Wait until an answer was kept back."""
        await asyncio.wait_for(self.lost.wait(), PATIENCE)

    def switch(self, target: int) -> None:
        """End every connection, and hand on to this server from now on."""
        self.target, self._losing = target, False
        for writer in self._open:
            writer.close()
        self._open.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.close()
            return
        self._open += [forth, writer]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._up(reader, forth))
            tasks.create_task(self._down(back, writer))

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await read(reader):
            if self._loses and self._loses in data:
                self._loses, self._losing = b"", True
            writer.write(data)
        writer.close()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await read(reader):
            if self._losing:
                self.lost.set()
            else:
                writer.write(data)
        writer.close()


async def read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(MOST)
    except ConnectionError:
        return b""


@asynccontextmanager
async def fronting(front: Front) -> AsyncIterator[tuple[Front, str]]:
    """Listen for clients; yield the address for them."""
    async with await asyncio.start_server(front.serve, "127.0.0.1", 0) as listening:
        yield front, f"redis://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        front.switch(front.target)
