/** Values of fields, as a change carries them (docs/spec.md §5.1): JSON without fractions. */

export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };

export type Missing = { readonly missing: string };
export type When = { readonly at: string; readonly precision: "minute" | "hour" | "day" | "month" | "year" | "about" };

export const isMap = (value: Value | undefined): value is { readonly [key: string]: Value } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const isList = (value: Value | undefined): value is readonly Value[] => Array.isArray(value);

/** The reason that stands in place of an answer. */
export function missingReason(value: Value | undefined): string | undefined {
  if (!isMap(value)) return undefined;
  const reason = value["missing"];
  return typeof reason === "string" ? reason : undefined;
}

export function isWhen(value: Value | undefined): value is When {
  return isMap(value) && typeof value["at"] === "string" && typeof value["precision"] === "string";
}
