/**
 * What a server shows a supervisor of a small side with a case, and how it is read: what every test of an audit
 * begins from.
 */
import { decodeAlone } from "../../src/audit/alone";
import { conclude, type Concluded, type SizedRoot } from "../../src/audit/conclude";
import { takeEntries } from "../../src/audit/entries";
import { takeEvents } from "../../src/audit/events";
import type { AuditEntry, AuditEventRow, Listed } from "../../src/audit/pages";
import { type Audit, beginAudit } from "../../src/audit/state";
import { randomSecret } from "../../src/author";
import { hex } from "../../src/bytes";
import { origin, signCheckpoint } from "../../src/checkpoint";
import type { Entry } from "../../src/entry";
import { type AuditEvent, encodeEvent } from "../../src/event";
import { serverKeyId } from "../../src/ids";
import { append, chainOf, emptyLog, type Log, seqOf } from "../../src/log";
import { eventCommitment, leafHash, root } from "../../src/merkle";
import { signedHead } from "../../src/receipt";
import { Scene } from "../exchange/scene";
import type { Side } from "../exchange/side";
import { START_MS } from "../make/world";

export interface Shown {
  readonly listed: Listed;
  readonly logs: ReadonlyMap<string, readonly AuditEntry[]>;
  readonly events: readonly AuditEventRow[];
}

/** Whatever has a side with its keys. */
export interface Staged {
  readonly side: Side;
}

/**
 * Its supervisor's view of a scene: the registry, then `entries` of the case; each as it is accepted, and then
 * delivered.
 */
export class Shower<S extends Staged = Scene> {
  readonly #logs = new Map<string, { log: Log; entries: AuditEntry[] }>();
  readonly events: AuditEventRow[] = [];

  constructor(readonly scene: S) {
    for (const [i, entry] of scene.side.entries.entries()) this.accept(entry, START_MS + 1000 * i);
  }

  static async new(): Promise<Shower> {
    return new Shower(await Scene.new());
  }

  tell(event: AuditEvent): void {
    this.events.push({ n: this.events.length, salt: randomSecret(), event: encodeEvent(event) });
  }

  accept(entry: Entry, ms: number): void {
    const { log } = entry.header;
    const known = this.#logs.get(hex(log)) ?? {
      log: emptyLog(log, this.scene.side.registry.log.incarnation),
      entries: [],
    };
    const after = append(known.log, entry, ms, true);
    const [seq, chain, leaf] = [seqOf(after), chainOf(after), this.events.length];
    this.tell({ e: "accepted", log, id: entry.id, seq, ms, author: entry.header.kid, chain, void: false });
    const salt = this.events[leaf]?.salt ?? new Uint8Array(32);
    const kept = { seq, received_ms: ms, cose: entry.frame.bytes, chain, leaf, salt };
    this.#logs.set(hex(log), { log: after, entries: [...known.entries, kept] });
  }

  /** Of what stands before the last entry of a log nothing is left but ids. */
  erase(log: Uint8Array): void {
    const known = this.#logs.get(hex(log));
    if (known === undefined) return;
    const { entries } = known;
    const ghosts = entries.map((one, i) =>
      i === entries.length - 1 ? one : { ...one, cose: decodeAlone(one.cose).id },
    );
    this.#logs.set(hex(log), { ...known, entries: ghosts });
  }

  async shown(): Promise<Shown> {
    const { svc, receipt, checkpoint, registry } = this.scene.side;
    const { incarnation } = registry.log;
    const by = { kid: serverKeyId(receipt.public), svc };
    const listed: Listed["logs"][number][] = [];
    for (const { log } of this.#logs.values()) {
      const payload = { log: log.log, inc: incarnation, seq: seqOf(log), chain: chainOf(log) };
      const kind = hex(log.log) === hex(registry.log.log) ? "registry" : "case";
      listed.push({ log: log.log, kind, head: await signedHead.make(by, payload, receipt) });
    }
    const leaves = this.events.map(({ salt, event }) => leafHash(eventCommitment(salt, event)));
    const note = await signCheckpoint(origin(svc, registry.side, incarnation), leaves.length, root(leaves), checkpoint);
    const head = {
      v: 1,
      svc,
      side: registry.side,
      registry: registry.log.log,
      authority: registry.root?.authority ?? svc,
    } as const;
    return {
      listed: { ...head, logs: listed, events: leaves.length, checkpoint: note },
      logs: new Map([...this.#logs].map(([key, { entries }]) => [key, [...entries]] as const)),
      events: [...this.events],
    };
  }
}

/**
 * A case with three notes of Ada's; the first device that reads it is her own, the second the administrator's, of the
 * registry.
 */
export async function small(): Promise<Shower> {
  const shower = await Shower.new();
  const { scene } = shower;
  const { log } = scene;
  shower.accept(scene.genesis, START_MS + 10_000);
  let before = scene.genesis;
  for (const c of [1, 2, 3]) {
    before = await scene.note(before, c);
    shower.accept(before, START_MS + 10_000 * (c + 1));
    shower.tell({
      e: "delivered",
      device: scene.ada.keys.device,
      log,
      from: c,
      to: c + 1,
      ms: START_MS + 10_000 * (c + 1),
    });
  }
  const { log: registry } = scene.side.registry.log;
  shower.tell({
    e: "delivered",
    device: scene.admin.keys.device,
    log: registry,
    from: 0,
    to: 2,
    ms: START_MS + 50_000,
  });
  return shower;
}

export interface Read {
  readonly audit: Audit;
  readonly concluded: Concluded;
}

export async function read(
  { listed, logs, events }: Shown,
  scene: Staged,
  kept: SizedRoot | null = null,
  from?: Audit,
): Promise<Read> {
  const { svc, registry } = scene.side;
  let audit = from ?? beginAudit(svc, registry.side, registry.pinned);
  for (const { log } of [...listed.logs].sort((a) => (a.kind === "registry" ? -1 : 1))) {
    const known = audit.logs.get(hex(log))?.entries.length ?? 0;
    audit = await takeEntries(audit, log, (logs.get(hex(log)) ?? []).slice(known));
  }
  audit = takeEvents(audit, events.slice(audit.events.length));
  return { audit, concluded: await conclude(audit, listed, kept) };
}

/** The bytes with one bit of one of them turned over. */
export function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
