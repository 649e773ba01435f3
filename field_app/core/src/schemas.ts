/**
 * Record types and code lists, read from shared_schema/records and codes: what a form shows, a fold merges, a letter
 * takes.
 * Spec 5 and docs/records.md. Tests: schemas. The JSON comes as an argument: how it is bundled is the app's affair.
 */
import { Refused } from "./errors";
import { SIDES } from "./ids";
import { MERGES, WEIGHTS, WHILE_CONFLICTED } from "./record_rules";
import {
  type CodeList,
  type DerivedField,
  type FieldType,
  type Need,
  type NoticeRule,
  type Places,
  type RecordType,
  type Schemas,
  type ShapeName,
  SHAPES,
  type Term,
} from "./record_types";
import { FILE_KINDS, ROLES } from "./roles";

// --- reading JSON ----------------------------------------------------------------------------------------------------

interface JsonObject {
  readonly [key: string]: unknown;
}

/** A schema that is not what it should be is a fault of the build, and no person's. */
const wrong = (where: string, wanted: string): Refused => new Refused("internal", `${where}: ${wanted} wanted`);

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function object(value: unknown, where: string): JsonObject {
  if (!isObject(value)) throw wrong(where, "an object");
  return value;
}

function text(value: unknown, where: string): string {
  if (typeof value !== "string") throw wrong(where, "a text");
  return value;
}

const textOr = <T>(value: unknown, otherwise: T): string | T => (typeof value === "string" ? value : otherwise);

function texts(value: unknown, where: string): readonly string[] {
  if (!Array.isArray(value)) throw wrong(where, "a list of texts");
  return Object.freeze(value.map((item) => text(item, where)));
}

function number(value: unknown, where: string): number {
  if (typeof value !== "number") throw wrong(where, "a number");
  return value;
}

function among<T extends string>(words: readonly T[], value: unknown, where: string): T {
  const found = words.find((one) => one === value);
  if (found === undefined) throw wrong(where, `one of ${words.join(", ")}`);
  return found;
}

const manyAmong = <T extends string>(words: readonly T[], value: unknown, where: string): readonly T[] =>
  Object.freeze(texts(value, where).map((one) => among(words, one, where)));

function places(value: unknown, where: string): Places {
  const entries = Object.entries(object(value, where));
  return new Map(entries.map(([kind, sides]) => [among(FILE_KINDS, kind, where), manyAmong(SIDES, sides, where)]));
}

const pairs = (value: unknown, where: string): ReadonlyMap<string, string> =>
  new Map(Object.entries(object(value, where)).map(([key, one]) => [key, text(one, where)]));

// --- fields ----------------------------------------------------------------------------------------------------------

const refName = (value: unknown): string | null =>
  isObject(value) ? (textOr(value["$ref"], "").split("/$defs/")[1] ?? null) : null;

/** The JSON Schema words of a field say one of a few shapes: which one. */
function shapeOf(json: JsonObject, where: string): { shape: ShapeName; many: boolean; missing: boolean } {
  if (json["type"] === "array") {
    const items = object(json["items"], where);
    if (items["type"] === "object") return { shape: "row", many: true, missing: false };
    return { ...shapeOf(items, where), many: true };
  }
  if (json["type"] === "integer") return { shape: "integer", many: false, missing: false };
  const choices = Array.isArray(json["anyOf"]) ? json["anyOf"] : [json];
  const names = choices.map(refName);
  const missing = names.includes("missing");
  const shape = among(
    SHAPES,
    names.find((name) => name !== "missing"),
    where,
  );
  return { shape, many: false, missing: missing || shape === "yn" };
}

function needOf(json: JsonObject, where: string): Need {
  const words = textOr(json["x-need"], "optional");
  if (words === "sign" || words === "optional") return { need: words, words, rule: null };
  const rule = object(json["x-need-if"], where);
  const group = rule["one-of"];
  if (typeof group === "string") return { need: "if", words, rule: { rule: "one_of", group } };
  if (typeof rule["outside"] === "string")
    return { need: "if", words, rule: { rule: "outside", when: rule["outside"] } };
  const field = text(rule["field"], where);
  if (rule["missing"] === true) return { need: "if", words, rule: { rule: "missing", field } };
  if (rule["filled"] === true) return { need: "if", words, rule: { rule: "filled", field } };
  return { need: "if", words, rule: { rule: "in", field, values: texts(rule["in"], where) } };
}

function cellsOf(json: JsonObject, where: string): ReadonlyMap<string, FieldType> {
  if (json["x-cells"] === undefined) return new Map();
  const items = object(json["items"], where);
  const properties = object(items["properties"], where);
  const required = items["required"] === undefined ? [] : texts(items["required"], where);
  return new Map(
    Object.entries(object(json["x-cells"], where)).map(([name, words]) => {
      const cell = { ...object(properties[name], `${where}.${name}`), ...object(words, where) };
      return [name, fieldOf(name, cell, `${where}.${name}`, { header: false, required: required.includes(name) })];
    }),
  );
}

function fieldOf(
  name: string,
  json: JsonObject,
  where: string,
  is: { readonly header: boolean; readonly required: boolean },
): FieldType {
  const { shape, many, missing } = shapeOf(json, where);
  return Object.freeze({
    name,
    label: text(json["x-label"], where),
    description: textOr(json["description"], ""),
    kind: text(json["x-kind"], where),
    shape,
    many,
    missing,
    codes: textOr(json["x-codes"], null),
    merge: among(MERGES, json["x-merge"], where),
    while_conflicted: among(WHILE_CONFLICTED, json["x-while-conflicted"] ?? "show_all", where),
    order: json["x-order"] === undefined ? [] : texts(json["x-order"], where),
    need: needOf(json, where),
    least: json["x-at-least"] === undefined ? 1 : number(json["x-at-least"], where),
    ref: json["x-ref"] === undefined ? [] : texts(json["x-ref"], where),
    ...is,
    write: json["x-write"] === undefined ? null : manyAmong(ROLES, json["x-write"], where),
    files: json["x-files"] === undefined ? null : places(json["x-files"], where),
    subjectAccess: json["x-subject-access"] !== false,
    cells: cellsOf(json, where),
  });
}

function derivedOf(name: string, json: JsonObject, where: string): DerivedField {
  const [label, kind] = [text(json["x-label"], where), text(json["x-kind"], where)];
  return Object.freeze({
    name,
    label,
    description: textOr(json["description"], ""),
    kind,
    codes: textOr(json["x-codes"], null),
  });
}

// --- types -----------------------------------------------------------------------------------------------------------

function noticeOf(value: unknown, where: string): NoticeRule {
  const json = object(value, where);
  const when = among(["saved", "signed"], json["when"], where);
  return { when, by: text(json["by"], where), kinds: pairs(json["kinds"], where), facts: pairs(json["facts"], where) };
}

type Properties = readonly (readonly [string, JsonObject, boolean])[];

function propertiesOf(json: JsonObject, where: string, header: boolean): Properties {
  return Object.entries(object(json["properties"], where)).map(
    ([name, one]) => [name, object(one, `${where}.${name}`), header] as const,
  );
}

const isDerived = ([, one]: Properties[number]): boolean => one["x-derived"] === true;

function typeOf(json: JsonObject, header: JsonObject): RecordType {
  const where = text(json["x-record"], "x-record");
  const omitted = json["x-header-omit"] === undefined ? [] : texts(json["x-header-omit"], where);
  const own = propertiesOf(json, where, false);
  const common = propertiesOf(header, "header", true).filter(
    ([name]) => !omitted.includes(name) && !own.some(([mine]) => mine === name),
  );
  const all = [...own, ...common];
  const written = all.filter((one) => !isDerived(one));
  const notices = json["x-notice"];
  return Object.freeze({
    name: where,
    title: text(json["title"], where),
    description: textOr(json["description"], ""),
    version: number(json["x-version"], where),
    weight: among(WEIGHTS, json["x-weight"], where),
    deletable: json["x-deletable"] === true,
    files: places(json["x-files"], where),
    sides: manyAmong(SIDES, json["x-side"], where),
    write: manyAmong(ROLES, json["x-write"], where),
    read: manyAmong(ROLES, json["x-read"], where),
    subjectAccess: json["x-subject-access"] !== false,
    notices:
      notices === undefined ? [] : (Array.isArray(notices) ? notices : [notices]).map((one) => noticeOf(one, where)),
    fields: new Map(
      written.map(([name, one, inHeader]) => [
        name,
        fieldOf(name, one, `${where}.${name}`, { header: inHeader, required: false }),
      ]),
    ),
    derived: new Map(all.filter(isDerived).map(([name, one]) => [name, derivedOf(name, one, `${where}.${name}`)])),
  });
}

function codeList(value: unknown): CodeList {
  const json = object(value, "a code list");
  const name = text(json["name"], "a code list");
  if (!Array.isArray(json["terms"])) throw wrong(name, "terms");
  const terms = json["terms"].map((one): Term => {
    const term = object(one, name);
    return {
      code: text(term["code"], name),
      label: text(term["label"], name),
      note: textOr(term["note"], ""),
      under: textOr(term["under"], null),
    };
  });
  const [version, title] = [number(json["version"], name), text(json["title"], name)];
  return Object.freeze({
    name,
    version,
    title,
    ordered: json["ordered"] === true,
    terms: new Map(terms.map((term) => [term.code, term])),
  });
}

/**
 * `records` are all files of shared_schema/records, the header among them, `codes` those of shared_schema/codes, in any
 * order.
 */
export function readSchemas(records: readonly unknown[], codes: readonly unknown[]): Schemas {
  const all = records.map((one) => object(one, "a record schema"));
  const header = all.find((one) => one["x-record"] === undefined);
  if (header === undefined) throw wrong("records", "header.schema.json");
  const types = all.filter((one) => one !== header).map((one) => typeOf(one, header));
  const lists = codes.map(codeList);
  const byName = <T extends { readonly name: string }>(list: readonly T[]): ReadonlyMap<string, T> =>
    new Map([...list].sort((a, b) => (a.name < b.name ? -1 : 1)).map((one) => [one.name, one]));
  const known = byName(lists);
  for (const { name, fields } of types) {
    for (const field of [...fields.values()].flatMap((one) => [one, ...one.cells.values()])) {
      if (field.codes !== null && !known.has(field.codes))
        throw wrong(`${name}.${field.name}`, `the code list ${field.codes}`);
    }
  }
  return Object.freeze({ types: byName(types), codes: known });
}
