/**
 * Record types as forms need them, out of shared_schema/records and shared_schema/codes.
 *
 * This is the only file here that knows how the schemas are written down: everything else takes what is exported from it.
 */

import { hintFor } from "./hints";

export type Kind =
  | "att"
  | "attachments"
  | "code"
  | "codes"
  | "date"
  | "hash"
  | "int"
  | "list"
  | "long"
  | "minutes"
  | "pence"
  | "random_id"
  | "ref"
  | "refs"
  | "text"
  | "user"
  | "users"
  | "when"
  | "yn";

export type Policy = "once" | "latest" | "ask" | "worst" | "text" | "set" | "append";
export type Weight = "quick" | "evidence" | "living" | "ledger";
export type Side = "perpetrator" | "victim";

/** When a field is needed to sign. */
export type NeedIf =
  | { readonly field: string; readonly in: readonly string[] }
  | { readonly field: string; readonly missing: true }
  | { readonly field: string; readonly filled: true }
  | { readonly "one-of": string }
  | { readonly outside: string };

export interface Need {
  readonly when: "always" | "never" | NeedIf;
  /** The condition in words, such as "if on hold". */
  readonly words: string | undefined;
}

export interface Term {
  readonly code: string;
  readonly label: string;
  readonly under: string | undefined;
}

/** What values there may be: the name of the header's definition that they are made by. */
export type Shape =
  | "code"
  | "content"
  | "count"
  | "date"
  | "date_or_year"
  | "hash"
  | "list_version"
  | "long"
  | "minutes"
  | "number"
  | "pence_above_zero"
  | "score"
  | "text"
  | "uuid"
  | "uuid_or_null"
  | "when"
  | "yn"
  | "rows";

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly hint: string | undefined;
  readonly kind: Kind;
  readonly shape: Shape;
  readonly policy: Policy;
  readonly need: Need;
  /** How many members of a set, or rows, make it filled. */
  readonly least: number;
  /** A reason may stand in place of the answer. */
  readonly missing: boolean;
  /** For codes: the list. */
  readonly terms: readonly Term[];
  /** For refs: the types that it may name; none for any. */
  readonly refs: readonly string[];
  /** For rows. */
  readonly cells: readonly Field[];
  /** Files in which the field stands, where that is not everywhere that its type does. */
  readonly files: Files | undefined;
  readonly writers: readonly string[] | undefined;
}

export type Files = Readonly<Record<string, readonly Side[]>>;

export interface RecordType {
  readonly name: string;
  readonly title: string;
  readonly weight: Weight;
  readonly files: Files;
  readonly writers: readonly string[];
  readonly readers: readonly string[];
  /** Fields of its own, then those of every record, without what each reader works out. */
  readonly fields: readonly Field[];
}

interface RawShape {
  readonly $ref?: string;
  readonly type?: string;
  readonly anyOf?: readonly RawShape[];
  readonly items?: RawShape & { readonly properties?: Readonly<Record<string, RawShape>> };
  readonly minimum?: number;
  readonly maximum?: number;
}

interface RawField extends RawShape {
  readonly "x-label": string;
  readonly "x-kind": Kind;
  readonly "x-merge"?: Policy;
  readonly "x-need"?: string;
  readonly "x-need-if"?: NeedIf;
  readonly "x-at-least"?: number;
  readonly "x-missing"?: true;
  readonly "x-codes"?: string;
  readonly "x-ref"?: readonly string[];
  readonly "x-cells"?: Readonly<Record<string, RawField>>;
  readonly "x-files"?: Files;
  readonly "x-write"?: readonly string[];
  readonly "x-derived"?: true;
}

interface RawRecord {
  readonly title: string;
  readonly "x-record"?: string;
  readonly "x-weight"?: Weight;
  readonly "x-files"?: Files;
  readonly "x-write"?: readonly string[];
  readonly "x-read"?: readonly string[];
  readonly "x-header-omit"?: readonly string[];
  readonly properties: Readonly<Record<string, RawField>>;
}

interface RawList {
  readonly name: string;
  readonly terms: readonly { readonly code: string; readonly label: string; readonly under?: string }[];
}

const lists = import.meta.glob<RawList>("../../../../shared_schema/codes/*.json", { eager: true, import: "default" });
const schemas = import.meta.glob<RawRecord>("../../../../shared_schema/records/*.json", { eager: true, import: "default" });

/** With a capital letter, as terms stand by themselves. */
export const sentence = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);

const TERMS: ReadonlyMap<string, readonly Term[]> = new Map(
  Object.values(lists).map((list) => [
    list.name,
    list.terms.map(({ code, label, under }) => ({ code, label: sentence(label), under: under && sentence(under.replaceAll("_", " ")) })),
  ]),
);

/** The terms of a list, in its order. None for a list that is not known. */
export const terms = (list: string): readonly Term[] => TERMS.get(list) ?? [];

export const MISSING: readonly Term[] = terms("missing_reason");
export const YES_NO: readonly Term[] = [
  { code: "yes", label: "Yes", under: undefined },
  { code: "no", label: "No", under: undefined },
];

const SHAPES: ReadonlySet<string> = new Set<Shape>([
  "code",
  "content",
  "count",
  "date",
  "date_or_year",
  "hash",
  "list_version",
  "long",
  "minutes",
  "number",
  "pence_above_zero",
  "score",
  "text",
  "uuid",
  "uuid_or_null",
  "when",
  "yn",
  "rows",
]);
const isShape = (name: string): name is Shape => SHAPES.has(name);

function shapeOf(raw: RawShape, kind: Kind): Shape {
  if (kind === "list") return "rows";
  const real = raw.anyOf?.find((one) => !one.$ref?.endsWith("/missing")) ?? raw.items ?? raw;
  const name = real.$ref?.split("/").at(-1) ?? (real.type === "integer" ? "number" : undefined);
  if (name === undefined || !isShape(name)) throw new Error(`no form for values like ${JSON.stringify(raw)}`);
  return name;
}

function needOf(raw: RawField): Need {
  if (raw["x-need"] === "sign") return { when: "always", words: undefined };
  if (raw["x-need-if"] === undefined) return { when: "never", words: undefined };
  return { when: raw["x-need-if"], words: raw["x-need"]?.replaceAll("_", " ") };
}

function fieldOf(type: string | undefined, name: string, raw: RawField, within: RawShape): Field {
  const kind = raw["x-kind"];
  return {
    name,
    label: raw["x-label"],
    hint: hintFor(type, name),
    kind,
    shape: shapeOf(within, kind),
    policy: raw["x-merge"] ?? "once",
    need: needOf(raw),
    least: raw["x-at-least"] ?? 1,
    missing: raw["x-missing"] === true,
    terms: raw["x-codes"] === undefined ? [] : terms(raw["x-codes"]),
    refs: raw["x-ref"] ?? [],
    cells: Object.entries(raw["x-cells"] ?? {}).map(([cell, its]) =>
      fieldOf(`${type ?? "*"}.${name}`, cell, its, raw.items?.properties?.[cell] ?? its),
    ),
    files: raw["x-files"],
    writers: raw["x-write"],
  };
}

const fieldsOf = (raw: RawRecord): readonly Field[] =>
  Object.entries(raw.properties)
    .filter(([, field]) => field["x-derived"] !== true)
    .map(([name, field]) => fieldOf(raw["x-record"], name, field, field));

const header = Object.values(schemas).find((raw) => raw["x-record"] === undefined);
const HEADER_FIELDS: readonly Field[] = header === undefined ? [] : fieldsOf(header);

function typeOf(name: string, raw: RawRecord): RecordType {
  const omitted = new Set(raw["x-header-omit"]);
  return {
    name,
    title: raw.title,
    weight: raw["x-weight"] ?? "quick",
    files: raw["x-files"] ?? {},
    writers: raw["x-write"] ?? [],
    readers: raw["x-read"] ?? [],
    fields: [...fieldsOf(raw), ...HEADER_FIELDS.filter((field) => !omitted.has(field.name))],
  };
}

const TYPES: ReadonlyMap<string, RecordType> = new Map(
  Object.values(schemas)
    .map((raw) => [raw["x-record"], raw] as const)
    .filter((pair): pair is readonly [string, RawRecord] => pair[0] !== undefined)
    .map(([name, raw]) => [name, typeOf(name, raw)]),
);

export const RECORD_TYPES: readonly RecordType[] = [...TYPES.values()];

/** A type that this version of the app knows; records of others are shown as they are, and no form is made for them. */
export const recordType = (name: string): RecordType | undefined => TYPES.get(name);

/** Whether a field stands in a file of that kind on that side. */
export const standsIn = (field: Field, kind: string, side: Side): boolean =>
  field.files === undefined || (field.files[kind]?.includes(side) ?? false);

/** Fields of every record, which forms put at the end. */
export const isOfEveryRecord = (field: Field): boolean => HEADER_FIELDS.some((one) => one.name === field.name);
