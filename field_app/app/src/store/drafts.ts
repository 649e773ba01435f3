/**
 * Drafts: what somebody is typing, on the phone within 300 ms, sealed, whatever becomes of the app.
 *
 * A draft holds the text of each box as it was typed, also where it does not say anything valid yet. It is no record and no
 * change: that it becomes when its author saves or signs it, and then the draft goes.
 */
import type { Store } from "./store";

/** The boxes of a form, by name. */
export type Typed = Readonly<Record<string, string>>;

export interface Draft {
  readonly id: string;
  readonly file: string;
  readonly type: string;
  /** The record that is being changed; without it a new one is being written. */
  readonly record: string | undefined;
  readonly typed: Typed;
  readonly atMs: number;
}

export type Saving = "saved" | "saving" | "failed";

const COLLECTION = "draft";
const DELAY_MS = 200;

const isText = (value: unknown): value is string => typeof value === "string";

function isTyped(value: unknown): value is Typed {
  return typeof value === "object" && value !== null && Object.values(value).every(isText);
}

function decode(content: Uint8Array): Draft | undefined {
  const value: unknown = JSON.parse(new TextDecoder().decode(content));
  if (typeof value !== "object" || value === null) return undefined;
  const { id, file, type, record, typed, atMs } = value as Partial<Record<keyof Draft, unknown>>;
  if (!isText(id) || !isText(file) || !isText(type) || !isTyped(typed) || typeof atMs !== "number") return undefined;
  return { id, file, type, record: isText(record) ? record : undefined, typed, atMs };
}

export class Drafts {
  readonly #store: Store;
  readonly #listeners = new Set<(id: string, saving: Saving) => void>();
  readonly #waiting = new Map<string, Draft>();
  readonly #stop = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(store: Store) {
    this.#store = store;
    const { signal } = this.#stop;
    signal.addEventListener("abort", store.beforeLock(() => this.flush()));
    // The browser may end a page that is hidden without another word.
    const hidden = (): void => {
      if (document.visibilityState === "hidden") void this.flush();
    };
    document.addEventListener("visibilitychange", hidden, { signal });
  }

  /** When the store has been locked. What could not be written by then is forgotten. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting.clear();
    this.#stop.abort();
  }

  onSaving(listener: (id: string, saving: Saving) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Remembers the newest text, and writes it soon: the first key that was pressed waits no longer than the last. */
  save(draft: Draft): void {
    this.#waiting.set(draft.id, draft);
    this.#tell(draft.id, "saving");
    this.#timer ??= setTimeout(() => void this.flush(), DELAY_MS);
  }

  /** Writes what waits. What could not be written waits on, and is tried again with the next key. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async get(id: string): Promise<Draft | undefined> {
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined) return waiting;
    const content = await this.#store.get(COLLECTION, id);
    return content && decode(content);
  }

  /** The newest first. */
  async list(): Promise<readonly Draft[]> {
    await this.flush();
    const rows = await this.#store.scan(COLLECTION);
    return rows
      .map((row) => decode(row.content))
      .filter((draft) => draft !== undefined)
      .sort((a, b) => b.atMs - a.atMs);
  }

  async discard(id: string): Promise<void> {
    this.#waiting.delete(id);
    await this.#writing;
    await this.#store.transaction(async (transaction) => transaction.delete(COLLECTION, id));
  }

  async #write(): Promise<void> {
    const drafts = [...this.#waiting.values()];
    if (drafts.length === 0) return;
    try {
      await this.#store.transaction(async (transaction) => {
        for (const draft of drafts) transaction.put(COLLECTION, draft.id, new TextEncoder().encode(JSON.stringify(draft)));
      });
    } catch {
      for (const draft of drafts) this.#tell(draft.id, "failed");
      return;
    }
    for (const draft of drafts) {
      if (this.#waiting.get(draft.id) !== draft) continue; // typed on meanwhile: that is still to be written
      this.#waiting.delete(draft.id);
      this.#tell(draft.id, "saved");
    }
  }

  #tell(id: string, saving: Saving): void {
    for (const listener of this.#listeners) listener(id, saving);
  }
}
