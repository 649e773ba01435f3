/** Registers the operations of the topic cover. */
import { changeValue } from "../../src/change";
import { changesIn, coverFits, coverParts } from "../../src/cover";
import { asBytes, asNumber, struct } from "./notation";
import { readRegistry } from "./ops_registry";
import type { Ops } from "./runner";

export const ops: Ops = {
  cover_hour: async (input) => {
    const { registry, voided } = await readRegistry(input);
    return struct({ void: voided, hour: registry.coverHour });
  },
  cover_parts: (input) => coverParts(input.list("plaintexts").map(asBytes)),
  cover_fits: (input) => coverFits(input.list("sizes").map(asNumber)),
  read_part: (input) => changesIn(input.bytes("plaintext")).map(changeValue),
};
