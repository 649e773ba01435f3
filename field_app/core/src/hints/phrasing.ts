/**
 * Words about violence that hide who did it or put it on whoever was harmed, and what to say instead. A hint, never a
 * rewrite: what stands in quotation marks is somebody's words.
 *
 * Spec 5.9. Vectors: hints.
 */
import { spans } from "../parcel/wording";
import { portable } from "./portable";

const HARM =
  String.raw`hit|punched|slapped|kicked|pushed|strangled|choked|grabbed|bitten|beaten|assaulted|threatened` +
  String.raw`|raped|hurt|injured|attacked|dragged|spat at|burned|stabbed`;
const SAY_WHO = "say who did what to whom";
const HINTS: readonly (readonly [form: string, instead: string])[] = [
  [
    String.raw`\b(?:victim|she|her|partner|ex|wife|mum|mother)\b[^.!?\n]{0,30}?\b(?:failed|failing|failure` +
      String.raw`|refused|refuses|refusing) to engage`,
    "we did not reach her",
  ],
  [
    String.raw`\b(?:he|client|perpetrator)\b[^.!?\n]{0,30}?\b(?:failed|failing|failure) to engage` +
      String.raw`|\bdisengaged\b|\bhard to reach\b`,
    "we have not reached him, and what we tried",
  ],
  [
    String.raw`\bfail(?:ed|s|ing|ure)? to (?:protect|safeguard)`,
    "say what he did, and what she did to keep the children safe",
  ],
  [String.raw`\b(?:toxic|volatile|stormy|tempestuous|fiery) (?:couple|relationship|marriage|household)`, SAY_WHO],
  [
    String.raw`\bjoint (?:issue|problem)|\b(?:mutual|reciprocal) (?:abuse|violence)` +
      String.raw`|\bboth as bad as each other|\bsix of one|\btakes two to tango`,
    SAY_WHO,
  ],
  [
    String.raw`\b(?:domestic|verbal|physical) (?:dispute|altercation|disagreement|argument)s?\b` +
      String.raw`|\bthey (?:fought|had a fight|came to blows)`,
    SAY_WHO,
  ],
  [
    String.raw`\b(?:was|were|been|being|got|is) (?:also |then |badly |verbally |physically )?(?:${HARM}` +
      String.raw`)\b(?!\s+(?:\w+\s+){0,3}by\b)`,
    "say who did it: he hit, he threatened",
  ],
  [
    String.raw`\b(?:violence|abuse|an? (?:assault|incident)|it) (?:occurred|took place|happened|broke out)`,
    "say who did what: he …",
  ],
  [String.raw`\b(?:lost (?:his temper|control|it)|snapped|saw red|red mist)\b`, "he chose to; say what he did"],
  [
    String.raw`\b(?:she|victim|her|mum|partner|ex)\b[^.!?\n]{0,12}?\b(?:claims?|claimed|alleges?|alleged)\b`,
    "she said",
  ],
  [
    String.raw`\b(?:chose to stay|keeps? going back|went back to him|allow(?:s|ed) him|lets? him|refus(?:es` +
      String.raw`|ed) to leave|won['’]t leave)\b`,
    "what he did, and what keeps her from leaving",
  ],
  [
    String.raw`\b(?:she|her|victim)\b[^.!?\n]{0,20}?\b(?:provok(?:es|ed|ing)|nags?|nagging|wound him up` +
      String.raw`|winds him up|pushed his buttons|asked for it)`,
    "put his words in quotation marks",
  ],
  [String.raw`\b(?:non-?compliant|manipulative|attention[- ]seeking|hysterical)\b`, "say what was seen or heard"],
];
const FORMS = HINTS.map(([form, instead]) => ({ pattern: portable(form), instead }));
const QUOTED = /"[^"\n]{0,2000}"|“[^”\n]{0,2000}”|‘[^’\n]{0,2000}’(?![\p{L}\p{N}_])/gu;

export interface Phrase {
  readonly start: number;
  readonly end: number;
  /** What to say instead. */
  readonly instead: string;
}

/** What there is in a text, in order; of several that overlap the first of the list. */
export function phrases(text: string): readonly Phrase[] {
  const quoted = [...text.matchAll(QUOTED)].map(({ 0: words, index }) => [index, index + words.length] as const);
  return spans(text, FORMS, quoted).map(({ start, end, rule }) => ({ start, end, instead: rule.instead }));
}
