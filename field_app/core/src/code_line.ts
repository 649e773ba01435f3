/**
 * What people carry by hand: a word, a colon, and the unpadded base64url of a checksum and a map. Spec 6.2, 13.4.
 * Tests: code_line.
 */
import { base64url, concat, equal, fromBase64url } from "./bytes";
import { Refused } from "./errors";
import { H, L } from "./hash";

export const LINES = {
  invitation: "fieldkeep1:",
  office: "fieldkeep-office1:",
  certified: "fieldkeep-certified1:",
  help: "fieldkeep-help1:",
  answer: "fieldkeep-answer1:",
} as const;
export type Line = keyof typeof LINES;

const CHECKSUM = 4;
const checksum = (map: Uint8Array): Uint8Array => H(L("code"), map).slice(0, CHECKSUM);

export function encodeLine(line: Line, map: Uint8Array): string {
  return `${LINES[line]}${base64url(concat(checksum(map), map))}`;
}

/** Blanks and line ends within the line are what mail and paper put there. Refuses as `malformed` what was mistyped. */
export function decodeLine(line: Line, text: string): Uint8Array {
  const bare = text.replaceAll(/\s/g, "");
  if (!bare.startsWith(LINES[line])) throw new Refused("malformed", `a line that does not begin with ${LINES[line]}`);
  const bytes = fromBase64url(bare.slice(LINES[line].length));
  const map = bytes.slice(CHECKSUM);
  if (!equal(bytes.slice(0, CHECKSUM), checksum(map)))
    throw new Refused("malformed", "a line that was not copied whole and right");
  return map;
}
