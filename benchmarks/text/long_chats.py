"""Long chats with an assistant, put together from the sentences beside this file, and questions about them.

Each chat has about ninety messages of 80 to 250 words: the user tells a fact in passing and asks for help, the
assistant repeats words of the request among general advice, so that a shared word proves little, as in real chats. The
evidence of a question is the one message that tells the fact.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
BEGINNING = datetime(2024, 3, 4, 18, tzinfo=UTC)
LONG_WORD = 6
"""Letters beyond which a word is worth repeating to the one who said it."""


class Message(NamedTuple):
    """What was said, by whom and when; the messages of one evening are one session."""

    id: str
    role: str
    text: str
    when: datetime


@dataclass(slots=True)
class LongChat:
    """The messages, and the questions as (text, id of the message with the evidence)."""

    name: str
    messages: list[Message] = field(default_factory=list)
    questions: list[tuple[str, str]] = field(default_factory=list)

    def say(self, role: str, text: str, when: datetime) -> str:
        """Add a message; return its id."""
        self.messages.append(Message(f"{self.name}/{len(self.messages) + 1}", role, text, when))
        return self.messages[-1].id


def rows(name: str) -> Iterator[list[str]]:
    """Yield the rows of a table beside this file, without its comments."""
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def chats(seed: int = 7) -> list[LongChat]:
    """Return the chats; the same for the same seed."""
    phrases: dict[str, list[str]] = defaultdict(list)
    for speaker, sentence in rows("long_chats_phrases.tsv"):
        phrases[speaker].append(sentence)
    by_name: dict[str, LongChat] = {}
    draw = random.Random(seed)
    moment = BEGINNING
    for name, about, fact, question in rows("long_chats.tsv"):
        chat = by_name.setdefault(name, LongChat(name))
        _talk_over(chat, [about, fact, question], phrases, draw, moment)
        moment += timedelta(days=draw.randint(1, 6))
    return list(by_name.values())


def _talk_over(
    chat: LongChat, topic: list[str], phrases: dict[str, list[str]], draw: random.Random, when: datetime
) -> None:
    about, fact, question = topic
    told = draw.sample(phrases["user"], draw.randint(4, 7))
    told.insert(draw.randint(0, 2), fact)
    chat.questions.append((question, chat.say("user", " ".join(told).format(about=about), when)))
    chat.say("assistant", _advice(about, fact, phrases, draw), when)
    for line in draw.sample(phrases["follow-up"], draw.randint(1, 2)):
        more = [line, *draw.sample(phrases["user"], draw.randint(2, 5))]
        chat.say("user", " ".join(more).format(about=about), when)
        chat.say("assistant", _advice(about, line.format(about=about), phrases, draw), when)


def _advice(about: str, request: str, phrases: dict[str, list[str]], draw: random.Random) -> str:
    heard = [word.strip(".,;:?") for word in request.split() if len(word) > LONG_WORD]
    echo = "you mention " + ", ".join(draw.sample(heard, min(3, len(heard)))) + ", which is a good point to start from."
    first, *others = phrases["assistant"]
    return " ".join([first, *draw.sample(others, draw.randint(6, 10))]).format(about=about, echo=echo)
