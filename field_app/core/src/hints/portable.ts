/**
 * Forms of words as the specification's first implementation writes them, for expressions of this language: edges of
 * words in any script, and small and large letters alike but for what stands in `(?-i:…)`. Spec 5.9.
 */
import { EDGE, WORD } from "../parcel/wording";

const RANGE = /^[a-z]-[a-z]/;
const LETTER = /\p{L}/u;

function eitherCase(letter: string): string {
  const other = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
  return letter + other;
}

/** One expression, that finds all there is. */
export function portable(form: string): RegExp {
  const groups: boolean[] = [];
  let [made, folds, inClass] = ["", true, false];
  for (let at = 0; at < form.length; ) {
    const [one = "", two = ""] = [form[at], form.slice(at, at + 2)];
    const range = inClass && folds ? RANGE.exec(form.slice(at)) : null;
    let taken = one;
    if (form.startsWith("(?-i:", at)) {
      taken = "(?-i:";
      groups.push(folds);
      folds = false;
      made += "(?:";
    } else if (one === "\\") {
      taken = two;
      made += two === "\\w" ? (inClass ? WORD.slice(1, -1) : WORD) : two === "\\b" ? EDGE : two;
    } else if (range !== null) {
      [taken] = range;
      made += taken + taken.toUpperCase();
    } else if (folds && LETTER.test(one)) {
      made += inClass ? eitherCase(one) : `[${eitherCase(one)}]`;
    } else {
      if (one === "[") inClass = true;
      if (one === "]") inClass = false;
      if (one === "(" && !inClass) groups.push(folds);
      if (one === ")" && !inClass) folds = groups.pop() ?? true;
      made += one;
    }
    at += taken.length;
  }
  return new RegExp(made, "gu");
}
