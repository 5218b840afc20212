"""Signals: the columns of evidence that ranking adds up, each weight set by hand for the reason beside it.

No optimiser chose a weight; variants were compared on LoCoMo's first four conversations and on ``benchmarks/text``.

Three regimes, blended by what the candidates are like. Facts stand alone, and each is about one thing. Turns of talk
lean on the turns around them, and a shared word says much. Of long messages nearly each shares some word with the
question.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcp_memory.ports.memories import Candidates
from mcp_memory.retrieval.cues import Flag
from mcp_memory.retrieval.floor import TELLING_MATCH
from mcp_memory.retrieval.fusion import Column, at, best_of_session, beyond, standard
from mcp_memory.retrieval.lexicon import STOP_WORDS
from mcp_memory.retrieval.questions import Asks, Question

SHORT_WORDS, LONG_WORDS = 50.0, 120.0
"""Mean lengths between which the regimes blend; 600 characters are about 100 words."""
ASKED_IN_TALK = 0.1
"""Share of memories that end by asking from which on they are turns of talk: facts do not ask, whoever noted them."""
LEAST_SPREAD = 0.05
"""Cosines that differ by less than this are the same to a small embedder."""
COVERAGE = 1.5
"""Power of the match by words: two words of the question in one memory say more than each in a memory of its own."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each signal counts; a unit is one standard deviation of the cosines."""

    meaning: float
    """Cosine. Of long messages it is the best single judge: half as much again there, as most weights are not."""
    words: float
    """The best match by words. In talk a shared word is the surest sign there is: four deviations. A fact is one
    sentence, whose vector says it all: words only settle names and codes."""
    context_words: float
    """Match of the turns around by words, the nearest most: talk goes on without naming its subject again."""
    context_meaning: float
    """The same for cosines. Small: neighbours are near each other anyway."""
    answer_words: float
    """Match of the question just before. An answer repeats little of it: half as good as a match of its own."""
    answer_meaning: float
    session: float
    """Best match in the session: talk stays with a subject for a while. Not for facts, which only came on one day."""
    length: float
    """Logarithm of the length. A long turn tells, a short one reacts; a long message touches on everything."""
    very_short: float
    """Texts of fewer than eight words: "Sounds great!"."""
    question: float
    """A turn that ends by asking seldom answers. A long message mostly tells before it asks."""
    first_person: float
    """Who says "I" tells of themselves, which is what is asked for later; who says "you" reacts."""
    speaker: float
    """The speaker is named by the question. Modest: friends tell of each other, too."""
    date: float
    """The day lies in a window that is asked for. More than a deviation where memories are dated by what they tell of;
    less in long chats, whose questions name dates that lie ahead."""
    when: float
    """ "When …?" wants words of time."""
    many: float
    """ "How many …?" wants a number."""
    role: float
    """Said by the user, or by the assistant if that is asked for. In long chats users tell the facts and assistants
    repeat them at length."""


FACTS = Weights(
    meaning=1.0,
    words=1.25,
    context_words=0.0,
    context_meaning=0.0,
    answer_words=0.0,
    answer_meaning=0.0,
    session=0.0,
    length=0.0,
    very_short=0.0,
    question=0.5,
    first_person=0.0,
    speaker=0.5,
    date=1.5,
    when=0.8,
    many=0.8,
    role=0.3,
)
TALK = Weights(
    meaning=1.0,
    words=4.0,
    context_words=1.0,
    context_meaning=0.15,
    answer_words=2.0,
    answer_meaning=0.3,
    session=0.5,
    length=1.0,
    very_short=0.5,
    question=1.0,
    first_person=0.6,
    speaker=0.5,
    date=1.5,
    when=0.8,
    many=0.8,
    role=0.3,
)
LONG = Weights(
    meaning=1.5,
    words=2.0,
    context_words=0.1,
    context_meaning=0.1,
    answer_words=0.3,
    answer_meaning=0.1,
    session=0.2,
    length=-0.3,
    very_short=1.0,
    question=0.0,
    first_person=0.3,
    speaker=0.5,
    date=0.5,
    when=0.2,
    many=0.2,
    role=1.5,
)


def signals(question: Question, found: Candidates) -> dict[str, Column]:
    """Return the parts of the score by name, one value for each candidate."""
    weights = _blend(found)
    cosine = standard(1.0 - found.distance.astype(np.float64), LEAST_SPREAD)
    lexical = _lexical(question, found)
    meaning, words = weights.meaning * cosine, weights.words * lexical
    return {
        "meaning": meaning,
        "words": words,
        "code": _CODE * _coded(question, found),
        "context": _context(found, weights, cosine, lexical),
        "session": weights.session * standard(best_of_session(meaning + words, found.session), 1.0),
        "speaker": weights.speaker * _speaker(question, found.speaker),
        "date": weights.date * _date(question, found.day),
        "number": weights.many * _flagged(found, Flag.NUMBER) * bool(question.asks & Asks.HOW_MANY)
        + weights.when * _flagged(found, Flag.DATED) * bool(question.asks & Asks.WHEN),
        "shape": _shape(question, found, weights),
    }


_CODE = 5.0
"""Who writes an invoice's number wants that invoice, however many others mean nearly the same."""


def _coded(question: Question, found: Candidates) -> Column:
    """Return, where a code is asked for, the match by words as a share of the best: its rare word is most of it."""
    best = float(found.lexical.max(initial=0.0))
    if not question.codes or best <= 0:
        return np.zeros(len(found.lexical))
    return (found.lexical.astype(np.float64) / best) ** _SURE_OF_IT


_SURE_OF_IT = 3.0
"""Power of that share: what holds the other words alone gets next to nothing."""
_MOST_SURE = 1.5
"""A match of all of the question's rare words counts half as much again as a fair one."""


def _lexical(question: Question, found: Candidates) -> Column:
    """Return the match by words: about 1 for the best, less where even that matched little of the question."""
    best = float(found.lexical.max(initial=0.0))
    if best <= 0:
        return np.zeros(len(found.lexical))
    asked = max(1, len(question.terms) + len(question.kinds))
    # Where there are no vectors, a weak match is still the best there is to go by.
    sure = min(_MOST_SURE, best / (asked * TELLING_MATCH)) if np.isfinite(found.distance).any() else 1.0
    return sure * (found.lexical.astype(np.float64) / best) ** COVERAGE


def _blend(found: Candidates) -> Weights:
    """Return the weights for what the candidates are like: facts, talk, or long messages."""
    if not len(found.words):
        return FACTS
    talk = min(1.0, float(_flagged(found, Flag.QUESTION).mean()) / ASKED_IN_TALK)
    long = min(1.0, max(0.0, (float(found.words.mean()) - SHORT_WORDS) / (LONG_WORDS - SHORT_WORDS)))
    shares = ((FACTS, (1 - long) * (1 - talk)), (TALK, (1 - long) * talk), (LONG, long))
    return Weights(
        **{name: sum(share * getattr(weights, name) for weights, share in shares) for name in Weights.__slots__}
    )


def _flagged(found: Candidates, flag: Flag) -> Column:
    return ((found.flags & int(flag)) > 0).astype(np.float64)


def _context(found: Candidates, weights: Weights, cosine: Column, lexical: Column) -> Column:
    """Return what the neighbours lend: talk about a thing goes on without naming it again."""
    before, after = found.before, found.after
    mixed = weights.context_words * lexical + weights.context_meaning * cosine
    near = at(mixed, before) + 0.6 * at(mixed, after) + 0.5 * at(mixed, beyond(before)) + 0.3 * at(mixed, beyond(after))
    # The answer to a question repeats little of it: what was asked is what it is about.
    asked = _flagged(found, Flag.QUESTION) * (weights.answer_words * lexical + weights.answer_meaning * cosine.clip(0))
    return near + at(asked, before)


def _speaker(question: Question, speakers: list[str]) -> Column:
    """Return 1 where a speaker speaks whom the question names; nothing where all are named, or none."""
    asked = question.words - STOP_WORDS
    named = {who: float(not asked.isdisjoint(who.split())) for who in set(speakers)}
    if not 0 < sum(named.values()) < len(named):
        return np.zeros(len(speakers))
    return np.array([named[who] for who in speakers])


_DAYS_TOLD_AFTER, _DAYS_TOLD_BEFORE = 7.0, 3.0
"""How fast the belief falls that a memory of a day near the window tells of it: most is told soon after it happened."""


def _date(question: Question, day: np.ndarray[tuple[int], np.dtype[np.int32]]) -> Column:
    near = np.zeros(len(day))
    for window in question.windows:
        late = np.exp(-np.maximum(day - window.last, 0) / _DAYS_TOLD_AFTER)
        early = np.exp(-np.maximum(window.first - day, 0) / _DAYS_TOLD_BEFORE)
        np.maximum(near, window.weight * late * early, out=near)
    return near


_USUAL_WORDS, _FEW_WORDS = 25.0, 8.0


def _shape(question: Question, found: Candidates, weights: Weights) -> Column:
    words = np.maximum(found.words, 1).astype(np.float64)
    # Twice the words tell about one thing more, not twice as many; the logarithm stops at eight times the usual.
    length = np.log(words / max(_USUAL_WORDS, float(words.mean()) if len(words) else 0.0)).clip(-2, 2)
    asked_of = Flag.ASSISTANT if question.asks & Asks.ASSISTANT else Flag.USER
    return (
        weights.length * length
        - weights.very_short * (1 - words / _FEW_WORDS).clip(0)
        - weights.question * _flagged(found, Flag.QUESTION)
        + weights.first_person * _flagged(found, Flag.FIRST_PERSON)
        + weights.role * _flagged(found, asked_of)
    )
