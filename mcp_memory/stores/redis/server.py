"""The server as the store talks to it: commands, many at once, scripts, searches that are whole, transactions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha1
from importlib.resources import files
from itertools import count
from secrets import token_hex
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar

from redis.exceptions import NoScriptError, ResponseError

from mcp_memory.errors import StoreBusy
from mcp_memory.stores.redis.failures import CUT_SHORT, INDEXING, NOT_ON_DISK, translated
from mcp_memory.stores.redis.keys import Keys
from mcp_memory.stores.redis.patience import DEMOTED, Patience
from mcp_memory.stores.redis.place import connected, passing, shown

T = TypeVar("T")
Word: TypeAlias = "str | bytes | int | float"
Command: TypeAlias = Sequence[Word]


class Plain(tuple[str, ...]):
    """A command of a transaction that is sent as it stands: texts without a number that is yet to be given."""

    __slots__ = ()


Durability: TypeAlias = Literal["normal", "full"]

MOST_TRIES = 500
"""Of a transaction, each after another one got in first."""
_PATIENT = 5
"""Tries after which a transaction waits a little before the next."""
_PAUSE, _LONGEST_PAUSE = 0.0005, 0.02
_LOOK_AGAIN_SECONDS, _LOOKS = 0.05, 600
INDEXES = ("memories", "accesses", "sessions", "jobs")
ON_DISK = ("WAITAOF", 1, 0)
DISK_SECONDS = 20
"""How long to wait for the disk; it is written every second."""
CONTENDED = "{place}: others kept changing the same records for too long: try again"

logger = logging.getLogger(__name__)


class Moved(Exception):
    """What a transaction was decided on has changed meanwhile; it wrote nothing."""


class Hit(NamedTuple):
    """One row that a search found."""

    key: bytes
    fields: dict[bytes, bytes]


class Hits(NamedTuple):
    """What a search found, and how many there are in all."""

    total: int
    rows: list[Hit]


class _Script(NamedTuple):
    source: str
    sha: str


def _script(name: str) -> _Script:
    source = files("mcp_memory.stores.redis").joinpath("scripts", f"{name}.lua").read_text("utf-8")
    # This is the name under which Redis knows a script, no protection of anything.
    return _Script(source, sha1(source.encode(), usedforsecurity=False).hexdigest())


class Server:
    """One Redis server, or the shard of a cluster, and the keys of one store in it."""

    def __init__(
        self, url: str, keys: Keys, index: str, *, wait_seconds: float = 0, durability: Durability = "normal"
    ) -> None:
        """Connect when the server is first used.

        Args:
            url: of the server.
            keys: of the store.
            index: what the names of its indexes begin with.
            wait_seconds: how long to wait for a server that is not there yet.
            durability: whether a write is answered when the server has it, or when it is on the server's disk.

        Raises:
            ValueError: the URL cannot be read.
        """
        self.client = connected(url, keys.schema, wait_seconds, self._note_connection)
        self.keys = keys
        self.index = index
        self.place = shown(url)
        self._passing = passing(url)
        self._durable = durability == "full"
        self._connects = 0
        self._filled_at = -1
        self._filling = asyncio.Lock()
        self._process, self._turns = token_hex(8), count(1)
        self._scripts = {name: _script(name) for name in ("commit", "touch", "expire", "look")}

    async def reach(self) -> None:
        """Wait until the server answers; from then on it is waited for only as long as a failover takes."""
        await self.call("GET", self.keys.schema)
        told = await self.call("INFO", "replication")
        if told.get("role") == "slave":
            # What was a replica from the beginning is no primary that lost its place.
            self.client.set_retry(Patience(self._passing))
            return
        self.client.set_retry(Patience((*self._passing, *DEMOTED)))
        if self._durable:
            await self.call(*ON_DISK, 1)

    async def call(self, *words: Word) -> Any:
        """Return the answer to one command."""
        with translated(self.place):
            return await self.client.execute_command(*words)

    async def _written(self, *words: Word) -> Any:
        if not self._durable:
            return await self.client.execute_command(*words)
        # The server waits for what this connection wrote, so both go over one.
        async with self.client.pipeline(transaction=False) as pipeline:
            pipeline.execute_command(*words)
            pipeline.execute_command(*ON_DISK, int(DISK_SECONDS * 1_000))
            answer, (here, _) = await pipeline.execute()
        if not here:
            raise StoreBusy(NOT_ON_DISK.format(place=self.place, seconds=DISK_SECONDS))
        return answer

    async def many(self, commands: Sequence[Command]) -> list[Any]:
        """Return the answers to many commands, in their order; each by itself sees the server as it then is."""
        if not commands:
            return []
        with translated(self.place):
            async with self.client.pipeline(transaction=False) as pipeline:
                for words in commands:
                    pipeline.execute_command(*words)
                return list(await pipeline.execute())

    def command(self, name: str, keys: Sequence[str], words: Sequence[Word] = ()) -> Command:
        """Return the command that runs a script of ours, whether the server knows it already or not."""
        return ("EVAL", self._scripts[name].source, len(keys), *keys, *words)

    async def run(self, name: str, keys: Sequence[str], words: Sequence[Word] = ()) -> Any:
        """Return what a script of ours returns."""
        script = self._scripts[name]
        rest = (len(keys), *keys, *words)
        do = self._written if name == "commit" else self.client.execute_command
        with translated(self.place):
            try:
                return await do("EVALSHA", script.sha, *rest)
            except NoScriptError:
                return await do("EVAL", script.source, *rest)

    def turn(self) -> str:
        """Return what stands for a transaction of this process, and for no other of any."""
        return f"{self._process}.{next(self._turns)}"

    async def transact(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return what an attempt returns whose transaction nobody got in before.

        Raises:
            StoreBusy: others always did.
        """
        for number in range(MOST_TRIES):
            try:
                return await attempt()
            except Moved:
                if number >= _PATIENT:
                    await asyncio.sleep(min(_LONGEST_PAUSE, _PAUSE * number))
        raise StoreBusy(CONTENDED.format(place=self.place))

    def search(self, kind: str, query: str, *words: Word) -> Command:
        """Return the command of a search; no time limit cuts it short, and no word stands for others of its stem."""
        return ("FT.SEARCH", f"{self.index}:{kind}", query, "VERBATIM", *words, "TIMEOUT", 0, "DIALECT", 2)

    def aggregate(self, kind: str, query: str, *words: Word) -> Command:
        """Return the command of an aggregation, for which the same holds."""
        return ("FT.AGGREGATE", f"{self.index}:{kind}", query, "VERBATIM", *words, "TIMEOUT", 0, "DIALECT", 2)

    def hits(self, answer: Any) -> Hits:
        """Return what a search answered.

        Raises:
            StoreBusy: the server did not finish it.
        """
        self._whole(answer)
        rows = [Hit(row[b"id"], row.get(b"extra_attributes") or {}) for row in answer[b"results"]]
        return Hits(int(answer[b"total_results"]), rows)

    def found(self, answer: Any) -> list[int]:
        """Return the handles of what a search found that was asked for no fields; ``hits`` says what may go wrong."""
        self._whole(answer)
        return [int(row[b"id"].rpartition(b":")[2]) for row in answer[b"results"]]

    def groups(self, answer: Any) -> list[dict[bytes, bytes]]:
        """Return the rows that an aggregation answered; ``hits`` says what may go wrong."""
        self._whole(answer)
        return [row[b"extra_attributes"] for row in answer[b"results"]]

    def _whole(self, answer: Any) -> None:
        # What is not a mapping is an error that the server put into the answer.
        if isinstance(answer, ResponseError):
            with translated(self.place):
                raise answer
        if answer.get(b"warning"):
            said = b" ".join(answer[b"warning"]).decode("utf-8", "replace")
            raise StoreBusy(CUT_SHORT.format(place=self.place, error=said))

    async def find(self, kind: str, query: str, *words: Word) -> Hits:
        """Return what a search finds."""
        command = self.search(kind, query, *words)
        return self.hits(await self.whole(lambda: self.call(*command)))

    async def gather(self, kind: str, query: str, *words: Word) -> list[dict[bytes, bytes]]:
        """Return what an aggregation finds."""
        command = self.aggregate(kind, query, *words)
        return self.groups(await self.whole(lambda: self.call(*command)))

    def _note_connection(self) -> None:
        """Note that a connection was made: the server may have been started anew since."""
        self._connects += 1

    async def whole(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Return what a search answers that began when every index was filled.

        A server that is started anew answers before it has indexed what it loaded.
        """
        while True:
            answer = await ask()
            if self._filled_at == self._connects:
                return answer
            async with self._filling:
                await self._all_filled()

    async def _all_filled(self) -> None:
        while self._filled_at != (connects := self._connects):
            for kind in INDEXES:
                await self.filled(kind)
            self._filled_at = connects

    async def filled(self, kind: str) -> None:
        """Wait until an index has seen every key that was there before it.

        Raises:
            StoreBusy: that takes too long.
        """
        for _ in range(_LOOKS):
            told = await self.call("FT.INFO", f"{self.index}:{kind}")
            if not int(float(told[b"indexing"])):
                return
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        raise StoreBusy(INDEXING.format(place=self.place, percent=float(told[b"percent_indexed"])))

    async def close(self) -> None:
        """Give back the connections."""
        with translated(self.place):
            await self.client.aclose()
