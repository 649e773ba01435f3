/** Registers the operations of the topics registry, recovery (of a registry), receipt and approval. */
import { compare } from "../../src/bytes";
import type { CborValue } from "../../src/cbor";
import { deviceKeys } from "../../src/certificate";
import { decodeEntry } from "../../src/entry";
import { type Code, Refused } from "../../src/errors";
import { readSide } from "../../src/ids";
import { headOf } from "../../src/log";
import { checkServed, receipt, type ServerIdentity, verdict } from "../../src/receipt";
import { drillBound, recoverBound, recoveryKeys } from "../../src/registry/recovery";
import { countersigned } from "../../src/registry/rules";
import { type Device, emptyRegistry, isHealing, reaches, type Registry, serverOf } from "../../src/registry/state";
import { readRegistryEntry, takeRegistryEntry } from "../../src/registry/take";
import { ROLES, rolesAllowed } from "../../src/roles";
import { head, witness } from "../../src/shape";
import { asBytes, asList, asNumber, asText, In, struct } from "./notation";
import type { Ops } from "./runner";

export interface ReadRegistry {
  readonly registry: Registry;
  readonly voided: readonly (Code | null)[];
}

/** Of a registry without a root nobody can say in which incarnation it is. */
function rooted(read: ReadRegistry): ReadRegistry {
  if (read.registry.root === null) throw new Refused("no-service", "a registry without a root");
  return read;
}

/** A *registry* of the vectors, read entry by entry. */
export async function readRegistry(input: In): Promise<ReadRegistry> {
  let registry = emptyRegistry(input.bytes("svc"), readSide(input.text("side")), input.bytes("pinned"));
  const voided: (Code | null)[] = [];
  for (const item of input.list("entries")) {
    const [bytes, ms] = asList(item);
    const taken = await readRegistryEntry(registry, decodeEntry(asBytes(bytes)), asNumber(ms));
    registry = taken.registry;
    voided.push(taken.void);
  }
  return { registry, voided };
}

export function serverIn(registry: Registry): ServerIdentity {
  const server = serverOf(registry);
  if (server === null) throw new Error("a registry without a root");
  return server;
}

function written({ device, cert, seq, user, roles, issuer, revoked, suspended, wiped }: Device): CborValue {
  return struct({ device, cert, seq, user, roles, issuer, revoked, suspended, wiped });
}

const byFirst = (a: readonly Uint8Array[], b: readonly Uint8Array[]): number => compare(asBytes(a[0]), asBytes(b[0]));

export const ops: Ops = {
  registry: async (input) => {
    const { registry, voided } = rooted(await readRegistry(input));
    const devices = [...registry.devices.values()].sort((a, b) => compare(a.device, b.device));
    return struct({
      log: registry.log.log,
      head: head.write(headOf(registry.log)),
      void: voided,
      devices: devices.map(written),
      spent: [...registry.spent.values()].map(({ key, device }) => [key, device]).sort(byFirst),
      reused: registry.reused,
      root: registry.root?.id ?? null,
      recovery: registry.recovery.at(-1)?.id ?? null,
    });
  },
  recovery: async (input) => {
    const { registry, voided } = await readRegistry(input);
    const { recovery, custody, permits, drills } = registry;
    return struct({
      void: voided,
      recovery: recovery.map(({ id, cert, seq }) => [id, cert, seq]),
      custody: custody === null ? null : [custody.threshold, custody.holders],
      permits: permits.map((permit) => struct({ ...permit })),
      drills: drills.map(({ seq, device, key }) => [seq, device, key]),
    });
  },
  restorations: async (input) => {
    const { registry, voided } = rooted(await readRegistry(input));
    return struct({
      void: voided,
      incarnation: registry.log.incarnation,
      healing: isHealing(registry),
      restorations: registry.restorations.map((one) =>
        struct({ ...one, before: one.before === null ? null : witness.write(one.before) }),
      ),
    });
  },
  registry_take: async (input) => {
    const { registry } = await readRegistry(input);
    await takeRegistryEntry(registry, decodeEntry(input.bytes("entry")), input.number("received_ms"));
    return null;
  },
  countersigned: (input) =>
    countersigned(
      input.bytes("svc"),
      input.bytes("log"),
      input.bytes("invitation"),
      deviceKeys.read(input.value("keys")),
    ),
  reaches: async (input) => reaches((await readRegistry(input.map("registry"))).registry, head.read(input.value("rg"))),
  roles_allowed: (input) => {
    const names = input.list("roles").map(asText);
    return rolesAllowed(
      readSide(input.text("side")),
      ROLES.filter((role) => names.includes(role)),
    );
  },
  recovery_keys: async (input) => {
    const { recovery, sign, id } = await recoveryKeys(input.bytes("seed"));
    return struct({ recovery, recovery_sign: sign.public, id });
  },
  drill_bound: (input) => drillBound(input.bytes("svc"), input.bytes("log"), input.bytes("device"), input.number("sq")),
  recover_bound: (input) =>
    recoverBound(input.bytes("svc"), input.bytes("log"), input.bytes("device"), input.bytes("previous")),
  check_receipt: async (input) => {
    const { registry } = await readRegistry(input.map("registry"));
    await checkServed(receipt, input.bytes("bytes"), serverIn(registry));
    return null;
  },
  check_verdict: async (input) => {
    const { registry } = await readRegistry(input.map("registry"));
    await checkServed(verdict, input.bytes("bytes"), serverIn(registry));
    return null;
  },
};
