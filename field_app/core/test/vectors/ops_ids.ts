/** Registers the codec `uuid` and the operations of the topic ids. */
import { L } from "../../src/hash";
import {
  authorityId,
  chainNext,
  chainStart,
  decodeUuid,
  encodeUuid,
  fileLog,
  fingerprint,
  readSide,
  recordId,
  recoveryId,
  registryLog,
  serverKeyId,
} from "../../src/ids";
import { asBytes, asList, asNumber } from "./notation";
import type { Codecs, Ops } from "./runner";

export const codecs: Codecs = {
  uuid: { decodeText: decodeUuid, encodeText: (value) => encodeUuid(asBytes(value)) },
};

export const ops: Ops = {
  label: (input) => L(input.text("name")),
  registry_log: (input) => registryLog(input.bytes("svc"), readSide(input.text("side"))),
  file_log: (input) => fileLog(input.bytes("svc"), input.bytes("creator"), input.bytes("nonce")),
  record_id: (input) => recordId(input.bytes("log"), input.bytes("device"), input.number("c")),
  fingerprint: (input) => fingerprint(input.bytes("key")),
  authority_id: (input) => authorityId(input.bytes("key")),
  server_key_id: (input) => serverKeyId(input.bytes("key")),
  recovery_id: (input) => recoveryId(input.bytes("key")),
  chain: (input) => {
    const chains = [chainStart(input.bytes("log"))];
    for (const [i, entry] of input.list("entries").entries()) {
      const [receivedMs, id] = asList(entry);
      chains.push(chainNext(asBytes(chains[i]), i + 1, asNumber(receivedMs), asBytes(id)));
    }
    return chains;
  },
};
