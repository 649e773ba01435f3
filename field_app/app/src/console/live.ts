/** The console's side of the device: what was verified, and how to check again. */
import { exportLines } from "@fieldkeep/core/audit/export_file";
import { hex } from "@fieldkeep/core/bytes";
import { Refused } from "@fieldkeep/core/errors";
import { checkInclusion } from "@fieldkeep/core/merkle";
import { type HeardKept, lookAround, readHeard } from "@fieldkeep/device/auditing/heard";
import { Auditing, type Known, type Progress } from "@fieldkeep/device/auditing/auditing";
import type { Session } from "@fieldkeep/device/session";
import { sync } from "@fieldkeep/device/sync";
import type { Transport } from "@fieldkeep/device/transport";
import { inWords } from "../device/live/trouble";
import type { Oversight, Overview, Proof } from "./oversight";
import { overviewOf } from "./showing";

const PIECE = 500;

export const oversightOf = (session: Session, transport: Transport, side: Overview["side"]): Oversight => new LiveOversight(session, transport, side);

class LiveOversight implements Oversight {
  readonly #session: Session;
  readonly #transport: Transport;
  readonly #side: Overview["side"];
  readonly #listeners = new Set<() => void>();
  #opened: Promise<Auditing> | undefined;
  #checking: Promise<void> | undefined;
  #progress: Progress | undefined;
  #heard: HeardKept | null | undefined;
  #shown: { readonly of: Known; readonly heard: HeardKept | null; readonly overview: Omit<Overview, "checking"> } | undefined;

  constructor(session: Session, transport: Transport, side: Overview["side"]) {
    [this.#session, this.#transport, this.#side] = [session, transport, side];
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  #auditing(): Promise<Auditing> {
    const { rows, identity } = this.#session;
    this.#opened ??= Auditing.open(rows, identity, this.#side, () => this.#session.now());
    return this.#opened;
  }

  overview(): Promise<Overview> {
    return inWords(async () => {
      const { known } = await this.#auditing();
      const heard = (this.#heard ??= await readHeard(this.#session.rows, this.#side));
      if (this.#shown?.of !== known || this.#shown.heard !== heard)
        this.#shown = { of: known, heard, overview: overviewOf(known, heard, this.#side, this.#session.identity.device, this.#session.now()) };
      return { ...this.#shown.overview, checking: this.#progress };
    });
  }

  /** One at a time; whoever asks while one is under way waits for that one. */
  check(whole: boolean): Promise<void> {
    this.#checking ??= this.#check(whole).finally(() => {
      [this.#checking, this.#progress] = [undefined, undefined];
      this.#tell();
    });
    return this.#checking;
  }

  #check(whole: boolean): Promise<void> {
    return inWords(async () => {
      const { identity, key } = this.#session;
      this.#progress = { done: 0, of: 0 };
      this.#tell();
      const auditing = await this.#auditing();
      await sync(this.#session, this.#transport); // the own registry: somebody may have kept this device out
      const get = (path: string): Promise<Uint8Array> => this.#transport.signed(identity, key, "GET", path);
      await auditing.check(get, whole, (progress) => {
        this.#progress = progress;
        this.#tell();
      });
      this.#heard = await lookAround(get, this.#session.rows, this.#side, this.#session.now());
    });
  }

  proof(n: number): Promise<Proof> {
    return inWords(async () => {
      const { audit, concluded } = (await this.#auditing()).known;
      const [tree, leaf] = [concluded?.tree ?? null, audit.tree.leaf(n)];
      if (tree === null || leaf === null) throw new Refused("not-found", "there is no signed tree with this row");
      const path = audit.tree.inclusion(n, tree.size);
      return { n, size: tree.size, leaf: hex(leaf), root: hex(tree.root), path: path.map(hex), holds: leads(leaf, n, tree, path) };
    });
  }

  bundle(): Promise<readonly string[]> {
    return inWords(async () => {
      const { audit, moment } = (await this.#auditing()).known;
      if (moment === null) throw new Refused("not-found", "nothing was fetched yet");
      const pieces: string[] = [];
      let lines: string[] = [];
      const take = (): void => {
        if (lines.length > 0) pieces.push(`${lines.join("\n")}\n`);
        lines = [];
      };
      for (const line of exportLines(audit, moment, this.#session.identity.authority, Math.max(0, this.#session.now()))) {
        if (lines.push(line) >= PIECE) take();
      }
      take();
      return pieces;
    });
  }
}

function leads(leaf: Uint8Array, n: number, tree: { readonly size: number; readonly root: Uint8Array }, path: readonly Uint8Array[]): boolean {
  try {
    checkInclusion(leaf, n, tree.size, path, tree.root);
    return true;
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}
