/** What an auditor finds: nothing in what is honest, and each thing that was changed, by its place. Spec 10.4. */
import { beforeAll, describe, expect, it } from "vitest";
import { exportLines } from "../../src/audit/export_file";
import { healthOf } from "../../src/audit/health";
import { delaysOf } from "../../src/audit/delays";
import { rowsFrom } from "../../src/audit/table";
import { hex } from "../../src/bytes";
import { origin, signCheckpoint } from "../../src/checkpoint";
import { eventCommitment, leafHash, root } from "../../src/merkle";
import { H } from "../../src/hash";
import { START_MS } from "../make/world";
import { flipped, read, type Shower, type Shown, small } from "./shown";

let shower: Shower;
let shown: Shown;
const say = (one: {
  readonly code: string;
  readonly log: Uint8Array | null;
  readonly seq: number;
  readonly event: number | null;
}): string => `${one.code} ${one.log === null ? "-" : hex(one.log).slice(0, 4)} ${one.seq} ${one.event ?? "-"}`;

beforeAll(async () => {
  shower = await small();
  shown = await shower.shown();
});

const own = (): string => hex(shower.scene.log);
const entries = (): readonly Shown["events"][number][] => shown.events;

function withEntry(at: number, change: (one: NonNullable<ReturnType<Shown["logs"]["get"]>>[number]) => object): Shown {
  const logs = new Map(shown.logs);
  logs.set(
    own(),
    (logs.get(own()) ?? []).map((one, i) => (i === at ? { ...one, ...change(one) } : one)),
  );
  return { ...shown, logs };
}

describe("an honest side", () => {
  it("verifies to its checkpoint, and its author has seen none of it", async () => {
    const { concluded } = await read(shown, shower.scene);
    expect(concluded.findings.map(say)).toEqual([]);
    expect(concluded.tree?.size).toBe(shown.events.length);
    expect(concluded.witnesses.size).toBe(0);
  });

  it("says the same when it is read in two steps", async () => {
    const first: Shower = await small();
    const half = await first.shown();
    const begun = await read(half, first.scene);
    const last = await first.scene.note(null, 9);
    first.tell({
      e: "delivered",
      device: first.scene.ada.keys.device,
      log: first.scene.log,
      from: 0,
      to: 4,
      ms: START_MS + 90_000,
    });
    expect(last.header.log).toEqual(first.scene.log);
    const { concluded } = await read(await first.shown(), first.scene, begun.concluded.tree, begun.audit);
    expect(concluded.findings.map(say)).toEqual([]);
    expect(concluded.tree?.size).toBe(half.events.length + 1);
  });

  it("has a row for each event, with who, what and when", async () => {
    const { audit } = await read(shown, shower.scene);
    const rows = rowsFrom(audit, 0, 0);
    expect(rows.map(({ act }) => act)).toEqual([
      "root",
      "certify",
      "enrol",
      "genesis",
      "wrote",
      "delivered",
      "wrote",
      "delivered",
      "wrote",
      "delivered",
      "delivered",
    ]);
    expect(rows[4]).toMatchObject({
      device: hex(shower.scene.ada.keys.device),
      log: own(),
      from: 2,
      to: 2,
      ms: START_MS + 20_000,
    });
    const [admin, ada] = ["admin", "ada"].map((who) =>
      healthOf(audit).devices.find(
        ({ device }) =>
          hex(device.device) === hex(who === "ada" ? shower.scene.ada.keys.device : shower.scene.admin.keys.device),
      ),
    );
    expect(admin).toMatchObject({ waiting: 1, heardMs: START_MS + 50_000, written: 0 });
    expect(ada).toMatchObject({ written: 5, wroteMs: START_MS + 40_000, standing: "in use" });
    expect(delaysOf(audit).map(({ reachedMs, atMostMs }) => [reachedMs, atMostMs])).toEqual([
      [null, null],
      [null, null],
      [null, null],
    ]);
  });

  it("is written out as JSON Lines", async () => {
    const { audit } = await read(shown, shower.scene);
    const written = [...exportLines(audit, shown.listed, shower.scene.side.registry.pinned, 1)];
    for (const line of written) expect(line).toMatch(/^[\x20-\x7e]+$/);
    const lines = written.map((line): unknown => JSON.parse(line));
    expect(lines).toHaveLength(1 + 3 + 4 + 2 + shown.events.length + 1);
    expect(lines[0]).toMatchObject({ format: "fieldkeep-export", v: 1, side: "perpetrator", made_ms: 1 });
    expect(lines.at(-1)).toEqual({ checkpoint: shown.listed.checkpoint });
  });
});

describe("a byte that was turned over", () => {
  it("is found and named wherever it stands in an event", async () => {
    for (const [n, { event, salt }] of entries().entries()) {
      for (const at of [0, 3, Math.floor(event.length / 2), event.length - 1]) {
        const events = entries().map((one) => (one.n === n ? { ...one, event: flipped(event, at) } : one));
        const { concluded } = await read({ ...shown, events }, shower.scene);
        const named = concluded.findings.some(
          (one) => one.event === n || (one.log !== null && /hash|leaf|tells/.test(one.text)),
        );
        expect([
          n,
          at,
          concluded.findings.length > 0,
          named || /do not hash/.test(concluded.findings.map(({ text }) => text).join()),
        ]).toEqual([n, at, true, true]);
      }
      const salted = entries().map((one) => (one.n === n ? { ...one, salt: flipped(salt, 5) } : one));
      expect((await read({ ...shown, events: salted }, shower.scene)).concluded.findings).not.toEqual([]);
    }
  });

  it("is found and named wherever it stands in an entry", async () => {
    for (const at of [0, 1, 2, 3]) {
      const bytes = shown.logs.get(own())?.[at]?.cose ?? new Uint8Array(0);
      for (const byte of [0, 1, 40, Math.floor(bytes.length / 2), bytes.length - 40, bytes.length - 1]) {
        const { concluded } = await read(
          withEntry(at, () => ({ cose: flipped(bytes, byte) })),
          shower.scene,
        );
        const first = concluded.findings[0];
        expect([at, byte, first?.code, first?.log && hex(first.log), first?.seq]).toEqual([
          at,
          byte,
          "contradiction",
          own(),
          at + 1,
        ]);
      }
    }
  });

  it("is found in what the server says of an entry", async () => {
    const said = [
      withEntry(1, ({ chain }) => ({ chain: flipped(chain, 1) })),
      withEntry(1, ({ salt }) => ({ salt: flipped(salt, 1) })),
      withEntry(1, ({ leaf }) => ({ leaf: leaf + 1 })),
      withEntry(1, ({ received_ms }) => ({ received_ms: received_ms + 1 })),
    ];
    for (const one of said) {
      const { concluded } = await read(one, shower.scene);
      expect(concluded.findings.some(({ log, seq }) => log !== null && hex(log) === own() && seq === 2)).toBe(true);
    }
  });

  it("is found in a head and in the checkpoint", async () => {
    const heads = shown.listed.logs.map((one) => ({ ...one, head: flipped(one.head, one.head.length - 3) }));
    const spoilt = await read({ ...shown, listed: { ...shown.listed, logs: heads } }, shower.scene);
    expect(new Set(spoilt.concluded.findings.map(({ code }) => code))).toEqual(new Set(["bad-export"]));
    const note = shown.listed.checkpoint.replace(/\n(\d+)\n/, "\n7\n");
    const other = await read({ ...shown, listed: { ...shown.listed, checkpoint: note } }, shower.scene);
    expect(other.concluded.findings.map(say)).toEqual(["bad-export - 0 -"]);
    expect(other.concluded.tree).toBeNull();
  });
});

describe("a row that was dropped", () => {
  it("is missed, with its number", async () => {
    for (const n of [0, 4, entries().length - 1]) {
      const { concluded } = await read({ ...shown, events: entries().filter((one) => one.n !== n) }, shower.scene);
      expect(concluded.findings[0]).toMatchObject({ event: n });
    }
  });

  it("is missed where the numbers were closed up behind it, and the tree signed anew", async () => {
    const { checkpoint, registry, svc } = shower.scene.side;
    const events = entries()
      .filter((one) => one.n !== 6)
      .map((one, n) => ({ ...one, n }));
    const leaves = events.map(({ salt, event }) => leafHash(eventCommitment(salt, event)));
    const note = await signCheckpoint(
      origin(svc, registry.side, registry.log.incarnation),
      leaves.length,
      root(leaves),
      checkpoint,
    );
    const { concluded } = await read(
      { ...shown, events, listed: { ...shown.listed, events: leaves.length, checkpoint: note } },
      shower.scene,
    );
    expect(concluded.findings.map(({ log, seq }) => [log === null ? "" : hex(log), seq])).toContainEqual([own(), 3]);
  });

  it("is missed in a log", async () => {
    const logs = new Map(shown.logs);
    logs.set(
      own(),
      (logs.get(own()) ?? []).filter(({ seq }) => seq !== 3),
    );
    const { concluded } = await read({ ...shown, logs }, shower.scene);
    expect(concluded.findings[0]).toMatchObject({ code: "contradiction", seq: 3 });
    expect(concluded.findings[0]?.text).toMatch(/entry 3 is missing/);
  });
});

describe("a tree that was forked", () => {
  async function forked(): Promise<Shown> {
    const other = entries().map((one) =>
      one.n === entries().length - 1 ? { ...one, salt: flipped(one.salt, 0) } : one,
    );
    const leaves = other.map(({ salt, event }) => leafHash(eventCommitment(salt, event)));
    const { checkpoint, registry, svc } = shower.scene.side;
    const note = await signCheckpoint(
      origin(svc, registry.side, registry.log.incarnation),
      leaves.length,
      root(leaves),
      checkpoint,
    );
    return { ...shown, events: other, listed: { ...shown.listed, checkpoint: note } };
  }

  it("is found by who has verified the other", async () => {
    const before = (await read(shown, shower.scene)).concluded.tree;
    const other = await forked();
    expect((await read(other, shower.scene)).concluded.findings).toEqual([]);
    expect((await read(other, shower.scene, before)).concluded.findings.map(({ text }) => text)).toEqual([
      expect.stringMatching(/does not begin with the one of 11 events/),
    ]);
  });

  it("is found when it has shrunk", async () => {
    const before = { size: 99, root: H() };
    expect((await read(shown, shower.scene, before)).concluded.findings.map(({ text }) => text)).toEqual([
      expect.stringMatching(/shrunk/),
    ]);
  });
});

describe("what does not belong here", () => {
  it("is an authority that was not pinned", async () => {
    const { scene } = shower;
    const { concluded } = await read(
      shown,
      Object.assign(Object.create(scene) as typeof scene, {
        side: { ...scene.side, registry: { ...scene.side.registry, pinned: H() } },
      }),
    );
    expect(concluded.tree).toBeNull();
    expect(concluded.findings.length).toBeGreaterThan(0);
  });

  it("is a device of another side that was given entries, or fetched", async () => {
    const wrong = await small();
    const stranger = crypto.getRandomValues(new Uint8Array(16));
    wrong.tell({ e: "delivered", device: stranger, log: wrong.scene.log, from: 0, to: 2, ms: START_MS + 60_000 });
    wrong.tell({
      e: "delivered",
      device: wrong.scene.admin.keys.device,
      log: wrong.scene.log,
      from: 0,
      to: 2,
      ms: START_MS + 60_000,
    });
    wrong.tell({ e: "export", by: wrong.scene.ada.keys.device, what: "logs", ms: START_MS + 60_000 });
    const { concluded } = await read(await wrong.shown(), wrong.scene);
    expect(concluded.findings.map(({ code, event }) => [code, event])).toEqual([
      ["wall", 11],
      ["contradiction", 12],
      ["wall", 13],
    ]);
  });
});
