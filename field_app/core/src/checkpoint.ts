/**
 * Checkpoints of an audit tree: C2SP signed notes with exactly one signature. Spec 10.2. Vectors: checkpoint.
 *
 *     origin ⏎ size ⏎ base64(root) ⏎ ⏎ — origin base64(key hash ‖ signature) ⏎
 */
import { concat, equal } from "./bytes";
import { Refused } from "./errors";
import { H } from "./hash";
import { encodeUuid, type Side } from "./ids";
import { type SigningKey, verify } from "./keys";

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly key_hash: Uint8Array;
  readonly signature: Uint8Array;
}

const MOST_CHARACTERS = 1000;
const NOTE = /^([^\s+]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/=]+)\n\n\u2014 ([^\s+]+) ([A-Za-z0-9+/=]+)\n$/u;
const UTF8 = new TextEncoder();
const malformed = (message: string): Refused => new Refused("malformed", message);

export function origin(svc: Uint8Array, side: Side, incarnation: Uint8Array): string {
  return `fieldkeep/v1/${encodeUuid(svc)}/${side}/${encodeUuid(incarnation)}`;
}

/** C2SP signed-note: the key's name, a line end, the algorithm byte of Ed25519, and the key. */
export function keyHash(name: string, publicKey: Uint8Array): Uint8Array {
  return H(UTF8.encode(`${name}\n`), Uint8Array.of(1), publicKey).slice(0, 4);
}

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

/** Padded, in its one form. */
function fromBase64(text: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    throw malformed("not base64");
  }
  if (base64(bytes) !== text) throw malformed("base64 has another form than its one");
  return bytes;
}

const body = ({ origin: name, size, root }: Pick<Checkpoint, "origin" | "size" | "root">): string =>
  `${name}\n${size}\n${base64(root)}\n`;

export function decodeCheckpoint(text: string): Checkpoint {
  if (text.length > MOST_CHARACTERS) throw malformed("a note of more than 1,000 characters");
  const [, name, digits, rootText, signer, signatureText] = NOTE.exec(text) ?? [];
  if (name === undefined || rootText === undefined || signatureText === undefined) throw malformed("not a checkpoint");
  if (signer !== name) throw malformed("signed under another name than the origin");
  const size = Number(digits);
  if (!Number.isSafeInteger(size)) throw malformed("a tree of 2^53 leaves or more");
  const [root, signed] = [fromBase64(rootText), fromBase64(signatureText)];
  if (root.length !== 32) throw malformed(`a root of ${root.length} bytes`);
  if (signed.length !== 68) throw malformed(`a signature of ${signed.length} bytes, its key's four included`);
  return Object.freeze({ origin: name, size, root, key_hash: signed.slice(0, 4), signature: signed.slice(4) });
}

export function encodeCheckpoint(checkpoint: Checkpoint): string {
  const { origin: name, key_hash, signature } = checkpoint;
  const text = `${body(checkpoint)}\n\u2014 ${name} ${base64(concat(key_hash, signature))}\n`;
  decodeCheckpoint(text);
  return text;
}

export async function signCheckpoint(name: string, size: number, root: Uint8Array, key: SigningKey): Promise<string> {
  const signature = await key.sign(UTF8.encode(body({ origin: name, size, root })));
  return encodeCheckpoint({ origin: name, size, root, key_hash: keyHash(name, key.public), signature });
}

/** Decodes a note of this tree, under this key. */
export async function verifyCheckpoint(text: string, name: string, publicKey: Uint8Array): Promise<Checkpoint> {
  const checkpoint = decodeCheckpoint(text);
  if (checkpoint.origin !== name) throw malformed("the checkpoint of another tree");
  if (!equal(checkpoint.key_hash, keyHash(name, publicKey))) throw malformed("signed under another key");
  await verify(publicKey, checkpoint.signature, UTF8.encode(body(checkpoint)));
  return checkpoint;
}
