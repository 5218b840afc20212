"""Long chats of three people with an assistant, and what is asked about them; written without a look at the ranking."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a chat, with the number of its session."""

    id: str
    session: int
    when: datetime
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question asked after the chat, with the ids of one to four messages that hold its evidence.

    Unanswerable are those that nothing in the chat answers, near as they are to what it is about: no ids.
    """

    category: str
    asked_on: date
    text: str
    evidence: frozenset[str]


@dataclass(frozen=True, slots=True)
class Chat:
    """The messages of one person and the assistant in the order of time, and the questions about them."""

    name: str
    messages: list[Message]
    questions: list[Question]


def assistant_chats() -> Iterator[Chat]:
    """Yield the chats."""
    questions = defaultdict(list)
    for name, category, asked_on, text, evidence in _rows("assistant_chats_questions.tsv"):
        asked = Question(category, date.fromisoformat(asked_on), text, frozenset(evidence.split()))
        questions[name].append(asked)
    messages = defaultdict(list)
    for name, session, when, id_, role, text in _rows("assistant_chats_messages.tsv"):
        said = Message(id_, int(session), datetime.fromisoformat(when), role, text.replace("\\n", "\n"))
        messages[name].append(said)
    for name, told in messages.items():
        yield Chat(name, told, questions[name])


def _rows(name: str) -> Iterator[list[str]]:
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            yield line.split("\t")
