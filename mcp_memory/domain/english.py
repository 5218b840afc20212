"""English forms: which word an irregular form belongs to, and a word without its ending."""

from __future__ import annotations

from functools import lru_cache


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in text.split())


IRREGULAR = _pairs(
    """
    ate=eat became=become began=begin begun=begin bit=bite bitten=bite blew=blow bought=buy broke=break broken=break
    brought=bring built=build burnt=burn came=come caught=catch children=child chose=choose chosen=choose dealt=deal
    drank=drink drawn=draw dreamt=dream drew=draw driven=drive drove=drive drunk=drink dug=dig eaten=eat fallen=fall
    fed=feed feet=foot fell=fall felt=feel flew=fly flown=fly forgot=forget forgotten=forget fought=fight found=find
    froze=freeze frozen=freeze gave=give given=give gone=go got=get gotten=get grew=grow grown=grow heard=hear held=hold
    hid=hide hidden=hide hung=hang kept=keep knew=know known=know learnt=learn led=lead left=leave lent=lend lost=lose
    made=make meant=mean men=man met=meet mice=mouse paid=pay ran=run rang=ring ridden=ride rode=ride rose=rise said=say
    sang=sing sat=sit saw=see seen=see sent=send shook=shake shot=shoot shown=show slept=sleep sold=sell sought=seek
    spent=spend spoke=speak spoken=speak stole=steal stolen=steal stood=stand swam=swim swept=sweep taken=take
    taught=teach teeth=tooth thought=think threw=throw thrown=throw told=tell took=take tore=tear torn=tear
    understood=understand went=go wives=wife woke=wake women=woman won=win wore=wear worn=wear written=write wrote=write
"""
)
"""Forms that no stemmer brings together: the question is "what did she buy", and the memory says "bought"."""

_ENDINGS = (
    ("ational", "ate"), ("ization", "ize"), ("fulness", "ful"), ("ousness", "ous"), ("iveness", "ive"),
    ("ements", ""), ("ement", ""), ("ments", ""), ("ment", ""), ("ingly", ""), ("edly", ""), ("ings", ""), ("ies", "i"),
    ("ing", ""), ("ied", "i"), ("est", ""), ("ers", ""), ("ed", ""), ("er", ""), ("es", ""), ("ly", ""), ("s", ""),
    ("y", "i"), ("e", ""),
)  # fmt: skip
_LEAST_STEM = 3
_REMEMBERED = 20_000
"""Words whose stems are kept: a store uses the same words again and again."""


@lru_cache(_REMEMBERED)
def stem(word: str) -> str:
    """Return the English word without its ending, for indexes that do not stem: "painting", "painted" -> "paint"."""
    if not word.isascii() or not word.isalpha() or word.endswith("ss"):
        return word
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST_STEM:
            bare = word[: -len(ending)] + instead
            if (
                ending in {"ing", "ed", "er", "ers", "ings", "est"}
                and len(bare) > _LEAST_STEM
                and bare[-1] == bare[-2] not in "lsz"
            ):
                bare = bare[:-1]
            return bare[:-1] if bare.endswith("e") and len(bare) > _LEAST_STEM else bare
    return word


@lru_cache(_REMEMBERED)
def root(key: str) -> str:
    """Return what a word is compared by where its form does not count: "bought" and "buying" are "buy"."""
    found = _SHORT.get(key) or stem(IRREGULAR.get(key, key))
    if found.endswith("er") and len(found) - 2 >= _LEAST_STEM:
        # "answering" has one stem with "answer".
        found = found[:-2]
    # "play" has one form with "playing".
    return found[:-1] + "y" if found[-2:] in _VOWELS_AND_I and key.endswith("y") else found


_SHORT = {"using": "use", "used": "use", "dying": "die", "died": "die", "lying": "lie", "tying": "tie", "tied": "tie"}
"""Forms too short for the stemmer."""
_VOWELS_AND_I = frozenset({"ai", "ei", "oi", "ui"})
