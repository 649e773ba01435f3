/** Values that fit: for every field of every type, several each, from a seed. Judged by shared_schema, not by the app. */
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { Field } from "../../src/forms/schema";
import type { Value } from "../../src/forms/values";

const folder = fileURLToPath(new URL("../../../../shared_schema/records/", import.meta.url));

const ajv = new Ajv2020({ strict: false });
ajv.addFormat("date", (text: string) => new Date(`${text}T00:00:00Z`).toISOString().startsWith(text));
ajv.addFormat("calendar-start", (text: string) => text.length < 10 || new Date(`${text.slice(0, 10)}T00:00:00Z`).toISOString().startsWith(text.slice(0, 10)));
for (const name of readdirSync(folder)) ajv.addSchema(JSON.parse(readFileSync(folder + name, "utf8")) as object);

const validators = new Map<string, ValidateFunction>();

/** Whether shared_schema takes the value for that field. */
export function fits(type: string, field: string, value: Value): boolean {
  const known = validators.get(type) ?? ajv.compile({ $ref: `https://fieldkeep.invalid/records/${type}.schema.json` });
  validators.set(type, known);
  return known({ [field]: value });
}

/** A small generator of numbers from 0 to below `n`, the same for the same seed. */
export function dice(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

const pick = <T>(roll: (n: number) => number, from: readonly T[]): T => {
  const one = from[roll(from.length)];
  if (one === undefined) throw new Error("nothing to pick from");
  return one;
};

const hex = (roll: (n: number) => number, length: number): string => Array.from({ length }, () => roll(16).toString(16)).join("");
export const uuid = (roll: (n: number) => number): string => [8, 4, 4, 4, 12].map((length) => hex(roll, length)).join("-");
const two = (n: number): string => String(n).padStart(2, "0");

const WORDS = ["He said", "“not now”", "O'Brien", "naïve", "—", "çe la", "2 × 3 < 7", "&amp;", "🙂", "tea"] as const;
const words = (roll: (n: number) => number, count: number): string => Array.from({ length: count }, () => pick(roll, WORDS)).join(" ");

export interface Ids {
  readonly users: readonly string[];
  readonly records: readonly string[];
}

export function validValue(field: Field, roll: (n: number) => number, ids: Ids): Value {
  if (field.missing && roll(4) === 0) return { missing: pick(roll, ["not_asked", "not_known", "declined_to_say", "not_safe_to_ask"]) };
  if (field.kind === "list") {
    // Rows with a place of their own stand in its order, as a form puts them.
    return Array.from({ length: field.least + roll(3) }, (_none, index) =>
      Object.fromEntries(
        field.cells
          .filter((cell) => cell.name !== "withdrawn") // said of rows that are there, and of no new one
          .filter((cell) => cell.need.when === "always" || cell.name === "order" || roll(2) === 0)
          .map((cell) => [cell.name, cell.name === "order" ? index + 1 : validValue(cell, roll, ids)]),
      ),
    );
  }
  if (field.policy === "set") {
    const from = optionsOf(field, ids);
    const start = roll(from.length);
    return Array.from({ length: Math.min(from.length, field.least + roll(3)) }, (_none, index) => from[(start + index) % from.length] ?? "");
  }
  return one(field, roll, ids);
}

function optionsOf(field: Field, ids: Ids): readonly string[] {
  if (field.kind === "codes") return field.terms.map((term) => term.code);
  return field.kind === "users" ? ids.users : ids.records;
}

function one(field: Field, roll: (n: number) => number, ids: Ids): Value {
  const day = `${1900 + roll(150)}-${two(1 + roll(12))}-${two(1 + roll(28))}`;
  switch (field.kind) {
    case "code":
      return pick(roll, field.terms).code;
    case "yn":
      return pick(roll, ["yes", "no"]);
    case "user":
      return pick(roll, ids.users);
    case "ref":
      return pick(roll, ids.records);
    case "date":
      return field.shape === "date_or_year" && roll(2) === 0 ? day.slice(0, 4) : day;
    case "when":
      return when(day, roll);
    default:
      break;
  }
  switch (field.shape) {
    case "text":
      return words(roll, 1 + roll(6));
    case "long":
      return `${words(roll, 5)}\n\n${words(roll, 9)}`;
    case "pence_above_zero":
      return 1 + roll(pick(roll, [9, 99, 9_999, 1_000_000_000]));
    case "uuid":
    case "uuid_or_null":
      return uuid(roll);
    case "hash":
      return hex(roll, 64);
    case "score":
      return roll(11);
    case "list_version":
      return 1 + roll(1_000);
    case "count":
    case "minutes":
    case "number":
      return roll(1_000_000);
    default:
      throw new Error(`no value for ${field.kind} ${field.shape}`);
  }
}

function when(day: string, roll: (n: number) => number): Value {
  const forms = [
    [day.slice(0, 4), "year"],
    [day.slice(0, 7), "month"],
    [day, "day"],
    [`${day}T${two(roll(24))}`, "hour"],
    [`${day}T${two(roll(24))}:${two(roll(60))}`, "minute"],
  ] as const;
  const [at, precision] = pick(roll, forms);
  return { at, precision: roll(4) === 0 ? "about" : precision };
}
