/**
 * What is needed to sign (`x-need`, `x-need-if`), judged by what the boxes say. Pure.
 */
import type { Field, Need, RecordType } from "./schema";
import { type Value, isList } from "./values";

export type Values = ReadonlyMap<string, Value>;

const holds = (value: Value | undefined, among: readonly string[]): boolean =>
  isList(value) ? value.some((one) => typeof one === "string" && among.includes(one)) : typeof value === "string" && among.includes(value);

/** Fields of a group of which one at least is needed. */
const groupOf = (type: RecordType, group: string): readonly Field[] =>
  type.fields.filter(({ need: { when } }) => typeof when === "object" && "one-of" in when && when["one-of"] === group);

export function isNeeded(type: RecordType, field: Field, values: Values): boolean {
  const { when } = field.need;
  if (when === "always") return true;
  if (when === "never") return false;
  if ("one-of" in when) return !groupOf(type, when["one-of"]).some((one) => values.has(one.name));
  if ("missing" in when) return !values.has(when.field);
  return "in" in when && holds(values.get(when.field), when.in);
}

/** Needed fields of which nothing is said. Of a group of which one is enough, the first stands for all. */
export function lacking(type: RecordType, fields: readonly Field[], values: Values): readonly Field[] {
  const groups = new Set<string>();
  return fields.filter((field) => {
    if (values.has(field.name) || !isNeeded(type, field, values)) return false;
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
