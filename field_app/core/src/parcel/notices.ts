/**
 * Which notices a change makes: by the rules of the schemas and nothing else, the same for every case. Spec 15.5.
 * Tests: parcel.
 */
import { equal } from "../bytes";
import { encode } from "../cbor";
import type { Change, Json } from "../change";
import { Refused } from "../errors";
import { isList, isMap } from "../fold/markers";
import type { FoldedRecord } from "../fold/model";
import { isMissing } from "../fold/order";
import { shown } from "../fold/show";
import type { NoticeRule, Schemas } from "../record_types";
import { checkWhole } from "../values";

const NOTICE = "notice";

/** The fields of a letter `notice`, but for `case`, the address of the case. */
export type Notice = ReadonlyMap<string, Json>;

/** `rows.0.cell` is that cell of the first row, `rows.-1.cell` of the last; else a field. */
function factOf(record: FoldedRecord, path: string): Json {
  const [field = "", at, cell] = path.split(".");
  const { value } = shown(record, field);
  if (at === undefined || cell === undefined) return value;
  const row = isList(value) ? value.at(Number(at)) : undefined;
  return row !== undefined && isMap(row) ? (row.get(cell) ?? null) : null;
}

function touches({ ops }: Change, { by, facts }: NoticeRule): boolean {
  const fields = new Set([by, ...[...facts.values()].map((path) => path.split(".")[0])]);
  return ops.some(({ field }) => fields.has(typeof field === "string" ? field : field[0]));
}

/** Whether the author's first signature is in this change, or was before it. */
function isSigned(record: FoldedRecord, change: Change, device: Uint8Array): "now" | "before" | "not" {
  const author = record.created?.user;
  const [first] = record.signatures.filter(({ by }) => author !== undefined && equal(by.user, author));
  if (first === undefined) return "not";
  return first.by.change.c === change.c && equal(first.by.device, device) ? "now" : "before";
}

function isDue(rule: NoticeRule, record: FoldedRecord, change: Change, device: Uint8Array): boolean {
  if (rule.when === "saved") return touches(change, rule);
  const signed = isSigned(record, change, device);
  return signed === "now" || (signed === "before" && touches(change, rule));
}

/** A missing reason makes none, and so does a field that is empty. */
function kindOf(rule: NoticeRule, record: FoldedRecord): string | null {
  const { value } = shown(record, rule.by);
  if (value === null || isMissing(value) || (isList(value) && value.length === 0)) return null;
  const named = typeof value === "string" ? rule.kinds.get(value) : undefined;
  return named ?? rule.kinds.get("*") ?? null;
}

/**
 * Whether the notice has the field and takes such a value: nothing that is empty, and a missing reason where it may be
 * one. A code may be one that this device does not know.
 */
function takes(schemas: Schemas, name: string, value: Json): boolean {
  const field = schemas.types.get(NOTICE)?.fields.get(name);
  if (field === undefined) return false;
  try {
    checkWhole(value, field, schemas, "reading");
    return true;
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}

/** What a rule says of a record as it stands. */
function said(schemas: Schemas, rule: NoticeRule, record: FoldedRecord): Notice | null {
  const kind = kindOf(rule, record);
  if (kind === null) return null;
  const facts = [...rule.facts].map(([name, path]) => [name, factOf(record, path)] as const);
  return new Map<string, Json>([["notice", kind], ...facts.filter(([name, value]) => takes(schemas, name, value))]);
}

const alike = (one: Notice, other: Notice | null): boolean => other !== null && equal(encode(one), encode(other));

/**
 * `record` is folded with the change, one of the device's own that is not sealed yet. `corrected` is the record that it
 * corrects: what that makes known is not told a second time.
 */
export function noticesOf(
  schemas: Schemas,
  record: FoldedRecord,
  change: Change,
  device: Uint8Array,
  corrected: FoldedRecord | null = null,
): readonly Notice[] {
  return (schemas.types.get(record.type)?.notices ?? []).flatMap((rule) => {
    const found = isDue(rule, record, change, device) ? said(schemas, rule, record) : null;
    const before = corrected === null ? null : said(schemas, rule, corrected);
    return found === null || alike(found, before) ? [] : [found];
  });
}
