"""Meanings: which words may stand for one another, and which exclude one another. English, by hand, closed lists."""

from __future__ import annotations

from mcp_memory.domain.wording import table, words

SPELLINGS = table(
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

EXCLUSIVE: dict[str, str] = table(
    """
    colour: red blue green yellow purple pink orange black white brown grey gray teal turquoise violet
    colour: cyan magenta beige
    colour: navy
    kin: mother father sister brother son daughter aunt uncle cousin niece nephew wife husband grandmother grandfather
    kin: mum dad mother-in-law father-in-law sister-in-law brother-in-law son-in-law daughter-in-law
    kin: mom grandma grandpa girlfriend boyfriend roommate neighbour boss colleague stepmother stepfather
    kin: mutter vater bruder schwester tochter sohn frau mann mère père frère sœur fille fils femme mari madre padre
    kin: hermana hermano hija hijo esposa marido мать отец сестра брат жена муж дочь сын أخي أختي أبي أمي زوجتي زوجي
    weekday: monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays
    weekday: saturdays
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
    like/dislike like/hate love/hate love/dislike enjoy/hate enjoy/dislike like/loathe prefer/avoid buy/sell
    lend/borrow open/close open/shut open/closed start/stop start/end start/finish start/quit begin/end arrive/leave
    arrive/depart arrive/departure accept/reject accept/decline accept/refuse allow/forbid allow/ban allow/block
    enable/disable increase/decrease raise/lower rise/fall win/lose pass/fail hire/fire join/leave join/quit
    marry/divorce married/divorced married/single single/divorced employed/unemployed indoor/outdoor inside/outside
    upstairs/downstairs early/late earlier/later first/last before/after more/less more/fewer most/least
    minimum/maximum always/never with/without to/from up/down on/off above/below over/under cheap/expensive hot/cold
    warm/cold big/small high/low long/short young/old older/younger taller/shorter bigger/smaller faster/slower
    fast/slow good/bad better/worse best/worst happy/sad happy/unhappy healthy/sick healthy/ill possible/impossible
    able/unable agree/disagree approve/reject approve/deny approve/decline public/private public/internal
    vegetarian/meat vegan/meat sync/async synchronous/asynchronous client/server frontend/backend read/write
    import/export upload/download send/receive give/receive give/get teach/learn push/pull add/remove
    add/delete create/delete install/uninstall upgrade/downgrade success/failure succeed/fail confirm/cancel
    confirm/deny book/cancel subscribe/unsubscribe active/inactive full/empty full-time/part-time full/part left/right
    morning/evening day/night true/false yes/no same/different remember/forget find/lose found/lost safe/dangerous
    legal/illegal wet/dry awake/asleep alive/dead born/die parent/child mother/father son/daughter brother/sister
    husband/wife boss/employee teacher/student landlord/tenant buyer/seller lender/borrower winner/loser owe/lend
    tight/loose strict/loose sweet/sour sweet/savoury positive/negative profit/loss gain/lose income/expense
    credit/debit assets/debts major/minor senior/junior departure/arrival inbound/outbound outbound/return
    oldest/youngest upper/lower tabs/spaces light/dark front/back mild/severe manual/automatic mandatory/optional
    required/optional include/exclude fresh/frozen raw/cooked reserved/cancelled remote/onsite hourly/daily
    paid/unpaid finished/unfinished rich/poor smoker/nonsmoker
"""


def _opposites(text: str) -> dict[str, frozenset[str]]:
    pairs = [tuple(pair.split("/")) for pair in text.split()]
    both = pairs + [(two, one) for one, two in pairs]
    return {word: frozenset(two for one, two in both if one == word) for word, _ in both}


OPPOSITES = _opposites(_OPPOSED)
"""Words that cannot both be true of one thing."""

ALIKE = table(
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
    prefer: prefer preference favourite favorite
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

UNITS = table(
    """
    km: km kilometre kilometer kilometres kilometers kms
    mile: mile miles mi
    m: m metre meter metres meters
    cm: cm centimetre centimeter centimetres centimeters
    mm: mm millimetre millimeter millimetres millimeters
    kg: kg kgs kilo kilos kilogram kilograms
    g: g gram grams gramme grammes
    mg: mg milligram milligrams
    lb: lb lbs
    pound: pound pounds
    oz: oz ounce ounces
    ft: ft feet foot
    inch: inch inches
    l: l litre liter litres liters
    ml: ml millilitre milliliter millilitres milliliters
    h: h hr hrs hour hours
    min: min mins minute minutes
    s: s sec secs seconds
    ms: ms milliseconds
    day: day days
    week: week weeks wk wks
    month: month months
    year: year years yr yrs
    %: % percent
    cent: cent cents
    usd: $ usd dollar dollars
    eur: € eur euro euros
    gbp: £ gbp
    jpy: ¥ jpy yen
    inr: ₹ inr rupee rupees
    krw: ₩ krw won
    rub: ₽ rub rouble roubles ruble rubles
    chf: chf francs
    kb: kb kilobyte kilobytes
    mb: mb megabyte megabytes
    gb: gb gigabyte gigabytes
    tb: tb terabyte terabytes
    km/h: km/h kmh kph
    mph: mph
    kcal: kcal calories
    """
)
"""Units behind a number; nothing is converted."""

ATTITUDES = words("like love enjoy hate dislike want know learn visit see read watch")
"""What somebody does with a thing that they may go on with when they use another one."""
NO_PLACES = words(
    """
    marketing sales engineering finance hr support legal product design research slack teams zoom notion linear jira
    afghan african algerian american arab argentinian asian australian austrian bangladeshi belgian brazilian british
    bulgarian canadian chilean chinese colombian croatian cuban czech danish dutch egyptian english estonian ethiopian
    european finnish french german greek hungarian icelandic indian indonesian iranian iraqi irish israeli italian
    japanese kenyan korean latvian lebanese lithuanian malaysian mexican moroccan nepali nigerian norwegian pakistani
    palestinian persian peruvian polish portuguese romanian russian scottish serbian slovak slovenian spanish swedish
    swiss syrian taiwanese thai tunisian turkish ukrainian venezuelan vietnamese welsh
    """
)
"""Words with a capital letter that name no place, person or firm."""

COUNTRIES = frozenset(
    name.replace("_", " ")
    for name in words(
        """
        afghanistan albania algeria argentina armenia australia austria azerbaijan bangladesh belarus belgium bolivia
        bosnia brazil britain bulgaria cambodia canada chile china colombia croatia cuba cyprus czechia denmark ecuador
        egypt england estonia ethiopia finland france georgia germany ghana greece hungary iceland india indonesia iran
        iraq ireland israel italy japan jordan kazakhstan kenya korea kosovo latvia lebanon lithuania luxembourg
        malaysia malta mexico moldova mongolia morocco nepal netherlands new_zealand nigeria norway pakistan palestine
        peru philippines poland portugal romania russia saudi_arabia scotland senegal serbia singapore slovakia slovenia
        south_africa south_korea spain sweden switzerland syria taiwan tanzania thailand tunisia turkey uganda ukraine
        uk united_kingdom usa united_states america uruguay venezuela vietnam wales europe asia africa scandinavia
        bavaria california texas florida brittany normandy catalonia tuscany sicily provence quebec ontario
        """
    )
)
"""Countries and other places so large that a town lies in them."""
