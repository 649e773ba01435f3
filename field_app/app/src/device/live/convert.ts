/** Values between forms, which have them as plain JSON, and changes, whose maps are maps. Pure. */
import { fromHex, hex } from "@fieldkeep/core/bytes";
import { type Json, type OpId, opKey } from "@fieldkeep/core/change";
import { decodeUuid, encodeUuid } from "@fieldkeep/core/ids";
import type { Edit as DeviceEdit } from "@fieldkeep/device/ops";
import type { Edit } from "../../forms/edits";
import { type Value, isList, isMap } from "../../forms/values";

export function toJson(value: Value): Json {
  if (isList(value)) return value.map(toJson);
  if (isMap(value)) return new Map(Object.entries(value).map(([key, item]) => [key, toJson(item)]));
  return value;
}

const isJsonMap = (value: Json): value is ReadonlyMap<string, Json> => value instanceof Map;
const isJsonList = (value: Json): value is readonly Json[] => Array.isArray(value);

export function fromJson(value: Json): Value {
  if (isJsonList(value)) return value.map(fromJson);
  if (isJsonMap(value)) return Object.fromEntries([...value].map(([key, item]) => [key, fromJson(item)]));
  return value;
}

/** The name that a row has in a form: its op. */
export const rowName = (id: OpId): string => opKey(id);

export function rowOf(name: string): OpId {
  const [device = "", c, index] = name.split(":");
  return [fromHex(device), Number(c), Number(index)];
}

export function toEdit(edit: Edit): DeviceEdit {
  if (edit.act === "cell") return { act: "cell", field: edit.field, row: rowOf(edit.row), cell: edit.cell, value: toJson(edit.value) };
  return { act: edit.act, field: edit.field, value: toJson(edit.value) };
}

export const idText = (id: Uint8Array): string => encodeUuid(id);
export const idBytes = (text: string): Uint8Array => decodeUuid(text);
export const deviceText = (id: Uint8Array): string => hex(id);
