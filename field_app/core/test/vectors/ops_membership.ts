/** Registers the operations of the topics membership, removal, recovery (of a file) and approval. */
import { actHash, approval, APPROVED_KINDS } from "../../src/approval";
import { compare } from "../../src/bytes";
import type { CborValue } from "../../src/cbor";
import { decodeEntry } from "../../src/entry";
import type { Code } from "../../src/errors";
import { headOf } from "../../src/log";
import { checkApproval } from "../../src/membership/approval";
import { checkFresh, recipients } from "../../src/membership/grants";
import { emptyFile, epochsOf, type File, inOrder, missing, rotationNeeded } from "../../src/membership/state";
import { BEHIND, readFileEntry, takeFileEntry } from "../../src/membership/take";
import type { Registry } from "../../src/registry/state";
import { head, isMap, word } from "../../src/shape";
import { asBytes, asList, asNumber, In, struct } from "./notation";
import { readRegistry } from "./ops_registry";
import type { Ops } from "./runner";

export interface ReadFile {
  readonly registry: Registry;
  readonly file: File;
  readonly voided: readonly (Code | null)[];
}

/** A file of the vectors, read entry by entry in its whole registry. */
export async function readFile(input: In): Promise<ReadFile> {
  const { registry } = await readRegistry(input.map("registry"));
  let file = emptyFile(registry, input.bytes("log"));
  const voided: (Code | null)[] = [];
  for (const item of input.list("entries")) {
    const [bytes, ms] = asList(item);
    const taken = await readFileEntry(registry, file, decodeEntry(asBytes(bytes)), asNumber(ms));
    if (taken === BEHIND) throw new Error("the registry is behind");
    file = taken.file;
    voided.push(taken.void);
  }
  return { registry, file, voided };
}

function written({ registry, file, voided }: ReadFile): CborValue {
  const members = [...file.members.values()].sort((a, b) => compare(a.user, b.user));
  const ever = [...file.ever.values()].map(({ user }) => user).sort(compare);
  const expunged = [...file.expunged].sort((a, b) => compare(a.id, b.id) || a.part - b.part);
  return struct({
    head: head.write(headOf(file.log)),
    void: voided,
    file: file.kind,
    side: file.side,
    members: members.map(({ user, role }) => [user, role]),
    ever,
    epoch: file.epoch,
    voided: file.voided,
    commits: epochsOf(file).map((epoch) => [epoch, file.commits.get(epoch) ?? null]),
    holders: inOrder(file.holders),
    settled: inOrder(file.settled),
    admitted: inOrder(file.admitted),
    expunged: expunged.map(({ id, part, at }) => [id, part, at]),
    holds: inOrder(file.holds),
    approvals: inOrder(file.approvals),
    erased: file.erased?.id ?? null,
    previous: file.previous,
    recovery: file.recovery ?? new Uint8Array(0),
    blocked: file.blocked,
    missing: missing(registry, file).map(({ device }) => device),
    rotation_needed: rotationNeeded(registry, file),
  });
}

export const ops: Ops = {
  file: async (input) => written(await readFile(input)),
  file_take: async (input) => {
    const { registry, file, voided } = await readFile(input);
    const wanted = input.has("void") ? input.list("void") : voided.map(() => null);
    if (wanted.some((code, i) => code !== voided[i])) throw new Error("the entries before are not as the case says");
    await takeFileEntry(registry, file, decodeEntry(input.bytes("entry")), input.number("received_ms"));
    return null;
  },
  recipients: async (input) => {
    const { registry } = await readRegistry(input.map("registry"));
    return recipients(registry, input.list("users").map(asBytes), input.number("seq")).map(({ to, cert, key }) => [
      to,
      cert,
      key,
    ]);
  },
  fresh: async (input) => {
    const { registry } = await readRegistry(input.map("registry"));
    checkFresh(registry, input.list("users").map(asBytes), input.number("seq"));
    return null;
  },
  act_hash: (input) => {
    const act = input.value("act");
    if (!isMap(act)) throw new Error("a map wanted");
    return actHash(new Map([...act].map(([key, value]) => [String(key), value])));
  },
  check_approval: async (input) => {
    const { registry } = await readRegistry(input.map("registry"));
    const kind = word(APPROVED_KINDS).read(input.value("kind"));
    const act = {
      registry,
      log: input.bytes("log"),
      kind,
      act: input.bytes("act"),
      seq: input.number("seq"),
      receivedMs: input.number("received_ms"),
    };
    return struct({ ...(await checkApproval(act, approval.decode(input.bytes("bytes")))) });
  },
};
