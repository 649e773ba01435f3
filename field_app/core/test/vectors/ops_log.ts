/** Registers the operations of the topics log, merkle, checkpoint, sealing, grant and request. */
import { compare, hex } from "../../src/bytes";
import type { CborValue } from "../../src/cbor";
import {
  decodeCheckpoint,
  encodeCheckpoint,
  keyHash,
  origin,
  signCheckpoint,
  verifyCheckpoint,
} from "../../src/checkpoint";
import { decodeEntry } from "../../src/entry";
import { Refused } from "../../src/errors";
import { grantInfo, openGrant, type Secrets } from "../../src/grant";
import { receivingKey } from "../../src/hpke";
import { readSide } from "../../src/ids";
import { signingKey } from "../../src/keys";
import { append, checkAddress, checkAuthorOrder, checkSeen, emptyLog, Growing, headOf, type Log } from "../../src/log";
import {
  acceptedLeaf,
  checkConsistency,
  checkInclusion,
  consistency,
  eventCommitment,
  inclusion,
  leafHash,
  root,
} from "../../src/merkle";
import { authorization, checkRequest, claims, type RequestedAs } from "../../src/request";
import { commitment, openPart, paddedSize, type PartContext, sealPart } from "../../src/sealing";
import { head } from "../../src/shape";
import { asBytes, asList, asNumber, In, struct } from "./notation";
import type { Codecs, Ops } from "./runner";

/** Of a bare log, which judges nobody, every entry counts. */
function logOf(input: In, incarnation: Uint8Array): Log {
  let log = emptyLog(input.bytes("log"), incarnation);
  for (const item of input.list("entries")) {
    const [bytes, ms] = asList(item);
    log = append(log, decodeEntry(asBytes(bytes)), asNumber(ms), true);
  }
  return log;
}

const bytesList = (input: In, name: string): Uint8Array[] => input.list(name).map(asBytes);

function secretsOf(input: In, name: string): Secrets {
  return new Map(input.list(name).map((pair) => [asNumber(asList(pair)[0]), asBytes(asList(pair)[1])]));
}

const epochOf = (input: In): { svc: Uint8Array; log: Uint8Array; epoch: number } => ({
  svc: input.bytes("svc"),
  log: input.bytes("log"),
  epoch: input.number("epoch"),
});

const partOf = (input: In, total: number): PartContext => ({
  ...epochOf(input),
  author: input.bytes("author"),
  sq: input.number("sq"),
  protected: input.bytes("protected"),
  total,
});

async function seal(input: In): Promise<CborValue> {
  const [plaintexts, salts] = [bytesList(input, "plaintexts"), bytesList(input, "salts")];
  const [secret, context] = [input.bytes("secret"), partOf(input, plaintexts.length)];
  const parts: Uint8Array[] = [];
  for (const [i, plaintext] of plaintexts.entries()) {
    const part = await sealPart(secret, asBytes(salts[i]), plaintext, context, i);
    if (compare(await openPart(secret, part, context, i), plaintext) !== 0) {
      throw new Error("a part opens to something else");
    }
    for (const size of [0, 31, 32, part.length - 17, part.length - 1]) {
      const opened = await openPart(secret, part.subarray(0, size), context, i).catch((error: unknown) => error);
      if (!(opened instanceof Refused) || opened.code !== "malformed") {
        throw new Error(`a part cut to ${size} bytes was not refused`);
      }
    }
    parts.push(part);
  }
  return parts;
}

const requestedAs = (input: In): RequestedAs => ({
  device: input.bytes("device"),
  svc: input.bytes("svc"),
  side: readSide(input.text("side")),
  method: input.text("method"),
  path: input.text("path"),
  body: input.bytes("body"),
});

const nothing = async (done: unknown): Promise<null> => {
  await done;
  return null;
};

export const codecs: Codecs = {
  checkpoint: {
    decodeText: (text) => struct({ ...decodeCheckpoint(text) }),
    encodeText: (value) => {
      const members = new In(value);
      const [name, size] = [members.text("origin"), members.number("size")];
      const [rootHash, key_hash, signature] = ["root", "key_hash", "signature"].map((member) => members.bytes(member));
      return encodeCheckpoint({
        origin: name,
        size,
        root: asBytes(rootHash),
        key_hash: asBytes(key_hash),
        signature: asBytes(signature),
      });
    },
  },
};

export const ops: Ops = {
  log: (input) => {
    const log = logOf(input, input.bytes("incarnation"));
    const authors = [...log.authors.values()].sort((a, b) => compare(a.author, b.author));
    return struct({
      head: head.write(headOf(log)),
      received_ms: log.received_ms,
      authors: authors.map(({ author, sq, id }) => [author, sq, id]),
    });
  },
  author_order: (input) =>
    nothing(checkAuthorOrder(logOf(input, new Uint8Array(16)), decodeEntry(input.bytes("entry")))),
  address: (input) => nothing(checkAddress(decodeEntry(input.bytes("entry")), input.bytes("svc"), input.bytes("log"))),
  seen: (input) => {
    const log = emptyLog(input.bytes("log"), input.bytes("incarnation"));
    return nothing(
      checkSeen({ ...log, chains: Growing.of(...bytesList(input, "chains")) }, decodeEntry(input.bytes("entry"))),
    );
  },

  leaf_hash: (input) => leafHash(input.bytes("data")),
  event_commitment: (input) => eventCommitment(input.bytes("salt"), input.bytes("event")),
  accepted_leaf: (input) => {
    const { id, header } = decodeEntry(input.bytes("entry"));
    const [log, chain, salt] = [input.bytes("log"), input.bytes("chain"), input.bytes("salt")];
    const event = { log, id, seq: input.number("seq"), ms: input.number("received_ms"), author: header.kid, chain };
    return acceptedLeaf({ ...event, void: input.value("void") === true }, salt);
  },
  root: (input) => root(bytesList(input, "leaves")),
  inclusion: (input) => inclusion(bytesList(input, "leaves"), input.number("index")),
  consistency: (input) => consistency(bytesList(input, "leaves"), input.number("old")),
  check_inclusion: (input) =>
    nothing(
      checkInclusion(
        input.bytes("leaf"),
        input.number("index"),
        input.number("size"),
        bytesList(input, "path"),
        input.bytes("root"),
      ),
    ),
  check_consistency: (input) =>
    nothing(
      checkConsistency(
        input.number("old"),
        input.bytes("old_root"),
        input.number("new"),
        input.bytes("new_root"),
        bytesList(input, "path"),
      ),
    ),

  origin: (input) => origin(input.bytes("svc"), readSide(input.text("side")), input.bytes("incarnation")),
  key_hash: (input) => keyHash(input.text("origin"), input.bytes("key")),
  sign_checkpoint: async (input) => {
    const name = origin(input.bytes("svc"), readSide(input.text("side")), input.bytes("incarnation"));
    return signCheckpoint(name, input.number("size"), input.bytes("root"), await signingKey(input.bytes("seed")));
  },
  verify_checkpoint: (input) =>
    nothing(verifyCheckpoint(input.text("text"), input.text("origin"), input.bytes("public"))),

  padded_size: (input) => paddedSize(input.number("size")),
  seal,
  open: (input) =>
    openPart(input.bytes("secret"), input.bytes("part"), partOf(input, input.number("total")), input.number("index")),

  receiving_key: (input) => receivingKey(input.bytes("seed")),
  grant_info: (input) => {
    const [svc, log, granter, to] = [input.bytes("svc"), input.bytes("log"), input.bytes("granter"), input.bytes("to")];
    return grantInfo({ svc, log, granter, to }, input.number("epoch"));
  },
  commitment: (input) => commitment(input.bytes("secret"), epochOf(input)),
  grant_open: async (input) => {
    const context = {
      svc: input.bytes("svc"),
      log: input.bytes("log"),
      granter: input.bytes("granter"),
      to: input.bytes("to"),
    };
    const grant = { epochs: input.list("epochs").map(asNumber), sealed: input.bytes("sealed") };
    const opened = await openGrant(
      input.bytes("seed"),
      context,
      grant,
      secretsOf(input, "commits"),
      secretsOf(input, "held"),
    );
    if (opened.bad.length > 0) throw new Refused("bad-grant", `epochs ${opened.bad.join(", ")}`);
    return [...opened.secrets].map(([epoch, secret]) => [epoch, secret]);
  },

  claims: (input) => struct({ ...claims(requestedAs(input), input.text("nonce")) }),
  authorization: async (input) =>
    authorization(requestedAs(input), input.text("nonce"), await signingKey(input.bytes("seed"))),
  check_request: (input) => {
    const devices = new Map(
      input.list("devices").map((pair) => [hex(asBytes(asList(pair)[0])), asBytes(asList(pair)[1])]),
    );
    return nothing(
      checkRequest(input.text("authorization"), requestedAs(input), (device) => devices.get(hex(device)) ?? null),
    );
  },
};
