/** Registers the codecs and operations of the topic attachment. A case says what is sealed, and what is done to it. */
import {
  chunkSize,
  type ContentPlace,
  FORMS,
  type Form,
  manifestValue,
  type Manifest,
  openContent,
  openThumbnail,
  readManifest,
  sealChunk,
  type SealedContent,
  sealContent,
} from "../../src/attachment";
import type { CborValue } from "../../src/cbor";
import type { Json } from "../../src/change";
import { claimed, claims } from "../../src/chunk";
import { H } from "../../src/hash";
import { asBytes, asNumber, In, struct } from "./notation";
import type { Codec, Codecs, Ops } from "./runner";
import { codecOfBody } from "./shims";

/** A body of which the vectors write one member. */
function codecOfMember(body: Codec, name: string): Codec {
  return {
    decode: async (bytes) => new In(await body.decode(bytes)).value(name),
    encode: (value, seed) => body.encode(struct({ v: 1, [name]: value }), seed),
  };
}

export const codecs: Codecs = {
  claims: codecOfMember(codecOfBody(claims), "claims"),
  claimed: codecOfMember(codecOfBody(claimed), "missing"),
};

const formOf = (word: string): Form => FORMS.find((form) => form === word) ?? "jpeg";
const place = (of: Fields): ContentPlace => ({ svc: new In(of).bytes("svc"), log: new In(of).bytes("log") });

type Fields = ReadonlyMap<string | number, CborValue>;

function sealed(fields: Fields): Promise<SealedContent> {
  const of = new In(fields);
  const form = formOf(of.text("form"));
  return sealContent(place(fields), of.bytes("key"), form, of.bytes("content"), of.bytes("thumbnail"));
}

const merged = (one: Fields, over: Fields): Fields => new Map([...one, ...over]);
const asMap = (value: CborValue): Fields => (value instanceof Map ? (value as Fields) : new Map());
const mapIn = (input: In, name: string): Fields => (input.has(name) ? asMap(input.value(name)) : new Map());

type Edits = readonly CborValue[];

async function edit(of: Fields, chunks: Uint8Array[], [what, ...words]: Edits): Promise<void> {
  const at = asNumber(words[0]);
  const chunk = chunks[at] ?? new Uint8Array(0);
  switch (what) {
    case "flip":
      chunks[at] = chunk.map((byte, i) => (i === words[1] ? byte ^ 1 : byte));
      return;
    case "cut":
      chunks[at] = chunk.slice(0, asNumber(words[1]));
      return;
    case "grow":
      chunks[at] = Uint8Array.from([...chunk, ...asBytes(words[1])]);
      return;
    case "swap": {
      const other = asNumber(words[1]);
      [chunks[at], chunks[other]] = [chunks[other] ?? chunk, chunk];
      return;
    }
    case "drop":
      chunks.splice(at, 1);
      return;
    case "of":
      chunks[at] = (await sealed(merged(of, asMap(words[1] ?? null)))).chunks[at] ?? chunk;
      return;
    case "padded": {
      const index = at === chunks.length - 1 ? 0 : at;
      chunks[at] = await sealChunk(new In(of).bytes("key"), place(of), index, asNumber(words[1]), asBytes(words[2]));
      return;
    }
    default:
      throw new Error("an edit that nobody knows");
  }
}

async function edited(input: In): Promise<{ readonly manifest: Manifest; readonly chunks: readonly Uint8Array[] }> {
  const of = mapIn(input, "sealed");
  const made = await sealed(of);
  const chunks = [...made.chunks];
  for (const one of input.list("edits")) if (Array.isArray(one)) await edit(of, chunks, one as Edits);
  const over = mapIn(input, "manifest");
  let manifest: Manifest = { ...made.manifest, ...Object.fromEntries([...over].map(([key, value]) => [key, value])) };
  const named = chunks.map((chunk) => H(chunk));
  if (input.value("named") === true)
    manifest = { ...manifest, chunks: named.slice(0, -1), thumbnail: named.at(-1) ?? manifest.thumbnail };
  return { manifest, chunks };
}

export const ops: Ops = {
  chunk_size: (input) => {
    const { count, each } = chunkSize(input.number("size"));
    return [count, each];
  },
  seal_attachment: async (input) => {
    const { manifest, chunks } = await sealContent(
      { svc: input.bytes("svc"), log: input.bytes("log") },
      input.bytes("key"),
      formOf(input.text("form")),
      input.bytes("content"),
      input.bytes("thumbnail"),
    );
    return struct({ manifest: manifestValue(manifest), sizes: chunks.map(({ length }) => length) });
  },
  open_attachment: async (input) => {
    const { manifest, chunks } = await edited(input);
    const to = merged(mapIn(input, "sealed"), mapIn(input, "reader"));
    return openContent(place(to), manifest, chunks.slice(0, -1));
  },
  open_thumbnail: async (input) => {
    const { manifest, chunks } = await edited(input);
    return openThumbnail(place(mapIn(input, "sealed")), manifest, chunks.at(-1) ?? new Uint8Array(0));
  },
  manifest: (input) => manifestValue(readManifest(input.value("content") as Json)),
};
