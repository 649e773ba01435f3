/**
 * Which letters there are, who sends them where, and which take two people: roles.json. Spec 15.4, 15.6. Vectors:
 * parcel/saying.
 */
import table from "../../../../shared_schema/roles.json" with { type: "json" };
import { Refused } from "../errors";
import type { Side } from "../ids";
import type { FileKind } from "../roles";

export interface LetterRow {
  readonly to: string;
  readonly by: readonly string[];
  /** With one of these fields in it a letter takes two people. */
  readonly two?: readonly string[];
  readonly lead?: readonly string[];
}

type Letters = { readonly [kind: string]: { readonly [from in Side]?: LetterRow } | undefined };
const LETTERS: Letters = table.letters;

/** Parcels go from one working side to the other. */
export function otherSide(side: Side): Side {
  if (side === "oversight") throw new Refused("malformed", "the oversight side sends and receives no parcels");
  return side === "victim" ? "perpetrator" : "victim";
}

export function letterRow(kind: string, from: Side): LetterRow | null {
  return Object.hasOwn(LETTERS, kind) ? (LETTERS[kind]?.[from] ?? null) : null;
}

/** Whether one of these roles sends such a letter to such a file. */
export function maySend(kind: string, from: Side, file: FileKind, roles: readonly string[]): boolean {
  const row = letterRow(kind, from);
  return row !== null && row.to === file && roles.some((role) => row.by.includes(role));
}

export function takesTwo(kind: string, from: Side, body: ReadonlyMap<string, unknown>): boolean {
  return letterRow(kind, from)?.two?.some((field) => body.has(field)) ?? false;
}

export function leads(kind: string, from: Side, roles: readonly string[]): boolean {
  return letterRow(kind, from)?.lead?.some((role) => roles.includes(role)) ?? false;
}
