"""Wording: the closed lists by which two texts are compared. English, with the negations of some other languages."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


def table(text: str) -> dict[str, str]:
    """Return the heads of the lines "head: form form" by their forms."""
    rows = (line.split(": ", 1) for line in text.strip().splitlines())
    return {form: head.strip() for head, forms in rows for form in forms.split()}


ARTICLES = words("a an the")

BE = words("am is are be")
WAS = words("was were")

PREPOSITIONS = words(
    """
    in at on from to for with by as during since until before after via near under over through into onto about against
    without within between behind beside towards toward across around per
    """
)

NEGATIONS = words(
    """
    not no never none nobody nothing neither nor nowhere without cannot hardly barely rarely seldom no_longer non
    nicht kein keine keinen keinem keiner keines nie niemals ohne kaum
    pas jamais aucun aucune sans ni nunca ningún ninguna ningun sin jamás tampoco nem não sem mai senza nessun nessuna
    niet geen nooit zonder inte aldrig ikke aldri utan
    не нет никогда без ни нельзя لا ليس ليست لم لن بدون غير
    """
)
"""Each of these turns what is said; one more or one less is another statement."""

NEGATIONS_WITHIN = (
    "ない",
    "ません",
    "なかった",
    "なく",
    "ずに",
    "没",
    "不",
    "無",
    "无",
    "않",
    "못",
    "없",
    "안 ",
    "아니",
)
"""Of languages that part no words, or glue the negation to the verb."""

SPEAKERS = words("i user we")
FIRST_PERSON = words("i me my mine myself we us our ours")
SINGLE_VERBS = words("weigh earn cost costs drive")
"""Verbs of which a thing has one object at a time, as far as people tell."""
BOUND_VERBS = {"live": {"in", "at"}, "work": {"at", "as"}, "study": {"at"}, "report": {"to"}, "wake": {"at"}}
"""Of these the object is single behind just these prepositions."""
SINGLE_THINGS = words(
    """
    password deadline port version name address number email salary rent price budget capital branch standup age
    username nickname handle title employer bank landlord landlady dentist doctor manager boss supervisor
    timezone currency locale weight height limit timeout rate size provider editor shell airport surname party
    meeting appointment release
    """
)
"""Things that have one value at a time, whosever they are."""
MULTIPLE = words(
    """
    friend friends brother brothers sister sisters son sons daughter daughters child children cousin cousins uncle aunt
    hobby hobbies pet pets language languages skill skills goal goals colleague colleagues allergy allergies interest
    interests habit habits one some another other book books song film films movie movies game games plan plans rule
    rules trip trips task tasks issue issues problem problems bug bugs example reason part feature features ingredient
    """
)
"""Things of which somebody may have several: another one does not end the first."""
PRONOUNS = words("he she they it")
POSSESSIVES = words("my our his her their its your 's mine")

VERBS = words(
    """
    accept add adopt agree allow answer appear apply arrive ask attend avoid bake become begin believe belong bike book
    borrow break bring build buy call carry celebrate change charge check choose clean climb close code collect come
    commute contain continue cook cost create cut cycle dance date decide deliver depend deploy design develop die
    dislike do drink drive earn eat employ end enjoy expect expire explain fear feel feed finish fit fix fly follow
    forget
    freelance get give go grow handle happen hate have hear help hike hold hope host hurt include intend invest invite
    join keep know last lead learn leave lend let like listen live look lose love maintain make manage marry mean meet
    mention mentor migrate miss move need notice offer open order organize own paint park participate pay perform phone
    plan play practice practise prefer prepare produce promise provide publish pull push put read receive recommend
    refer
    relocate remember rent repair replace report reply require reside respond return ride rise run save say see seem
    sell
    send serve share show sing sit skip sleep smoke speak specialize spend spell stand start stay stop store study
    suffer
    suggest support swim switch take talk teach tell think track train travel treat try turn type understand upgrade use
    visit wait wake walk want wash watch weigh wear win wish work worry write
    """
)
"""Common verbs: "she works" and "I work" differ in the person alone. The plural of a noun counts."""

UNCHANGING = words("beat bet bid burst cast cost cut fit forecast hit hurt let put quit read set shut split spread wed")
"""Verbs of which the past looks like the present: "she puts" is now, "she put" was then."""

AGREEING: dict[str, str] = {
    **{verb + "s": verb for verb in VERBS - UNCHANGING},
    **{verb + "es": verb for verb in VERBS if verb.endswith(("s", "x", "ch", "sh", "o"))},
    **{verb[:-1] + "ies": verb for verb in VERBS if verb.endswith("y") and verb[-2] not in "aeou"},
    "has": "have",
    "goes": "go",
    "does": "do",
}

CONTRACTIONS: dict[str, tuple[str, ...]] = {
    "can't": ("can", "not"), "cannot": ("can", "not"), "won't": ("will", "not"), "shan't": ("will", "not"),
    "i'm": ("i", "be"), "let's": ("let", "us"), "gonna": ("going", "to"), "wanna": ("want", "to"),
    "gotta": ("have", "to"), "dont": ("do", "not"), "doesnt": ("do", "not"), "didnt": ("did", "not"),
    "isnt": ("be", "not"), "arent": ("be", "not"), "wasnt": ("was", "not"), "werent": ("was", "not"),
    "cant": ("can", "not"), "wont": ("will", "not"), "couldnt": ("could", "not"), "shouldnt": ("should", "not"),
    "wouldnt": ("would", "not"), "hasnt": ("have", "not"), "havent": ("have", "not"), "hadnt": ("had", "not"),
    "im": ("i", "be"), "ive": ("i", "have"),
}  # fmt: skip
ENDINGS = {"n't": "not", "'re": "be", "'m": "be", "'ve": "have", "'ll": "will", "'d": "'d"}
IS_AFTER = words("he she it that there what who where here how this everything everyone")
"""Behind these, "'s" is a verb: "she's at home"."""
IS_BEFORE = words(
    """
    a an the not now still always never very at in on from allergic vegan vegetarian pregnant married single divorced
    retired afraid scared left-handed diabetic going moving living working studying learning planning training looking
    getting
    """
)
"""Before these, "'s" is a verb: "Ann's at home"; else it tells whose: "Ann's home"."""

NOW = words("now currently presently nowadays")
WEIGHTLESS = words("please also itself")
"""Words that may be there or not, and the statement is the same."""
RELATIVE = words(
    """
    today tonight yesterday tomorrow ago recently lately soon
    """
)
"""Words that mean another day on another day."""
POINTING = words("last next this past coming previous")
SPANS = words(
    """
    week month year weekend night morning evening afternoon summer winter spring autumn quarter monday tuesday wednesday
    thursday friday saturday sunday january february march april may june july august september october november
    december
    """
)
"""Behind a pointing word these are another day on another day: "last week"."""

MODES: dict[str, str] = table(
    """
    plan: plan plans planned planning intend intends intended going hoping hope hopes aim aims considering consider
    plan: considers thinking want wants wanted wish wishes wished dream dreams dreaming might'll gonna would'd
    plan: upcoming soon
    maybe: may might maybe perhaps possibly probably likely unlikely suspect seems seem seemed apparently supposedly
    maybe: guess guesses
    maybe: suspects suspect unsure believes believe thinks assume assumes presumably allegedly rumoured rumored could
    if: if unless whether would 'd supposing hypothetically otherwise wondering
    past: was were had used former formerly previously ex did once ago
    must: must should ought needs need required mandatory
    only: only solely exclusively just merely except unless
    all: all every everyone everything always each entire whole both
    some: some sometimes occasionally few several partly partially half part many
    most: most mostly usually often generally typically majority
    least: least minimum
    most_: maximum
    will: will shall
    more: more over above exceeding
    less: less fewer under below
    before: before until till prior
    after: after following
    almost: almost nearly
    """
)
"""In what way a thing is said: a plan is no fact, a guess is not sure, some are not all."""

ATTACHING = words(
    """
    plan plans planned promise promised decide decided invite invited book booked order ordered agree agreed ask asked
    tell told remind reminded schedule scheduled want wanted hope hoped expect expected announce announced propose
    proposed offer offered arrange arranged reserve reserved say said write wrote mention mentioned
    report reported think
    thought believe believed know knew hear heard learn learned learnt see saw remember promise refuse refused try tried
    forget forgot need start began begin stop stopped send sent buy bought
    """
)
"""With one of these a day may belong to what is done, or to what is told, planned or bought."""

TURNING = words(
    """
    now anymore joined quit left leave sold cancelled ended moved relocated became become switched changed replaced
    renamed migrated instead stopped divorced separated died returned closed lost raised increased
    reduced lowered updated
    upgraded postponed rescheduled extended finished dropped gave grew broke dumped retired resigned fired hired
    promoted
    got found bought again back new longer expired revoked deprecated removed abandoned withdrew
    recovered healed cured reverted corrected fixed stepped postpone cancel stop quit divorce resign retire slipped cut
    jetzt inzwischen mehr umgezogen gewechselt maintenant désormais déménagé plus arrêté ahora ya mudé mudado cambió
    agora
    mudou adesso ora trasferito теперь больше переехал переехала сейчас الآن انتقلت انتقل
    """
)
"""Words by which people say that something is no longer as it was."""
NAMING = words("left leave back")
"""Behind an article or a possessive these are no turn: "her left wrist", "parental leave", "the back door"."""
TURNING_PAIRS = frozenset(
    pair
    for verb, particles in {
        "passed": "away", "called": "off", "call": "off", "taken": "off over down", "took": "off over down",
        "handed": "in over", "paid": "off", "split": "up", "let": "go", "laid": "off", "phased": "out", "shut": "down",
        "ran": "out", "wore": "off", "came": "back home", "come": "back home", "given": "up",
    }.items()
    for pair in ((verb, particle) for particle in particles.split())
)  # fmt: skip
"""Verbs that tell of an end or of a turn with these words behind them alone."""
BEGINNING = words(
    """
    adopted agreed applied arranged became began booked borrowed bought decided employed enrolled founded got hired
    installed invited joined leased lent lost married met moved opened ordered planted promised put rented reserved
    scheduled set signed started subscribed switched took
    """
)
"""What somebody did to begin something that may end later."""
COMPLETED = words(
    """
    accepted approved arrived born bought built completed declined delivered denied done finished graduated granted
    issued landed merged paid passed published rejected resolved settled shipped signed solved submitted
    """
)
"""Words by which people say that what was under way is done."""
PENDING = words("await awaiting draft due expecting open outstanding pending review unpaid waiting yet")
"""Words by which people say that something is under way."""
TAKING_BACK = (
    TURNING
    | NEGATIONS
    | MODES.keys()
    | words("kidding joking joke wrong mistake false lie lied mistaken untrue but however though although , : ? except")
)
"""Words by which a further sentence may take back what another one says."""
TURNING_WITHIN = ("今は", "もう", "引っ越", "やめ", "現在", "现在", "不再", "搬", "이제", "이사", "지금은")

MANNER = frozenset({"plan", "maybe", "if", "past", "must"})

FUNCTION_WORDS = (
    ARTICLES
    | BE
    | WAS
    | PREPOSITIONS
    | SPEAKERS
    | PRONOUNS
    | POSSESSIVES
    | NOW
    | WEIGHTLESS
    | words(
        """
        me us him them you yours hers theirs ours myself himself herself themselves yourself this that these those there
        and or but nor so if then than of do does did done be been being have has had having will would shall should can
        could may might must who whom whose which what when where why how all any some each every both either not no too
        very really quite just only also more most much many few less least such own same other another one up out off
        again once while because although though whereas however whether until till since yes let get got 's 'd ? : -
        """
    )
)
"""Words that hold a sentence together."""

COMPLEX = words(
    "and but while whereas because although though which who whom whose that if when where so unless than or"
)
"""A sentence with one of these is more than one statement: nothing in it is moved."""

FOCUS = NEGATIONS | words("only just even except all every most some both each more less almost nearly respectively")
"""What stands behind such a word matters: nothing around it is moved."""

FOREIGN = words(
    """
    der das und ist nicht ich mit für auf ein eine einen einem einer mein meine sein seine ihr ihre wir sie er zu zum
    zur
    von vom bei hat habe wird wurde oder aber auch nach über kein keine den dem sind im am ans jeden jetzt nur
    le la les est et je tu il elle nous vous une des du de dans pour sur avec mon ma mes son sa ses ne pas plus au aux
    qui que sont été chez très aime habite
    el los las es y un una con por para en mi su sus no ya muy se lo del al está son pero también vive
    di che è gli il per con una sono non della nel mio mia ha
    em um uma não o os as do da dos das na no meu minha seu sua é foi com mora
    het een en niet ik van zijn haar mijn met voor op heeft
    och är inte jag det den som en ett på med har av til ikke og jeg er på bor
    jest nie się w z na i mam ma moja mój jego
    """
) - words("in on a an is are at do no me my so as has was man die son ma mes sales on o i as her hers met per plus")
"""Words by which a text in Latin letters is known not to be English."""
KNOWN = (
    ARTICLES
    | BE
    | WAS
    | words(
        "and of to in my has have with for on at i user not he she they by from his her their our does will likes wants"
    )
)
"""Words by which an English text is known."""
