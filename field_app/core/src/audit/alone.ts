/**
 * An entry without its parts, as an export has it: what it says of them is all that there is. Spec 10.3. Tests:
 * audit.
 */
import { decode } from "../cbor";
import { type Frame, parseFrame, typOf } from "../cose";
import { type Entry, readEntry } from "../entry";
import { Refused } from "../errors";
import { limit } from "../limits";
import { isList, isMap } from "../shape";

/** Refuses what is no entry, whatever its bytes. */
export function decodeAlone(bytes: Uint8Array): Entry {
  return readEntry([bytes, Array.from({ length: partsOf(parseFrame(bytes)) }, () => null)]);
}

function partsOf(frame: Frame): number {
  switch (typOf(frame)) {
    case "fieldkeep-envelope": {
      const hashes = decode(frame.payload, limit("items_per_object"));
      if (!isList(hashes)) throw new Refused("malformed", "an envelope's payload is a list");
      return hashes.length;
    }
    case "fieldkeep-admission": {
      const payload = decode(frame.payload, limit("items_per_statement"));
      const held = isMap(payload) ? payload.get("held") : undefined;
      if (!(held instanceof Uint8Array)) throw new Refused("malformed", "an admission without what it carries");
      const carried = parseFrame(held);
      if (typOf(carried) !== "fieldkeep-envelope") throw new Refused("malformed", "an admission carries an envelope");
      return partsOf(carried);
    }
    case "fieldkeep-expunction":
      return 1;
    default:
      return 0;
  }
}
