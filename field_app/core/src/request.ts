/** Signed requests: one JWT in `Authorization`, exactly checked. Spec 9.1. Vectors: request. */
import { ascii, base64url, equal, fromBase64url } from "./bytes";
import { Refused } from "./errors";
import { H } from "./hash";
import { decodeUuid, encodeUuid, type Side } from "./ids";
import { type SigningKey, verifies } from "./keys";

export interface RequestedAs {
  readonly device: Uint8Array;
  readonly svc: Uint8Array;
  readonly side: Side;
  readonly method: string;
  /** With its query, as sent. */
  readonly path: string;
  readonly body: Uint8Array;
}

export interface Claims {
  readonly iss: string;
  readonly aud: string;
  readonly htm: string;
  readonly htu: string;
  readonly bh: string;
  readonly nonce: string;
}

const SCHEME = "Fieldkeep ";
const HEADER = { alg: "EdDSA", typ: "fieldkeep-request" } as const;
const MOST_CHARACTERS = 4096;
const CLAIMS = ["iss", "aud", "htm", "htu", "bh", "nonce"] as const;
const refused = (message: string): Refused => new Refused("request-refused", message);

export function claims({ device, svc, side, method, path, body }: RequestedAs, nonce: string): Claims {
  return {
    iss: encodeUuid(device),
    aud: `${encodeUuid(svc)}/${side}`,
    htm: method,
    htu: path,
    bh: base64url(H(body)),
    nonce,
  };
}

const segment = (json: object): string => base64url(new TextEncoder().encode(JSON.stringify(json)));

/** The value of the header `Authorization`. */
export async function authorization(request: RequestedAs, nonce: string, key: SigningKey): Promise<string> {
  const signed = `${segment(HEADER)}.${segment(claims(request, nonce))}`;
  return `${SCHEME}${signed}.${base64url(await key.sign(ascii(signed)))}`;
}

function object(part: string): ReadonlyMap<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(fromBase64url(part)));
  } catch {
    throw refused("a segment that is no JSON in base64url");
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw refused("a segment that is no JSON object");
  }
  return new Map(Object.entries(json));
}

function exactly(members: ReadonlyMap<string, unknown>, wanted: ReadonlyMap<string, unknown>): void {
  if (members.size !== wanted.size) throw refused("not exactly the members that stand here");
  for (const [name, value] of wanted) if (members.get(name) !== value) throw refused(`${name} is not as it has to be`);
}

/** Whose signature an `Authorization` bears, by what it says itself, and its nonce; `check` is what believes it. */
export interface Token {
  readonly device: Uint8Array;
  readonly nonce: string;
  readonly check: (request: RequestedAs, publicKey: Uint8Array) => Promise<void>;
}

export function parseAuthorization(header: string): Token {
  if (!header.startsWith(SCHEME)) throw refused("another scheme");
  const token = header.slice(SCHEME.length);
  if (token.length > MOST_CHARACTERS) throw refused("a token of more than 4,096 characters");
  const [head, body, signature, ...more] = token.split(".");
  if (head === undefined || body === undefined || signature === undefined || more.length > 0) {
    throw refused("a token of other than three parts");
  }
  exactly(object(head), new Map(Object.entries(HEADER)));
  const said = object(body);
  const [iss, nonce] = [said.get("iss"), said.get("nonce")];
  if (typeof iss !== "string" || typeof nonce !== "string") throw refused("a claim that is missing or no text");
  const check = async (request: RequestedAs, publicKey: Uint8Array): Promise<void> => {
    const wanted = claims(request, nonce);
    exactly(said, new Map(CLAIMS.map((name) => [name, wanted[name]])));
    if (!(await verifies(publicKey, decoded(signature), ascii(`${head}.${body}`)))) {
      throw refused("the signature does not hold");
    }
  };
  return { device: idOf(iss), nonce, check };
}

function idOf(text: string): Uint8Array {
  try {
    return decodeUuid(text);
  } catch {
    throw refused("an issuer that is no id");
  }
}

function decoded(text: string): Uint8Array {
  try {
    return fromBase64url(text);
  } catch {
    throw refused("a signature that is not base64url");
  }
}

/** As a server looks at it, nonces aside: `publicKeyOf` gives the key of a device of this side. */
export async function checkRequest(
  header: string,
  request: RequestedAs,
  publicKeyOf: (device: Uint8Array) => Uint8Array | null,
): Promise<void> {
  const token = parseAuthorization(header);
  const publicKey = publicKeyOf(token.device);
  if (publicKey === null || !equal(token.device, request.device)) {
    throw refused("a device that this side does not know, or another one");
  }
  await token.check(request, publicKey);
}
