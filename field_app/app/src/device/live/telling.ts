/** What the other side will be told when something is written: by rule, the same for every case. Spec 15.5. Pure reading of the schemas. */
import type { Session } from "@fieldkeep/device/session";
import { recordIn } from "@fieldkeep/device/writing";
import { terms } from "../../forms/schema";
import { type Value, missingReason } from "../../forms/values";
import type { NewChange } from "../facade";
import { idBytes } from "./convert";
import { valueOf } from "./people";

const labelOf = (code: string): string => (terms("notice_kind").find((term) => term.code === code)?.label ?? code.replaceAll("_", " ")).toLowerCase();

export function toldOf(session: Session, log: Uint8Array, { type: name, record, edits, act }: NewChange): readonly string[] {
  const type = session.schemas.types.get(name);
  const { kind } = session.file(log).reading.file;
  if (type === undefined || kind !== "case") return [];
  const said = new Map<string, Value>(edits.flatMap((edit) => (edit.act === "set" ? [[edit.field, edit.value] as const] : [])));
  const valueIn = (field: string): Value | undefined => said.get(field) ?? (record === undefined ? undefined : valueOf(recordIn(session, log, idBytes(record)), field));
  const kinds = type.notices.flatMap((rule) => {
    if (rule.when === "signed" && act !== "sign") return [];
    const value = valueIn(rule.by);
    if (value === undefined || missingReason(value) !== undefined) return [];
    const found = rule.kinds.get(typeof value === "string" ? value : "*") ?? rule.kinds.get("*");
    return found === undefined ? [] : [found];
  });
  return [...new Set(kinds)].map((code) => `Partner support will be told: ${labelOf(code)}`);
}
