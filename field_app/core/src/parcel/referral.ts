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
const LEAST_LETTERS = 3;
const LEAST_DIGITS = 6;

const words = (text: string): readonly string[] => text.match(/[\p{L}\p{M}\p{N}'’-]+/gu) ?? [];
const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The text as it stands, between word boundaries, whatever the case of its letters. */
const standing = (text: string): RegExp => new RegExp(`(?<![\\p{L}\\p{N}])${escaped(text)}(?![\\p{L}\\p{N}])`, "iu");
/** The digits in this order, whatever stands between them. */
const scattered = (digits: string): RegExp => new RegExp([...digits].join("\\D*"), "u");

function textIn(row: Row, cell: string): string {
  const value = row.get(cell);
  return typeof value === "string" ? value.trim() : "";
}

function patternsOf(row: Row): readonly RegExp[] {
  const named = WORDS_OF.flatMap((cell) => words(textIn(row, cell))).filter(
    (word) => [...word].length >= LEAST_LETTERS,
  );
  const pieces = textIn(row, ADDRESS).split(/[,;\n\r]/);
  const whole = [...named, ...pieces, ...WHOLE.map((cell) => textIn(row, cell))].map((text) => text.trim());
  const all = [...WORDS_OF, ADDRESS, ...WHOLE].map((cell) => textIn(row, cell).replaceAll(/\D/g, ""));
  return [
    ...whole.filter((text) => text !== "").map(standing),
    ...all.filter((digits) => digits.length >= LEAST_DIGITS).map(scattered),
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
  const patterns = rows.flatMap(patternsOf);
  const firstNames = new Set(
    rows.flatMap((row) => words(textIn(row, "names")).slice(0, 1)).map((name) => name.toLowerCase()),
  );
  for (const [text, path] of texts(body, [])) {
    if (isCalled(path) && firstNames.has(text.trim().toLowerCase())) continue;
    if (patterns.some((pattern) => pattern.test(text))) {
      throw new Refused("not-permitted", `${path[0] ?? "the body"} repeats what is known of somebody who is harmed`);
    }
  }
}
