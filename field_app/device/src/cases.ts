/**
 * A case, the liaison file that comes with every one of the perpetrator side, and what the other side is told of both.
 * Spec 15.5.
 */
import { equal, hex } from "@fieldkeep/core/bytes";
import type { Json } from "@fieldkeep/core/change";
import { encodeUuid } from "@fieldkeep/core/ids";
import { addressKey } from "@fieldkeep/core/parcel/address";
import { mayInFile } from "@fieldkeep/core/roles";
import { decodeFileStatement, type Member } from "@fieldkeep/core/statement";
import { decodeEntry } from "@fieldkeep/core/entry";
import { ownAddress, receivingFiles } from "./board";
import { beginIn } from "./files";
import type { OpenFile } from "./memory";
import { addressIn, postIn } from "./posting";
import type { Transaction } from "./rows";
import type { Session } from "./session";
import { entryRow, OF, read } from "./stored";
import { addValues, dayNow, recordsIn, type Values, valuesOf } from "./values_in";

const DAY_MS = 86_400_000;
const toldOf = (liaison: Uint8Array): string => `address-key:${hex(liaison)}`;

/**
 * Begins a case, also offline: on the perpetrator side with its liaison file, and the other side is told that there is
 * one.
 */
export const openCase = (session: Session, members: readonly Member[]): Promise<Uint8Array> =>
  session.change((transaction) => openCaseIn(session, transaction, members));

/** `referral` is the parcel that it is begun from. */
export async function openCaseIn(
  session: Session,
  transaction: Transaction,
  members: readonly Member[],
  referral: string | null = null,
): Promise<Uint8Array> {
  const log = await beginIn(session, transaction, "case", members);
  const { side } = session.identity;
  if (side !== "perpetrator") return log;
  const others = members.filter(({ role }) => mayInFile("liaison", side, "members", role));
  const liaison = await beginIn(session, transaction, "liaison", others);
  const [address, key] = [ownAddress(session, liaison), await publicKey(session, session.file(liaison))];
  const record = new Map<string, Json>([
    ["file", encodeUuid(liaison)],
    ["address", encodeUuid(address)],
  ]);
  addValues(session, transaction, log, "liaison_file", record);
  const said = new Map<string, Json>([
    ["case", encodeUuid(address)],
    ["key", hex(key)],
    ["opened_on", dayNow(session)],
  ]);
  const body = referral === null ? said : new Map<string, Json>([...said, ["referral", referral]]);
  await postIn(session, transaction, log, "case_opened", body);
  session.setFact(transaction, toldOf(liaison), key);
  return log;
}

/** The address key of a file's present epoch. */
async function publicKey(session: Session, { log, secrets, reading }: OpenFile): Promise<Uint8Array> {
  const { epoch } = reading.file;
  const secret = secrets.get(epoch);
  if (secret === undefined) throw new Error("a file whose present key is not here");
  return (await addressKey(secret, { svc: session.identity.svc, log, epoch })).public;
}

/**
 * The liaison file of a case, and its address. A record that names another file, or another address, is passed over.
 */
export interface Liaison {
  readonly log: Uint8Array;
  readonly address: Uint8Array;
}

export function liaisonOf(session: Session, log: Uint8Array): Liaison | null {
  if (session.identity.side !== "perpetrator") return null;
  for (const record of recordsIn(session, log, "liaison_file")) {
    const values = valuesOf(record);
    const [file, address] = [addressIn(values.get("file")), addressIn(values.get("address"))];
    if (file === null || address === null || !equal(ownAddress(session, file), address)) continue;
    if (isBegunTogether(session, log, file)) return { log: file, address };
  }
  return null;
}

/** Begun by the device that began the case; also one that is not on this device. */
function isBegunTogether(session: Session, log: Uint8Array, liaison: Uint8Array): boolean {
  const there = session.files.get(hex(liaison));
  if (there === undefined || there.reading.file.erased !== null) return true;
  const [a, b] = [beganBy(session, log), beganBy(session, liaison)];
  return there.reading.file.kind === "liaison" && a !== null && b !== null && equal(a, b);
}

/** The device that began a file: what is not in its log yet waits in this device's outbox. */
function beganBy(session: Session, log: Uint8Array): Uint8Array | null {
  const open = session.files.get(hex(log));
  return open === undefined ? null : open.begun ? session.identity.device : open.creator;
}

/** The address under which the other side knows the case that a file is, or belongs to; null where it does not say. */
export function caseAddress(session: Session, log: Uint8Array): Uint8Array | null {
  const liaison = liaisonOf(session, log);
  if (liaison !== null) return liaison.address;
  const said = recordsIn(session, log, "case_address").map((record) => addressIn(valuesOf(record).get("address")));
  return said.find((address) => address !== null) ?? null;
}

/** A case and its liaison file: whoever changes the people of one changes those of the other. */
export function withLiaison(session: Session, log: Uint8Array): readonly Uint8Array[] {
  const liaison = liaisonOf(session, log);
  const there = liaison === null ? undefined : session.files.get(hex(liaison.log));
  return there === undefined || there.reading.file.erased !== null ? [log] : [log, there.log];
}

/** The case that a liaison file belongs to, of those on this device. */
export function caseOf(session: Session, liaison: Uint8Array): OpenFile | null {
  const all = session.ownFiles.filter(({ reading }) => reading.file.kind === "case");
  return all.find(({ log }) => equal(liaisonOf(session, log)?.log ?? new Uint8Array(0), liaison)) ?? null;
}

// --- other keys ---------------------------------------------------------------------------------------------------

/**
 * After a change of keys in a liaison file the other side hears of its new address key, so that who has left makes
 * none.
 */
export async function tellNewKeys(session: Session): Promise<void> {
  if (session.identity.side !== "perpetrator") return;
  for (const open of receivingFiles(session)) {
    const { file } = open.reading;
    if (file.kind !== "liaison" || !open.secrets.has(file.epoch)) continue;
    const [key, told] = [await publicKey(session, open), session.fact(toldOf(open.log))];
    if (told !== undefined && equal(told, key)) continue;
    const found = caseOf(session, open.log);
    if (found === null) continue;
    await session.change(async (transaction) => {
      if (!(await isMineToTell(session, transaction, open, found))) return;
      const address = encodeUuid(ownAddress(session, open.log));
      const body: Values = new Map<string, Json>([
        ["case", address],
        ["key", hex(key)],
      ]);
      // The first was told with the case.
      if (told !== undefined || file.epoch > 1) await postIn(session, transaction, found.log, "liaison_key", body);
      session.setFact(transaction, toldOf(open.log), key);
    });
  }
}

/** The device that changed the keys tells; any other after a day in which nobody did: one letter a change. */
async function isMineToTell(
  session: Session,
  transaction: Transaction,
  { log, reading: { file } }: OpenFile,
  found: OpenFile,
): Promise<boolean> {
  for (let seq = file.log.chains.length - 1; seq > 0; seq--) {
    const content = await transaction.get(OF.entries(log), seq);
    const row = content === undefined ? null : read(entryRow, content);
    const entry = row === null || row.void !== null ? null : decodeEntry(row.pair);
    if (row === null || entry === null || entry.typ !== "fieldkeep-statement") continue;
    const statement = decodeFileStatement(entry.payload);
    if (!("ep" in statement) || statement.ep !== file.epoch) continue;
    if (equal(entry.header.kid, session.identity.device)) return true;
    const since = new Date(row.received_ms).toISOString().slice(0, 16);
    const sent = recordsIn(session, found.log, "parcel_sent").map(valuesOf);
    if (sent.some((one) => one.get("category") === "liaison_key" && sentAt(one) >= since)) return false;
    return session.serverNow() - row.received_ms > DAY_MS;
  }
  return true;
}

/** When a letter went, as the file's own record of it says. */
export function sentAt(values: Values): string {
  const at = values.get("sent_at");
  const minute = at instanceof Map ? at.get("at") : undefined;
  return typeof minute === "string" ? minute : "";
}
