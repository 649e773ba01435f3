/**
 * Grants: an epoch's secrets, sealed to one recipient, and held against what the file says of them.
 *
 * Spec 7.3. Vectors: grant.
 */
import { concat, equal, hex } from "./bytes";
import { L, u32be } from "./hash";
import { hpkeOpen, hpkeSeal } from "./hpke";
import { commitment } from "./sealing";
import type { Grant } from "./statement";

const SECRET = 32;
const UNKNOWN = new Uint8Array(SECRET);

export interface GrantContext {
  readonly svc: Uint8Array;
  readonly log: Uint8Array;
  readonly granter: Uint8Array;
  readonly to: Uint8Array;
}

export function grantInfo({ svc, log, granter, to }: GrantContext, newest: number): Uint8Array {
  return concat(L("grant"), svc, log, u32be(newest), granter, to);
}

/** Secrets by the number of their epoch. */
export type Secrets = ReadonlyMap<number, Uint8Array>;

/** `bad` are epochs whose secret is refused, also one that the device had: what it opened is closed again. */
export interface Opened {
  readonly secrets: Secrets;
  readonly bad: readonly number[];
}

export interface Recipient {
  readonly to: Uint8Array;
  readonly cert: Uint8Array;
  readonly key: Uint8Array;
}

/** An epoch whose secret the granter lacks is sealed as zeros; that of the newest it always has. */
export async function sealGrant(
  context: Omit<GrantContext, "to">,
  recipient: Recipient,
  epochs: readonly number[],
  secrets: Secrets,
): Promise<Grant> {
  const { to, cert, key } = recipient;
  const plaintext = concat(...epochs.map((epoch) => secrets.get(epoch) ?? UNKNOWN));
  const sealed = await hpkeSeal(key, grantInfo({ ...context, to }, epochs.at(-1) ?? 0), plaintext);
  return Object.freeze({ to, cert, epochs: Object.freeze([...epochs]), sealed });
}

/** `commits` are the file's `kc` by epoch, void epochs left out; `held` the secrets that the device has. */
export async function openGrant(
  seed: Uint8Array,
  context: GrantContext,
  grant: Pick<Grant, "epochs" | "sealed">,
  commits: Secrets,
  held: Secrets,
): Promise<Opened> {
  const { epochs, sealed } = grant;
  const newest = epochs.at(-1) ?? 0;
  const plaintext = await hpkeOpen(seed, grantInfo(context, newest), sealed);
  if (plaintext === null || plaintext.length !== SECRET * epochs.length) {
    return { secrets: new Map(), bad: [...epochs] };
  }
  const good = new Map<number, Uint8Array>();
  const bad = new Set<number>();
  for (const [i, epoch] of epochs.entries()) {
    const secret = plaintext.slice(SECRET * i, SECRET * (i + 1));
    const known = !equal(secret, UNKNOWN);
    if (!known && epoch !== newest) continue;
    if (known && matches(secret, context, epoch, commits, held)) good.set(epoch, secret);
    else bad.add(epoch);
  }
  for (const repeated of laterOfTwo(new Map([...held, ...good]))) {
    bad.add(repeated);
    good.delete(repeated);
  }
  return { secrets: good, bad: [...bad].sort((a, b) => a - b) };
}

function matches(
  secret: Uint8Array,
  { svc, log }: GrantContext,
  epoch: number,
  commits: Secrets,
  held: Secrets,
): boolean {
  const [kc, mine] = [commits.get(epoch), held.get(epoch)];
  return (
    kc !== undefined &&
    equal(commitment(secret, { svc, log, epoch }), kc) &&
    (mine === undefined || equal(mine, secret))
  );
}

/** Epochs whose secret an earlier one has. */
function laterOfTwo(secrets: Secrets): readonly number[] {
  const first = new Set<string>();
  const rising = [...secrets].sort(([a], [b]) => a - b);
  return rising.filter(([, secret]) => first.size === first.add(hex(secret)).size).map(([epoch]) => epoch);
}
