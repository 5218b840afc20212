"""An archive: one text file of JSON lines that holds all records, for any program to read and for people to look into.

The first line says what it is, each further one is a record, and the last one says how many there are: a file that was
cut off is not taken for a whole one. Vectors are not in it; they are made anew where it is taken in.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn, TextIO

from pydantic import BaseModel, ValidationError

from mcp_memory.errors import InvalidRequest, StoreUnavailable
from mcp_memory.ports.archive import KINDS, Census, Page, Source
from mcp_memory.ports.given import Clock, Progress
from mcp_memory.sources.archive_lines import LINE, End, Head, lines

FORMAT = "mcp-memory archive"
VERSION = 2
AT_ONCE = 200
"""Lines read together."""


class ArchiveFile:
    """The port ``Source`` over a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def census(self) -> Census:
        with self._opened() as file:
            end = self._checked(file)
        counts = end.counted
        memories, sessions = counts.get("memories", 0), counts.get("sessions", 0)
        others = sum(counts.values()) - memories - sessions
        return Census(memories, sessions, others=others, numbers=end.numbers)

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
        said = sum(end.counted.values())
        if said != lines - 1:
            self._refuse(f"it holds {lines - 1} records and says that they are {said}")
        return end

    def _head(self, line: str) -> None:
        try:
            head = Head.model_validate_json(line)
        except ValidationError:
            self._refuse(f"it does not begin as an archive does; agent-memory export writes one ({FORMAT})")
        if head.version > VERSION:
            self._refuse("a newer version of mcp-memory wrote it: update mcp-memory")

    async def pages(self) -> AsyncGenerator[Page, None]:
        with self._opened() as file:
            next(file, "")
            numbered = enumerate(file, start=2)
            while part := list(islice(numbered, AT_ONCE)):
                yield self._page(part)

    def _page(self, numbered: list[tuple[int, str]]) -> Page:
        found: dict[str, list[Any]] = {kind: [] for kind in KINDS}
        unreadable: list[str] = []
        for number, text in numbered:
            try:
                kind, record = LINE.validate_json(text).read()
            except ValidationError as error:
                unreadable.append(f"line {number}: {error.errors()[0]['msg']}")
                continue
            found.setdefault(kind, []).append(record)
        return Page(**{kind: found[kind] for kind in KINDS}, unreadable=unreadable)

    def _opened(self) -> TextIO:
        try:
            return self._path.open(encoding="utf-8")
        except OSError as error:
            raise StoreUnavailable(f"{self._path} cannot be read: {error.strerror}") from error

    def _refuse(self, why: str) -> NoReturn:
        raise InvalidRequest(f"{self._path} cannot be taken in: {why}")


async def write(source: Source, path: Path, clock: Clock, progress: Progress | None = None) -> dict[str, int]:
    """Write all records of a source into a new file for this user alone; return how many there were of each kind.

    Raises:
        InvalidRequest: there is such a file already.
        StoreUnavailable: it cannot be written; none is left behind.
    """
    census = await source.census()
    part = path.with_name(f"{path.name}.part")
    try:
        with _created(path, part) as file:
            _put(file, Head(format="mcp-memory archive", version=VERSION, exported_at=clock()))
            counts = await _written(source, file, census, progress)
            # Not those of the beginning: what came meanwhile is in the file as well.
            last = (await source.census()).numbers
            _put(file, End(counts={kind: count for kind, count in counts.items() if count}, numbers=last))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be written: {error.strerror}") from error
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
    return counts


async def _written(source: Source, file: TextIO, census: Census, progress: Progress | None) -> dict[str, int]:
    counts = dict.fromkeys(KINDS, 0)
    done = 0
    async for page in source.pages():
        for line in lines(page):
            _put(file, line)
        counts = {kind: count + len(getattr(page, kind)) for kind, count in counts.items()}
        done += page.size
        if progress is not None:
            await progress(done, max(done + 1, census.size), "exporting")
    if progress is not None:
        await progress(done, done, "exporting")
    return counts


def _created(path: Path, part: Path) -> TextIO:
    if path.exists():
        raise InvalidRequest(f"{path} is there already: choose another name, or delete it")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    return os.fdopen(os.open(part, flags, 0o600), "w", encoding="utf-8", newline="\n")


def _put(file: TextIO, line: BaseModel) -> None:
    whole: dict[str, Any] = line.model_dump(mode="json", exclude_none=True)
    file.write(json.dumps(whole, ensure_ascii=False, separators=(",", ":")) + "\n")
