/**
 * What stands for a part that was expunged: made, checked, and what both people agree to of it. Spec 5.7, 15.7.
 * Vectors: stub.
 */
import { equal } from "./bytes";
import {
  type Change,
  changeKey,
  decodePart,
  encodePart,
  fieldKey,
  type Json,
  type Op,
  type OpId,
  opKey,
} from "./change";
import { Refused } from "./errors";
import { EXPUNGED, isList, isMap, markerOf, sayingsOf, valueKey } from "./fold/markers";
import type { Placed } from "./fold/model";
import { H, L } from "./hash";
import { encodeUuid } from "./ids";

const TERM = /^[a-z0-9_]{1,64}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const IDS: readonly string[] = ["device", "spend_id", "against"];
const GONE: Json = new Map([[EXPUNGED, null]]);
const DRAFT: Op = { field: "state", action: "set", value: "draft", preds: [] };

const malformed = (message: string): Refused => new Refused("malformed", message);

/** Without these money would move, or a record's state. `file` is the kind of the file. */
function stays(file: string, { field }: Op, value: Json): boolean {
  if (field === "state" || (file === "fund" && field === "kind")) return typeof value === "string" && TERM.test(value);
  if (file !== "fund" || typeof field !== "string") return false;
  if (field === "amount") return typeof value === "number";
  return IDS.includes(field) && typeof value === "string" && UUID.test(value);
}

const isReturned = (file: string, { field }: Op, cell: string): boolean =>
  file === "fund" && field === "returned" && cell === "amount";

// --- making ----------------------------------------------------------------------------------------------------------

/** Every op of a record that says something on a field, in log order. */
interface Named {
  readonly key: string;
  readonly field: string;
  readonly value: string;
  readonly goes: boolean;
  readonly id: Json;
}

function sayings(changes: readonly Placed[], going: ReadonlySet<string>): readonly Named[] {
  return changes.flatMap(({ device, stub, change }) =>
    change.ops.flatMap((op, index) => {
      if (stub || op.action === "sign" || op.action === "delete" || op.action === "remove") return [];
      const id = [encodeUuid(device), change.c, index];
      const goes = going.has(changeKey(device, change.c));
      const own: OpId = [device, change.c, index];
      return sayingsOf(op, own, stub).map(({ field, value }) => ({
        key: opKey(own),
        field,
        value: valueKey(value),
        goes,
        id,
      }));
    }),
  );
}

function markerFor(key: string, field: string, value: Json, said: readonly Named[]): Json {
  const same = said.filter((one) => one.field === field && one.value === valueKey(value));
  const named = same.find(({ goes }) => !goes) ?? same[0];
  return named === undefined || named.key === key ? GONE : new Map([[EXPUNGED, named.id]]);
}

function rowStub(file: string, op: Op, row: ReadonlyMap<string, Json>, marker: Json): Json {
  const cells = new Map<string, Json>([[EXPUNGED, isMap(marker) ? (marker.get(EXPUNGED) ?? null) : null]]);
  for (const [name, value] of row) {
    if (name === EXPUNGED || !TERM.test(name)) continue;
    cells.set(name, isReturned(file, op, name) && typeof value === "number" ? value : GONE);
  }
  return cells;
}

function opStub(file: string, key: string, op: Op, said: readonly Named[]): Op {
  if (op.action === "sign" || op.action === "delete") return op;
  if (op.action === "remove") return { ...op, value: null };
  const chosen = op.action === "resolve" && isList(op.value) ? (op.value[0] ?? null) : op.value;
  const marker = (): Json => markerFor(key, fieldKey(op.field), chosen, said);
  const value = stays(file, op, chosen)
    ? chosen
    : op.action === "add" && isMap(chosen)
      ? rowStub(file, op, chosen, marker())
      : marker();
  return { ...op, value: op.action === "resolve" ? [value, EXPUNGED] : value };
}

/** `changes` are the whole record's, in log order; `going` names those of the part by `changeKey`. */
export function makeStub(file: string, changes: readonly Placed[], going: ReadonlySet<string>): readonly Change[] {
  const said = sayings(changes, going);
  return changes
    .filter(({ device, change }) => going.has(changeKey(device, change.c)))
    .map(({ device, change }) => ({
      ...change,
      ops: change.ops.map((op, index) => opStub(file, opKey([device, change.c, index]), op, said)),
    }));
}

/** The stub of a letter that went by the calendar (15.7): one size for all. */
export function makeLastStub(changes: readonly Change[]): readonly Change[] {
  return changes.map((change) => {
    const ops = change.ops.flatMap((op) => {
      const isState =
        op.field === "state" &&
        (op.action === "set" || op.action === "add") &&
        typeof op.value === "string" &&
        TERM.test(op.value);
      return op.action === "sign" || isState ? [{ ...op, preds: [] }] : [];
    });
    return { ...change, ops: ops.length === 0 ? [DRAFT] : ops };
  });
}

// --- checking --------------------------------------------------------------------------------------------------------

const isMarker = (value: Json | undefined): boolean =>
  value !== undefined && isMap(value) && value.size === 1 && markerOf(value) !== undefined;

function isRowStub(file: string, op: Op, value: Json): boolean {
  if (op.action !== "add" || !isMap(value) || markerOf(value) === undefined) return false;
  return [...value].every(([name, cell]) => {
    if (name === EXPUNGED) return true;
    if (!TERM.test(name)) return false;
    return (
      (isMap(cell) && cell.size === 1 && markerOf(cell) === null) ||
      (isReturned(file, op, name) && typeof cell === "number")
    );
  });
}

function saysNoMore(file: string, op: Op): boolean {
  if (op.action === "sign" || op.action === "delete") return true;
  if (op.action === "remove") return op.value === null;
  if (op.action === "resolve") {
    const [chosen, reason] = isList(op.value) ? op.value : [];
    return reason === EXPUNGED && chosen !== undefined && (isMarker(chosen) || stays(file, op, chosen));
  }
  return isMarker(op.value) || stays(file, op, op.value) || isRowStub(file, op, op.value);
}

/** A part that says more than a stub may is none. */
export function checkStub(file: string, changes: readonly Change[]): readonly Change[] {
  for (const { ops } of changes) {
    if (!ops.every((op) => saysNoMore(file, op))) throw malformed("a stub with a value that was to go");
  }
  return changes;
}

/** Of the plaintext of an expunction's one part. */
export function decodeStub(file: string, plaintext: Uint8Array): readonly Change[] {
  return checkStub(file, decodePart(plaintext, true));
}

export const encodeStub = (changes: readonly Change[]): Uint8Array => encodePart(changes, true);

// --- what of it both people agree to ---------------------------------------------------------------------------------

function withoutNames(value: Json): Json {
  if (!isMap(value) || markerOf(value) === undefined) return value;
  return new Map([...value].map(([name, cell]) => [name, name === EXPUNGED ? null : cell] as const));
}

const unnamed = (changes: readonly Change[]): readonly Change[] =>
  changes.map((change) => ({
    ...change,
    ops: change.ops.map((op) => {
      if (op.action !== "resolve" || !isList(op.value)) return { ...op, value: withoutNames(op.value) };
      const [chosen = null, reason = null] = op.value;
      return { ...op, value: [withoutNames(chosen), reason] };
    }),
  }));

/** `says` of an expunction: the stub in which every `m` is null. */
export function stubSays(changes: readonly Change[]): Uint8Array {
  return H(L("stub"), encodeStub(unnamed(changes)));
}

/** Whether a stub is what its part gives, the choice of each `m` aside: else an alarm, `bad-stub`. */
export function isStubOf(file: string, part: readonly Placed[], stub: readonly Change[]): boolean {
  const all = new Set(part.map(({ device, change }) => changeKey(device, change.c)));
  return equal(encodeStub(unnamed(makeStub(file, part, all))), encodeStub(unnamed(stub)));
}
