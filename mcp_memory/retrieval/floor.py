"""The floor: whether a memory has anything to do with a question, before it is compared with other memories.

Set by hand on the texts of ``benchmarks/text`` with all-MiniLM-L6-v2: of English questions that a small store cannot
answer, 95 % stay under a cosine of 0.22 with all its memories and 99 % under 0.28; of paraphrased questions that it can
answer, 95 % have one above 0.3. A model whose cosines are all high refuses nothing, which is the safer mistake.
"""

from __future__ import annotations

import numpy as np

from mcp_memory.ports.memories import Candidates
from mcp_memory.retrieval.fusion import Column
from mcp_memory.retrieval.questions import Question

LEAST_COSINE = 0.23
"""Between the two distributions, nearer to the unrelated one: a wrong "nothing" costs more than a weak hit."""
STEEPNESS = 10.0
"""Units of score in a cosine of 1: a cosine of 0.45, sure to be related, scores 0.88."""
FOUND_BY_WORDS = 1.0
"""Where only words are compared, what shares a telling word with the question has to do with it."""
TELLING_MATCH = 2.0
"""BM25, shared out among the words of the question, that makes up for a cosine lower by 0.1."""
_MOST_BY_WORDS = 2.0
"""Words alone do not lift an unrelated text over the floor: a homonym is no answer."""


def evidence(question: Question, found: Candidates) -> Column:
    """Return for each candidate how far it lies over (or, negative, under) the floor, in units of the score."""
    lexical = found.lexical.astype(np.float64)
    words = len(question.terms)
    shared = (lexical / (max(words, 1) * TELLING_MATCH)).clip(0, _MOST_BY_WORDS)
    cosine = 1.0 - found.distance.astype(np.float64)
    by_meaning = STEEPNESS * (cosine - LEAST_COSINE) + shared
    by_words = np.where(lexical > 0, FOUND_BY_WORDS, -FOUND_BY_WORDS) + shared
    proof: Column = np.where(np.isfinite(cosine), by_meaning, by_words)
    if words == 1:
        # The one word that was asked for is there: an id, a name, a code word that no embedder has seen.
        proof = np.where(lexical > 0, np.maximum(proof, FOUND_BY_WORDS), proof)
    return proof


def surest(question: Question, proof: Column) -> float:
    """Return the evidence of the best row; only a question about the world at large may stay under the floor.

    "User preferences" or "what do you know about me" resemble no single memory, and still ask for all of them.
    """
    best = float(proof.max(initial=-STEEPNESS))
    return best if question.of_the_world or not len(proof) else max(best, 0.0)
