/** Rules of the fold that no vector shows by itself. Spec 5.3 to 5.5, 5.7. */
import { describe, expect, test } from "vitest";
import { hex } from "../../src/bytes";
import type { Action, Field, Json, Op, OpId } from "../../src/change";
import { fold } from "../../src/fold/fold";
import type { FoldedRecord, Placed } from "../../src/fold/model";
import { conflicts, rows, shown, unweighed } from "../../src/fold/show";
import { encodeUuid, recordId } from "../../src/ids";
import { LOG, TYPES } from "./histories";

const ADA = { device: new Uint8Array(16).fill(1), user: new Uint8Array(16).fill(11) };
const BO = { device: new Uint8Array(16).fill(2), user: new Uint8Array(16).fill(12) };
const CY = { device: new Uint8Array(16).fill(3), user: new Uint8Array(16).fill(13) };
const RECORD = recordId(LOG, ADA.device, 1);
type Who = typeof ADA;

const at = (who: Who, c: number, index = 0): OpId => [who.device, c, index];
const op = (field: Field, value: Json, preds: readonly OpId[] = [], action: Action = "set"): Op => ({
  field,
  action,
  value,
  preds,
});
const sign = (...preds: readonly OpId[]): Op => ({ field: "_signed", action: "sign", value: null, preds });

/** `b` is what the author had seen: by default all before. */
function placed(
  seq: number,
  who: Who,
  c: number,
  ops: readonly Op[],
  more: Partial<Placed> & { b?: number } = {},
): Placed {
  const { b = seq - 1, ...rest } = more;
  const change = { r: RECORD, t: "note", s: 1, c, b, at: 0, ops, u: false };
  return { seq, received_ms: seq, part: 0, ...who, role: "navigator", late: false, stub: false, change, ...rest };
}

function folded(...changes: readonly Placed[]): FoldedRecord {
  const record = fold(LOG, TYPES, changes).records.get(hex(RECORD));
  if (record === undefined) throw new Error("the record is not there");
  return record;
}

const plan = (...changes: readonly Placed[]): FoldedRecord =>
  folded(...changes.map((one) => ({ ...one, change: { ...one.change, t: "plan" } })));

describe("the field `state`", () => {
  const draft = placed(1, ADA, 1, [op("state", "draft"), op("ask", "a")]);
  const signed = placed(2, ADA, 2, [op("state", "signed", [at(ADA, 1)]), sign(at(ADA, 1, 1))]);

  test("its author makes a signed record void", () => {
    expect(shown(folded(draft, signed, placed(3, ADA, 3, [op("state", "void")])), "state").value).toBe("void");
  });

  test("nobody else makes a living record void, though its other states are theirs to set", () => {
    expect(shown(plan(draft, placed(2, BO, 1, [op("state", "void", [at(ADA, 1)])])), "state").value).toBe("draft");
    expect(shown(plan(draft, placed(2, BO, 1, [op("state", "open", [at(ADA, 1)])])), "state").value).toBe("open");
  });

  test("a decision that says void is taken no more at its word than a value that does", () => {
    const resolve = op("state", ["void", "tired of it"], [at(ADA, 1)], "resolve");
    expect(shown(plan(draft, placed(2, BO, 1, [resolve])), "state").value).toBe("draft");
  });
});

describe("deleting", () => {
  test("who deletes and edits in one change hides what they edited", () => {
    const deletion: Op = { field: "_deleted", action: "delete", value: true, preds: [] };
    const both = placed(2, BO, 1, [op("ask", "b"), deletion]);
    expect(plan(placed(1, ADA, 1, [op("ask", "a")]), both).hidden).toBe(true);
    expect(plan(placed(1, ADA, 1, [op("ask", "a")]), both, placed(3, BO, 2, [op("ask", "c")])).hidden).toBe(false);
  });
});

describe("frozen fields", () => {
  const begun = placed(1, ADA, 1, [op("set", "x", [], "add"), op("once", "o"), op("latest", "l")]);
  const signed = placed(2, ADA, 2, [sign(at(ADA, 1, 0), at(ADA, 1, 1))]);

  test("nothing is taken out of a set that was signed", () => {
    const record = folded(begun, signed, placed(3, BO, 1, [op("set", null, [at(ADA, 1, 0)], "remove")]));
    expect(shown(record, "set").value).toEqual(["x"]);
  });

  test("what was not signed is a proposal, and `latest` is not frozen", () => {
    const record = folded(begun, placed(2, ADA, 2, [sign()]), placed(3, BO, 1, [op("latest", "m", [at(ADA, 1, 2)])]));
    expect([shown(record, "once").value, shown(record, "latest").value]).toEqual([null, "m"]);
  });

  test("a proposal waits for the author until a signature of theirs names it", () => {
    const asked = placed(1, ADA, 1, [op("ask", "a"), op("story", "s")]);
    const frozen = placed(2, ADA, 2, [sign(at(ADA, 1, 0), at(ADA, 1, 1))]);
    const proposal = placed(3, BO, 1, [op("ask", "b"), op("story", "s")]);
    const named = (record: FoldedRecord): readonly string[] => unweighed(record).map(([, one]) => one.key);
    expect(named(folded(asked, frozen, proposal))).toEqual([`${hex(BO.device)}:1:0`]);
    expect(named(folded(asked, frozen, proposal, placed(4, CY, 1, [sign(at(BO, 1, 0))])))).toHaveLength(1);
    expect(named(folded(asked, frozen, proposal, placed(4, ADA, 3, [sign(at(BO, 1, 0))])))).toEqual([]);
    expect(named(folded(asked, frozen, proposal, placed(4, ADA, 3, [op("state", "void")])))).toEqual([]);
  });
});

describe("rows", () => {
  test("a row says who added it, and its cells who set them", () => {
    const row = op(
      "rows",
      new Map<string, Json>([
        ["x", "one"],
        ["y", "no"],
      ]),
      [],
      "add",
    );
    const cell = op(["rows", at(ADA, 1), "y"], "yes", [at(ADA, 1)]);
    const record = plan(placed(1, ADA, 1, [row]), placed(2, BO, 1, [cell]));
    const [only] = rows(record, "rows");
    expect(only?.by.from.user).toEqual(ADA.user);
    expect(only?.value).toEqual(
      new Map([
        ["x", "one"],
        ["y", "yes"],
      ]),
    );
    expect(rows(record, "ask")).toEqual([]);
  });
});

describe("fields that no schema knows", () => {
  test("a removal takes out what it names, added or set", () => {
    const both = placed(1, ADA, 1, [op("zz", "set"), op("zz", "added", [], "add")]);
    const removal = placed(2, BO, 1, [op("zz", null, [at(ADA, 1, 0), at(ADA, 1, 1)], "remove")]);
    expect(shown(plan(both), "zz").value).toEqual(["set", "added"]);
    expect(shown(plan(both, removal), "zz").value).toBeNull();
  });

  test("a late addition comes after nothing that its device set", () => {
    const set = placed(2, BO, 3, [op("zz", "late")], { late: true });
    const added = placed(1, BO, 5, [op("zz", "newer", [], "add")]);
    expect(shown(plan(placed(1, ADA, 1, [op("once", "t")]), added, set), "zz").value).toBe("late");
  });
});

describe("markers", () => {
  const gone = (named: OpId | null): Json =>
    new Map([["expunged", named === null ? null : [encodeUuid(named[0]), named[1], named[2]]]]);
  const begun = placed(1, ADA, 1, [op("once", "t")]);
  const two = (a: Json, b: Json): FoldedRecord =>
    plan(
      begun,
      placed(2, BO, 1, [op("ask", a)], { stub: true, b: 1 }),
      placed(3, CY, 1, [op("ask", b)], { stub: true, b: 1 }),
    );

  test("chains that end at one op are one value, at two they differ", () => {
    expect(conflicts(two(gone(null), gone(at(BO, 1))))).toEqual([]);
    expect(conflicts(two(gone(null), gone(null)))).toEqual(["ask"]);
  });

  test("a circle and all that lead into it are one value, and one that names nothing on the field is itself", () => {
    expect(conflicts(two(gone(at(CY, 1)), gone(at(BO, 1))))).toEqual([]);
    expect(conflicts(two(gone(at(CY, 1)), gone(at(CY, 1))))).toEqual([]);
    expect(conflicts(two(gone(at(BO, 1)), gone(at(CY, 1))))).toEqual(["ask"]);
    expect(conflicts(two(gone(at(ADA, 9)), gone(at(ADA, 9))))).toEqual([]);
  });

  test("a marker ranks as a missing reason, though what it stands for is still known elsewhere", () => {
    const worst = (field: string, low: Json, high: Json): Json => {
      const first = placed(1, ADA, 1, [op(field, high)]);
      const over = placed(2, ADA, 2, [op(field, low, [at(ADA, 1)])]);
      const marker = placed(3, BO, 1, [op(field, gone(at(ADA, 1)))], { stub: true, b: 0 });
      return shown(plan(first, over, marker), field).value;
    };
    expect(worst("worst", "no", "yes")).toBe("no");
    expect(worst("strict", "a", "b")).toBe("b");
  });

  test("outside a stub a value that looks like a marker is a value", () => {
    const record = plan(
      begun,
      placed(2, BO, 1, [op("ask", gone(null))], { b: 1 }),
      placed(3, CY, 1, [op("ask", gone(null))], { b: 1 }),
    );
    expect(conflicts(record)).toEqual([]);
    expect(shown(record, "ask").value).toEqual(gone(null));
  });
});
