/** Registers the operations of the topic exchange. */
import { compare, hex } from "../../src/bytes";
import type { CborValue } from "../../src/cbor";
import { decodeEntry } from "../../src/entry";
import { takePage, TAKING } from "../../src/exchange/file_page";
import { REGISTRY_TAKING, takeCheckpoint, takeRegistryPage } from "../../src/exchange/registry_page";
import { NOTHING_TOLD } from "../../src/exchange/served";
import { headOf } from "../../src/log";
import { head, nullable, witness } from "../../src/shape";
import { pagesShape } from "../../src/sync";
import { asBytes, asList, asNumber, asText, type In, struct } from "./notation";
import { readFile } from "./ops_membership";
import { readRegistry } from "./ops_registry";
import type { Ops } from "./runner";

function pageIn(input: In) {
  const [page] = pagesShape.read([input.value("page")]);
  if (page === undefined) throw new Error("a page wanted");
  return page;
}

function sentIn(input: In) {
  const entries = input.has("sent") ? input.list("sent").map((one) => decodeEntry(asBytes(one))) : [];
  return new Map(entries.map((entry) => [hex(entry.id), entry] as const));
}

function rootsIn(input: In) {
  const roots = input.has("roots") ? input.list("roots").map(asList) : [];
  return new Map(roots.map(([size, root]) => [asNumber(size), hex(asBytes(root))] as const));
}

export const ops: Ops = {
  take_page: async (input) => {
    const { registry, file } = await readFile(input);
    const absent = (input.has("absent") ? input.list("absent").map(asList) : []).map(
      ([seq, part]) => [asNumber(seq), asNumber(part)] as const,
    );
    const isMember = !input.has("member") || input.value("member") === true;
    const member = (): boolean => isMember;
    const told = { ...NOTHING_TOLD, roots: rootsIn(input) };
    const page = await takePage({ file, absent, ids: false }, pageIn(input), {
      ...TAKING,
      registry,
      sent: sentIn(input),
      told,
      member,
      whole: !input.has("whole") || input.value("whole") === true,
    });
    if (page.kind === "behind" || page.kind === "lost") return page.kind;
    const now: CborValue = head.write(headOf(page.reading.file.log));
    if (page.kind === "ids") return struct({ head: now, ids: page.ids, erased: page.erased });
    return struct({
      head: now,
      absent: page.reading.absent,
      kept: page.kept.map(({ seq, by }) => [seq, by]),
      taken: page.taken.map(({ served, void: code, by }) => [served.seq, code, by.user, by.role]),
    });
  },
  take_registry_page: async (input) => {
    const { registry } = await readRegistry(input.map("registry"));
    const page = await takeRegistryPage(registry, pageIn(input), {
      ...REGISTRY_TAKING,
      incarnation: input.bytes("incarnation"),
    });
    return struct({
      head: head.write(headOf(page.registry.log)),
      taken: page.taken.map(({ served, void: code }) => [served.seq, code]),
      devices: [...page.registry.devices.values()].map(({ device }) => device).sort(compare),
    });
  },
  take_checkpoint: async (input) => {
    const { registry } = await readRegistry(input.map("registry"));
    const seen = nullable(witness).read(input.value("seen"));
    return witness.write(
      await takeCheckpoint(registry, seen, asText(input.value("note")), input.list("path").map(asBytes)),
    );
  },
};
