/** Registers the codec `entry`, and the operations of the topics keys, cose and entry. */
import type { CborValue } from "../../src/cbor";
import { encode } from "../../src/cbor";
import { headerShape, objectId, parseFrame, plainLabels, toSign, verifyFrame } from "../../src/cose";
import {
  decodeEntry,
  encodeEntry,
  encodeHashes,
  type Entry,
  entryHeader,
  protectedHeader,
  signEntry,
} from "../../src/entry";
import { limit } from "../../src/limits";
import { decodeAs } from "../../src/shape";
import { checkReceiveKey, checkSignKey, signingKey, verify } from "../../src/keys";
import { asBytes, asList, In, struct } from "./notation";
import type { Codecs, Ops } from "./runner";
import { readHeader, writtenHeader } from "./shims";

function written(entry: Entry): CborValue {
  const payload = entry.typ === "fieldkeep-envelope" ? entry.hashes : entry.payload;
  const { signature, id, parts } = entry;
  return struct({ header: writtenHeader(entryHeader, entry.header), payload, signature, id, parts });
}

const partOf = (value: CborValue): Uint8Array | null => (value === null ? null : asBytes(value));

/** The signed object and each part cut short, all else as it was. */
function* cut(bytes: Uint8Array): Iterable<Uint8Array> {
  const { frame, parts } = decodeEntry(bytes);
  for (let size = 0; size < frame.bytes.length; size += frame.bytes.length > 4096 ? 97 : 1) {
    yield encode([frame.bytes.subarray(0, size), [...parts]]);
  }
  for (const [i, part] of parts.entries()) {
    for (let size = 0; size < (part?.length ?? 0); size++) {
      yield encode([frame.bytes, parts.with(i, part?.subarray(0, size) ?? null)]);
    }
  }
}

export const codecs: Codecs = {
  entry: {
    decode: (bytes) => written(decodeEntry(bytes)),
    encode: async (value, seed) => {
      const members = new In(value);
      const key = await signingKey(asBytes(seed ?? undefined));
      const header = readHeader(entryHeader, members.value("header"));
      const payload = members.value("payload");
      const content = payload instanceof Uint8Array ? payload : encodeHashes(asList(payload).map(asBytes));
      const entry = await signEntry(protectedHeader(header), content, members.list("parts").map(partOf), key);
      await verifyFrame(entry.frame, key.public);
      return encodeEntry(entry);
    },
    cut,
  },
};

export const ops: Ops = {
  check_sign_key: (input) => {
    checkSignKey(input.bytes("key"));
    return null;
  },
  check_receive_key: (input) => {
    checkReceiveKey(input.bytes("key"));
    return null;
  },
  sign: async (input) => {
    const key = await signingKey(input.bytes("seed"));
    return struct({ public: key.public, signature: await key.sign(input.bytes("data")) });
  },
  verify: async (input) => {
    await verify(input.bytes("public"), input.bytes("signature"), input.bytes("data"));
    return null;
  },
  verify_object: async (input) => {
    const frame = parseFrame(input.bytes("bytes"));
    decodeAs(headerShape(input.text("typ"), plainLabels), frame.protected, limit("items_per_object"));
    await verifyFrame(frame, input.bytes("public"));
    return struct({ to_sign: toSign(frame), id: objectId(frame) });
  },
  object_id: (input) => {
    const { frame, id } = decodeEntry(input.bytes("entry"));
    return struct({ to_sign: toSign(frame), id });
  },
};
