/** What a side shows now that is not what it showed, and was verified, before. Spec 10.4. Tests: audit. */
import { equal, hex } from "../bytes";
import { isErased } from "./pages";
import type { Audit, Finding } from "./state";

/** Each event and entry that has changed, by its number and place. What was erased meanwhile is there as its id. */
export function changedSince(before: Audit, after: Audit): readonly Finding[] {
  const findings: Finding[] = [];
  const was = "is not what it was when this device verified it";
  for (let n = 0; n < before.events.length; n++) {
    const [one, now] = [before.events.at(n), after.events.at(n)];
    if (one === undefined || (now !== undefined && equal(one.bytes, now.bytes) && equal(one.salt, now.salt))) continue;
    const [log, seq] = one.event?.e === "accepted" ? [one.event.log, one.event.seq] : [null, 0];
    findings.push({
      code: "contradiction",
      log,
      seq,
      event: n,
      text: `event ${n} ${now === undefined ? "is not there any more" : was}`,
    });
  }
  for (const [key, { log, entries, items }] of before.logs) {
    const now = after.logs.get(key);
    for (let i = 0; i < entries.length; i++) {
      const [one, other, item] = [entries.at(i), now?.entries.at(i), items.at(i)];
      if (one === undefined || item === undefined) continue;
      const id = other !== undefined && isErased(other) && now?.file?.erased !== null;
      const same =
        other !== undefined &&
        one.received_ms === other.received_ms &&
        one.leaf === other.leaf &&
        equal(one.chain, other.chain) &&
        equal(one.salt, other.salt);
      if (same && (equal(one.cose, other.cose) || (id && equal(item.id, other.cose)))) continue;
      const how = other === undefined ? "is not there any more" : was;
      const text = `entry ${item.seq} of log ${hex(log).slice(0, 8)} ${how}`;
      findings.push({ code: "contradiction", log, seq: item.seq, event: null, text });
    }
  }
  return findings;
}
