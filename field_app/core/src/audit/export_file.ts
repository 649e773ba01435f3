/**
 * A side's logs and events as an export file: JSON Lines that any auditor can read and check. Spec 10.3. Tests:
 * audit.
 */
import { base64url, hex } from "../bytes";
import { encodeUuid } from "../ids";
import { isErased, type Listed } from "./pages";
import { type Audit, ownRegistry } from "./state";

/** Padded, in its one form. */
function base64(bytes: Uint8Array): string {
  const text = base64url(bytes).replaceAll("-", "+").replaceAll("_", "/");
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}

/** ASCII: a checkpoint has a dash that is none. */
function line(value: object): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Line by line, without line ends. `authority` is the fingerprint that everything was checked against. */
export function* exportLines(
  audit: Audit,
  listed: Pick<Listed, "logs" | "checkpoint">,
  authority: Uint8Array,
  madeMs: number,
): Generator<string> {
  const { svc, side } = audit;
  const registry = encodeUuid(ownRegistry(audit));
  yield line({
    format: "fieldkeep-export",
    v: 1,
    svc: encodeUuid(svc),
    side,
    authority: hex(authority),
    registry,
    made_ms: madeMs,
  });
  for (const { log, entries } of audit.logs.values()) {
    for (let i = 0; i < entries.length; i++) {
      const one = entries.at(i);
      if (one === undefined) continue;
      const { seq, received_ms, leaf } = one;
      const place = { log: encodeUuid(log), seq, received_ms, chain: base64(one.chain), leaf, salt: base64(one.salt) };
      yield line(isErased(one) ? { ...place, id: base64(one.cose) } : { ...place, cose: base64(one.cose) });
    }
  }
  for (const { head } of listed.logs) yield line({ head: base64(head) });
  for (let n = 0; n < audit.events.length; n++) {
    const told = audit.events.at(n);
    if (told !== undefined) yield line({ event: base64(told.bytes), n, salt: base64(told.salt) });
  }
  yield line({ checkpoint: listed.checkpoint });
}
