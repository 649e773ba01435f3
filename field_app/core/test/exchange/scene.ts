/** A device and its server: what every test of a sync begins from. */
import { after, authorIn, randomId, randomSecret, sealEnvelope } from "../../src/author";
import { type Change, encodePart } from "../../src/change";
import type { Entry } from "../../src/entry";
import { type OutboxItem, sealed } from "../../src/exchange/outbox";
import { type Asked, planSync } from "../../src/exchange/plan";
import { respond, type Responded } from "../../src/exchange/respond";
import { newView, type SyncEvent, type View } from "../../src/exchange/view";
import { recordId } from "../../src/ids";
import { verifies } from "../../src/keys";
import { emptyLog } from "../../src/log";
import { makeGenesis } from "../../src/membership/make";
import { emptyRegistry } from "../../src/registry/state";
import type { SyncResponse } from "../../src/sync";
import { type Phone, phone, START_MS } from "../make/world";
import { Server } from "./server";
import { enrolled, newSide, type Side } from "./side";

export const SECRET = randomSecret();
const STATUS = {
  unsent: 0,
  held: 0,
  conflicts: 0,
  oldest_conflict_days: 0,
  app: "test",
  claimed_ms: START_MS,
  free_mb: 1,
};

export class Scene {
  /** What stands between the server and the device. */
  spoil: (response: SyncResponse) => SyncResponse = (response) => response;

  private constructor(
    readonly side: Side,
    readonly admin: Phone,
    readonly ada: Phone,
    readonly server: Server,
    /** The first entry of a case, not sent yet. */
    readonly genesis: Entry,
    /** Of a device that has just enrolled. */
    readonly view: View,
  ) {}

  /** `others` are coordinators of the same case. */
  static async new(...others: readonly Phone[]): Promise<Scene> {
    const admin = await phone(randomId(), "Root", ["administrator"]);
    const ada = await phone(randomId(), "Ada", ["coordinator"]);
    let side = await enrolled(await newSide(admin), admin, ada);
    for (const other of others) side = await enrolled(side, admin, other);
    const { registry, svc } = side;
    const server = new Server(side);
    for (const [i, entry] of side.entries.entries()) server.keep(entry, registry.log.log, START_MS + 1000 * i);
    const { keys, key, subject } = ada;
    const members = [ada, ...others].map((one) => ({ user: one.subject.user, role: "coordinator" as const }));
    const nonce = randomId();
    const beginning = {
      registry,
      device: keys.device,
      key,
      kind: "case",
      members,
      nonce,
      secret: SECRET,
      ck: null,
    } as const;
    const genesis = await makeGenesis(beginning);
    const empty = emptyRegistry(svc, "perpetrator", registry.pinned);
    const who = { device: keys.device, user: subject.user, sign: key.public, incarnation: registry.log.incarnation };
    return new Scene(side, admin, ada, server, genesis, newView({ ...who, registry: empty }));
  }

  get log(): Uint8Array {
    return this.genesis.header.log;
  }

  change(c: number, words: string): Change {
    const ops = [{ field: "body", action: "set" as const, value: words, preds: [] }];
    const r = recordId(this.log, this.ada.keys.device, 1);
    return { r, t: "case_note", s: 1, c, b: 0, at: START_MS, ops, u: false };
  }

  /** An envelope of Ada's that follows another entry of hers, or none. */
  async note(before: Entry | null, c: number, words = "seen"): Promise<Entry> {
    const { svc, registry } = this.side;
    const first = authorIn(svc, emptyLog(this.log, registry.log.incarnation), this.ada.keys.device, this.ada.key, null);
    const author = before === null ? first : after({ ...first, sq: before.header.sq, pv: before.header.pv }, before);
    const plaintext = encodePart([this.change(c, words)]);
    return sealEnvelope(author, { ep: 1, secret: SECRET }, [plaintext], [randomSecret()]);
  }

  ask(from: View): Asked {
    const logs = [from.registry.log, ...[...from.files.values()].map(({ file }) => file.log)];
    const prove = from.pending.map(({ leaf }) => leaf.leaf);
    const { outbox, stopped, frozen, checkpoint, unseen } = from;
    return planSync({ logs, outbox, stopped, frozen, status: STATUS, checkpoint, prove, purged: [], unseen });
  }

  async sync(from: View, ownMs = this.server.now): Promise<Responded> {
    const asked = this.ask(from);
    const response = this.spoil(await this.server.sync(asked.request));
    return respond(from, asked, response, ownMs, verifies);
  }

  /** The device has the registry, and its file has begun. */
  async begun(): Promise<View> {
    const { view } = await this.sync(this.view);
    return (await this.sync(withItems(view, sealed(this.genesis, "genesis", 0)))).view;
  }
}

export const withItems = (from: View, ...items: readonly OutboxItem[]): View => ({
  ...from,
  outbox: [...from.outbox, ...items],
});

export const kinds = (events: readonly SyncEvent[]): readonly string[] =>
  events.map((one) => (one.is === "outcome" ? `${one.is} ${one.outcome.is}` : one.is));
