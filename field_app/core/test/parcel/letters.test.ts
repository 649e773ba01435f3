/**
 * What letters say, how long they stand, which notices a change makes, and what a referral may not repeat. Spec 15.5 to
 * 15.8.
 */
import { describe, expect, test } from "vitest";
import { hex } from "../../src/bytes";
import type { Change, Json, Op } from "../../src/change";
import { type Code, Refused } from "../../src/errors";
import { fold } from "../../src/fold/fold";
import type { Placed } from "../../src/fold/model";
import { recordId } from "../../src/ids";
import { weekBegins, weekOf } from "../../src/parcel/address";
import {
  checkSent,
  checkTaken,
  gateNow,
  isFillerTime,
  isInForce,
  isLetterOver,
  mayEndLetters,
  untilOf,
} from "../../src/parcel/letter_body";
import type { FoldedRecord } from "../../src/fold/model";
import { noticesOf } from "../../src/parcel/notices";
import { checkReferral } from "../../src/parcel/referral";
import { SCHEMAS } from "../records/shared";

const body = (fields: { readonly [name: string]: Json }): ReadonlyMap<string, Json> => new Map(Object.entries(fields));
const refusal = (run: () => void): Code | null => {
  try {
    run();
    return null;
  } catch (error) {
    if (error instanceof Refused) return error.code;
    throw error;
  }
};

const MONDAY = Date.UTC(2025, 9, 13);
const DAY = 86_400_000;
const six = body({ word: "instruction", from: "2025-10-13", until: "2025-11-23" });

describe("a letter's body", () => {
  test("has fields of its kind, each in its form, and none that its reader writes", () => {
    const take = (fields: { readonly [name: string]: Json }) =>
      refusal(() => checkTaken("instruction", body(fields), SCHEMAS, MONDAY));
    expect(take({ word: "instruction", say: ["new_next_year"] })).toBeNull();
    expect(take({ word: 7 })).toBe("malformed");
    expect(take({ mood: "low" })).toBe("malformed");
    for (const name of ["parcel", "sender", "second", "filling", "state"])
      expect(take({ [name]: "x" })).toBe("malformed");
    expect(refusal(() => checkTaken("no_such_kind", body({}), SCHEMAS, MONDAY))).toBe("malformed");
    expect(refusal(() => checkSent("instruction", body({ say: ["new_next_year"] }), SCHEMAS, new Set()))).toBe(
      "bad-value",
    );
  });

  test("an instruction is for six weeks at most, by the day of its pass", () => {
    expect(untilOf("2025-10-13", 6)).toBe("2025-11-23");
    expect(refusal(() => untilOf("2025-10-13", 7))).toBe("bad-value");
    expect(refusal(() => checkTaken("instruction", six, SCHEMAS, MONDAY + DAY - 1))).toBeNull();
    expect(refusal(() => checkTaken("instruction", six, SCHEMAS, MONDAY - 1))).toBe("malformed");
  });

  test("an end tells of no day in the file it is sent from", () => {
    const send = (...days: readonly string[]) => refusal(() => checkSent("instruction", six, SCHEMAS, new Set(days)));
    expect(send("2025-11-22", "2025-11-25")).toBeNull();
    expect(send("2025-11-23")).toBe("bad-value");
    expect(send("2025-11-24")).toBe("bad-value");
    const odd = body({ word: "instruction", from: "2025-10-13", until: "2025-10-20" });
    expect(refusal(() => checkSent("instruction", odd, SCHEMAS, new Set()))).toBe("bad-value");
  });

  test("of the gates in force the strictest counts; none or an unknown one is `hold`", () => {
    const gates = (...names: readonly string[]) =>
      gateNow(
        names.map((gate) => body({ gate })),
        SCHEMAS,
      );
    expect([gates("clear", "ring_first"), gates("clear"), gates(), gates("clear", "new_one")]).toEqual([
      "ring_first",
      "clear",
      "hold",
      "hold",
    ]);
    expect([isInForce(six, "2025-10-13"), isInForce(six, "2025-11-23"), isInForce(six, "2025-11-24")]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test("it goes by the calendar", () => {
    const week = weekOf(MONDAY);
    expect([isLetterOver(MONDAY, weekBegins(week + 7) - 1), isLetterOver(MONDAY, weekBegins(week + 7))]).toEqual([
      false,
      true,
    ]);
    expect([mayEndLetters(true, MONDAY), mayEndLetters(false, MONDAY), mayEndLetters(false, MONDAY + DAY)]).toEqual([
      true,
      false,
      true,
    ]);
    expect([isFillerTime(MONDAY + 4.5 * DAY), isFillerTime(MONDAY + 4.5 * DAY + 1)]).toEqual([false, true]);
  });
});

const LOG = new Uint8Array(16).fill(1);
const ME = new Uint8Array(16).fill(2);

function told(name: string, ...changes: readonly (readonly Op[])[]): readonly (readonly ReadonlyMap<string, Json>[])[] {
  return toldAfter(null, name, ...changes);
}

function toldAfter(
  corrected: FoldedRecord | null,
  name: string,
  ...changes: readonly (readonly Op[])[]
): readonly (readonly ReadonlyMap<string, Json>[])[] {
  return recordsOf(name, ...changes).map(({ change, record }) => noticesOf(SCHEMAS, record, change, ME, corrected));
}

/** The record as it stands after each of its changes. */
function recordsOf(name: string, ...changes: readonly (readonly Op[])[]): readonly { change: Change; record: FoldedRecord }[] {
  const r = recordId(LOG, ME, 1);
  const all = changes.map((ops, i): Change => ({ r, t: name, s: 1, c: i + 1, b: 0, at: 0, ops, u: false }));
  const more = { received_ms: 0, part: 0, device: ME, user: ME, role: "navigator", late: false, stub: false };
  return all.map((change, i) => {
    const placed = all.slice(0, i + 1).map((one): Placed => ({ seq: 1, ...more, change: one }));
    const record = fold(LOG, SCHEMAS.types, placed).records.get(hex(r));
    if (record === undefined) throw new Error("a record wanted");
    return { change, record };
  });
}

const set = (field: string, value: Json): Op => ({ field, action: "set", value, preds: [] });
/** With it the ops of its own change that stand before it are signed. */
const sign: Op = {
  field: "_signed",
  action: "sign",
  value: null,
  preds: [
    [ME, 1, 0],
    [ME, 1, 1],
  ],
};

describe("notices", () => {
  test("are made when the author signs, and again when a fact changes", () => {
    const [draft, signed, again, other] = told(
      "case_status",
      [set("status", "on_hold")],
      [sign],
      [set("status", "closed")],
      [set("hold_reason", "x")],
    );
    expect([draft, other]).toEqual([[], []]);
    expect(signed).toEqual([body({ notice: "status_changed", status: "on_hold" })]);
    expect(again).toEqual([body({ notice: "status_changed", status: "closed" })]);
  });

  test("follow the value, and a missing reason makes none", () => {
    expect(told("contact", [set("result", "spoke"), set("mode", "home_visit"), sign])).toEqual([
      [body({ notice: "contact_made", mode: "home_visit" })],
    ]);
    expect(told("contact", [set("result", "no_reply"), sign])).toEqual([[]]);
    expect(told("case_status", [set("status", new Map([["missing", "not_known"]])), sign])).toEqual([[]]);
  });

  test("do not tell of a meeting twice when its record is corrected", () => {
    const met = [set("result", "spoke"), set("mode", "home_visit"), sign];
    const before = recordsOf("contact", met)[0]?.record ?? null;
    expect(toldAfter(before, "contact", met)).toEqual([[]]);
    expect(toldAfter(before, "contact", [set("result", "refused"), set("mode", "home_visit"), sign])).toEqual([
      [body({ notice: "contact_refused", mode: "home_visit" })],
    ]);
  });

  test("leave out a fact that is empty, or that the notice does not take", () => {
    const missing = body({ missing: "not_asked" });
    const said = told("contact", [set("result", "spoke"), set("mode", missing), sign]);
    expect(said).toEqual([[body({ notice: "contact_made" })]]);
    expect(told("contact", [set("result", "spoke"), set("mode", ""), sign])).toEqual(said);
    expect(told("contact", [set("result", "spoke"), set("mode", 7), sign])).toEqual(said);
    // The risk to a partner takes a missing reason, and a code that this device does not know is a code.
    const risk = [set("change_since_last", "increased_greatly"), set("to_partner", missing), sign];
    expect(told("risk_assessment", risk)).toEqual([[body({ notice: "risk_up", risk_to_partner: missing })]]);
    expect(told("contact", [set("result", "spoke"), set("mode", "by_pigeon"), sign])).toEqual([
      [body({ notice: "contact_made", mode: "by_pigeon" })],
    ]);
  });

  test("take a cell of the first or the last row, and are made when a draft is saved where the rule says so", () => {
    const name = (words: string): Op => ({ field: "names", action: "add", value: body({ name: words }), preds: [] });
    expect(told("person", [name("One"), name("Two")])).toEqual([[body({ notice: "who_it_is", names: "One" })]]);
    const breach = (at: string): Op => ({
      field: "breaches",
      action: "add",
      value: body({ when: body({ at, precision: "day" }) }),
      preds: [],
    });
    const [first] = told("legal_order", [breach("2025-01-01"), breach("2025-02-02"), sign]);
    expect(first?.map((one) => one.get("happened"))).toEqual([body({ at: "2025-02-02", precision: "day" })]);
  });
});

describe("a referral", () => {
  const rows = [
    body({
      names: "Anne-Marie O'Hara",
      address: "12 Elm Street, Salford; M5 4WT",
      contact: "+44 7700 900 123",
      born: "1988-04-02",
      safe_to_contact: "after 6",
    }),
    body({ names: "Jo Hara", lives_with: "Nan", whose: "hers" }),
  ];
  const given = (fields: { readonly [name: string]: Json }) => refusal(() => checkReferral(body(fields), rows));
  const linked = (called: string) => ({ linked_people: [body({ called, relationship: "ex_partner" })] });

  test("repeats no name, place, number or day of hers", () => {
    for (const reason of [
      "He rang o'hara",
      "lives near ELM STREET",
      "12 elm street",
      "m5 4wt",
      "ring 7700-900-123 x",
      "44.7700.900.123",
      "born 1988-04-02",
      "with Nan",
      "After 6",
    ]) {
      const repeated = ["ring 7700-900-123 x", "lives near ELM STREET"].includes(reason) ? null : "not-permitted";
      expect([reason, given({ reason })]).toEqual([reason, repeated]);
    }
    expect(given({ reason: "He asked for help in Elmstead, and about nanotechnology" })).toBeNull();
    expect(given({ external_refs: [body({ system: "x", value: "Salford" })] })).toBe("not-permitted");
  });

  test("calls people by a first name alone", () => {
    expect(given(linked("Anne-Marie"))).toBeNull();
    expect(given(linked("jo"))).toBeNull();
    expect(given(linked("Jo Hara"))).toBe("not-permitted");
    expect(given({ reason: "Anne-Marie" })).toBe("not-permitted");
  });

  test("a first name that another cell has too does not stand even alone", () => {
    const hers = [body({ names: "Anna Hill" }), body({ names: "Tom Hill", whose: "Anna" })];
    const called = (name: string, ...known: readonly ReadonlyMap<string, Json>[]) =>
      refusal(() => checkReferral(body(linked(name)), known));
    expect(called("anna", ...hers)).toBe("not-permitted");
    expect(called("anna", ...hers.slice(0, 1))).toBeNull();
    expect(called("Tom", ...hers)).toBeNull();
    expect(called("Anna", body({ names: "Anna Hill", lives_with: "Anna" }))).toBe("not-permitted");
    // Two of one first name: each is called by it.
    expect(called("Anna", body({ names: "Anna Hill" }), body({ names: "Anna Dale" }))).toBeNull();
    expect(called("Anna", body({ names: "Anna Hill" }), body({ names: "Jo Anna Dale" }))).toBe("not-permitted");
  });

  test("digits are looked for wherever they stand, in what somebody is called too", () => {
    const known = [body({ names: "X07700900123 Hill", contact: "ring 0161 496 0000" })];
    const said = (fields: { readonly [name: string]: Json }) => refusal(() => checkReferral(body(fields), known));
    expect(said(linked("X07700900123"))).toBe("not-permitted");
    expect(said(linked("Mo 0161/496/0000"))).toBe("not-permitted");
    expect(said({ reason: "9901614960000x1" })).toBe("not-permitted");
    expect(said({ reason: "0161 496 1000 0" })).toBeNull();
  });

  test("white space is as long as it is, and an underscore goes on with a word", () => {
    const known = [body({ names: "Jo", address: "12  Elm\tStreet; M5", contact: "ab" })];
    const said = (reason: string) => refusal(() => checkReferral(body({ reason }), known));
    expect(said("at 12 elm   street")).toBe("not-permitted");
    expect(said("at 12elm street")).toBeNull();
    expect(said("at 12 elm street_3")).toBeNull();
    // What has fewer than three characters is not looked for.
    expect(said("Jo, M5, ab")).toBeNull();
  });
});
