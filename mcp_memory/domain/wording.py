"""Wording: the closed lists by which two texts are compared. English, with the negations of some other languages."""

from __future__ import annotations


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _table(text: str) -> dict[str, str]:
    """Return a table from lines "word: other forms"."""
    rows = (line.partition(":") for line in text.strip().splitlines())
    return {form: head.strip() for head, _, forms in rows for form in forms.split()}


ARTICLES = _set("a an the")

BE = _set("am is are be")
WAS = _set("was were")

PREPOSITIONS = _set(
    """
    in at on from to for with by as during since until before after via near under over through into onto about against
    without within between behind beside towards toward across around per
    """
)

NEGATIONS = _set(
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

SPEAKERS = _set("i user we")
FIRST_PERSON = _set("i me my mine myself we us our ours")
SINGLE_VERBS = _set("live work prefer weigh earn cost report wake drive study")
"""Verbs of which a thing has one object at a time, as far as people tell."""
BOUND_VERBS = {"live": {"in", "at"}, "work": {"at", "as"}, "study": {"at"}, "report": {"to"}, "wake": {"at"}}
"""Of these the object is single behind just these prepositions."""
SINGLE_THINGS = _set(
    """
    password deadline port version name address number email phone salary rent price budget capital colour size status
    branch standup birthday age username handle title role team employer bank landlord dentist timezone currency locale
    weight height limit timeout
    """
)
"""Things that have one value at a time, whosever they are."""
MULTIPLE = _set(
    """
    friend friends brother brothers sister sisters son sons daughter daughters child children cousin cousins uncle aunt
    hobby hobbies pet pets language languages skill skills goal goals colleague colleagues allergy allergies interest
    interests habit habits one some another other book books song film films movie movies game games plan plans rule
    rules trip trips task tasks issue issues problem problems bug bugs example reason part feature features ingredient
    """
)
"""Things of which somebody may have several: another one does not end the first."""
PRONOUNS = _set("he she they it")
POSSESSIVES = _set("my our his her their its your 's mine")

VERBS = _set(
    """
    accept add adopt agree allow answer appear apply arrive ask attend avoid bake become begin believe belong bike book
    borrow break bring build buy call carry celebrate change charge check choose clean climb close code collect come
    commute contain continue cook cost create cut cycle dance date decide deliver depend deploy design develop die
    dislike do drink drive earn eat employ end enjoy expect expire explain fear feel feed finish fit fix fly follow forget
    freelance get give go grow handle happen hate have hear help hike hold hope host hurt include intend invest invite
    join keep know last lead learn leave lend let like listen live look lose love maintain make manage marry mean meet
    mention mentor migrate miss move need notice offer open order organize own paint park participate pay perform phone
    plan play practice practise prefer prepare produce promise provide publish pull push put read receive recommend refer
    relocate remember rent repair replace report reply require reside respond return ride rise run save say see seem sell
    send serve share show sing sit skip sleep smoke speak specialize spend spell stand start stay stop store study suffer
    suggest support swim switch take talk teach tell think track train travel treat try turn type understand upgrade use
    visit wait wake walk want wash watch weigh wear win wish work worry write
    """
)
"""Common verbs: "she works" and "I work" differ in the person alone. The plural of a noun counts."""

AGREEING: dict[str, str] = {
    **{verb + "s": verb for verb in VERBS},
    **{verb + "es": verb for verb in VERBS if verb.endswith(("s", "x", "ch", "sh", "o"))},
    **{verb[:-1] + "ies": verb for verb in VERBS if verb.endswith("y") and verb[-2] not in "aeou"},
    "has": "have",
    "goes": "go",
    "does": "do",
}

SPELLINGS = _table(
    """
    favorite: favourite
    color: colour
    neighbor: neighbour
    neighbors: neighbours
    neighborhood: neighbourhood
    behavior: behaviour
    flavor: flavour
    honor: honour
    labor: labour
    harbor: harbour
    humor: humour
    center: centre
    theater: theatre
    liter: litre
    gray: grey
    organize: organise
    organizes: organises
    organized: organised
    organizing: organising
    realize: realise
    realized: realised
    recognize: recognise
    specialize: specialise specialises specializes
    specialized: specialised
    optimize: optimise
    analyze: analyse
    apologize: apologise
    traveling: travelling
    traveled: travelled
    canceled: cancelled
    license: licence
    jewelry: jewellery
    pajamas: pyjamas
    tire: tyre
    tires: tyres
    practice: practise
    aluminum: aluminium
    mom: mum mommy mummy mother
    dad: daddy father
    grandma: grandmother granny
    grandpa: grandfather
    kid: child
    kids: children
    tv: television telly
    bicycle: bike
    phone: telephone
    movie: film
    movies: films
    ok: okay
    until: till
    vs: versus
    everybody: everyone
    somebody: someone
    anybody: anyone
    approximately: roughly circa approx
    buy: purchase
    bought: purchased
    live: reside
    afraid: scared
    start: begin
    started: began begun
    learned: learnt
    dreamed: dreamt
    burned: burnt
    spelled: spelt
    spoiled: spoilt
    doctor: physician
    photo: photograph
    photos: photographs
    math: maths
    big: large
    automobile: car
    """
)
"""Two spellings, or two words for one thing: safe to take for one another in every sentence."""

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
IS_AFTER = _set("he she it that there what who where here how this everything everyone")
"""Behind these, "'s" is a verb: "she's at home"."""
IS_BEFORE = _set(
    """
    a an the not now still always never very at in on from allergic vegan vegetarian pregnant married single divorced
    retired afraid scared left-handed diabetic going moving living working studying learning planning training looking
    getting
    """
)
"""Before these, "'s" is a verb: "Ann's at home"; else it tells whose: "Ann's home"."""

NOW = _set("now currently presently nowadays")
WEIGHTLESS = _set("please also itself")
"""Words that may be there or not, and the statement is the same."""
RELATIVE = _set(
    """
    today tonight yesterday tomorrow ago recently lately soon
    """
)
"""Words that mean another day on another day."""
POINTING = _set("last next this past coming previous")
SPANS = _set(
    """
    week month year weekend night morning evening afternoon summer winter spring autumn quarter monday tuesday wednesday
    thursday friday saturday sunday january february march april may june july august september october november december
    """
)
"""Behind a pointing word these are another day on another day: "last week"."""

MODES: dict[str, str] = _table(
    """
    plan: plan plans planned planning intend intends intended going hoping hope hopes aim aims considering consider
    plan: considers thinking want wants wanted wish wishes wished dream dreams dreaming might'll gonna would'd upcoming soon
    maybe: may might maybe perhaps possibly probably likely unlikely suspect seems seem seemed apparently supposedly guess guesses
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

TURNING = _set(
    """
    now anymore quit left leave sold cancelled ended moved relocated became become switched changed replaced renamed
    migrated instead stopped divorced separated died returned closed lost raised increased reduced lowered updated
    upgraded postponed rescheduled extended finished dropped gave grew broke dumped retired resigned fired hired promoted
    got found bought again back new longer expired revoked deprecated removed abandoned withdrew
    recovered healed cured reverted corrected fixed stepped
    jetzt inzwischen mehr umgezogen gewechselt maintenant désormais déménagé plus arrêté ahora ya mudé mudado cambió agora
    mudou adesso ora trasferito теперь больше переехал переехала сейчас الآن انتقلت انتقل
    """
)
"""Words by which people say that something is no longer as it was."""
TURNING_WITHIN = ("今は", "もう", "引っ越", "やめ", "現在", "现在", "不再", "搬", "이제", "이사", "지금은")

MANNER = frozenset({"plan", "maybe", "if", "past", "must"})

EXCLUSIVE: dict[str, str] = _table(
    """
    colour: red blue green yellow purple pink orange black white brown grey teal turquoise violet cyan magenta beige navy
    kin: mother father sister brother son daughter aunt uncle cousin niece nephew wife husband grandmother grandfather mum dad
    kin: mom grandma grandpa girlfriend boyfriend roommate neighbour boss colleague stepmother stepfather
    kin: mutter vater bruder schwester tochter sohn frau mann mère père frère sœur fille fils femme mari madre padre
    kin: hermana hermano hija hijo esposa marido мать отец сестра брат жена муж дочь сын أخي أختي أبي أمي زوجتي زوجي
    weekday: monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays saturdays
    weekday: sundays weekday weekdays weekend weekends
    month: january february march april june july august september october november december
    season: spring summer autumn winter
    daytime: morning afternoon evening night mornings evenings nights afternoons midday
    meal: breakfast lunch dinner supper brunch
    side: left right
    heading: north south east west northern southern eastern western
    size: small large medium tiny huge
    animal: dog cat rabbit hamster parrot horse fish turtle dogs cats puppy kitten
    hot: coffee tea cocoa
    milk: milk oat soy almond
    room: kitchen bathroom bedroom garage garden attic basement balcony cellar hallway office
    often: daily weekly monthly yearly annually hourly quarterly biweekly
    degree: bachelor master phd doctorate
    grade: junior senior principal intern
    stage: development staging production test
    rank: first last
    theme: dark light
    seat: window aisle
    way: north south
    meat: beef pork chicken lamb fish
    flour: wheat rye
    instrument: guitar piano violin drums cello flute
    sport: football tennis basketball volleyball hockey swimming running cycling golf rugby
    lunar: am pm
    body: knee ankle wrist shoulder elbow hip back
    """
)
"""Words of one family of which a thing is one alone: another word is another fact."""

_OPPOSED = """
    like dislike|like hate|love hate|love dislike|enjoy hate|enjoy dislike|like loathe|prefer avoid|buy sell|lend borrow
    open close|open shut|open closed|start stop|start end|start finish|start quit|begin end|arrive leave|arrive depart
    arrive departure|accept reject|accept decline|accept refuse|allow forbid|allow ban|allow block|enable disable
    increase decrease|raise lower|rise fall|win lose|pass fail|hire fire|join leave|join quit|marry divorce
    married divorced|married single|single divorced|employed unemployed|indoor outdoor|inside outside|upstairs downstairs
    early late|earlier later|first last|before after|more less|more fewer|most least|minimum maximum|always never
    with without|to from|up down|on off|above below|over under|cheap expensive|hot cold|warm cold|big small|high low
    long short|young old|older younger|taller shorter|bigger smaller|faster slower|fast slow|good bad|better worse
    best worst|happy sad|happy unhappy|healthy sick|healthy ill|possible impossible|able unable|agree disagree
    approve reject|approve deny|approve decline|public private|public internal|vegetarian meat|vegan meat|sync async
    synchronous asynchronous|client server|frontend backend|read write|import export|upload download|send receive
    give receive|give get|teach learn|ask answer|push pull|add remove|add delete|create delete|install uninstall
    upgrade downgrade|success failure|succeed fail|confirm cancel|confirm deny|book cancel|subscribe unsubscribe
    active inactive|full empty|full-time part-time|full part|left right|morning evening|day night|true false|yes no
    same different|remember forget|find lose|found lost|safe dangerous|legal illegal|wet dry|awake asleep|alive dead
    born die|parent child|mother father|son daughter|brother sister|husband wife|boss employee|teacher student
    landlord tenant|buyer seller|lender borrower|winner loser|owe lend|tight loose|strict loose|sweet sour|sweet savoury
    positive negative|profit loss|gain lose|income expense|credit debit|assets debts|major minor|senior junior
    departure arrival|inbound outbound|outbound return|oldest youngest|upper lower|tabs spaces|light dark|front back
    mild severe|manual automatic|mandatory optional|required optional|include exclude|fresh frozen|raw cooked
    reserved cancelled|remote onsite|hourly daily|paid unpaid|finished unfinished|rich poor|smoker nonsmoker
"""


def _opposites(text: str) -> dict[str, frozenset[str]]:
    pairs = [tuple(pair.split()) for line in text.strip().splitlines() for pair in line.strip().split("|")]
    both = pairs + [(two, one) for one, two in pairs]
    return {word: frozenset(two for one, two in both if one == word) for word, _ in both}


OPPOSITES = _opposites(_OPPOSED)
"""Words that cannot both be true of one thing."""

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
    | _set(
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

COMPLEX = _set(
    "and but while whereas because although though which who whom whose that if when where so unless than or"
)
"""A sentence with one of these is more than one statement: nothing in it is moved."""

FOCUS = NEGATIONS | _set("only just even except all every most some both each more less almost nearly respectively")
"""What stands behind such a word matters: nothing around it is moved."""

FOREIGN = _set(
    """
    der das und ist nicht ich mit für auf ein eine einen einem einer mein meine sein seine ihr ihre wir sie er zu zum zur
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
) - _set("in on a an is are at do no me my so as has was man die son ma mes sales on o i as her hers met per plus")
"""Words by which a text in Latin letters is known not to be English."""
KNOWN = (
    ARTICLES
    | BE
    | WAS
    | _set(
        "and of to in my has have with for on at i user not he she they by from his her their our does will likes wants"
    )
)
"""Words by which an English text is known."""

ALIKE = _table(
    """
    live: live reside dwell residence settle inhabit located based
    work: work employ job employer occupation profession
    buy: buy purchase get acquire order
    child: child kid children
    love: love adore fond enjoy like favour keen fan passionate
    hate: hate dislike loathe detest
    allergic: allergic allergy allergies reaction
    begin: begin start commence
    end: end finish conclude
    talk: talk speak chat converse
    travel: travel trip journey fly flight
    meet: meet meeting appointment
    use: use utilise utilize employ rely
    repair: repair fix mend
    ill: ill sick unwell illness
    car: car automobile vehicle
    house: house home
    flat: flat apartment
    name: name call
    prefer: prefer preference favourite
    doctor: doctor physician gp
    boss: boss manager supervisor manage
    weigh: weigh weight
    age: age old
    cost: cost price pay fee
    earn: earn salary wage make income
    lead: lead head run leader
    teach: teach teacher instructor
    write: write author
    build: build construct develop
    mail: email mail
    mobile: phone mobile cell cellphone telephone number
    own: own have possess belong
    born: born birthday birth
    marry: marry married wedding husband spouse
    study: study studying student learn degree
    movie: movie film
    afraid: afraid fear scared phobia terrified
    every: daily everyday
    deadline: deadline due
    deploy: deploy deployment release ship
    test: test testing
    holiday: holiday vacation trip
    big: big large
    small: small little tiny
    visit: visit see
    run: run jog
    show: show display
    receive: receive get
    need: need require
    money: money cash
    contain: contain include
    renew: renew renewal
    expire: expire expiry
    diagnose: diagnose diagnosis
    graduate: graduate graduation
    move: move relocate
    adopt: adopt adoption
    fall: fall autumn
    annual: annual yearly year annually
    lift: lift elevator
    boat: boat ship ferry
    sick: sick seasick ill
    answer: answer reply response respond
    short: short concise brief
    keep: keep retain store save
    commit: commit push
    siblings: sibling brother sister
    film: film movie
    dentist: dentist dental
    parent: parent
    bike: bike bicycle cycle cycling
    cook: cook cooking
    job: job position role post title
    company: company firm business
    member: member membership
    code: code coding program
    error: error bug failure
    happen: happen occur take
    rubbish: rubbish trash garbage bin
    shop: shop store
    team: team group
    weekly: weekly week
    monthly: monthly month
    daily: daily day
    large: large big huge
    fast: fast quick
    glad: glad happy pleased
    rent: rent lease
    subscribe: subscribe subscription
    register: register registration sign
    engage: engage engagement fiance fiancee
    retire: retire retirement pension
    invest: invest investment
    insure: insure insurance
    pay: pay payment
    borrow: borrow loan
    swim: swim swimming
    sing: sing singer
    paint: paint painter painting
    play: play player
    drive: drive driver
    program_: programmer developer coder
    nurse: nurse nursing
    engineer: engineer engineering
    smoke: smoke smoker smoking
    eat: eat food diet
    sleep: sleep asleep
    cat: cat kitten
    dog: dog puppy
    attend: attend visit go
    plan: plan intend
    want: want wish
    help: help assist support
    show: show display
    remove: remove delete
    choose: choose pick select
    make: make create produce
    try: try attempt
    problem: problem issue trouble
    important: important crucial key
    usual: usual normal typical
    whole: whole entire
    near: near close
    abroad: abroad overseas
    """
)
"""Words that may tell the same thing, depending on the sentence: good for a hint, never for a merge."""
