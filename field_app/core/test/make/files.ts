/** Files made with the core alone: begun, written to, judged as a server and as a reader do. */
import { expect } from "vitest";
import { type Author, authorIn, randomId } from "../../src/author";
import { encodePart } from "../../src/change";
import { decodeEntry, encodeEntry, type Entry } from "../../src/entry";
import type { Secrets } from "../../src/grant";
import { recordId } from "../../src/ids";
import { headOf, seqOf } from "../../src/log";
import { makeGenesis, type Making } from "../../src/membership/make";
import { openGranted } from "../../src/membership/opening";
import { emptyFile, type File } from "../../src/membership/state";
import { BEHIND, readFileEntry, takeFileEntry } from "../../src/membership/take";
import { type Phone, START_MS, type World } from "./world";

/** As a server and as a reader judge it: both agree that it stands. */
export async function next(at: World, file: File, entry: Entry, ms = START_MS + 1000 * seqOf(file.log)): Promise<File> {
  const again = decodeEntry(encodeEntry(entry));
  const taken = await takeFileEntry(at.registry, file, again, ms);
  const read = await readFileEntry(at.registry, file, again, ms);
  if (read === BEHIND || read.void !== null) throw new Error(`not taken: ${read === BEHIND ? read : read.void}`);
  expect(headOf(read.file.log)).toEqual(headOf(taken.log));
  return read.file;
}

export async function begin(
  at: World,
  by: Phone,
  others: readonly Phone[],
  secret: Uint8Array,
  nonce = randomId(),
): Promise<File> {
  const members = [...new Map([by, ...others].map(({ subject }) => [subject.name, subject])).values()];
  const named = members.flatMap(({ user, roles: [role] }) => (role === undefined ? [] : [{ user, role }]));
  const beginning = {
    registry: at.registry,
    device: by.keys.device,
    key: by.key,
    kind: "case",
    members: named,
    nonce,
    secret,
  } as const;
  const entry = await makeGenesis({ ...beginning, ck: null });
  return next(at, emptyFile(at.registry, entry.header.log), entry);
}

export const by = (at: World, file: File, { keys, key }: Phone): Author =>
  authorIn(at.svc, file.log, keys.device, key, null);

export const making = (at: World, file: File, who: Phone, secrets: Secrets): Making => ({
  author: by(at, file, who),
  registry: at.registry,
  file,
  secrets,
});

/** The secrets that somebody has after a statement that grants them something, every one of them good. */
export async function opened(file: File, entry: Entry, { keys, seed }: Phone, held: Secrets): Promise<Secrets> {
  const granted = await openGranted(file, entry, { to: keys.device, seed }, held);
  expect(granted?.bad ?? []).toEqual([]);
  return new Map([...held, ...(granted?.secrets ?? [])]);
}

/** The plaintext of a part with one change. */
export function part(log: Uint8Array, who: Phone, c: number, value: string, b = 0): Uint8Array {
  const ops = [{ field: "summary", action: "set", value, preds: [] }] as const;
  return encodePart([{ r: recordId(log, who.keys.device, c), t: "contact", s: 1, c, b, at: START_MS, ops, u: false }]);
}
