/**
 * What the schemas say of record types, their fields and code lists, as values. schemas.ts reads them. Tests: schemas.
 */
import type { Side } from "./ids";
import type { FieldRules, RecordRules } from "./record_rules";
import type { FileKind, Role } from "./roles";

export interface Term {
  readonly code: string;
  readonly label: string;
  /** What the term means, where its label does not say it. */
  readonly note: string;
  /** The term under which it stands, if any. */
  readonly under: string | null;
}

export interface CodeList {
  readonly name: string;
  readonly version: number;
  readonly title: string;
  /** The terms rise; which order a field's values have, its own `order` says. */
  readonly ordered: boolean;
  readonly terms: ReadonlyMap<string, Term>;
}

/** The shape of one value: the names of header.schema.json, and whole numbers between two. */
export const SHAPES = [
  "text",
  "long",
  "code",
  "yn",
  "date",
  "date_or_year",
  "when",
  "pence_above_zero",
  "minutes",
  "count",
  "score",
  "list_version",
  "uuid",
  "uuid_or_null",
  "hash",
  "content",
  "row",
] as const;
export type ShapeName = (typeof SHAPES)[number] | "integer";

export type NeedRule =
  | { readonly rule: "in"; readonly field: string; readonly values: readonly string[] }
  | { readonly rule: "missing"; readonly field: string }
  | { readonly rule: "filled"; readonly field: string }
  | { readonly rule: "one_of"; readonly group: string }
  /** Nothing in the record says when: the words are for a person. */
  | { readonly rule: "outside"; readonly when: string };

export interface Need {
  readonly need: "sign" | "optional" | "if";
  /** As the schema words it: for a person to read. */
  readonly words: string;
  readonly rule: NeedRule | null;
}

export type Places = ReadonlyMap<FileKind, readonly Side[]>;

export interface FieldType extends FieldRules {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly shape: ShapeName;
  /** The field's whole value is a list of such values: one op adds one of them. */
  readonly many: boolean;
  readonly codes: string | null;
  /** A missing reason may stand in the place of a value. */
  readonly missing: boolean;
  readonly need: Need;
  /** How many members of a set, or rows, make it filled. */
  readonly least: number;
  /** Types of records that a `ref` may name; empty for any. */
  readonly ref: readonly string[];
  /** It is one of the header's, that every type has. */
  readonly header: boolean;
  /** Who may write it, where not everybody who may write the type. */
  readonly write: readonly Role[] | null;
  /** Where the field stands, where not everywhere that the type does. */
  readonly files: Places | null;
  readonly subjectAccess: boolean;
  readonly cells: ReadonlyMap<string, FieldType>;
  /** Of a cell: no row is without it. */
  readonly required: boolean;
}

/** Worked out by each reader and never written. */
export interface DerivedField {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly kind: string;
  readonly codes: string | null;
}

/** Which notice a change makes, and with which of the record's fields (spec 15.5). */
export interface NoticeRule {
  readonly when: "saved" | "signed";
  readonly by: string;
  readonly kinds: ReadonlyMap<string, string>;
  readonly facts: ReadonlyMap<string, string>;
}

export interface RecordType extends RecordRules {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly files: Places;
  readonly sides: readonly Side[];
  readonly write: readonly Role[];
  readonly read: readonly Role[];
  readonly subjectAccess: boolean;
  readonly notices: readonly NoticeRule[];
  /** The type's own in the order of the schema, then the header's. */
  readonly fields: ReadonlyMap<string, FieldType>;
  readonly derived: ReadonlyMap<string, DerivedField>;
}

export interface Schemas {
  readonly types: ReadonlyMap<string, RecordType>;
  readonly codes: ReadonlyMap<string, CodeList>;
}

/** Whether the type stands in such a file of this side. */
export function standsIn(what: { readonly files: Places | null }, file: FileKind, side: Side): boolean {
  return what.files === null || (what.files.get(file)?.includes(side) ?? false);
}
