/**
 * Attachments: content cut into chunks, each sealed under a key of its own, and the manifest by which they are put
 * together again. Spec 18.1, 18.2. Vectors: attachment.
 *
 * Refuses a chunk that is another one than the manifest names, was cut, padded otherwise or put in another place, and
 * content that is not what its author sealed.
 */
import { concat, equal, fromHex, hex } from "./bytes";
import type { Json } from "./change";
import { Refused } from "./errors";
import { isList, isMap } from "./fold/markers";
import { H, hkdf, L, u32be, u64be } from "./hash";
import { limit } from "./limits";

const TAG = 16;
const LENGTH = 8;
const THUMBNAIL = 32_768;
const SMALL = [65_536, 262_144] as const;
const COUNTS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64] as const;
const HASH = /^[0-9a-f]{64}$/;
export const FORMS = ["jpeg", "png", "pdf"] as const;
export type Form = (typeof FORMS)[number];
/** How many bytes a thumbnail may have. */
export const THUMBNAIL_ROOM = THUMBNAIL - TAG - LENGTH;

export interface Manifest {
  readonly key: Uint8Array;
  readonly hash: Uint8Array;
  readonly size: number;
  readonly form: Form;
  readonly chunks: readonly Uint8Array[];
  readonly thumbnail: Uint8Array;
}

/** `chunks` are the sealed bytes in the order of `idsOf`: the thumbnail's last. */
export interface SealedContent {
  readonly manifest: Manifest;
  readonly chunks: readonly Uint8Array[];
}

/** Whose content it is. */
export interface ContentPlace {
  readonly svc: Uint8Array;
  readonly log: Uint8Array;
}

const malformed = (message: string): Refused => new Refused("malformed", message);
const closed = (): Refused => malformed("the attachment does not open");

/** All chunks, the thumbnail's last. */
export const idsOf = ({ chunks, thumbnail }: Manifest): readonly Uint8Array[] => [...chunks, thumbnail];

/** How many chunks content of so many bytes has, and the size of each. */
export function chunkSize(size: number): { readonly count: number; readonly each: number } {
  const need = size + LENGTH;
  const small = SMALL.find((one) => need <= one - TAG);
  if (small !== undefined) return { count: 1, each: small };
  const each = limit("chunk_bytes");
  const count = COUNTS.find((one) => need <= one * (each - TAG));
  if (count !== undefined) return { count, each };
  throw new Refused("too-large", `${size} bytes, want at most ${limit("attachment_bytes")}`);
}

function padded(content: Uint8Array, room: number): Uint8Array {
  const whole = new Uint8Array(room);
  whole.set(u64be(content.length));
  whole.set(content, LENGTH);
  return whole;
}

function unpadded(whole: Uint8Array): Uint8Array {
  const length = new DataView(whole.buffer, whole.byteOffset).getBigUint64(0);
  if (length > BigInt(whole.length - LENGTH)) throw closed();
  const end = LENGTH + Number(length);
  for (let at = end; at < whole.length; at++) if (whole[at] !== 0) throw closed();
  return whole.slice(LENGTH, end);
}

interface Sealer {
  readonly key: Uint8Array<ArrayBuffer>;
  readonly how: AesGcmParams;
}

function sealer(key: Uint8Array, { svc, log }: ContentPlace, i: number, count: number): Sealer {
  const info = concat(L("chunk"), svc, log, u32be(i), u32be(count));
  const derived = hkdf(key, info, 44);
  const how = { name: "AES-GCM", iv: Uint8Array.from(derived.subarray(32)), additionalData: info };
  return { key: Uint8Array.from(derived.subarray(0, 32)), how };
}

/** Chunk `i` of `count`; its key follows from its place, so that the content's key must be of this content alone. */
export async function sealChunk(
  key: Uint8Array,
  place: ContentPlace,
  i: number,
  count: number,
  piece: Uint8Array,
): Promise<Uint8Array> {
  const { key: raw, how } = sealer(key, place, i, count);
  const usable = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt"]);
  return new Uint8Array(await crypto.subtle.encrypt(how, usable, Uint8Array.from(piece)));
}

async function openChunk(
  key: Uint8Array,
  place: ContentPlace,
  i: number,
  count: number,
  chunk: Uint8Array,
): Promise<Uint8Array> {
  const { key: raw, how } = sealer(key, place, i, count);
  const usable = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["decrypt"]);
  try {
    return new Uint8Array(await crypto.subtle.decrypt(how, usable, Uint8Array.from(chunk)));
  } catch {
    throw closed();
  }
}

/** Cuts and seals. `key` is 32 random bytes, fresh for this content alone. */
export async function sealContent(
  place: ContentPlace,
  key: Uint8Array,
  form: Form,
  content: Uint8Array,
  thumbnail: Uint8Array,
): Promise<SealedContent> {
  const { count, each } = chunkSize(content.length);
  if (thumbnail.length > THUMBNAIL_ROOM)
    throw new Refused("too-large", `a thumbnail of ${thumbnail.length} bytes, want at most ${THUMBNAIL_ROOM}`);
  const room = each - TAG;
  const whole = padded(content, count * room);
  const chunks: Uint8Array[] = [];
  for (let i = 0; i < count; i++)
    chunks.push(await sealChunk(key, place, i, count, whole.subarray(i * room, (i + 1) * room)));
  const small = await sealChunk(key, place, 0, 0, padded(thumbnail, THUMBNAIL - TAG));
  const named = { chunks: chunks.map((chunk) => H(chunk)), thumbnail: H(small) };
  return { manifest: { key, hash: H(content), size: content.length, form, ...named }, chunks: [...chunks, small] };
}

/** Refuses bytes that are not the chunk of this id. */
export function checkChunkOf(id: Uint8Array, chunk: Uint8Array): void {
  if (!equal(H(chunk), id)) throw malformed("the chunk is not the one that was asked for");
}

/** The content, from its chunks in order. Refuses with one message whatever is wrong. */
export async function openContent(
  place: ContentPlace,
  { key, hash, size, chunks: named }: Manifest,
  chunks: readonly Uint8Array[],
): Promise<Uint8Array> {
  const { count, each } = chunkSize(size);
  if (chunks.length !== count || chunks.some((chunk) => chunk.length !== each)) throw closed();
  const pieces: Uint8Array[] = [];
  for (const [i, chunk] of chunks.entries()) {
    checkChunkOf(named[i] ?? new Uint8Array(0), chunk);
    pieces.push(await openChunk(key, place, i, count, chunk));
  }
  const content = unpadded(concat(...pieces));
  if (content.length !== size || !equal(H(content), hash)) throw closed();
  return content;
}

/** The thumbnail, empty where there is none. */
export async function openThumbnail(
  place: ContentPlace,
  { key, thumbnail }: Manifest,
  chunk: Uint8Array,
): Promise<Uint8Array> {
  checkChunkOf(thumbnail, chunk);
  if (chunk.length !== THUMBNAIL) throw closed();
  return unpadded(await openChunk(key, place, 0, 0, chunk));
}

/** The manifest as a record holds it. */
export function manifestValue({ key, hash, size, form, chunks, thumbnail }: Manifest): Json {
  return new Map<string, Json>([
    ["key", hex(key)],
    ["hash", hex(hash)],
    ["size", size],
    ["form", form],
    ["chunks", chunks.map(hex)],
    ["thumbnail", hex(thumbnail)],
  ]);
}

const KEYS = ["key", "hash", "size", "form", "chunks", "thumbnail"] as const;

function hashIn(value: Json | undefined): Uint8Array {
  if (typeof value !== "string" || !HASH.test(value)) throw malformed("a manifest holds a hash that is none");
  return fromHex(value);
}

/** The manifest that a record holds: `malformed`, and `too-large` for a size that nothing has. */
export function readManifest(value: Json): Manifest {
  if (!isMap(value) || value.size !== KEYS.length || KEYS.some((name) => !value.has(name)))
    throw malformed("a manifest has exactly its six members");
  const [size, names = null] = [value.get("size"), value.get("chunks")];
  const form = FORMS.find((one) => one === value.get("form"));
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0 || form === undefined || !isList(names))
    throw malformed("a manifest's size, form or list of chunks is not one");
  const [key, hash, thumbnail] = [hashIn(value.get("key")), hashIn(value.get("hash")), hashIn(value.get("thumbnail"))];
  if (names.length !== chunkSize(size).count)
    throw malformed("a manifest lists other chunks than content of its size has");
  const chunks = names.map(hashIn);
  if (new Set([...names, hex(thumbnail)]).size !== names.length + 1) throw malformed("a manifest names a chunk twice");
  return { key, hash, size, form, chunks, thumbnail };
}
