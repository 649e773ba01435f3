/** Answers of a server that no vector has: errors, nonces, and what is said of parcels. Spec 9.1, 15.3. */
import { expect, test } from "vitest";
import { decodeError, decodeNonces } from "../src/answers";
import { type CborValue, encode } from "../src/cbor";
import { Refused } from "../src/errors";
import { decodeParcelsAnswer } from "../src/letter";

const map = (members: { readonly [key: string]: CborValue }): ReadonlyMap<string, CborValue> =>
  new Map(Object.entries(members));
const bytes = (members: { readonly [key: string]: CborValue }): Uint8Array => encode(map(members));

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof Refused) return error.code;
    throw error;
  }
  return "taken";
}

test("an error is a code with its words, and nothing else", () => {
  const error = { code: "quota", message: "Later.", retry: "after-time" } as const;
  expect(decodeError(bytes(error))).toEqual(error);
  const wrong = [
    { ...error, code: "unheard-of" },
    { ...error, retry: "soon" },
    { ...error, message: "" },
    { ...error, more: 1 },
  ];
  expect(wrong.map((one) => refusal(() => decodeError(bytes(one))))).toEqual(Array(4).fill("malformed"));
});

test("nonces are texts", () => {
  expect(decodeNonces(bytes({ nonces: ["a", "b"], time: 5 }))).toEqual({ nonces: ["a", "b"], time: 5 });
  expect(refusal(() => decodeNonces(bytes({ nonces: [], time: 5 })))).toBe("malformed");
});

test("parcels are answered in order, each accepted one with a pass", () => {
  const id = new Uint8Array(16).fill(7);
  const refused = map({ id, code: "stale-key", message: "An earlier week.", retry: "after-reseal" });
  const answer = { v: 1, answers: [map({ id, code: "accepted" }), refused], passes: [Uint8Array.of(1)] };
  expect(decodeParcelsAnswer(bytes(answer)).answers.map(({ code }) => code)).toEqual(["accepted", "stale-key"]);
  expect(refusal(() => decodeParcelsAnswer(bytes({ ...answer, answers: [map({ id, code: "stale-key" })] })))).toBe(
    "malformed",
  );
});
