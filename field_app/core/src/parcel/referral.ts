/**
 * A letter `referral` repeats nothing of hers: what its sender's device must refuse. Spec 15.8. Tests: parcel.
 *
 * This finds what is repeated, not what is said in other words: a person is shown all that goes.
 */
import type { Json } from "../change";
import { Refused } from "../errors";
import { isList, isMap } from "../fold/markers";

type Row = ReadonlyMap<string, Json>;

const WORDS_OF: readonly string[] = ["names", "whose", "lives_with"];
const WHOLE: readonly string[] = ["born", "contact", "safe_to_contact"];
const ADDRESS = "address";
const NAMES = "names";
const LEAST_CHARACTERS = 3;
const LEAST_DIGITS = 6;
const NOT_WORD = "[\\p{L}\\p{N}_]";

const words = (text: string): readonly string[] => text.split(/\s+/u).filter((word) => word !== "");
const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
const isSame = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** The text by itself, whatever the case of its letters and the length of its white space. */
const standing = (text: string): RegExp =>
  new RegExp(`(?<!${NOT_WORD})${words(text).map(escaped).join("\\s+")}(?!${NOT_WORD})`, "iu");
/** The digits in this order, whatever else stands between them, and whatever before and after. */
const scattered = (digits: string): RegExp => new RegExp([...digits].join("\\P{Nd}*"), "u");

/** What is looked for; `first` is a first name, which may stand alone where somebody is called by it. */
interface Sought {
  readonly pattern: RegExp;
  readonly first: boolean;
}

function textIn(row: Row, cell: string): string {
  const value = row.get(cell);
  return typeof value === "string" ? value.trim() : "";
}

const firstName = (row: Row): string | undefined => words(textIn(row, NAMES))[0];

function soughtIn(row: Row): readonly Sought[] {
  const first = firstName(row);
  const named = WORDS_OF.flatMap((cell) => words(textIn(row, cell)).map((text) => [cell, text] as const));
  const pieces = textIn(row, ADDRESS)
    .split(/[,;\n\r]/)
    .map((text) => [ADDRESS, text.trim()] as const);
  const whole = WHOLE.map((cell) => [cell, textIn(row, cell)] as const);
  const digits = [...WORDS_OF, ADDRESS, ...WHOLE].map((cell) => textIn(row, cell).replaceAll(/\P{Nd}/gu, ""));
  return [
    ...[...named, ...pieces, ...whole]
      .filter(([, text]) => [...text].length >= LEAST_CHARACTERS)
      .map(([cell, text]) => ({
        pattern: standing(text),
        first: cell === NAMES && first !== undefined && isSame(text, first),
      })),
    ...digits
      .filter((text) => [...text].length >= LEAST_DIGITS)
      .map((text) => ({ pattern: scattered(text), first: false })),
  ];
}

/** Every text of a body, with the name of the field, and of the cell, in which it stands. */
function* texts(value: Json, path: readonly string[]): Iterable<readonly [text: string, path: readonly string[]]> {
  if (typeof value === "string") yield [value, path];
  else if (isList(value)) for (const item of value) yield* texts(item, path);
  else if (isMap(value)) for (const [key, item] of value) yield* texts(item, [...path, key]);
}

const isCalled = (path: readonly string[]): boolean => path.join(".") === "linked_people.called";

/**
 * `rows` are those of `people_harmed` and `children` in the pack. Refuses as `not-permitted`, and never says which
 * words.
 */
export function checkReferral(body: ReadonlyMap<string, Json>, rows: readonly Row[]): void {
  const sought = rows.flatMap(soughtIn);
  const firstNames = rows.flatMap((row) => firstName(row) ?? []);
  for (const [text, path] of texts(body, [])) {
    const alone = isCalled(path) && firstNames.some((name) => isSame(name, text.trim()));
    if (sought.some(({ pattern, first }) => !(alone && first) && pattern.test(text))) {
      throw new Refused("not-permitted", `${path[0] ?? "the body"} repeats what is known of somebody who is harmed`);
    }
  }
}
