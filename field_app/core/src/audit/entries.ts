/**
 * The next entries of a log, judged as its devices judge them, one after the other. Spec 10.4. Tests: audit.
 *
 * What is wrong is a finding with its place, and reading goes on as far as the chain leads.
 */
import { equal, hex } from "../bytes";
import { decodeRegistryStatement } from "../certificate";
import type { Entry } from "../entry";
import { type Code, Refused } from "../errors";
import { encodeEvent } from "../event";
import { verifies } from "../keys";
import { append, chainOf, Growing, isAddressed, type Log, orderCode, seqOf } from "../log";
import { emptyFile, type File } from "../membership/state";
import { BEHIND, readErasure, readFileEntry, skipId } from "../membership/take";
import type { Check } from "../registry/judged";
import type { Registry } from "../registry/state";
import { readRegistryEntry } from "../registry/take";
import { decodeFileStatement } from "../statement";
import { decodeAlone } from "./alone";
import { type AuditEntry, isErased } from "./pages";
import { type Audit, type AuditedLog, type Finding, type Item, logOf, ownRegistry } from "./state";

/** What one entry came to: `proved` is whether its author signed it and had seen this very log. */
interface Judged {
  readonly registry: Registry;
  readonly file: File | null;
  readonly void: Code | null;
  readonly proved: boolean;
  /** A reused invitation that the server appends for everybody to see (6.2). */
  readonly reuse: boolean;
}

/** `check` believes signatures where the reader has judged them before. */
export async function takeEntries(
  audit: Audit,
  log: Uint8Array,
  entries: readonly AuditEntry[],
  check: Check = verifies,
): Promise<Audit> {
  let after = audit;
  for (const entry of entries) after = await takeEntry(after, log, entry, check);
  return after;
}

function begun(audit: Audit, log: Uint8Array): AuditedLog {
  const file = equal(log, ownRegistry(audit)) ? null : emptyFile(audit.registry, log);
  const none = { entries: Growing.of<AuditEntry>(), items: Growing.of<Item>(), removed: new Set<string>() };
  return { log, file, ...none, ids: false, broken: false };
}

async function takeEntry(audit: Audit, log: Uint8Array, served: AuditEntry, check: Check): Promise<Audit> {
  const before = logOf(audit, log) ?? begun(audit, log);
  const kept = { ...before, entries: before.entries.with(served) };
  if (before.broken) return put(audit, kept);
  const state = before.file === null ? audit.registry.log : before.file.log;
  const seq = seqOf(state) + 1;
  const breaks = (text: string): Audit =>
    found(put(audit, { ...kept, broken: true }), { code: "contradiction", log, seq, event: null, text });
  if (served.seq !== seq) return breaks(`entry ${seq} is missing or out of order: ${served.seq} stands there`);
  if (served.received_ms < state.received_ms) return breaks("time runs backwards in the log");
  if (isErased(served)) return takeId(audit, kept, served, breaks);
  let entry: Entry;
  try {
    entry = decodeAlone(served.cose);
  } catch (error) {
    if (error instanceof Refused) return breaks(`the entry does not decode: ${error.message}`);
    throw error;
  }
  return takeWhole(audit, kept, served, entry, check);
}

function takeId(audit: Audit, kept: AuditedLog, served: AuditEntry, breaks: (text: string) => Audit): Audit {
  if (kept.file === null) return breaks("an id in the place of an entry of the registry");
  const file = skipId(kept.file, served.cose, served.received_ms);
  const item = { ...placed(served, file.log, served.cose), author: null, what: "erased", void: null };
  const after = put(audit, {
    ...kept,
    file,
    ids: true,
    items: kept.items.with({ ...item, witness: null, accepted: null }),
  });
  return checkChain(after, kept.log, served, file.log);
}

async function takeWhole(
  audit: Audit,
  kept: AuditedLog,
  served: AuditEntry,
  entry: Entry,
  check: Check,
): Promise<Audit> {
  const { log } = kept;
  const { received_ms: ms, seq } = served;
  const wrong: Finding[] = [];
  const add = (code: Finding["code"], text: string): void => void wrong.push({ code, log, seq, event: null, text });
  let judged: Judged;
  try {
    judged = await judge(audit, kept, entry, ms, check);
    if (judged.void !== null && !judged.reuse) add(judged.void, `the entry counts for nothing: ${judged.void}`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    add(error.code, error.message);
    judged = skipped(audit, kept, entry, ms);
  }
  const { registry, file } = judged;
  const state = file === null ? registry.log : file.log;
  const author = entry.header.kid;
  const what = kindOf(entry, file === null);
  const base = { ...placed(served, state, entry.id), author, what, void: judged.void };
  const accepted = encodeEvent({
    e: "accepted",
    log,
    id: entry.id,
    seq,
    ms,
    author,
    chain: base.chain,
    void: judged.reuse,
  });
  const item: Item = { ...base, witness: judged.proved ? entry.header.ck : null, accepted };
  const removes = judged.void === null && judged.proved && (what === "expunge" || what === "erase");
  const removed = removes ? new Set([...kept.removed, hex(entry.id)]) : kept.removed;
  const erased = file?.erased !== null && file !== null;
  const next = { ...kept, file, items: kept.items.with(item), removed, ids: kept.ids && !erased };
  let after = put({ ...audit, registry }, next);
  for (const one of wrong) after = found(after, one);
  const notice = judged.proved ? noticeOf(what, judged) : null;
  if (notice !== null)
    after = {
      ...after,
      notices: [...after.notices, { code: judged.void ?? "recovery", log, seq, event: null, text: notice }],
    };
  return checkChain(after, log, served, state);
}

async function judge(audit: Audit, kept: AuditedLog, entry: Entry, ms: number, check: Check): Promise<Judged> {
  const { registry } = audit;
  if (kept.file === null) {
    const taken = await readRegistryEntry(registry, entry, ms, check);
    const reuse = taken.void === "invitation-spent" && taken.registry.reused.length > registry.reused.length;
    return { registry: taken.registry, file: null, void: taken.void, proved: taken.void !== "not-permitted", reuse };
  }
  const taken = kept.ids
    ? await readErasure(registry, kept.file, entry, ms, check)
    : await readFileEntry(registry, kept.file, entry, ms, check);
  if (taken === BEHIND) {
    const text = "its author is not certified on this side, or it relies on a registry that is not there";
    throw new Refused("contradiction", text);
  }
  if ("file" in taken) return { registry, file: taken.file, void: taken.void, proved: true, reuse: false };
  return { registry, file: taken, void: null, proved: true, reuse: false };
}

/** It has its place all the same, and a statement is the previous one of the next. */
function skipped({ registry }: Audit, { file }: AuditedLog, entry: Entry, ms: number): Judged {
  const none = { void: "contradiction", proved: false, reuse: false } as const;
  const counts = (log: Log): boolean => isAddressed(entry, registry.svc, log.log) && orderCode(log, entry) === null;
  if (file === null) {
    const log = append(registry.log, entry, ms, counts(registry.log));
    return { ...none, registry: { ...registry, log, times: registry.times.with(ms) }, file };
  }
  const follows = file.kind !== null && entry.typ !== "fieldkeep-envelope";
  const log = append(file.log, entry, ms, counts(file.log));
  const previous = follows ? entry.id : file.previous;
  return { ...none, registry, file: { ...file, log, previous, places: file.places.with(null) } };
}

function placed(
  { seq, received_ms, leaf, salt }: AuditEntry,
  after: Log,
  id: Uint8Array,
): Pick<Item, "seq" | "id" | "received_ms" | "chain" | "leaf" | "salt"> {
  return { seq, id, received_ms, chain: chainOf(after), leaf, salt };
}

function checkChain(audit: Audit, log: Uint8Array, { seq, chain }: AuditEntry, after: Log): Audit {
  if (equal(chain, chainOf(after))) return audit;
  const text = "the entry does not hash to the place that it was recorded at";
  return found(audit, { code: "contradiction", log, seq, event: null, text });
}

/** The kind of a statement, as far as it decodes. */
function kindOf(entry: Entry, isRegistry: boolean): string {
  if (entry.typ === "fieldkeep-envelope") return "envelope";
  try {
    return isRegistry ? decodeRegistryStatement(entry.payload).kind : decodeFileStatement(entry.payload).kind;
  } catch (error) {
    if (error instanceof Refused) return "unreadable";
    throw error;
  }
}

function noticeOf(what: string, { void: code, reuse }: Judged): string | null {
  if (reuse) return "somebody used an invitation a second time";
  if (code !== null) return null;
  if (what === "renew") return "a fresh recovery key was put in force";
  if (what === "permit") return "a device was allowed to bring files back";
  if (what === "drill") return "the recovery shares were put together for a drill";
  return what === "recover" ? "a file that nobody held any more was brought back" : null;
}

function put(audit: Audit, log: AuditedLog): Audit {
  return { ...audit, logs: new Map([...audit.logs, [hex(log.log), log] as const]) };
}

function found(audit: Audit, one: Finding): Audit {
  return { ...audit, findings: [...audit.findings, one] };
}
