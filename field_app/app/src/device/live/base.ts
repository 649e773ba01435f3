/** What every act of a device behind the screens needs: one session, whoever listens, and one sync at a time. */
import { tendBoxes, type Vault } from "@fieldkeep/device/boxes";
import { type Held as DeviceHeld, heldOf } from "@fieldkeep/device/held";
import { type How, looked, type Shown } from "@fieldkeep/device/reading";
import type { Session } from "@fieldkeep/device/session";
import { sync } from "@fieldkeep/device/sync";
import type { Transport } from "@fieldkeep/device/transport";
import type { Oversight } from "../../console/oversight";
import { StoreRefusal } from "../../store/refusal";
import type { Me } from "../facade";
import { idBytes, idText } from "./convert";
import { inWords } from "./trouble";

interface Named {
  readonly file: string;
  readonly record: string;
}

export abstract class Base {
  readonly me: Me;
  readonly oversight: Oversight | undefined;
  protected readonly session: Session;
  protected readonly transport: Transport;
  protected readonly vault: Vault;
  readonly #listeners = new Set<() => void>();
  /** What waits for this person's decision, by file, as the newest sync showed it. */
  protected readonly waiting = new Map<string, readonly DeviceHeld[]>();
  protected syncing: Promise<void> | undefined;

  constructor(session: Session, transport: Transport, vault: Vault, oversight: Oversight | undefined) {
    [this.session, this.transport, this.vault] = [session, transport, vault];
    this.oversight = oversight;
    const { user, name, device, side, roles } = session.identity;
    this.me = { id: idText(user), name, device: idText(device), side: side === "victim" ? "victim" : "perpetrator", roles, practice: false };
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  protected tell(): void {
    for (const listener of this.#listeners) listener();
  }

  protected async doing<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await inWords(work);
    } finally {
      this.tell();
    }
  }

  /** Before anything is shown. On a full phone it is not remembered, and what was asked for is shown all the same. */
  protected async looked(log: Uint8Array, shown: readonly Shown[], how: How = "opened"): Promise<void> {
    try {
      await looked(this.session, log, shown, how);
    } catch (error) {
      if (!(error instanceof StoreRefusal && error.why === "full")) throw error;
    }
  }

  /** One at a time; whoever asks while one is under way waits for that one. */
  sync(): Promise<void> {
    this.syncing ??= this.#sync().finally(() => {
      this.syncing = undefined;
      this.tell();
    });
    this.tell();
    return this.syncing;
  }

  async #sync(): Promise<void> {
    try {
      await inWords(async () => {
        await sync(this.session, this.transport, () => this.tell());
        await this.#fetchHeld();
        await tendBoxes(this.session, this.vault);
      });
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "offline") return;
      throw error;
    }
  }

  /** Records that are about to be shown, each by itself; those of which nothing is told but that they are there are not looked at. */
  protected read<T extends Named>(found: readonly T[], tells: (one: T) => boolean = () => true): Promise<readonly T[]> {
    return inWords(async () => {
      const byFile = new Map<string, Set<string>>();
      for (const one of found.filter(tells)) byFile.set(one.file, (byFile.get(one.file) ?? new Set()).add(one.record));
      for (const [file, records] of byFile) await this.looked(idBytes(file), [...records].map((record) => ({ record: idBytes(record) })));
      return found;
    });
  }

  /** What waits for this person's decision, fetched with the sync: so it can be read without a signal. */
  async #fetchHeld(): Promise<void> {
    const waiting = new Map(this.session.state.held.map(({ log }) => [idText(log), log] as const));
    for (const file of [...this.waiting.keys()]) if (!waiting.has(file)) this.waiting.delete(file);
    for (const [file, log] of waiting) this.waiting.set(file, await heldOf(this.session, this.transport, log));
  }
}
