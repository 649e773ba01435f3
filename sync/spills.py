"""What in a note about the man might tell where somebody else is: places, schools, telephone numbers, days and times (docs/spec.md §5.9).
Corpus: tests/spec/corpus/spills.txt.

Pure, a hint and no proof: it finds what has a form. It keeps nobody from signing, and what it finds is shown and stored nowhere.
"""

import re
from typing import Final, NamedTuple

from sync.wording import DAYS, MONTHS, PERSONS, RULES, Rule, spans

_CAPITAL: Final = r"[A-Z][\w'’]+"
_NAMED: Final = rf"{_CAPITAL}(?:\s+(?:upon|on|the|of|and|le)(?=\s+[A-Z])|\s+{_CAPITAL}){{0,5}}"
_NO_PLACE: Final = rf"(?!(?:I|He|She|It|We|They|{DAYS}|{MONTHS}|christmas|easter|boxing)\b)"
_TOWNS: Final = (
    "aberdeen|bath|belfast|birmingham|blackburn|blackpool|bolton|bournemouth|bradford|brighton|bristol|burnley|cambridge|cardiff|carlisle|chester|chesterfield"
    "|coventry|crewe|darlington|derby|doncaster|dundee|durham|edinburgh|exeter|gateshead|glasgow|gloucester|grimsby|hartlepool|huddersfield|hull|ipswich|lancaster"
    "|leeds|leicester|lincoln|liverpool|london|luton|manchester|middlesbrough|newcastle|newport|northampton|norwich|nottingham|oldham|oxford|peterborough|plymouth"
    "|portsmouth|preston|redcar|rochdale|rotherham|salford|scunthorpe|sheffield|southampton|southport|stockport|stockton|stoke|sunderland|swansea|tameside|wakefield"
    "|warrington|wigan|wolverhampton|worcester|york|england|scotland|wales|ireland"
)
_SPORTS: Final = "football|rugby|swimming|dance|dancing|karate|gymnastics|boxing|netball|music|piano"
_SCHOOLS: Final = (
    r"(?:pre-?|play)?schools?|sk[ou]ol|nurs[ae]r(?:y|ies)|cr[eè]che|colleges?|uni(?:versity)?|academ(?:y|ies)|primary|secondary|infants|juniors|playgroup|sixth form"
    rf"|sure start|sports day|parents['’]? evening|senco|(?:{_SPORTS}) (?:training|lessons?|practice|club|class)|(?:breakfast|after-?school|homework|holiday|youth) club"
    r"|drop[ -]?offs?|pick[ -]?ups?|head\s?(?:teacher|master|mistress)|teachers?|teaching assistant|child\s?minder|(?:start(?:s|ed|ing)?|in) reception"
    rf"|(?:y|year ?|yr ?)[0-9]{{1,2}}|year (?:one|two|three|four|five|six)|(?:mr|mrs|miss|ms) (?-i:{_CAPITAL})['’]s class|class [0-9]\w*"
)
_KINDS: Final = (
    r"refuge|shelter|hostel|hotel|bed and breakfast|b ?& ?b|travelodge|premier inn|safe house|women['’]?s aid|(?:supported|sheltered|council) (?:housing|house|flat)"
    r"|(?:temporary|emergency) accommodation|(?:care|nursing|children['’]?s|mobile) home|hospital|ward [0-9]+\w*|surgery|clinic|dentist['’]?s?|vets?|pharmacy|chemist['’]?s?"
    r"|church|chapel|mosque|temple|synagogue|workplace|caf[eé]|pub|bakery|(?:nail |hair )?salon|hairdressers?|(?:\w+ )?shop|supermarket|market|factory|warehouse|post office"
    r"|solicitors?['’]?|tesco|asda|aldi|lidl|morrisons|sainsbury['’]?s|b&m|costa|greggs|mcdonald['’]?s|gym|library|swimming pool|swimming baths|cinema|bingo"
    r"|(?:leisure|community|children['’]?s|family|shopping|sports|town|contact|job) ?centre|(?:bus|train|police|railway) station|bus stop|food ?bank|park|playground|estate"
    r"|caravan(?: site| park)?|allotments?|airport|roundabout"
)
_HOURS: Final = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_FIRST: Final = "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth|twentieth|thirtieth|thirty-first"
_WHOSE: Final = "her|their|his ex['’]s|his wife['’]s|his partner['’]s|the victim['’]s"
_OWN: Final = (
    ("telephone number", r"(?:number|phone|mobile|mob|landline|no\.)\b[^.\n]{0,24}?[0-9]{3,}"),
    ("telephone number", r"(?<![0-9])[+o]?[0-9](?:[\s().\-/]{0,2}[0-9]){6,}(?![0-9])"),
    ("telephone number", rf"\b(?:(?:oh?|zero|nought|double|treble|hundred|{_HOURS})[\s,]+){{3,}}(?:zero|hundred|{_HOURS})\b"),
    ("school", rf"\b(?:(?-i:{_NAMED})\s+)?(?:{_SCHOOLS})\b(?:\s+(?:gates?|run|bus|uniform))?"),
    ("place", rf"\b(?:(?-i:{_NAMED})\s+)?(?:{_KINDS})\b"),
    ("place", r"\b(?:flat|number|no\.?|house|room|apartment) [0-9]+[a-z]?\b"),
    ("place", rf"\b[0-9]+[a-z]?\s+(?:the\s+)?(?-i:{_NAMED})|\b(?-i:{_CAPITAL})\s+(?:ct|tce|terr|cres|gdns|cl|av|bldgs?|estate)\b"),
    ("day or time", rf"\b(?:half|quarter)(?:[ -](?:past|to))?\s+(?:{_HOURS}|[0-9]{{1,2}})\b"),
    (
        "day or time",
        rf"\b(?:at|about|around|by|before|after|until|till|from)\s+(?:about\s+)?(?:{_HOURS}|[0-9]{{1,2}})(?:\s+o['’]clock)?\b(?!\s+\w+s\b)",
    ),
    ("day or time", rf"\b(?:{_HOURS}|[0-9]{{1,2}})\s*(?:-|–|to|till|until)\s*(?:{_HOURS}|[0-9]{{1,2}})\b"),
    (
        "day or time",
        r"\b(?:christmas|xmas|easter|boxing day|new year|bank holiday|half[ -]term|eid|diwali|ramadan|birthday)(?:['’]s)?(?: eve| day)?\b",
    ),
    (
        "day or time",
        r"\b(?:day after tomorrow|end of the (?:week|month|year)|any day(?: now)?|fortnight(?:ly)?|(?:the )?week(?:end)? after next|tmrw|tomoz|2moro)\b",
    ),
    (
        "day or time",
        r"\b(?:every|each|most|of an?|in the|first thing in the)\s+(?:other\s+)?(?:day|week|weekend|morning|afternoon|evening|night)s?\b",
    ),
    ("day or time", r"\b(?:first thing|(?:tea|dinner|lunch|bed|breakfast|home)[ -]?times?|weds?|thurs?|tues?|(?:night|early|late|day) shifts?)\b"),
    ("day or time", rf"\bthe\s+(?:{_FIRST}|twenty-(?:{_FIRST}))\b(?!\s+(?:time|floor|session|one|visit|assessment|thing))"),
    ("day or time", rf"\b(?:in|by|until|since|next|last|this|late|early|mid)[ -]+(?-i:{MONTHS.title()})\b"),
    ("place", rf"\b(?:in|at|to|near|past|outside|from|where|around|behind|opposite|off|through|over)\s+(?:the\s+|a\s+)?{_NO_PLACE}(?-i:{_NAMED})"),
    ("place", rf"\b(?:{_TOWNS})\b"),
    (
        "place",
        rf"\b(?:{_WHOSE})\s+(?:new\s+|own\s+|old\s+)?(?:work|job|house|flat|place|home|address|street|road|office|car|bus|landlord|neighbours?)\b",
    ),
    ("place", r"\b(?:at|to|from|outside|with)\s+(?:a|her|their|his)\s+(?:\w+\s+)?\w+['’]s\b"),
    (
        "place",
        r"\b(?:liv(?:es?|ed|ing)|stay(?:s|ing|ed)?|mov(?:es?|ed|ing)|sleep(?:s|ing)?|rents?|renting|works?|working|parks?|parked|housed|placed|job)\s+"
        r"(?:\w+\s+)?(?:in|at|on|by|to|near|above|below|behind|opposite|next|with|over|round|around|down|up|just|two|[0-9])\b(?:\s+[\w'’&]+){1,5}",
    ),
    (
        "place",
        r"\b(?:above|below|opposite|behind|next to|next door to|across from|round from|doors? down from)\s+(?:the|a|her|his|my)\s+[\w'’]+(?:\s+[\w'’]+)?",
    ),
)
_FROM_WORDING: Final = {
    "an address on the net": "address on the net", "a postcode": "place", "a street": "place", "a kind of place": "place", "a date": "day or time",
    "a day": "day or time", "a time of day": "day or time", "a telephone number": "telephone number",
}  # fmt: skip
_RULES: Final[tuple[Rule, ...]] = (
    *((_FROM_WORDING[what], True, form) for what, _, form in RULES if what in _FROM_WORDING and what != "a kind of place"),
    *((what, True, re.compile(form, re.IGNORECASE)) for what, form in _OWN),
    *((_FROM_WORDING[what], True, form) for what, _, form in RULES if what == "a kind of place"),
)
SOMEBODY: Final = re.compile(
    rf"\b(?:{PERSONS}|they|them|their|victims?|boys?|girls?|nan|gran|grandparents|family|aunt(?:ie)?|uncle|friends?|brothers?|dad|link worker)\b",
    re.IGNORECASE,
)
SENTENCE: Final = re.compile(r"[^!?\n]{1,500}?(?:[.!?](?=\s)|[!?\n]|\Z)|[^\n]{1,500}(?!\S)|.{1,500}", re.DOTALL)
"""Or five hundred characters: what goes on for longer is looked at in pieces, so that no text takes long."""


class Spill(NamedTuple):
    """Something of kind `what` at `start` to `end` of a text. `near`: the sentence speaks of somebody else."""

    what: str
    start: int
    end: int
    near: bool


def spills(text: str) -> tuple[Spill, ...]:
    """What there is in a text, in order; of several that overlap the first rule's."""
    found = []
    for match in SENTENCE.finditer(text):
        near, at = SOMEBODY.search(match[0]) is not None, match.start()
        found += [Spill(what, at + start, at + end, near) for start, end, what, _ in spans(match[0], _RULES)]
    return tuple(found)
