/** A server in a few lines, honest unless it is told to lie: logs, receipts, verdicts, heads, and an audit tree. */
import { randomSecret } from "../../src/author";
import { equal, hex } from "../../src/bytes";
import { origin, signCheckpoint } from "../../src/checkpoint";
import { type Entry, entryPair, readEntry } from "../../src/entry";
import { type Code, Refused } from "../../src/errors";
import { chainNext, serverKeyId } from "../../src/ids";
import { append, chainOf, emptyLog, type Log, seqOf } from "../../src/log";
import { emptyFile, type File } from "../../src/membership/state";
import { takeFileEntry } from "../../src/membership/take";
import { acceptedLeaf, consistency, inclusion, root } from "../../src/merkle";
import { FINAL_CODES, receipt, signedHead, verdict } from "../../src/receipt";
import type { Answer, Page, SyncRequest, SyncResponse } from "../../src/sync";
import { decodeSyncResponse, encodeSyncResponse, retryOf } from "../../src/sync";
import { START_MS } from "../make/world";
import type { Side } from "./side";

interface Kept {
  readonly entry: Entry;
  readonly received_ms: number;
  readonly leaf: number;
  readonly salt: Uint8Array;
}

export interface Lies {
  /** Pages end here although more stands behind. */
  readonly pageEntries?: number;
  readonly noReceipts?: boolean;
  readonly noPages?: boolean;
  /** What every further entry of a device outside the request is answered. */
  readonly refuse?: Code;
}

export class Server {
  readonly logs = new Map<string, Kept[]>();
  readonly files = new Map<string, File>();
  readonly leaves: Uint8Array[] = [];
  now = START_MS + 100_000;
  lies: Lies = {};

  constructor(readonly world: Side) {}

  get #incarnation(): Uint8Array {
    return this.world.registry.log.incarnation;
  }

  chainAt(log: Uint8Array, seq: number): Log {
    const empty = emptyLog(log, this.#incarnation);
    return (this.logs.get(hex(log)) ?? [])
      .slice(0, seq)
      .reduce((at, { entry, received_ms }) => append(at, entry, received_ms, true), empty);
  }

  keep(entry: Entry, log: Uint8Array, receivedMs: number): number {
    const kept = this.logs.get(hex(log)) ?? [];
    const at = this.chainAt(log, kept.length);
    const seq = seqOf(at) + 1;
    const salt = randomSecret();
    const chain = chainNext(chainOf(at), seq, receivedMs, entry.id);
    const leaf = this.leaves.length;
    this.leaves.push(
      acceptedLeaf({ log, id: entry.id, seq, ms: receivedMs, author: entry.header.kid, chain, void: false }, salt),
    );
    this.logs.set(hex(log), [...kept, { entry, received_ms: receivedMs, leaf, salt }]);
    return seq;
  }

  /** Judges an entry and takes it, or says why not. */
  async take(entry: Entry): Promise<Code | "accepted"> {
    const { log } = entry.header;
    const known = this.logs.get(hex(log))?.some((one) => equal(one.entry.id, entry.id)) ?? false;
    if (known) return "accepted";
    if (this.lies.refuse !== undefined) return this.lies.refuse;
    const file = this.files.get(hex(log)) ?? emptyFile(this.world.registry, log);
    try {
      this.files.set(hex(log), await takeFileEntry(this.world.registry, file, entry, this.now));
    } catch (error) {
      if (error instanceof Refused) return error.code;
      throw error;
    }
    this.keep(entry, log, this.now);
    this.now += 1000;
    return "accepted";
  }

  async #signed(code: Code, entry: Entry): Promise<Pick<Answer, "signed">> {
    if (!FINAL_CODES.includes(code) || code === "malformed") return {};
    const { kid, log, sq } = entry.header;
    const payload = { log, inc: this.#incarnation, id: entry.id, author: kid, sq, code };
    return { signed: await verdict.make(this.#by(), payload, this.world.receipt) };
  }

  #by(): { readonly kid: Uint8Array; readonly svc: Uint8Array } {
    return { kid: serverKeyId(this.world.receipt.public), svc: this.world.svc };
  }

  async receiptFor(log: Uint8Array, entries: readonly Entry[]): Promise<Uint8Array> {
    const kept = this.logs.get(hex(log)) ?? [];
    const items = kept.flatMap(({ entry, received_ms }, i) =>
      entries.some(({ id }) => equal(id, entry.id)) ? [{ id: entry.id, seq: i + 1, received_ms }] : [],
    );
    const head = { seq: kept.length, chain: chainOf(this.chainAt(log, kept.length)) };
    return receipt.make(this.#by(), { log, inc: this.#incarnation, items, head }, this.world.receipt);
  }

  async page(log: Uint8Array, after: number, sent: readonly Entry[], most = Number.MAX_SAFE_INTEGER): Promise<Page> {
    const kept = this.logs.get(hex(log)) ?? [];
    const until = Math.min(kept.length, after + most);
    const entries = kept.slice(after, until).map(({ entry, received_ms, leaf, salt }) => ({
      what: sent.some(({ id }) => equal(id, entry.id)) ? entry.id : entryPair(entry),
      received_ms,
      opening: { leaf, salt },
    }));
    const payload = { log, inc: this.#incarnation, seq: until, chain: chainOf(this.chainAt(log, until)) };
    return {
      log,
      entries,
      head: await signedHead.make(this.#by(), payload, this.world.receipt),
      more: until < kept.length,
    };
  }

  async sync(request: SyncRequest): Promise<SyncResponse> {
    const pushed = request.push.map(readEntry);
    const answers: Answer[] = [];
    const accepted: Entry[] = [];
    for (const entry of pushed) {
      const code = await this.take(entry);
      if (code === "accepted") accepted.push(entry);
      answers.push(
        code === "accepted"
          ? { id: entry.id, code }
          : { id: entry.id, code, message: "No.", retry: retryOf(code) ?? "never", ...(await this.#signed(code, entry)) },
      );
    }
    const logs = new Map(accepted.map(({ header }) => [hex(header.log), header.log] as const));
    const receipts =
      this.lies.noReceipts === true
        ? []
        : await Promise.all([...logs.values()].map((log) => this.receiptFor(log, accepted)));
    const pages: Page[] = [];
    for (const [key, kept] of this.logs) {
      const cursor = request.cursors.find(({ log }) => hex(log) === key);
      const log = cursor?.log ?? kept[0]?.entry.header.log;
      if (log !== undefined && (cursor?.seq ?? 0) < kept.length)
        pages.push(await this.page(log, cursor?.seq ?? 0, pushed, this.lies.pageEntries));
    }
    const response: SyncResponse = {
      v: 1,
      answers,
      receipts,
      openings: [],
      pages: this.lies.noPages === true ? [] : pages,
      more: false,
      time: this.now,
      ...(await this.tree(request)),
      held: [],
      parcels: [],
    };
    return decodeSyncResponse(encodeSyncResponse(response));
  }

  async tree({
    checkpoint,
    prove,
  }: SyncRequest): Promise<Pick<SyncResponse, "checkpoint" | "consistency" | "inclusion">> {
    const size = this.leaves.length;
    const note = await signCheckpoint(
      origin(this.world.svc, this.world.registry.side, this.#incarnation),
      size,
      root(this.leaves),
      this.world.checkpoint,
    );
    const old = checkpoint?.size ?? 0;
    return {
      checkpoint: note,
      consistency: old === 0 || old === size ? [] : consistency(this.leaves, old),
      inclusion: prove.filter((leaf) => leaf < size).map((leaf) => ({ leaf, path: inclusion(this.leaves, leaf) })),
    };
  }
}
