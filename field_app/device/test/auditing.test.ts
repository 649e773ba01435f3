/**
 * A supervisor's device fetches what is new, keeps what it verified, and says what is not what it was. Spec 10.3,
 * 10.4.
 */
import { listedShape, eventPage, logPage } from "@fieldkeep/core/audit/pages";
import { hex } from "@fieldkeep/core/bytes";
import { encode } from "@fieldkeep/core/cbor";
import { decodeUuid } from "@fieldkeep/core/ids";
import { beforeEach, describe, expect, it } from "vitest";
import { flipped, type Shower, type Shown, small, type Staged } from "../../core/test/audit/shown";
import { aCase, erasure } from "../../core/test/audit/case";
import type { Scene } from "../../core/test/exchange/scene";
import { START_MS } from "../../core/test/make/world";
import { Auditing } from "../src/auditing/auditing";
import { dropAudited } from "../src/auditing/kept";
import type { Transaction } from "../src/rows";
import { MemoryRows } from "./memory_rows";

let shower: Shower<Staged>;
let scene: Scene;
let shown: Shown;
let rows: Looked;
let asked: string[];

/** Rows that can be looked through. */
class Looked extends MemoryRows {
  readonly #collections = new Set<string>();

  override transaction<T>(body: (transaction: Transaction) => Promise<T>): Promise<T> {
    return super.transaction((inner) =>
      body({
        ...inner,
        put: (collection, name, content) => {
          this.#collections.add(collection);
          inner.put(collection, name, content);
        },
      }),
    );
  }

  async holds(bytes: Uint8Array): Promise<boolean> {
    const all = await Promise.all([...this.#collections].map((one) => this.scan(one)));
    return all.flat().some(({ content }) => hex(content).includes(hex(bytes)));
  }
}

beforeEach(async () => {
  const made = await small();
  [shower, scene] = [made, made.scene];
  shown = await shower.shown();
  [rows, asked] = [new Looked(), []];
});

/** In pages of two. */
function get(path: string): Promise<Uint8Array> {
  asked.push(path);
  const after = Number(/=(\d+)$/.exec(path)?.[1] ?? 0);
  if (path.endsWith("/logs")) return Promise.resolve(encode(listedShape.write(shown.listed)));
  if (path.includes("/events")) {
    const events = shown.events.filter(({ n }) => n >= after).slice(0, 2);
    return Promise.resolve(encode(eventPage.write({ events, size: shown.events.length })));
  }
  const log = hex(decodeUuid(/log\/([^?]+)/.exec(path)?.[1] ?? ""));
  return Promise.resolve(
    encode(logPage.write({ entries: (shown.logs.get(log) ?? []).filter(({ seq }) => seq > after).slice(0, 2) })),
  );
}

function open(): Promise<Auditing> {
  const { svc, registry } = shower.scene.side;
  return Auditing.open(rows, { svc, authority: registry.pinned }, "perpetrator", () => START_MS);
}

const found = ({ known }: Auditing): readonly (readonly [number | null, number])[] =>
  (known.last?.findings ?? []).map(({ event, seq }) => [event, seq]);

describe("a check", () => {
  it("verifies, keeps, and fetches nothing twice", async () => {
    const first = await open();
    expect(first.known.last).toBeNull();
    const steps: number[] = [];
    await first.check(get, false, ({ done, of }) => steps.push(done / of));
    expect(found(first)).toEqual([]);
    expect(steps.at(-1)).toBe(1);
    expect(first.known.verified?.size).toBe(11);
    shower.tell({
      e: "delivered",
      device: scene.ada.keys.device,
      log: scene.log,
      from: 0,
      to: 4,
      ms: START_MS + 90_000,
    });
    shown = await shower.shown();
    const again = await open();
    expect([found(again), again.known.verified?.size, again.known.audit.events.length]).toEqual([[], 11, 11]);
    asked = [];
    await again.check(get, false);
    expect(asked.map((path) => path.replace(/.*perpetrator\//, ""))).toEqual(["logs", "events?from=11"]);
    expect([found(again), again.known.verified?.size]).toEqual([[], 12]);
    expect((await open()).known.verified?.size).toBe(12);
  });

  it("names the event that was changed behind it, keeps what it had, and says so again when it is opened", async () => {
    const first = await open();
    await first.check(get, false);
    const honest = shown;
    shown = {
      ...shown,
      events: shown.events.map((one) =>
        one.n === 5 ? { ...one, event: flipped(one.event, one.event.length - 1) } : one,
      ),
    };
    await first.check(get, false);
    expect(found(first)).toEqual([]);
    await first.check(get, true);
    expect(found(first)[0]).toEqual([5, 0]);
    expect(first.known.verified?.size).toBe(11);
    const next = await open();
    expect(found(next)[0]).toEqual([5, 0]);
    expect(next.known.audit.events.length).toBe(11);
    shown = honest;
    await next.check(get, true);
    expect([found(next), found(await open())]).toEqual([[], []]);
  });

  it("names the entry that was changed behind it", async () => {
    const first = await open();
    await first.check(get, false);
    const logs = new Map(shown.logs);
    const key = hex(scene.log);
    logs.set(
      key,
      (logs.get(key) ?? []).map((one) =>
        one.seq === 2 ? { ...one, cose: flipped(one.cose, one.cose.length - 1) } : one,
      ),
    );
    shown = { ...shown, logs };
    await first.check(get, true);
    expect(found(first)[0]).toEqual([null, 2]);
  });

  it("is true all at once, or not at all", async () => {
    const first = await open();
    rows.cut = { after: 1, kept: false };
    await expect(first.check(get, false)).rejects.toThrow();
    const next = await open();
    expect(next.known.last).toBeNull();
    await next.check(get, false);
    expect(found(next)).toEqual([]);
  });

  it("keeps nothing but ids of a file that was erased after it was read", async () => {
    const written = await aCase();
    [shower, shown] = [written.shower, await written.shower.shown()];
    const first = await open();
    await first.check(get, false);
    expect(await rows.holds(written.note.frame.bytes)).toBe(true);
    shower.accept(await erasure(written, written.bo), START_MS + 150_000);
    shower.erase(written.genesis.header.log);
    shown = await shower.shown();
    await first.check(get, false);
    expect(found(first)).toEqual([]);
    expect(await rows.holds(written.note.frame.bytes)).toBe(false);
    expect(found(await open())).toEqual([]);
    await first.check(get, true);
    expect([found(first), first.known.verified?.size]).toEqual([[], shown.events.length]);
  });

  it("is forgotten whole when the device is wiped", async () => {
    await (await open()).check(get, false);
    expect(rows.size).toBeGreaterThan(0);
    await rows.transaction(dropAudited);
    expect(rows.size).toBe(0);
  });
});
