/** A side with its server's keys and every entry of its registry: what a server keeps and a device is served. */
import { authorIn, randomId, randomSecret, signRegistryStatement } from "../../src/author";
import type { Entry } from "../../src/entry";
import { invite, makeEnrolment } from "../../src/enrolment";
import { authorityId, fingerprint, type Side as SideName } from "../../src/ids";
import { type SigningKey, signingKey } from "../../src/keys";
import { headOf } from "../../src/log";
import { recoveryKeys } from "../../src/registry/recovery";
import { emptyRegistry, type Registry } from "../../src/registry/state";
import { type Phone, START_MS, takeBoth } from "../make/world";

export interface Side {
  readonly svc: Uint8Array;
  readonly registry: Registry;
  readonly entries: readonly Entry[];
  readonly receipt: SigningKey;
  readonly checkpoint: SigningKey;
}

/** The service that its sides have in common. */
export interface Service {
  readonly svc: Uint8Array;
  readonly authority: SigningKey;
}

export async function newService(): Promise<Service> {
  return { svc: randomId(), authority: await signingKey(randomSecret()) };
}

export async function newSide(admin: Phone, side: SideName = "perpetrator", service?: Service): Promise<Side> {
  const { svc, authority } = service ?? (await newService());
  const [receipt, checkpoint] = [await signingKey(randomSecret()), await signingKey(randomSecret())];
  const [incarnation, recovery] = [randomId(), await recoveryKeys(randomSecret())];
  const empty = emptyRegistry(svc, side, fingerprint(authority.public));
  const first = {
    ...authorIn(svc, empty.log, authorityId(authority.public), authority, null),
    sn: { ...headOf(empty.log), incarnation },
  };
  const root = await signRegistryStatement(first, {
    kind: "root",
    side,
    name: "Example",
    authority: authority.public,
    receipt: receipt.public,
    checkpoint: checkpoint.public,
    recovery: recovery.recovery,
    recovery_sign: recovery.sign.public,
    incarnation,
    floor: 1,
  });
  const begun = await takeBoth(empty, root);
  const second = authorIn(svc, begun.log, authorityId(authority.public), authority, null);
  const certify = await signRegistryStatement(second, { kind: "certify", subject: admin.subject, keys: admin.keys });
  return { svc, receipt, checkpoint, entries: [root, certify], registry: await takeBoth(begun, certify) };
}

export async function enrolled(side: Side, admin: Phone, newcomer: Phone): Promise<Side> {
  const { svc, registry } = side;
  const seed = randomSecret();
  const inviter = { svc, side: registry.side, device: admin.keys.device, key: admin.key };
  const invitation = await invite(inviter, newcomer.subject, START_MS + 1e8, seed);
  const code = {
    server: "https://example.org",
    authority: registry.pinned,
    head: headOf(registry.log),
    seed,
    invitation,
    ca: "",
  };
  const entry = await makeEnrolment(code, newcomer.keys, newcomer.key);
  return { ...side, entries: [...side.entries, entry], registry: await takeBoth(registry, entry) };
}
