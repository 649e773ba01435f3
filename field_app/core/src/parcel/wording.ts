/**
 * What in a text would tell of a place, a number, a day or a person: looked for before words in one's own hand go to
 * the other side. Spec 15.6. Tests: tests/field_app/test_two_people_on_phone.py.
 *
 * It is no proof: it finds what has a form. Two people read the words, and this helps them to look.
 */
export const MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december";
const SHORT = "jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec";
export const DAYS = "(?:mon|tues|wednes|thurs|fri|satur|sun)days?";
const STREETS =
  "road|rd|street|st|lane|close|avenue|ave|drive|court|crescent|terrace|way|gardens|grove|place|square|hill|row|mews|walk|park|house|flats?";
const PLACES =
  "school|nursery|college|refuge|shelter|hostel|hospital|surgery|clinic|church|mosque|temple|workplace|playgroup|caf[eé]|shop|supermarket|gym";
export const PERSONS =
  "she|her|hers|herself|wife|girlfriend|fianc[eé]e|ex|ex-partner|partner|mum|mummy|mother|daughters?|sons?|child|children|kids?|baby|sisters?";

export const WORD = "[\\p{L}\\p{N}_]";
/** The edge of a word in any script: `\b` knows that of English alone. */
export const EDGE = `(?:(?<=${WORD})(?!${WORD})|(?<!${WORD})(?=${WORD}))`;
/** Small and large letters alike, in a pattern that otherwise tells them apart. */
const eitherCase = (pattern: string): string =>
  pattern.replaceAll(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);

export interface Rule {
  readonly what: string;
  readonly stops: boolean;
  readonly pattern: RegExp;
}

const rule = (what: string, stops: boolean, folded: boolean, pattern: string): Rule => ({
  what,
  stops,
  pattern: new RegExp(pattern.replaceAll("\\b", EDGE), folded ? "giu" : "gu"),
});

export const RULES: readonly Rule[] = [
  rule("an address on the net", true, true, "\\S+@\\S+|\\bhttps?://\\S+|\\bwww\\.\\S+"),
  rule("a postcode", true, true, "\\b[a-z]{1,2}[0-9][a-z0-9]?\\s*[0-9][a-z]{2}\\b"),
  rule(
    "a date",
    true,
    true,
    `\\b[0-9]{1,4}[/.\\-][0-9]{1,2}(?:[/.\\-][0-9]{1,4})?\\b|\\b[0-9]{1,2}(?:st|nd|rd|th)\\b|\\b[0-9]{1,2}\\s+(?:${MONTHS}|${SHORT})\\b` +
      `|\\b(?:${MONTHS.replace("may|", "").replace("march|", "")})\\b|\\b(?:may|march)\\s+[0-9]{1,2}\\b`,
  ),
  rule(
    "a day",
    true,
    true,
    `\\b(?:${DAYS}|mon|tues?|wed|thurs?|fri|weekend|today|tonight|tomorrow|yesterday|(?:this|next)\\s+(?:week|month))\\b`,
  ),
  rule(
    "a time of day",
    true,
    true,
    "\\b[0-9]{1,2}[:.][0-9]{2}\\b|\\b[0-9]{1,2}\\s*(?:am|pm|o['’]?clock)\\b|\\b(?:noon|midnight|midday|this (?:morning|afternoon|evening))\\b",
  ),
  rule("a telephone number", true, false, "(?<![0-9])\\+?[0-9][0-9\\s().\\-]{4,}[0-9](?![0-9])"),
  rule("a street", true, false, `\\b(?:[0-9]+[a-zA-Z]?\\s+)?[A-Z][a-zA-Z'’]+\\s+(?:${eitherCase(STREETS)})\\b\\.?`),
  rule("a number", true, false, "[0-9]{3,}"),
  rule("a number", false, false, "[0-9]+"),
  rule("a kind of place", false, true, `\\b(?:${PLACES})s?\\b`),
  rule("a person", false, true, `\\b(?:${PERSONS})\\b`),
  rule("a name", false, false, "(?<![.!?:]\\s)(?<!^)\\b[A-Z][a-z'’]{2,}\\b"),
];

/** In the words `first` to `last` of a text, counted from 1. What `stops` is not sent at all; the rest a person judges. */
export interface Seen {
  readonly what: string;
  readonly first: number;
  readonly last: number;
  readonly stops: boolean;
}

export const seenWords = ({ what, first, last }: Seen): string =>
  `${what} (${first === last ? `word ${first}` : `words ${first} to ${last}`})`;

/** What there is in a text, in order; of several that overlap the first rule's. */
export const look = (text: string): readonly Seen[] =>
  spans(text, RULES).map(({ start, end, rule: { what, stops } }) => ({
    what,
    first: wordAt(text, start),
    last: wordAt(text, end - 1),
    stops,
  }));

export interface Span<R> {
  readonly start: number;
  readonly end: number;
  readonly rule: R;
}

/** The same as places in the text; `taken` are places in which nothing is looked for. */
export function spans<R extends { readonly pattern: RegExp }>(
  text: string,
  rules: readonly R[],
  taken: readonly (readonly [start: number, end: number])[] = [],
): readonly Span<R>[] {
  const found: Span<R>[] = [];
  const isFree = (start: number, end: number): boolean =>
    found.every((one) => end <= one.start || start >= one.end) &&
    taken.every(([from, to]) => end <= from || start >= to);
  for (const rule of rules) {
    for (const { 0: words, index } of text.matchAll(rule.pattern)) {
      const end = index + words.length;
      if (isFree(index, end)) found.push({ start: index, end, rule });
    }
  }
  return found.sort((a, b) => a.start - b.start);
}

/** The number of the word that a character stands in. */
const wordAt = (text: string, at: number): number =>
  Math.max(
    1,
    text
      .slice(0, at + 1)
      .split(/\s+/u)
      .filter((word) => word !== "").length,
  );
