/** src/forms: every field of every type, from a value into boxes and back, judged by shared_schema. */
import { describe, expect, it } from "vitest";
import { boxesOf, readField } from "../../src/forms/boxes";
import { NOTHING_BEFORE, editsOf } from "../../src/forms/edits";
import { HINTED } from "../../src/forms/hints";
import { RECORD_TYPES, isOfEveryRecord, recordType } from "../../src/forms/schema";
import type { Value } from "../../src/forms/values";
import { dice, fits, uuid, validValue } from "../support/valid";

const roll = dice(7);
const ids = { users: Array.from({ length: 4 }, () => uuid(roll)), records: Array.from({ length: 6 }, () => uuid(roll)) };
const all = RECORD_TYPES.flatMap((type) => type.fields.map((field) => ({ type, field })));
/** The fields of every record once, as a task's. */
const fields = all.filter(({ type, field }) => type.name === "task" || !isOfEveryRecord(field));

describe("every field of every type", () => {
  it("is there: 87 types", () => {
    expect(RECORD_TYPES.length).toBe(87);
    expect(fields.length).toBeGreaterThan(700);
  });

  it("has a hint only where there is such a question", () => {
    const known = new Set(fields.flatMap(({ type, field }) => [`${type.name}.${field.name}`, `*.${field.name}`]));
    expect(HINTED.filter((name) => !known.has(name))).toEqual([]);
  });

  it("comes back out of its boxes as it went in, and fits", () => {
    let count = 0;
    for (const { type, field } of fields) {
      if (field.kind === "att") continue; // nobody types it
      for (let i = 0; i < 12; i += 1) {
        const value = validValue(field, roll, ids);
        expect(fits(type.name, field.name, value), `${type.name}.${field.name} ${JSON.stringify(value)}`).toBe(true);
        const boxes = boxesOf(field, value, field.name);
        expect(readField(field, boxes, field.name), `${type.name}.${field.name}`).toEqual({ is: "value", value });
        count += 1;
      }
    }
    console.log(`${count} values of ${fields.length} fields`);
  }, 30_000);

  it("says nothing when nobody has touched it", () => {
    for (const { field } of fields) expect(readField(field, {}, field.name)).toEqual({ is: "empty" });
  });

  it("never gives a value that does not fit, whatever is typed into its boxes", () => {
    const typed = ["", " ", "0", "-1", "1.5", "31", "2", "2026", "99999999999", "x", "NaN", "yes", "\u0000", "a".repeat(20_001), "\n", "٣"];
    let refused = 0;
    for (const { type, field } of fields) {
      if (field.kind === "list" || field.policy === "set" || field.kind === "code") continue; // chosen, not typed
      if (["yn", "user", "ref"].includes(field.kind)) continue;
      for (let i = 0; i < 60; i += 1) {
        const any = (): string => typed[roll(typed.length)] ?? "";
        const boxes = Object.fromEntries(
          ["", ".day", ".month", ".year", ".time"].map((box) => [`${field.name}${box}`, any()]),
        );
        const read = readField(field, boxes, field.name);
        if (read.is === "wrong") refused += 1;
        if (read.is === "value") expect(fits(type.name, field.name, read.value), `${field.kind} ${JSON.stringify(boxes).slice(0, 200)}`).toBe(true);
      }
    }
    expect(refused).toBeGreaterThan(1_000);
  });
});

describe("edits", () => {
  const contact = recordType("contact");
  const plan = recordType("own_safety_plan");
  const order = recordType("legal_order");
  if (contact === undefined || plan === undefined || order === undefined) throw new Error("a type is not there");

  it("of a new record are what was filled in", () => {
    const outcome = editsOf(contact, contact.fields, NOTHING_BEFORE, { mode: "phone", with: "client", "event_at.year": "2026" }, false);
    expect(outcome).toEqual({
      edits: [
        { act: "set", field: "mode", value: "phone" },
        { act: "add", field: "with", value: "client" },
        { act: "set", field: "event_at", value: { at: "2026", precision: "year" } },
      ],
    });
  });

  it("of a record that is there are only what changed, set by member and list by row", () => {
    const before = {
      values: { agency: "police", handling: ["a", "b"] } as Record<string, Value>,
      rows: { conditions: [{ id: "row1", cells: { text: "Stay away", withdrawn: "no" } }] },
    };
    const typed = {
      handling: "b c",
      "conditions.rows": "row1 new",
      "conditions.row1.text": "Stay away",
      "conditions.row1.withdrawn": "yes",
      "conditions.new.condition": "no_contact",
      "conditions.new.text": "Sign on weekly",
    };
    const outcome = editsOf(order, order.fields, before, typed, false);
    expect(outcome).toEqual({
      edits: [
        { act: "cell", field: "conditions", row: "row1", cell: "withdrawn", value: "yes" },
        { act: "add", field: "conditions", value: { condition: "no_contact", text: "Sign on weekly" } },
        { act: "add", field: "handling", value: "c" },
        { act: "remove", field: "handling", value: "a" },
      ],
    });
  });

  it("leave alone what somebody else wrote oddly, and do not ask for it to be put right", () => {
    const before = { values: { minutes: "ten" } as Record<string, Value>, rows: {} };
    expect(editsOf(contact, contact.fields, before, { minutes: "ten" }, false)).toEqual({ edits: [] });
  });

  it("to sign need what the type needs, named in the order of the form", () => {
    const outcome = editsOf(contact, contact.fields, NOTHING_BEFORE, { minutes: "x" }, true);
    expect("wrong" in outcome && outcome.wrong.map((one) => one.field)).toEqual(["mode", "direction", "with", "result", "minutes", "workers"]);
  });

  it("need one step of a plan, and not all of them", () => {
    const missing = editsOf(plan, plan.fields, NOTHING_BEFORE, {}, true);
    const steps = ["warning_signs", "things_i_can_do", "people_and_places", "people_to_ask", "professionals", "making_it_safer"];
    expect("wrong" in missing && missing.wrong.filter((one) => steps.includes(one.field)).length).toBe(1);
    const one = editsOf(plan, plan.fields, NOTHING_BEFORE, { "professionals.rows": "r1", "professionals.r1.words": "GP" }, true);
    expect("wrong" in one && one.wrong.some((wrong) => steps.includes(wrong.field))).toBe(false);
  });

  it("need what another answer calls for", () => {
    const status = recordType("case_status");
    if (status === undefined) throw new Error("no case_status");
    const needs = (typed: Record<string, string>): boolean => {
      const outcome = editsOf(status, status.fields, NOTHING_BEFORE, typed, true);
      return "wrong" in outcome && outcome.wrong.some((wrong) => wrong.field === "hold_reason");
    };
    expect([needs({}), needs({ status: "on_hold" }), needs({ status: "open" }), needs({ status: "on_hold", hold_reason: "x" })]).toEqual([
      false,
      true,
      false,
      false,
    ]);
  });

  it("need what goes with another that is filled, and two people where two have to agree", () => {
    const wrong = (name: string, typed: Record<string, string>): readonly string[] => {
      const type = recordType(name);
      if (type === undefined) throw new Error(`no ${name}`);
      const outcome = editsOf(type, type.fields, NOTHING_BEFORE, typed, true);
      return "wrong" in outcome ? outcome.wrong.map((one) => one.field) : [];
    };
    expect(wrong("programme", { kind: "1_2_1" })).not.toContain("end_reason");
    expect(wrong("programme", { "ended.day": "3", "ended.month": "4", "ended.year": "2026" })).toContain("end_reason");
    const [one = "", two = ""] = ids.users;
    expect(wrong("closure", { agreed_by: one })).toContain("agreed_by");
    expect(wrong("closure", { agreed_by: `${one} ${two}` })).not.toContain("agreed_by");
  });
});
