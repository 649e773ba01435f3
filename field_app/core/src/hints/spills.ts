/**
 * What in a note about the man might tell where somebody else is: places, schools, telephone numbers, days and times. A
 * hint and no proof: it finds what has a form, keeps nobody from signing, and is stored nowhere.
 *
 * Spec 5.9. Vectors: hints.
 */
import { DAYS, MONTHS, PERSONS, RULES, spans } from "../parcel/wording";
import { portable } from "./portable";

const TITLES = MONTHS.replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase());
const CAPITAL = String.raw`[A-Z][\w'’]+`;
const NAMED = String.raw`${CAPITAL}(?:\s+(?:upon|on|the|of|and|le)(?=\s+[A-Z])|\s+${CAPITAL}){0,5}`;
const NO_PLACE = String.raw`(?!(?:I|He|She|It|We|They|${DAYS}|${MONTHS}|christmas|easter|boxing)\b)`;
const TOWNS =
  String.raw`aberdeen|bath|belfast|birmingham|blackburn|blackpool|bolton|bournemouth|bradford|brighton` +
  String.raw`|bristol|burnley|cambridge|cardiff|carlisle|chester|chesterfield|coventry|crewe|darlington|derby` +
  String.raw`|doncaster|dundee|durham|edinburgh|exeter|gateshead|glasgow|gloucester|grimsby|hartlepool` +
  String.raw`|huddersfield|hull|ipswich|lancaster|leeds|leicester|lincoln|liverpool|london|luton|manchester` +
  String.raw`|middlesbrough|newcastle|newport|northampton|norwich|nottingham|oldham|oxford|peterborough` +
  String.raw`|plymouth|portsmouth|preston|redcar|rochdale|rotherham|salford|scunthorpe|sheffield|southampton` +
  String.raw`|southport|stockport|stockton|stoke|sunderland|swansea|tameside|wakefield|warrington|wigan` +
  String.raw`|wolverhampton|worcester|york|england|scotland|wales|ireland`;
const SPORTS = String.raw`football|rugby|swimming|dance|dancing|karate|gymnastics|boxing|netball|music|piano`;
const SCHOOLS =
  String.raw`(?:pre-?|play)?schools?|sk[ou]ol|nurs[ae]r(?:y|ies)|cr[eè]che|colleges?|uni(?:versity)?` +
  String.raw`|academ(?:y|ies)|primary|secondary|infants|juniors|playgroup|sixth form|sure start|sports day` +
  String.raw`|parents['’]? evening|senco|(?:${SPORTS}) (?:training|lessons?|practice|club|class)|(?:breakfast` +
  String.raw`|after-?school|homework|holiday|youth) club|drop[ -]?offs?|pick[ -]?ups?|head\s?(?:teacher` +
  String.raw`|master|mistress)|teachers?|teaching assistant|child\s?minder|(?:start(?:s|ed|ing)?` +
  String.raw`|in) reception|(?:y|year ?|yr ?)[0-9]{1,2}|year (?:one|two|three|four|five|six)|(?:mr|mrs|miss` +
  String.raw`|ms) (?-i:${CAPITAL})['’]s class|class [0-9]\w*`;
const KINDS =
  String.raw`refuge|shelter|hostel|hotel|bed and breakfast|b ?& ?b|travelodge|premier inn|safe house` +
  String.raw`|women['’]?s aid|(?:supported|sheltered|council) (?:housing|house|flat)|(?:temporary` +
  String.raw`|emergency) accommodation|(?:care|nursing|children['’]?s|mobile) home|hospital|ward [0-9]+\w*` +
  String.raw`|surgery|clinic|dentist['’]?s?|vets?|pharmacy|chemist['’]?s?|church|chapel|mosque|temple` +
  String.raw`|synagogue|workplace|caf[eé]|pub|bakery|(?:nail |hair )?salon|hairdressers?|(?:\w+ )?shop` +
  String.raw`|supermarket|market|factory|warehouse|post office|solicitors?['’]?|tesco|asda|aldi|lidl` +
  String.raw`|morrisons|sainsbury['’]?s|b&m|costa|greggs|mcdonald['’]?s|gym|library|swimming pool` +
  String.raw`|swimming baths|cinema|bingo|(?:leisure|community|children['’]?s|family|shopping|sports|town` +
  String.raw`|contact|job) ?centre|(?:bus|train|police|railway) station|bus stop|food ?bank|park|playground` +
  String.raw`|estate|caravan(?: site| park)?|allotments?|airport|roundabout`;
const HOURS = String.raw`one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve`;
const FIRST =
  String.raw`first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth` +
  String.raw`|fourteenth|fifteenth|twentieth|thirtieth|thirty-first`;
const WHOSE = String.raw`her|their|his ex['’]s|his wife['’]s|his partner['’]s|the victim['’]s`;
const OWN: readonly (readonly [what: string, form: string])[] = [
  ["telephone number", String.raw`(?:number|phone|mobile|mob|landline|no\.)\b[^.\n]{0,24}?[0-9]{3,}`],
  ["telephone number", String.raw`(?<![0-9])[+o]?[0-9](?:[\s().\-/]{0,2}[0-9]){6,}(?![0-9])`],
  [
    "telephone number",
    String.raw`\b(?:(?:oh?|zero|nought|double|treble|hundred|${HOURS})[\s,]+){3,}(?:zero|hundred|${HOURS})\b`,
  ],
  ["school", String.raw`\b(?:(?-i:${NAMED})\s+)?(?:${SCHOOLS})\b(?:\s+(?:gates?|run|bus|uniform))?`],
  ["place", String.raw`\b(?:(?-i:${NAMED})\s+)?(?:${KINDS})\b`],
  ["place", String.raw`\b(?:flat|number|no\.?|house|room|apartment) [0-9]+[a-z]?\b`],
  [
    "place",
    String.raw`\b[0-9]+[a-z]?\s+(?:the\s+)?(?-i:${NAMED})|\b(?-i:${CAPITAL})\s+(?:ct|tce|terr|cres|gdns|cl|av` +
      String.raw`|bldgs?|estate)\b`,
  ],
  ["day or time", String.raw`\b(?:half|quarter)(?:[ -](?:past|to))?\s+(?:${HOURS}|[0-9]{1,2})\b`],
  [
    "day or time",
    String.raw`\b(?:at|about|around|by|before|after|until|till|from)\s+(?:about\s+)?(?:${HOURS}` +
      String.raw`|[0-9]{1,2})(?:\s+o['’]clock)?\b(?!\s+\w+s\b)`,
  ],
  ["day or time", String.raw`\b(?:${HOURS}|[0-9]{1,2})\s*(?:-|–|to|till|until)\s*(?:${HOURS}|[0-9]{1,2})\b`],
  [
    "day or time",
    String.raw`\b(?:christmas|xmas|easter|boxing day|new year|bank holiday|half[ -]term|eid|diwali|ramadan` +
      String.raw`|birthday)(?:['’]s)?(?: eve| day)?\b`,
  ],
  [
    "day or time",
    String.raw`\b(?:day after tomorrow|end of the (?:week|month|year)|any day(?: now)?|fortnight(?:ly)?` +
      String.raw`|(?:the )?week(?:end)? after next|tmrw|tomoz|2moro)\b`,
  ],
  [
    "day or time",
    String.raw`\b(?:every|each|most|of an?|in the|first thing in the)\s+(?:other\s+)?(?:day|week|weekend` +
      String.raw`|morning|afternoon|evening|night)s?\b`,
  ],
  [
    "day or time",
    String.raw`\b(?:first thing|(?:tea|dinner|lunch|bed|breakfast|home)[ -]?times?|weds?|thurs?|tues?` +
      String.raw`|(?:night|early|late|day) shifts?)\b`,
  ],
  [
    "day or time",
    String.raw`\bthe\s+(?:${FIRST}|twenty-(?:${FIRST}))\b(?!\s+(?:time|floor|session|one|visit|assessment` +
      String.raw`|thing))`,
  ],
  ["day or time", String.raw`\b(?:in|by|until|since|next|last|this|late|early|mid)[ -]+(?-i:${TITLES})\b`],
  [
    "place",
    String.raw`\b(?:in|at|to|near|past|outside|from|where|around|behind|opposite|off|through` +
      String.raw`|over)\s+(?:the\s+|a\s+)?${NO_PLACE}(?-i:${NAMED})`,
  ],
  ["place", String.raw`\b(?:${TOWNS})\b`],
  [
    "place",
    String.raw`\b(?:${WHOSE})\s+(?:new\s+|own\s+|old\s+)?(?:work|job|house|flat|place|home|address|street` +
      String.raw`|road|office|car|bus|landlord|neighbours?)\b`,
  ],
  ["place", String.raw`\b(?:at|to|from|outside|with)\s+(?:a|her|their|his)\s+(?:\w+\s+)?\w+['’]s\b`],
  [
    "place",
    String.raw`\b(?:liv(?:es?|ed|ing)|stay(?:s|ing|ed)?|mov(?:es?|ed|ing)|sleep(?:s|ing)?|rents?|renting` +
      String.raw`|works?|working|parks?|parked|housed|placed|job)\s+(?:\w+\s+)?(?:in|at|on|by|to|near|above` +
      String.raw`|below|behind|opposite|next|with|over|round|around|down|up|just|two` +
      String.raw`|[0-9])\b(?:\s+[\w'’&]+){1,5}`,
  ],
  [
    "place",
    String.raw`\b(?:above|below|opposite|behind|next to|next door to|across from|round from` +
      String.raw`|doors? down from)\s+(?:the|a|her|his|my)\s+[\w'’]+(?:\s+[\w'’]+)?`,
  ],
];
const SOMEBODY = portable(
  String.raw`\b(?:${PERSONS}|they|them|their|victims?|boys?|girls?|nan|gran|grandparents|family|aunt(?:ie)?` +
    String.raw`|uncle|friends?|brothers?|dad|link worker)\b`,
);
const FROM_WORDING: ReadonlyMap<string, string> = new Map([
  ["an address on the net", "address on the net"],
  ["a postcode", "place"],
  ["a street", "place"],
  ["a date", "day or time"],
  ["a day", "day or time"],
  ["a time of day", "day or time"],
  ["a telephone number", "telephone number"],
]);
const KIND = "a kind of place";

interface Form {
  readonly what: string;
  readonly pattern: RegExp;
}

const FORMS: readonly Form[] = [
  ...RULES.flatMap(({ what, pattern }): readonly Form[] => {
    const said = FROM_WORDING.get(what);
    return said === undefined ? [] : [{ what: said, pattern }];
  }),
  ...OWN.map(([what, form]): Form => ({ what, pattern: portable(form) })),
  ...RULES.filter(({ what }) => what === KIND).map(({ pattern }): Form => ({ what: "place", pattern })),
];
/** Or five hundred characters: what goes on for longer is looked at in pieces, so that no text takes long. */
const SENTENCE = /[^!?\n]{1,500}?(?:[.!?](?=\s)|[!?\n]|$)|[^\n]{1,500}(?!\S)|.{1,500}/gsu;

export interface Spill {
  readonly what: string;
  readonly start: number;
  readonly end: number;
  /** The sentence speaks of somebody else. */
  readonly near: boolean;
}

/** What there is in a text, in order; of several that overlap the first form's. */
export function spills(text: string): readonly Spill[] {
  return [...text.matchAll(SENTENCE)].flatMap(({ 0: sentence, index }) => {
    const near = sentence.search(SOMEBODY) >= 0;
    return spans(sentence, FORMS).map(({ start, end, rule: { what } }) => ({
      what,
      start: index + start,
      end: index + end,
      near,
    }));
  });
}
