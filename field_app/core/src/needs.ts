/**
 * What a record still needs before its author may sign it. Tests: needs. The rules are `x-need` and `x-need-if` of the
 * schemas.
 */
import { fieldKey, type Json } from "./change";
import { isList, isMap } from "./fold/markers";
import { isMissing } from "./fold/order";
import type { FoldedRecord } from "./fold/model";
import { rows, shown } from "./fold/show";
import type { Side } from "./ids";
import type { FileKind } from "./roles";
import { type FieldType, type NeedRule, type RecordType, standsIn } from "./record_types";

export interface Unmet {
  /** One of these: of a group whichever the person fills in. */
  readonly fields: readonly string[];
  /** Of a cell that a row lacks. */
  readonly cell: string | null;
  /** As the schema words it: `sign`, or `if …`. */
  readonly words: string;
}

export interface Surroundings {
  readonly file: FileKind;
  readonly side: Side;
  /** Derived fields that somebody worked out. */
  readonly derived?: ReadonlyMap<string, Json>;
  /** Fields of which something outside the record says that they are needed. */
  readonly outside?: ReadonlySet<string>;
}

const isBlank = (value: Json): boolean => value === null || (isList(value) && value.length === 0);

/** A field in conflict has been answered, twice. */
function isFilled(record: FoldedRecord, field: FieldType): boolean {
  const { value, conflict } = shown(record, field.name);
  return conflict || (isList(value) ? value.length >= field.least : !isBlank(value));
}

/** Every value that the field has now: in conflict each of them. */
function valuesOf(record: FoldedRecord, field: string, around: Surroundings): readonly Json[] {
  const derived = around.derived?.get(field);
  if (derived !== undefined) return [derived];
  return record.fields.get(fieldKey(field))?.live.map(({ value }) => value) ?? [];
}

function applies(rule: NeedRule, field: FieldType, record: FoldedRecord, around: Surroundings): boolean {
  switch (rule.rule) {
    case "in":
      return valuesOf(record, rule.field, around).some(
        (value) => typeof value === "string" && rule.values.includes(value),
      );
    case "missing":
      return valuesOf(record, rule.field, around).every((value) => isBlank(value) || isMissing(value));
    case "filled":
      return valuesOf(record, rule.field, around).some((value) => !isBlank(value) && !isMissing(value));
    case "outside":
      return around.outside?.has(field.name) ?? false;
    case "one_of":
      return true;
    default: {
      const never: never = rule;
      return never;
    }
  }
}

const groupOf = ({ need }: FieldType): string | null => (need.rule?.rule === "one_of" ? need.rule.group : null);

function unmetGroups(fields: readonly FieldType[], record: FoldedRecord): readonly Unmet[] {
  const groups = new Set(fields.flatMap((field) => groupOf(field) ?? []));
  return [...groups].flatMap((group) => {
    const all = fields.filter((field) => groupOf(field) === group);
    if (all.some((field) => isFilled(record, field))) return [];
    return [{ fields: all.map(({ name }) => name), cell: null, words: all[0]?.need.words ?? "" }];
  });
}

function unmetCells(field: FieldType, record: FoldedRecord): readonly Unmet[] {
  return [...field.cells.values()].flatMap((cell) => {
    if (cell.need.need !== "sign") return [];
    const lacking = rows(record, field.name).some(({ value }) => isMap(value) && isBlank(value.get(cell.name) ?? null));
    return lacking ? [{ fields: [field.name], cell: cell.name, words: cell.need.words }] : [];
  });
}

/** In the order of the schema; nothing where the record may be signed. */
export function unmet(type: RecordType, record: FoldedRecord, around: Surroundings): readonly Unmet[] {
  const fields = [...type.fields.values()].filter((field) => standsIn(field, around.file, around.side));
  const single = fields.flatMap((field): readonly Unmet[] => {
    const { need, rule, words } = field.need;
    const needed = need === "sign" || (rule !== null && rule.rule !== "one_of" && applies(rule, field, record, around));
    if (needed && !isFilled(record, field)) return [{ fields: [field.name], cell: null, words }];
    return unmetCells(field, record);
  });
  return [...single, ...unmetGroups(fields, record)];
}
