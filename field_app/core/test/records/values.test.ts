/** What fits a field and what does not: the rules of header.schema.json, and those that it says in words. */
import { describe, expect, test } from "vitest";
import type { Json } from "../../src/change";
import { Refused } from "../../src/errors";
import { emptyFold, fold } from "../../src/fold/fold";
import { recordId } from "../../src/ids";
import { unmet } from "../../src/needs";
import { checkValue, checkWhole, fieldNamed } from "../../src/values";
import { SCHEMAS } from "./shared";

const ID = "0b0e7a1c-8f4e-4f0e-9d5f-1c2d3e4f5a6b";
const json = (value: unknown): Json => {
  if (Array.isArray(value)) return value.map(json);
  if (typeof value === "object" && value !== null)
    return new Map(Object.entries(value).map(([key, item]) => [key, json(item)] as const));
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return value;
  throw new Error("no JSON");
};

function type(name: string) {
  const found = SCHEMAS.types.get(name);
  if (found === undefined) throw new Error(`no type ${name}`);
  return found;
}

const FITS: readonly (readonly [string, unknown])[] = [
  ["case_note.event_at", { at: "2026-02-28", precision: "day" }],
  ["case_note.event_at", { at: "2026-02-28T09:05", precision: "minute" }],
  ["case_note.event_at", { at: "2026-02", precision: "about" }],
  ["case_note.event_at", { at: "2026", precision: "year" }],
  ["case_note.do_not_raise", "yes"],
  ["case_note.do_not_raise", { missing: "not_asked" }],
  ["case_note.body", "x".repeat(20_000)],
  ["case_note.body", "🦊".repeat(20_000)],
  ["case_note.joint_with", ID],
  ["case_note.addenda", { text: "And then", reason: "forgotten" }],
  ["case_note.suicide_or_self_harm", "act_now"],
  ["spend.amount", 1],
  ["spend.amount", 1_000_000_000],
  ["person.born", "1979-03-31"],
  ["risk_assessment.grid", { dva_type: "physical", used: "yes" }],
  [
    "risk_assessment.grid",
    { dva_type: "physical", used: { missing: "not_asked" }, severity: { missing: "not_asked" } },
  ],
  ["referral.received_on", "2024-02-29"],
  ["case_note.state", null],
];

const DOES_NOT: readonly (readonly [string, unknown, RegExp])[] = [
  ["case_note.event_at", { at: "2026-02-30", precision: "day" }, /a time/],
  ["case_note.event_at", { at: "2026-13", precision: "month" }, /a time/],
  ["case_note.event_at", { at: "2026-02-28", precision: "minute" }, /a time/],
  ["case_note.event_at", { at: "2026-02-28T24:00", precision: "minute" }, /a time/],
  ["case_note.event_at", { at: "2026-02-28", precision: "day", zone: "Z" }, /a time/],
  ["case_note.event_at", "2026-02-28", /a text, want a time/],
  ["case_note.do_not_raise", "maybe", /yes or no/],
  ["case_note.do_not_raise", true, /yes or no/],
  ["case_note.do_not_raise", { missing: "no_such_reason" }, /missing_reason does not have/],
  ["case_note.body", "", /0 characters/],
  ["case_note.body", " \n\t", /blank/],
  ["case_note.body", "x".repeat(20_001), /20001 characters/],
  ["case_note.body", 7, /a number, want a text/],
  ["case_note.joint_with", ID.toUpperCase(), /lower-case UUID/],
  ["case_note.addenda", { text: "And then" }, /reason is not there/],
  ["case_note.addenda", { text: "And then", reason: "x", mood: "low" }, /cell that its list does not have/],
  ["case_note.addenda", "And then", /want a row/],
  ["case_note.suicide_or_self_harm", "perhaps", /flag3 does not have/],
  ["case_note.suicide_or_self_harm", { missing: "not_asked" }, /has to have a value/],
  ["case_note.state", "Signed", /a code/],
  ["spend.amount", 0, /want 1 to/],
  ["spend.amount", 1_000_000_001, /want 1 to/],
  ["spend.amount", "12", /whole number/],
  ["referral.received_on", "2023-02-29", /YYYY-MM-DD/],
  ["referral.received_on", "0999-01-01", /YYYY-MM-DD/],
  ["risk_assessment.grid", { used: "yes" }, /dva_type is not there/],
  ["risk_assessment.grid", { dva_type: "physical", used: "often" }, /grid.used/],
];

const refusal = (run: () => void): Refused | null => {
  try {
    run();
    return null;
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
};

describe("values", () => {
  for (const [where, value] of FITS) {
    test(`${where} takes ${JSON.stringify(value).slice(0, 60)}`, () => {
      const [of = "", name = ""] = where.split(".");
      const field = fieldNamed(type(of), name);
      expect(
        refusal(() => checkValue(json(value), field, field.many ? "add" : "set", SCHEMAS))?.message ?? null,
      ).toBeNull();
    });
  }
  for (const [where, value, words] of DOES_NOT) {
    test(`${where} refuses ${JSON.stringify(value).slice(0, 60)}`, () => {
      const [of = "", name = ""] = where.split(".");
      const field = fieldNamed(type(of), name);
      const error = refusal(() => checkValue(json(value), field, field.many ? "add" : "set", SCHEMAS));
      expect(error?.code).toBe("bad-value");
      expect(error?.message).toMatch(words);
    });
  }

  test("a reader takes a code that it does not know, and nothing that is none", () => {
    const field = fieldNamed(type("case_note"), "suicide_or_self_harm");
    expect(refusal(() => checkValue("new_in_next_year", field, "set", SCHEMAS, "reading"))).toBeNull();
    expect(refusal(() => checkValue("New!", field, "set", SCHEMAS, "reading"))?.code).toBe("bad-value");
  });

  test("a whole list has one value at least, and none twice", () => {
    const say = fieldNamed(type("case_note"), "handling");
    const [first = ""] = [...(SCHEMAS.codes.get("handling")?.terms.keys() ?? [])];
    expect(refusal(() => checkWhole([first], say, SCHEMAS))).toBeNull();
    expect(refusal(() => checkWhole([], say, SCHEMAS))?.code).toBe("bad-value");
    expect(refusal(() => checkWhole([first, first], say, SCHEMAS))?.message).toMatch(/twice/);
    expect(refusal(() => checkWhole(first, say, SCHEMAS))?.code).toBe("bad-value");
  });

  test("no message says the value", () => {
    const field = fieldNamed(type("case_note"), "do_not_raise");
    expect(refusal(() => checkValue("12 Elm Street", field, "set", SCHEMAS))?.message).not.toContain("Elm");
  });

  test("a field that the type does not have is refused", () => {
    expect(refusal(() => fieldNamed(type("case_note"), "mood"))?.code).toBe("bad-value");
    expect(refusal(() => fieldNamed(type("case_note"), "addenda", "mood"))?.code).toBe("bad-value");
    expect(fieldNamed(type("case_note"), "addenda", "text").kind).toBe("long");
  });
});

const LOG = new Uint8Array(16).fill(1);
const DEVICE = new Uint8Array(16).fill(2);

function record(of: string, fields: { readonly [name: string]: unknown }) {
  const id = recordId(LOG, DEVICE, 1);
  const ops = Object.entries(fields).flatMap(([field, value]) => {
    const many = type(of).fields.get(field)?.many ?? false;
    const values = many && Array.isArray(value) ? value : [value];
    return values.map((one) => ({
      field,
      action: many ? ("add" as const) : ("set" as const),
      value: json(one),
      preds: [],
    }));
  });
  const change = { r: id, t: of, s: 1, c: 1, b: 0, at: 0, ops, u: false };
  const placed = {
    seq: 1,
    received_ms: 0,
    part: 0,
    device: DEVICE,
    user: DEVICE,
    role: "navigator",
    late: false,
    stub: false,
    change,
  };
  const [only] = [...fold(LOG, emptyFold(LOG, SCHEMAS.types).types, [placed]).records.values()];
  if (only === undefined) throw new Error("a record wanted");
  return only;
}

describe("needed to sign", () => {
  const HERE = { file: "case", side: "perpetrator" } as const;
  const names = (
    of: string,
    fields: { readonly [name: string]: unknown },
    around: Parameters<typeof unmet>[2] = HERE,
  ): readonly string[] =>
    unmet(type(of), record(of, fields), around).map(({ fields: some, cell }) =>
      cell === null ? some.join("|") : `${some.join("|")}.${cell}`,
    );

  test("what is needed and not there", () => {
    expect(names("case_note", { event_at: { at: "2026", precision: "year" } })).toEqual([
      "body",
      "suicide_or_self_harm",
      "threat_to_someone",
      "child_concern",
    ]);
    expect(
      names("case_note", {
        body: "x",
        suicide_or_self_harm: "concern",
        threat_to_someone: "concern",
        child_concern: "concern",
      }),
    ).toEqual([]);
  });

  test("what is needed beside a value", () => {
    const base = { about: "x", outline: "x", action_taken: "x", manager_told_at: "x", parent_told: "x" };
    expect(names("safeguarding_concern", { ...base, referred: "no" })).not.toContain("referred_to");
    expect(names("safeguarding_concern", { ...base, referred: "yes" })).toEqual(
      expect.arrayContaining(["referred_to", "referred_at"]),
    );
  });

  test("what is needed where another is missing, or has a missing reason", () => {
    expect(names("spend", {})).toEqual(expect.arrayContaining(["receipt", "no_receipt_why"]));
    expect(names("spend", { receipt: ID })).not.toContain("no_receipt_why");
    expect(names("disclosure", { consent: { missing: "not_asked" } })).toContain("consent_overridden_because");
  });

  test("what is needed where another is filled", () => {
    expect(names("programme", {})).not.toContain("end_reason");
    expect(names("programme", { ended: "2026-04-03" })).toContain("end_reason");
    expect(names("programme", { ended: { missing: "not_known" } })).not.toContain("end_reason");
  });

  test("two people where two have to agree", () => {
    const other = "11111111-1111-4111-8111-111111111112";
    expect(names("closure", {})).toContain("agreed_by");
    expect(names("closure", { agreed_by: [ID] })).toContain("agreed_by");
    expect(names("closure", { agreed_by: [ID, other] })).not.toContain("agreed_by");
  });

  test("one of a group", () => {
    const around = { file: "shared_care", side: "perpetrator" } as const;
    expect(names("own_safety_plan", {}, around).some((name) => name.includes("warning_signs|"))).toBe(true);
    const step = { words: "Walk", order: 1, by: ID };
    expect(
      names("own_safety_plan", { things_i_can_do: [step] }, around).some((name) => name.includes("warning_signs")),
    ).toBe(false);
  });

  test("what something outside the record says, or another has worked out", () => {
    expect(names("contact", {})).not.toContain("non_contact_reason");
    expect(names("contact", {}, { ...HERE, outside: new Set(["non_contact_reason"]) })).toContain("non_contact_reason");
    expect(names("spend", {}, { ...HERE, derived: new Map([["spend_state", "claimed"]]) })).toContain("decisions");
  });

  test("a field that does not stand in this file is not asked for", () => {
    expect(names("consent", {})).toContain("about_p");
    expect(names("consent", {})).not.toContain("about_v");
  });

  test("a cell that a row has to have in the end", () => {
    expect(names("risk_assessment", { grid: [{ dva_type: "physical", used: "yes" }] })).toContain("grid.severity");
    expect(names("risk_assessment", { grid: [{ dva_type: "physical", used: "yes", severity: "high" }] })).not.toContain(
      "grid.severity",
    );
  });
});
