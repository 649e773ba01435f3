/** What is gone by, of records in which anybody may have written anything. Spec 5.4, 5.8, 5.10. */
import type { Json, Op } from "@fieldkeep/core/change";
import { groupOf } from "@fieldkeep/core/due/due";
import { fold } from "@fieldkeep/core/fold/fold";
import type { Folded } from "@fieldkeep/core/fold/fold";
import type { FoldedRecord, Placed } from "@fieldkeep/core/fold/model";
import { encodeUuid, recordId } from "@fieldkeep/core/ids";
import { readSchemas } from "@fieldkeep/core/schemas";
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fittingValues, standing } from "../src/agenda";
import type { Session } from "../src/session";

const SHARED = new URL("../../../shared_schema/", import.meta.url);
const read = (folder: string): readonly unknown[] =>
  readdirSync(new URL(`${folder}/`, SHARED))
    .filter((name) => name.endsWith(".json"))
    .map((name): unknown => JSON.parse(readFileSync(new URL(`${folder}/${name}`, SHARED), "utf8")));
const schemas = readSchemas(read("records"), read("codes"));

const LOG = new Uint8Array(16).fill(9);
const ADA = { device: new Uint8Array(16).fill(1), user: new Uint8Array(16).fill(11) };
const idOf = (n: number): Uint8Array => recordId(LOG, ADA.device, n);
const set = (field: string, value: Json): Op => ({ field, action: "set", value, preds: [] });
const add = (field: string, value: Json): Op => ({ field, action: "add", value, preds: [] });

/** The `n`th record of a file. */
function written(n: number, type: string, ...ops: readonly Op[]): Placed {
  const change = { r: idOf(n), t: type, s: 1, c: n, b: n - 1, at: 0, ops, u: false };
  return { seq: n, received_ms: n, part: 0, ...ADA, role: "navigator", late: false, stub: false, change };
}

const folded = (...changes: readonly Placed[]): Folded => fold(LOG, schemas.types, changes);
function only(...ops: readonly Op[]): FoldedRecord {
  const [record] = folded(written(1, "risk_management_plan", ...ops)).records.values();
  if (record === undefined) throw new Error("a record wanted");
  return record;
}
/** As much of a session as is read here. */
const sessionOf = (of: Folded): Session => ({ schemas, recordsOf: () => of }) as unknown as Session;
const ids = (of: Folded, type = "task"): readonly (number | undefined)[] =>
  standing(sessionOf(of), LOG, type).map(({ created }) => created?.change.c);

test("a value that does not fit its field says nothing, of a row the cell, of a list what is no row", () => {
  expect([...fittingValues(schemas, only(set("review_on", 20261123), set("nobody_knows", "x"))).keys()]).toEqual([]);
  const rows = only(
    add("actions", new Map<string, Json>([["action", "ring"], ["due", "tomorrow"], ["state", "a_new_code"]])),
    add("actions", "no row"),
  );
  const [row, ...more] = fittingValues(schemas, rows).get("actions") as readonly ReadonlyMap<string, Json>[];
  expect(more).toEqual([]);
  expect([...(row ?? [])]).toEqual([["action", "ring"], ["state", "a_new_code"]]);
});

test("a correction stands in the place of what it corrects, and a void one gives it back", () => {
  const corrects = (n: number): Op => set("corrects", encodeUuid(idOf(n)));
  const [first, other] = [written(1, "task"), written(2, "task")];
  const chain = [first, other, written(3, "task", corrects(1)), written(4, "task", corrects(3))];
  expect(ids(folded(...chain))).toEqual([2, 4]);
  expect(ids(folded(...chain.slice(0, 3), written(4, "task", corrects(3), set("state", "void"))))).toEqual([2, 3]);
  expect(ids(folded(written(1, "task", corrects(2)), written(2, "task", corrects(1))))).toEqual([2]);
  expect(ids(folded(written(1, "task", corrects(7))))).toEqual([1]);
  expect(ids(folded(written(1, "need"), written(2, "task", corrects(1))))).toEqual([2]);
  expect(ids(folded(written(1, "task", set("state", "void"))))).toEqual([]);
});

test("what is due is shown in four groups", () => {
  expect([-1, 0, 1, 7, 8].map((days) => groupOf({ days }))).toEqual(["overdue", "today", "week", "week", "later"]);
});
