/**
 * What is needed to sign (`x-need`, `x-need-if`), judged by what the boxes say. Pure.
 */
import type { Field, Need, RecordType } from "./schema";
import { type Value, isList, missingReason } from "./values";

export type Values = ReadonlyMap<string, Value>;

const holds = (value: Value | undefined, among: readonly string[]): boolean =>
  isList(value) ? value.some((one) => typeof one === "string" && among.includes(one)) : typeof value === "string" && among.includes(value);

/** Whether a condition that asks for a field finds something in it: a missing reason is nothing here. */
const hasValue = (value: Value | undefined): boolean => value !== undefined && missingReason(value) === undefined;

const isFilled = (field: Field, value: Value | undefined): boolean => (isList(value) ? value.length >= field.least : value !== undefined);

/** Fields of a group of which one at least is needed. */
const groupOf = (type: RecordType, group: string): readonly Field[] =>
  type.fields.filter(({ need: { when } }) => typeof when === "object" && "one-of" in when && when["one-of"] === group);

export function isNeeded(type: RecordType, field: Field, values: Values): boolean {
  const { when } = field.need;
  if (when === "always") return true;
  if (when === "never") return false;
  if ("one-of" in when) return !groupOf(type, when["one-of"]).some((one) => values.has(one.name));
  if ("missing" in when) return !hasValue(values.get(when.field));
  if ("filled" in when) return hasValue(values.get(when.field));
  return "in" in when && holds(values.get(when.field), when.in);
}

/** Needed fields of which nothing is said. Of a group of which one is enough, the first stands for all. */
export function lacking(type: RecordType, fields: readonly Field[], values: Values): readonly Field[] {
  const groups = new Set<string>();
  return fields.filter((field) => {
    if (isFilled(field, values.get(field.name)) || !isNeeded(type, field, values)) return false;
    const { when } = field.need;
    if (typeof when === "string" || !("one-of" in when)) return true;
    const first = !groups.has(when["one-of"]);
    groups.add(when["one-of"]);
    return first;
  });
}

/** What stands behind the label of a field that may be left out. */
export function needWords(need: Need): string {
  if (need.when === "always") return "";
  return need.words === undefined ? "(optional)" : `(needed ${need.words})`;
}
