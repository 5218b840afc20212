"""The word lists that retrieval reads by, all English: words that only hold a sentence together, of time, of number."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

CONTRACTED = _words("s re ve ll d m")
"""What stands behind an English apostrophe and tells nothing."""

STOP_WORDS = _words("""
    a am an and any are arent as at be been being by can cant could couldnt did didnt do does doesnt dont for from had
    hadnt has hasnt have havent he her hers herself him himself his how i if in into is isnt it its itself me mine my
    myself of on or our ours ourselves shall she should shouldnt so than that the their theirs them themselves there
    these they this those to upon us was wasnt we were werent what when where whether which who whom whose why will with
    would wouldnt you your yours yourself yourselves
""")
"""Words that only hold a question together. No others: how common a word is, the index knows better than a list."""

TEMPORAL = _words("""
    yesterday today tonight tomorrow ago week weeks weekend month months year years day days morning afternoon evening
    night last next recently lately earlier soon since until monday tuesday wednesday thursday friday saturday sunday
    january february march april june july august september october november december jan feb mar apr jun jul aug sep
    sept oct nov dec summer winter spring autumn fall christmas easter birthday anniversary decade decades
""")

NUMBERS = _words("""
    one two three four five six seven eight nine ten eleven twelve thirteen fifteen twenty thirty forty fifty hundred
    thousand million once twice thrice couple dozen several few half pair
""")

COUNTED = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "couple": 2, "few": 3, "several": 4,
}  # fmt: skip
"""How many "N weeks ago" means."""

INTERROGATIVE = _words("what who whom whose which where when why how explain define translate calculate")

ENGLISH = INTERROGATIVE | _words("the did does are of")
"""Words by which an English question is known; none of them is common in another language."""

PERSONAL = _words("""
    i im ive id ill me my mine myself we us our ours you your yours user users client customer assistant human remember
    remembered recall memory memories know known talk talked talking discuss discussed mention mentioned tell told say
    said conversation chat session
""")
"""Words of a question about the people of a memory or what they said: one that memory should always try to answer."""

GATHERING = _words("""
    all any anything background basics conventions context current decisions details everything events facts general
    goals guidelines history important info information instructions latest likes dislikes notes overview people
    personal plans preferences preference profile project projects recent rules style summary tasks team things todo
    work
""")
"""Words of a topic under which an agent gathers what there is, before it knows what it needs."""
