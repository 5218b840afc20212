"""The lines of an archive: what stands in each, and the records that they are made of and read as."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_serializer

from mcp_memory.domain.moments import Moment
from mcp_memory.domain.operations import Operation
from mcp_memory.domain.records import MemoryRecord, Session
from mcp_memory.domain.suggestions import SuggestionKind, SuggestionState
from mcp_memory.domain.tokens import Token
from mcp_memory.domain.views import SummaryView, SummaryViewPartitionResult
from mcp_memory.ports.archive import Act, Archived, Name, Numbers, Page, Suggested, Summed, Trace
from mcp_memory.ports.suggestions import Proposal


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Line(_Told, ABC):
    @abstractmethod
    def read(self) -> tuple[str, object]:
        """Return the kind of the record that the line tells, and the record."""


class Head(_Told):
    """The first line."""

    format: Literal["mcp-memory archive"]
    version: int
    exported_at: Moment


class OperationLine(_Line):
    """An operation, by whose number changes name it."""

    kind: Literal["operation"] = "operation"
    number: int
    record: Operation

    @field_serializer("record")
    def _without_counts(self, record: Operation) -> dict[str, Any]:
        """Return the operation without what it counts, which follows from the changes."""
        counts = {"undone_by", "created", "changed", "removed"}
        return record.model_dump(mode="json", exclude=counts, exclude_none=True)

    def read(self) -> tuple[str, Act]:
        return "operations", Act(self.number, self.record)


class ChangeLine(_Line):
    """What an operation did to a memory; ``memory`` and ``unit`` are numbers of memories."""

    kind: Literal["change"] = "change"
    number: int
    operation: int
    memory: int
    unit: int
    name: Name
    after: int | None = None
    undone: int | None = None
    before: MemoryRecord | None = None
    names: list[Name] = []
    with_vector: bool = False

    def read(self) -> tuple[str, Trace]:
        trace = Trace(
            number=self.number,
            operation=self.operation,
            handle=self.memory,
            unit=self.unit,
            name=self.name,
            after=self.after,
            undone=self.undone,
            before=self.before,
            names=tuple(self.names),
            with_vector=self.with_vector,
        )
        return "changes", trace


class MemoryLine(_Line):
    """A memory, with the names of those that were merged into it."""

    kind: Literal["memory"] = "memory"
    number: int | None = None
    """None in a file of version 1."""
    record: MemoryRecord
    names: list[Name] = []

    def read(self) -> tuple[str, Archived]:
        return "memories", Archived(self.record, tuple(self.names), handle=self.number)


class About(_Told):
    """A memory that a suggestion is about, as it was read."""

    memory: int
    version: int
    name: Name | None = None
    """None: it is gone."""


class SuggestionLine(_Line):
    """A suggestion."""

    kind: Literal["suggestion"] = "suggestion"
    id: str
    suggests: SuggestionKind
    state: SuggestionState
    at: Moment
    reason: str
    closeness: float | None = None
    text: str | None = None
    one: About
    other: About

    def read(self) -> tuple[str, Suggested]:
        proposal = Proposal(
            id=self.id,
            kind=self.suggests,
            state=self.state,
            at=self.at,
            reason=self.reason,
            closeness=self.closeness,
            text=self.text,
            one=(self.one.memory, self.one.version),
            other=(self.other.memory, self.other.version),
        )
        return "suggestions", Suggested(proposal, self.one.name, self.other.name)


class SessionLine(_Line):
    """A session."""

    kind: Literal["session"] = "session"
    record: Session

    def read(self) -> tuple[str, Session]:
        return "sessions", self.record


class ViewLine(_Line):
    """A summary view."""

    kind: Literal["view"] = "view"
    record: SummaryView

    def read(self) -> tuple[str, SummaryView]:
        return "views", self.record


class SummaryLine(_Line):
    """A summary of a view."""

    kind: Literal["summary"] = "summary"
    author: str | None = None
    record: SummaryViewPartitionResult

    def read(self) -> tuple[str, Summed]:
        return "summaries", Summed(self.record, self.author)


class TokenLine(_Line):
    """An access token: the hash of its secret, and what it allows."""

    kind: Literal["token"] = "token"
    record: Token

    def read(self) -> tuple[str, Token]:
        return "tokens", self.record


class End(_Line):
    """The last line: how many lines of each kind there are."""

    kind: Literal["end"] = "end"
    counts: dict[str, int] | None = None
    numbers: Numbers | None = None
    """The last numbers that the store had given; None in a file of version 1, which tells no history."""
    memories: int | None = None
    """In a file of version 1, as are sessions."""
    sessions: int | None = None

    def read(self) -> tuple[str, End]:
        return "end", self

    @property
    def counted(self) -> dict[str, int]:
        """How many records of each kind there are."""
        if self.counts is not None:
            return self.counts
        return {"memories": self.memories or 0, "sessions": self.sessions or 0}


Line: TypeAlias = (
    OperationLine | ChangeLine | MemoryLine | SuggestionLine | SessionLine | ViewLine | SummaryLine | TokenLine | End
)
LINE: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="kind")])


def lines(page: Page) -> Iterator[_Line]:
    """Yield the lines that tell a page."""
    for act in page.operations:
        yield OperationLine(number=act.number, record=act.operation)
    yield from map(_change_line, page.changes)
    for one in page.memories:
        yield MemoryLine(number=one.handle, record=one.record, names=list(one.names))
    yield from map(_suggestion_line, page.suggestions)
    for session in page.sessions:
        yield SessionLine(record=session)
    for view in page.views:
        yield ViewLine(record=view)
    for summed in page.summaries:
        yield SummaryLine(author=summed.author, record=summed.result)
    for token in page.tokens:
        yield TokenLine(record=token)


def _change_line(one: Trace) -> ChangeLine:
    return ChangeLine(
        number=one.number,
        operation=one.operation,
        memory=one.handle,
        unit=one.unit,
        name=one.name,
        after=one.after,
        undone=one.undone,
        before=one.before,
        names=list(one.names),
        with_vector=one.with_vector,
    )


def _suggestion_line(one: Suggested) -> SuggestionLine:
    given = one.proposal
    (first, first_version), (second, second_version) = given.one, given.other
    return SuggestionLine(
        id=given.id,
        suggests=given.kind,
        state=given.state,
        at=given.at,
        reason=given.reason,
        closeness=given.closeness,
        text=given.text,
        one=About(memory=int(first), version=first_version, name=one.one),
        other=About(memory=int(second), version=second_version, name=one.other),
    )
