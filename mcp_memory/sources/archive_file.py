"""An archive: one text file of JSON lines that holds all records, for any program to read and for people to look into.

The first line says what it is, each further one is a memory or a session, and the last one says how many there are: a
file that was cut off is not taken for a whole one. Vectors are not in it; they are made anew where it is taken in.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NoReturn, TextIO

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from mcp_memory.domain.moments import Moment
from mcp_memory.domain.records import MemoryRecord, Session
from mcp_memory.errors import InvalidRequest, StoreUnavailable
from mcp_memory.ports.archive import Archived, Census, Name, Page, Source
from mcp_memory.ports.given import Clock, Progress

FORMAT = "mcp-memory archive"
VERSION = 1
AT_ONCE = 200
"""Lines read together."""


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True)


class Head(_Line):
    """The first line."""

    format: Literal["mcp-memory archive"]
    version: int
    exported_at: Moment


class MemoryLine(_Line):
    """A memory, with the names of those that were merged into it."""

    kind: Literal["memory"] = "memory"
    record: MemoryRecord
    names: list[Name] = []


class SessionLine(_Line):
    """A session."""

    kind: Literal["session"] = "session"
    record: Session


class End(_Line):
    """The last line."""

    kind: Literal["end"] = "end"
    memories: int
    sessions: int


_LINE: TypeAdapter[MemoryLine | SessionLine | End] = TypeAdapter(MemoryLine | SessionLine | End)


class ArchiveFile:
    """The port ``Source`` over a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def census(self) -> Census:
        with self._opened() as file:
            end = self._checked(file)
        return Census(end.memories, end.sessions)

    def _checked(self, file: TextIO) -> End:
        """Return the last line of a file that is whole."""
        self._head(next(file, ""))
        last = ""
        lines = 0
        for line in file:
            last = line
            lines += 1
        try:
            end = End.model_validate_json(last)
        except ValidationError:
            self._refuse("its last line is missing: it was cut off")
        if end.memories + end.sessions != lines - 1:
            self._refuse(f"it holds {lines - 1} records and says that they are {end.memories + end.sessions}")
        return end

    def _head(self, line: str) -> None:
        try:
            head = Head.model_validate_json(line)
        except ValidationError:
            self._refuse(f"it does not begin as an archive does; agent-memory export writes one ({FORMAT})")
        if head.version > VERSION:
            self._refuse("a newer version of mcp-memory wrote it: update mcp-memory")

    async def pages(self) -> AsyncIterator[Page]:
        with self._opened() as file:
            next(file, "")
            numbered = enumerate(file, start=2)
            while part := list(islice(numbered, AT_ONCE)):
                yield self._page(part)

    def _page(self, numbered: list[tuple[int, str]]) -> Page:
        memories: list[Archived] = []
        sessions: list[Session] = []
        unreadable: list[str] = []
        for number, text in numbered:
            try:
                line = _LINE.validate_json(text)
            except ValidationError as error:
                unreadable.append(f"line {number}: {error.errors()[0]['msg']}")
                continue
            if isinstance(line, MemoryLine):
                memories.append(Archived(line.record, tuple(line.names)))
            elif isinstance(line, SessionLine):
                sessions.append(line.record)
        return Page(memories, sessions, unreadable)

    def _opened(self) -> TextIO:
        try:
            return self._path.open(encoding="utf-8")
        except OSError as error:
            raise StoreUnavailable(f"{self._path} cannot be read: {error.strerror}") from error

    def _refuse(self, why: str) -> NoReturn:
        raise InvalidRequest(f"{self._path} cannot be taken in: {why}")


async def write(source: Source, path: Path, clock: Clock, progress: Progress | None = None) -> Census:
    """Write all records of a source into a new file for this user alone; return how many there were.

    Raises:
        InvalidRequest: there is such a file already.
        StoreUnavailable: it cannot be written; none is left behind.
    """
    census = await source.census()
    memories = sessions = 0
    part = path.with_name(f"{path.name}.part")
    try:
        with _created(path, part) as file:
            head = Head(format="mcp-memory archive", version=VERSION, exported_at=clock())
            _put(file, head)
            async for page in source.pages():
                for line in _lines(page):
                    _put(file, line)
                memories += len(page.memories)
                sessions += len(page.sessions)
                if progress is not None:
                    done = memories + sessions
                    await progress(done, max(done, census.memories + census.sessions), "exporting")
            _put(file, End(memories=memories, sessions=sessions))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be written: {error.strerror}") from error
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
    return Census(memories, sessions)


def _created(path: Path, part: Path) -> TextIO:
    if path.exists():
        raise InvalidRequest(f"{path} is there already: choose another name, or delete it")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    return os.fdopen(os.open(part, flags, 0o600), "w", encoding="utf-8", newline="\n")


def _lines(page: Page) -> Iterator[_Line]:
    for one in page.memories:
        yield MemoryLine(record=one.record, names=list(one.names))
    for session in page.sessions:
        yield SessionLine(record=session)


def _put(file: TextIO, line: BaseModel) -> None:
    whole: dict[str, Any] = line.model_dump(mode="json", exclude_none=True)
    file.write(json.dumps(whole, ensure_ascii=False, separators=(",", ":")) + "\n")
