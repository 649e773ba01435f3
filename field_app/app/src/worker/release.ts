/** A release as the worker takes it: its list, signed by whoever built the app, and the digests in it. No state, no network. */

export interface Release {
  readonly number: number;
  readonly id: string;
  /** The digest of the worker's own script. */
  readonly worker: string;
  readonly files: readonly { readonly path: string; readonly digest: string }[];
}

/** The service offered what is not a release of ours. */
export class NotOurs extends Error {
  override readonly name = "NotOurs";
}

const DIGEST = /^sha256-[A-Za-z0-9+/]{43}=$/;
/** Names within the app's own folder. */
const PATH = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;
const MOST_FILES = 500;

const fromHex = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(text.match(/../g) ?? [], (two) => Number.parseInt(two, 16));

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0));
  } catch {
    throw new NotOurs("a signature that is not base64");
  }
}

async function isSigned(bytes: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>, key: string): Promise<boolean> {
  const known = await crypto.subtle.importKey("raw", fromHex(key), { name: "Ed25519" }, false, ["verify"]);
  return crypto.subtle.verify({ name: "Ed25519" }, known, signature, bytes);
}

const isMap = (value: unknown): value is { readonly [key: string]: unknown } => typeof value === "object" && value !== null && !Array.isArray(value);

function readFile(value: unknown): { readonly path: string; readonly digest: string } {
  const [path, digest] = isMap(value) ? [value["path"], value["digest"]] : [];
  if (typeof path !== "string" || !PATH.test(path) || path.startsWith("v1/")) throw new NotOurs("a file without a name of ours");
  if (typeof digest !== "string" || !DIGEST.test(digest)) throw new NotOurs("a file without its digest");
  return { path, digest };
}

function readList(bytes: Uint8Array): Release {
  const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  if (!isMap(value) || value["v"] !== 1) throw new NotOurs("a list of another form");
  const { number, id, worker, files } = value;
  if (typeof number !== "number" || !Number.isSafeInteger(number) || number <= 0) throw new NotOurs("a release without its number");
  if (typeof id !== "string" || !/^[0-9a-f]{64}$/.test(id)) throw new NotOurs("a release without its id");
  if (typeof worker !== "string" || !DIGEST.test(worker)) throw new NotOurs("a release without its worker");
  if (!Array.isArray(files) || files.length > MOST_FILES) throw new NotOurs("a release without files");
  const read = files.map(readFile);
  if (!read.some(({ path }) => path === "index.html")) throw new NotOurs("a release without a page");
  return { number, id, worker, files: read };
}

/** The release whose list these bytes are, when it is signed under the key. Nothing of it is looked at before. Raises NotOurs. */
export async function readRelease(bytes: Uint8Array<ArrayBuffer>, signature: string, key: string): Promise<Release> {
  if (!(await isSigned(bytes, fromBase64(signature), key))) throw new NotOurs("a list that was not signed by whoever built this app");
  try {
    return readList(bytes);
  } catch (error) {
    throw error instanceof NotOurs ? error : new NotOurs("a list that cannot be read");
  }
}

/** Raises NotOurs where the bytes are not those that the digest is of. */
export async function checkDigest(path: string, bytes: BufferSource, digest: string): Promise<void> {
  const found = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  if (`sha256-${btoa(String.fromCharCode(...found))}` !== digest) throw new NotOurs(`${path} is not the file that was signed`);
}
