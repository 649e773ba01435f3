/** Every record type and code list of shared_schema is read, whole, and means what its words say. */
import { describe, expect, test } from "vitest";
import { Refused } from "../../src/errors";
import { CONTESTED } from "../../src/record_rules";
import { type FieldType, standsIn } from "../../src/record_types";
import { readSchemas } from "../../src/schemas";
import { CODES, RECORDS, SCHEMAS } from "./shared";

const type = (name: string) => {
  const found = SCHEMAS.types.get(name);
  if (found === undefined) throw new Error(`no type ${name}`);
  return found;
};
const field = (of: string, name: string): FieldType => {
  const found = type(of).fields.get(name);
  if (found === undefined) throw new Error(`no field ${of}.${name}`);
  return found;
};

describe("the schemas", () => {
  test("all files are read", () => {
    expect(SCHEMAS.types.size).toBe(RECORDS.length - 1);
    expect(SCHEMAS.codes.size).toBe(CODES.length);
  });

  test("every type has the header's fields, but for those that it leaves out", () => {
    for (const one of SCHEMAS.types.values()) {
      expect(one.fields.get("state")?.order).toEqual(["draft", "signed", "void"]);
      expect(one.fields.has("subject")).toBe(!["allowance", "fund_line"].includes(one.name));
      expect(one.fields.has("recorded_at")).toBe(false);
      expect(one.derived.has("recorded_at")).toBe(true);
    }
  });

  test("what is strictest has an order, or is a day or yes and no", () => {
    for (const { name, fields } of SCHEMAS.types.values()) {
      for (const one of [...fields.values()].flatMap((of) => [of, ...of.cells.values()])) {
        const ranks = one.merge === "worst" || one.while_conflicted === "strictest";
        if (ranks)
          expect([name, one.name, one.order.length > 0 || one.kind === "date" || one.kind === "yn"]).toEqual([
            name,
            one.name,
            true,
          ]);
        if (one.while_conflicted !== "show_all") expect(CONTESTED.has(one.merge)).toBe(true);
        expect(one.cells.size > 0).toBe(one.merge === "append");
        if (one.many) expect(["set", "append"]).toContain(one.merge);
      }
    }
  });

  test("a field says what it is", () => {
    expect(field("risk_assessment", "point")).toMatchObject({
      shape: "code",
      codes: "assessment_point",
      many: false,
      missing: false,
      header: false,
    });
    expect(field("risk_assessment", "grid").cells.get("severity")).toMatchObject({
      merge: "worst",
      missing: true,
      required: false,
    });
    expect(field("risk_assessment", "grid").cells.get("used")).toMatchObject({
      merge: "once",
      shape: "yn",
      required: true,
    });
    expect(field("case_note", "joint_with")).toMatchObject({ shape: "uuid", many: true, header: true });
    expect(field("spend", "receipt").need).toEqual({
      need: "if",
      words: "if no reason for having none is given",
      rule: { rule: "missing", field: "no_receipt_why" },
    });
    expect(type("spend").derived.get("spend_state")?.codes).toBe("spend_state");
    expect(type("instruction").subjectAccess).toBe(false);
    expect(type("case_note").notices).toEqual([]);
    expect(type("accommodation").notices.map(({ by }) => by)).toEqual(["status", "at_victims_address"]);
    expect(type("person").notices[0]).toMatchObject({ when: "saved", by: "names" });
  });

  test("a field may stand in fewer files than its type", () => {
    expect(standsIn(type("person"), "shared_care", "perpetrator")).toBe(true);
    expect(standsIn(field("person", "born"), "shared_care", "perpetrator")).toBe(false);
    expect(standsIn(field("person", "names"), "shared_care", "perpetrator")).toBe(true);
    expect(standsIn(field("consent", "about_v"), "case", "perpetrator")).toBe(false);
  });

  test("terms keep their order and their labels", () => {
    expect([...(SCHEMAS.codes.get("contact_gate")?.terms.keys() ?? [])]).toEqual([
      "clear",
      "clear_after_date",
      "ring_first",
      "hold",
    ]);
    expect(SCHEMAS.codes.get("flag3")?.terms.get("act_now")?.label).toBe("Act now");
  });

  test("a schema that says something else is refused, and says where", () => {
    const spoiled = (change: (text: string) => string): (() => unknown) => {
      const records: unknown = JSON.parse(change(JSON.stringify(RECORDS)));
      if (!Array.isArray(records)) throw new Error("a list wanted");
      return () => readSchemas(records, CODES);
    };
    expect(spoiled((text) => text.replace('"x-merge":"ask"', '"x-merge":"newest"'))).toThrow(Refused);
    expect(spoiled((text) => text.replace('"x-weight":"living"', '"x-weight":"heavy"'))).toThrow(Refused);
    expect(spoiled((text) => text.replaceAll('"x-codes":"risk_tool"', '"x-codes":"no_such_list"'))).toThrow(
      /the code list no_such_list/,
    );
    expect(() => readSchemas(RECORDS.slice(0, 0), CODES)).toThrow(/header/);
  });
});
