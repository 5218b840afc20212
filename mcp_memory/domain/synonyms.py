"""Synonyms: words that may tell the same thing in some sentence, by their stems. English, by hand, closed lists."""

from __future__ import annotations

from collections import defaultdict

from mcp_memory.domain.english import root
from mcp_memory.domain.meanings import ALIKE, SPELLINGS

_SETS = """
    keep/store/save/retain/hold/archive/preserve trip/travel/visit/journey/holiday/vacation/tour/getaway
    say/tell/mention/state/report/note/explain ask/request/want/require/demand give/hand/provide/deliver/supply
    get/obtain/receive/acquire/gain/adopt own/have/possess/keep landlord/landlady/rent/let/lease
    trash/garbage/rubbish/waste/litter/refuse collect/pick/fetch/gather stop/quit/cease/discontinue
    end/finish/complete/conclude/close begin/start/commence/open/launch leave/depart/departure/go
    arrive/arrival/reach/land happen/occur/place/hold/held/take appointment/meeting/visit/see/checkup/consultation
    deadline/due/hand/submit/submission employ/hire/recruit/engage boss/manager/supervisor/report/lead/head
    job/work/profession/occupation/career/role/position employee/worker/staff developer/programmer/engineer/coder
    lawyer/attorney/solicitor professor/lecturer nurse/caregiver/carer teacher/tutor/instructor/coach/trainer
    friend/buddy/pal/mate partner/spouse/husband/wife parent/father/mother sibling/brother/sister
    child/kid/baby/toddler/infant family/household/home relative/relation/kin live/stay/reside/dwell
    flat/apartment/condo room/bedroom/chamber couch/sofa/settee fridge/refrigerator stove/oven/cooker lift/elevator
    garden/yard/backyard cellar/basement closet/wardrobe/cupboard road/street/lane/avenue
    store/shop/supermarket/grocery/groceries meal/food/dish dinner/supper dessert/pudding/sweet/sweets
    soda/soft/drink fries/chips/crisps coriander/cilantro aubergine/eggplant courgette/zucchini prawn/prawns/shrimp
    biscuit/cookie car/vehicle/automobile/auto lorry/truck petrol/gas/gasoline/fuel underground/subway/metro/tube
    plane/airplane/aeroplane/aircraft/flight luggage/baggage/suitcase ticket/fare passport/document trousers/pants
    glasses/spectacles contacts/lenses jumper/sweater/pullover trainers/sneakers
    medicine/medication/drug/pill/tablet injury/hurt/wound/injure break/broke/fracture pain/ache/hurt/sore
    illness/disease/condition/sickness operation/surgery/procedure/operate cure/heal/treat/treatment/therapy
    vaccine/vaccination/shot/jab/vaccinate pregnant/expecting hospital/clinic exercise/workout/train/training/gym
    run/jog/running/jogging walk/stroll/hike bike/bicycle/cycle/cycling weak/poor tired/exhausted angry/mad/upset
    sad/unhappy/depressed happy/glad/pleased anxious/nervous/worried afraid/scared/fear/frightened/terrified/phobia
    funny/amusing smart/clever/intelligent/bright hard/difficult/tough/challenging easy/simple/straightforward
    quick/fast/rapid/speedy quiet/silent/calm loud/noisy nice/pleasant/lovely strange/odd/weird beautiful/pretty
    big/large/huge/great small/little/tiny brief/short/concise/succinct/terse long/lengthy/detailed
    wrong/incorrect/mistaken correct/right/accurate important/crucial/essential/vital/key
    favourite/favorite/prefer/best/love enjoy/like/love/fond/keen dislike/hate/detest/loathe choose/pick/select/opt
    want/wish/desire/like think/believe/feel/consider know/aware learn/study remember/recall show/display/present
    watch/view/see look/search/seek/hunt find/discover/locate try/attempt/test help/assist/support/aid
    fix/repair/mend/solve/resolve change/modify/alter/adjust move/shift/relocate/transfer increase/raise/rise/grow
    decrease/reduce/lower/drop/cut remove/delete/drop/erase/uninstall add/include/insert/append
    make/create/build/produce write/compose/draft/author send/mail/ship/post call/phone/ring/telephone
    text/message/texting chat/talk/speak/conversation meet/gather/assemble answer/reply/response/respond
    question/query allow/permit/let forbid/ban/prohibit avoid/skip need/require/must use/utilise/utilize/employ/run
    run/execute/launch/start install/setup/set config/configuration/settings/setup/conf repo/repository/codebase
    database/db env/environment auth/authentication/login doc/docs/documentation app/application
    dir/directory/folder param/parameter/argument func/function/method var/variable dev/developer/development
    prod/production admin/administrator info/information/details message/notification/alert version/release
    server/host/machine bug/error/defect/issue/fault crash/fail/break/failure merge/integrate commit/push/check
    deploy/release/ship/rollout/deployment format/style/layout password/passcode/passphrase
    laptop/notebook/computer/pc mobile/phone/smartphone/cell screen/monitor/display disk/drive/storage
    picture/photo/image/photograph film/movie song/track/tune series/show newspaper/paper/news
    holiday/vacation/leave money/cash/funds salary/wage/pay/income/earn cost/price/fee/charge rent/lease/let
    save/put/aside spend/pay buy/purchase loan/mortgage/debt/credit bank/account share/stock
    company/firm/business/employer client/customer team/group/crew/squad project/initiative task/todo/chore
    plan/intend/schedule/arrange aim/goal/target/objective/want/plan school/college/university pupil/student
    exam/test/examination mark/grade/score essay/paper/thesis/assignment lesson/class/course fail/flunk pass/succeed
    graduate/graduation/finish/degree marry/wedding/wed/spouse divorce/separate/split born/birthday/birth
    die/death/dead/late bring/take/carry raise/bring/grow/rear yearly/annual/annually/year daily/everyday/day
    weekly/week monthly/month usual/normal/typical/general often/frequent/regular
    approximately/around/roughly/nearly near/nearby/close far/distant abroad/overseas noon/midday last/previous/past
    rude/impolite cheap/inexpensive/affordable expensive/costly/pricey rich/wealthy gift/present
    hobby/pastime/interest sport/sports/exercise soccer/football dog/puppy/hound cat/kitten pet/animal feed/food
    sleep/asleep/rest wake/awake/rise drink/beverage/sip smoke/cigarette/cigarettes/smoker sick/ill/unwell
    doctor/physician/gp/dr eye/eyesight/vision/optician tooth/dentist/dental hair/haircut/barber christmas/xmas
    clean/tidy/wash broken/faulty/defective start/beginning handle/username/nickname title/name address/street
    country/nation city/town outside/outdoors inside/indoors direct/straight full/complete/whole/entire/total
    birthday/bday early/soon
"""


def _senses() -> dict[str, frozenset[int]]:
    sets: dict[str, set[str]] = defaultdict(set)
    for form, head in ALIKE.items():
        sets[head].update((form, head))
    found: dict[str, set[int]] = defaultdict(set)
    for number, forms in enumerate([*sets.values(), *(row.split("/") for row in _SETS.split())]):
        for form in forms:
            found[root(SPELLINGS.get(form, form))].add(number)
    for form, head in ALIKE.items():
        # Texts are compared by the heads.
        found[root(head)] |= found[root(form)]
    return {stem: frozenset(numbers) for stem, numbers in found.items()}


SENSES = _senses()
"""The sets in which a stem stands. Words of one set may tell the same: good for a hint, never for a merge."""


def may_mean_the_same(one: str, other: str) -> bool:
    """Say whether two stems have a sense in common."""
    return not SENSES.get(one, _NONE).isdisjoint(SENSES.get(other, _NONE))


_NONE: frozenset[int] = frozenset()
