/**
 * When two values are the same, and what a marker stands for. Spec 5.3 (compared as CBOR bytes), 5.7. Vectors: fold,
 * stub.
 */
import { hex } from "../bytes";
import { fieldKey, type Json, type Op, type OpId, opKey } from "../change";
import { encode } from "../cbor";
import { decodeUuid } from "../ids";
import type { FoldedOp, Placed, Said, SaidOp } from "./model";

/** Deep enough for a value wherever a part could carry it. */
const DEPTH = 64;

export function isMap(value: Json): value is ReadonlyMap<string, Json> {
  return value instanceof Map;
}

export function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

export function valueKey(value: Json): string {
  if (typeof value === "string") return `t${value}`;
  return typeof value === "object" && value !== null ? `c${hex(encode(value, DEPTH))}` : String(value);
}

/** The one key of a marker, and of a row that was expunged. */
export const EXPUNGED = "expunged";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What `m` names, as the key of an op; null where it names nothing; undefined where the value is no marker. */
export function markerOf(value: Json): string | null | undefined {
  if (!isMap(value)) return undefined;
  const m = value.get(EXPUNGED);
  if (m === undefined || m === null) return m;
  if (!isList(m) || m.length !== 3) return undefined;
  const [device, c, index] = m;
  if (typeof device !== "string" || !UUID.test(device) || typeof c !== "number" || typeof index !== "number")
    return undefined;
  return c >= 1 && index >= 0 ? opKey([decodeUuid(device), c, index]) : undefined;
}

export interface Saying {
  /** A field's key. */
  readonly field: string;
  readonly value: Json;
}

/** What an op says on its field, and a row also on each cell that it has; of a `resolve`, what was chosen. */
export function sayingsOf(op: Op, id: OpId, stub: boolean): readonly Saying[] {
  const value = op.action === "resolve" && isList(op.value) ? (op.value[0] ?? null) : op.value;
  const own: Saying = { field: fieldKey(op.field), value };
  const { field: list } = op;
  if (op.action !== "add" || typeof list !== "string" || !isMap(value)) return [own];
  const cells = [...value].filter(([name]) => !stub || name !== EXPUNGED);
  return [own, ...cells.map(([name, held]) => ({ field: fieldKey([list, id, name]), value: held }))];
}

export function saidIn(changes: readonly Placed[]): Said {
  const said = new Map<string, Map<string, SaidOp>>();
  for (const { change, device, stub } of changes) {
    for (const [index, op] of change.ops.entries()) {
      const id: OpId = [device, change.c, index];
      for (const { field, value } of sayingsOf(op, id, stub)) {
        const ops = said.get(field) ?? new Map<string, SaidOp>();
        ops.set(opKey(id), { value, stub });
        said.set(field, ops);
      }
    }
  }
  return said;
}

export type End = { readonly value: Json } | { readonly gone: string };

/**
 * Where the chain of an op's marker ends: at a value that is still there, or at an op of which nothing is left. Of a
 * circle that is the least of its ops, so that all that lead into it end alike.
 */
export function endOf(op: FoldedOp, field: string, said: Said): End {
  if (!op.from.stub) return { value: op.value };
  const others = said.get(field);
  const passed = new Set<string>();
  let at = op.key;
  let value = op.value;
  for (;;) {
    const next = markerOf(value);
    if (next === undefined) return { value };
    passed.add(at);
    if (next === null) return { gone: at };
    if (passed.has(next)) return { gone: leastFrom(next, [...passed]) };
    const other = others?.get(next);
    if (other === undefined) return { gone: next };
    ({ value } = other);
    if (!other.stub) return { value };
    at = next;
  }
}

function leastFrom(first: string, passed: readonly string[]): string {
  return passed.slice(passed.indexOf(first)).reduce((least, key) => (key < least ? key : least));
}

/** Equal for two ops exactly when they say the same. */
export function sameKey(op: FoldedOp, field: string, said: Said): string {
  if (!op.from.stub) return valueKey(op.value);
  const end = endOf(op, field, said);
  return "gone" in end ? `gone ${end.gone}` : valueKey(end.value);
}
