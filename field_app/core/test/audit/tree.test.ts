/** The tree as an auditor builds it, and what authors had seen of it. Spec 3, 10.2, 10.4. */
import { describe, expect, it } from "vitest";
import { decodeAlone } from "../../src/audit/alone";
import { delaysOf } from "../../src/audit/delays";
import { Tree } from "../../src/audit/tree";
import { authorIn, randomSecret, sealEnvelope } from "../../src/author";
import { hex } from "../../src/bytes";
import { encodePart } from "../../src/change";
import { H } from "../../src/hash";
import { append, emptyLog } from "../../src/log";
import { checkInclusion, eventCommitment, inclusion, leafHash, root } from "../../src/merkle";
import { SECRET } from "../exchange/scene";
import { START_MS } from "../make/world";
import { read, small } from "./shown";

describe("what an author had seen of the tree", () => {
  /** A fourth note, sealed with that view of the tree. */
  async function seen(fromTree: (tree: Uint8Array) => Uint8Array): Promise<Awaited<ReturnType<typeof read>>> {
    const made = await small();
    const { svc, registry } = made.scene.side;
    const before = await made.shown();
    const tree = root(before.events.slice(0, 5).map(({ salt, event }) => leafHash(eventCommitment(salt, event))));
    const { keys, key } = made.scene.ada;
    const ck = { incarnation: registry.log.incarnation, size: 5, root: fromTree(tree) };
    const notes = (before.logs.get(hex(made.scene.log)) ?? []).map(({ cose }) => decodeAlone(cose));
    const log = notes.reduce(
      (at, entry, i) => append(at, entry, START_MS + 10_000 * (i + 1), true),
      emptyLog(made.scene.log, registry.log.incarnation),
    );
    const author = authorIn(svc, log, keys.device, key, ck);
    made.accept(
      await sealEnvelope(
        author,
        { ep: 1, secret: SECRET },
        [encodePart([made.scene.change(4, "again")])],
        [randomSecret()],
      ),
      START_MS + 60_000,
    );
    return read(await made.shown(), made.scene);
  }

  it("makes the author's device a witness", async () => {
    const { concluded, audit } = await seen((tree) => tree);
    expect(concluded.findings).toEqual([]);
    expect([...concluded.witnesses.values()]).toEqual([5]);
    expect(delaysOf(audit).map(({ atMostMs }) => atMostMs)).toEqual([null, null, null, 40_000]);
  });

  it("shows a fork, with the entry that says so", async () => {
    const { concluded } = await seen(() => H());
    expect(concluded.findings.map(({ seq, text }) => [seq, text])).toEqual([
      [5, "its author was shown another audit tree of size 5"],
    ]);
    expect(concluded.witnesses.size).toBe(0);
  });
});

describe("the tree", () => {
  const leaves = Array.from({ length: 37 }, (_, i) => leafHash(Uint8Array.of(i)));

  it("has the roots and paths of RFC 6962, in one step or many", () => {
    let grown = Tree.empty;
    for (const leaf of leaves) grown = grown.with([leaf]);
    const once = Tree.empty.with(leaves);
    for (let size = 0; size <= leaves.length; size++) {
      const wanted = root(leaves.slice(0, size));
      expect([grown.rootAt(size), once.rootAt(size)]).toEqual([wanted, wanted]);
      for (let i = 0; i < size; i++) {
        const path = grown.inclusion(i, size);
        expect(path).toEqual(inclusion(leaves.slice(0, size), i));
        checkInclusion(leaves[i] ?? wanted, i, size, path, wanted);
      }
    }
    expect(grown.rootAt(38)).toBeNull();
  });

  it("is left as it was by one that grows from it another way", () => {
    const five = Tree.empty.with(leaves.slice(0, 5));
    const left = five.with(leaves.slice(5, 9));
    const right = five.with(leaves.slice(20, 24));
    expect(left.rootAt(9)).toEqual(root(leaves.slice(0, 9)));
    expect(right.rootAt(9)).toEqual(root([...leaves.slice(0, 5), ...leaves.slice(20, 24)]));
    expect(five.rootAt(5)).toEqual(root(leaves.slice(0, 5)));
  });
});
