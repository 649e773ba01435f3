/**
 * The next entry of a registry, judged as a server does and as a reader does.
 *
 * Spec 3.1, 3.2, 6. Vectors: registry, recovery.
 */
import { equal } from "../bytes";
import { decodeRegistryStatement, type RegistryStatement } from "../certificate";
import { toSign } from "../cose";
import type { Entry } from "../entry";
import { type Code, Refused } from "../errors";
import { authorityId } from "../ids";
import { verifies } from "../keys";
import { append, checkAddress, checkAuthorOrder, isAddressed, liesOn, orderCode, seqOf } from "../log";
import type { Check } from "./judged";
import { apply } from "./rules";
import { deviceOf, type Registry } from "./state";

/** A registry after one more entry; `void` is the code for which the entry changes nothing. */
export interface Taken {
  readonly registry: Registry;
  readonly void: Code | null;
}

function statementOf(entry: Entry): RegistryStatement {
  if (entry.typ !== "fieldkeep-statement") throw new Refused("malformed", "a registry holds statements only");
  return decodeRegistryStatement(entry.payload);
}

function statementOrNull(entry: Entry): RegistryStatement | null {
  try {
    return statementOf(entry);
  } catch (error) {
    if (error instanceof Refused) return null;
    throw error;
  }
}

/** The key under which an entry has to be signed; null where nobody whom the registry knows signed it. */
function authorKey(registry: Registry, entry: Entry, statement: RegistryStatement | null): Uint8Array | null {
  const { kid } = entry.header;
  const { root } = registry;
  const device = deviceOf(registry, kid);
  if (device !== null) return device.sign;
  if (root !== null && equal(kid, authorityId(root.authority))) return root.authority;
  if (statement?.kind === "root") return equal(kid, authorityId(statement.authority)) ? statement.authority : null;
  return statement?.kind === "enrol" && equal(kid, statement.keys.device) ? statement.keys.sign : null;
}

function advance(registry: Registry, entry: Entry, receivedMs: number, counts: boolean): Registry {
  return Object.freeze({
    ...registry,
    log: append(registry.log, entry, receivedMs, counts),
    times: registry.times.with(receivedMs),
  });
}

/** As a server judges: throws the code for which it is not taken. */
export async function takeRegistryEntry(
  registry: Registry,
  entry: Entry,
  receivedMs: number,
  check: Check = verifies,
): Promise<Registry> {
  const statement = statementOf(entry);
  checkAddress(entry, registry.svc, registry.log.log);
  const key = authorKey(registry, entry, statement);
  if (key === null) throw new Refused("not-permitted", "signed by nobody whom this registry knows");
  if (!(await check(key, entry.signature, toSign(entry.frame)))) {
    throw new Refused("malformed", "the signature does not hold");
  }
  checkAuthorOrder(registry.log, entry);
  return advance(
    await apply({ registry, entry, place: seqOf(registry.log) + 1, check }, statement),
    entry,
    receivedMs,
    true,
  );
}

/**
 * As a reader judges: what is wrong by the log's own evidence is void, and what no honest server serves is a
 * `contradiction`.
 * A reader that has judged its own store before may pass a `check` that believes the signatures.
 */
export async function readRegistryEntry(
  registry: Registry,
  entry: Entry,
  receivedMs: number,
  check: Check = verifies,
): Promise<Taken> {
  const statement = statementOrNull(entry);
  const key = authorKey(registry, entry, statement);
  const voided = (code: Code, counts: boolean): Taken => ({
    registry: advance(registry, entry, receivedMs, counts),
    void: code,
  });
  if (key === null) return voided("not-permitted", false);
  if (!(await check(key, entry.signature, toSign(entry.frame)))) {
    throw new Refused("contradiction", "an entry whose signature fails under its author's key");
  }
  if (!isAddressed(entry, registry.svc, registry.log.log)) return voided("malformed", false);
  if (!liesOn(registry.log, entry.header.sn)) {
    throw new Refused("contradiction", "the author saw another history of this registry");
  }
  if (orderCode(registry.log, entry) !== null) return voided("clone-detected", false);
  if (statement === null) return voided("malformed", true);
  try {
    const after = await apply({ registry, entry, place: seqOf(registry.log) + 1, check }, statement);
    return { registry: advance(after, entry, receivedMs, true), void: null };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { registry: after, void: code } = voided(error.code, true);
    if (error.code !== "invitation-spent" || statement.kind !== "enrol") return { registry: after, void: code };
    const { key: again } = statement.invitation.payload;
    const known = after.reused.some((one) => equal(one, again));
    return { registry: known ? after : { ...after, reused: [...after.reused, again] }, void: code };
  }
}
