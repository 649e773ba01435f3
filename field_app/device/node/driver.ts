/**
 * A device as a process, for tests beside devices of another kind: commands as lines of JSON in, answers as lines of JSON out.
 *
 * `{"do": "enrol", …}`. An answer is `{"ok": …}` or `{"error": {code, message}}`. Its rows are in memory, and go with it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { hex } from "@fieldkeep/core/bytes";
import type { Json } from "@fieldkeep/core/change";
import { Refused } from "@fieldkeep/core/errors";
import { conflicts, shown } from "@fieldkeep/core/fold/show";
import { stateHash } from "@fieldkeep/core/fold/state_hash";
import { decodeUuid, encodeUuid } from "@fieldkeep/core/ids";
import { readSchemas } from "@fieldkeep/core/schemas";
import { enrol, readCode } from "../src/enrol";
import type { Edit } from "../src/ops";
import { Session } from "../src/session";
import { sync } from "../src/sync";
import { Transport } from "../src/transport";
import * as writing from "../src/writing";
import { Cut, MemoryRows } from "../test/memory_rows";
import { differing, snapshot } from "../test/snapshot";

const [, , schemaFolder = "", server = ""] = process.argv;
const read = (folder: string): unknown[] =>
  readdirSync(`${schemaFolder}/${folder}`).filter((name) => name.endsWith(".json")).map((name): unknown => JSON.parse(readFileSync(`${schemaFolder}/${folder}/${name}`, "utf8")));
const schemas = readSchemas(read("records"), read("codes"));
const rows = new MemoryRows();
const online = { is: true, lose: 0 };
const transport = new Transport(server, async (url, init) => {
  if (!online.is) throw new Error("offline");
  const answer = await fetch(url, init);
  if (online.lose === 0) return answer;
  online.lose -= 1;
  throw new Error("the answer was lost");
});
const clock = { offset: 0 };
const now = (): number => Date.now() + clock.offset;
let session: Session | null = null;

const own = (): Session => {
  if (session === null) throw new Refused("no-profile", "not enrolled");
  return session;
};

/** JSON as this language has it to JSON as a change has it. */
function toJson(value: unknown): Json {
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value === "object" && value !== null) return new Map(Object.entries(value).map(([key, item]) => [key, toJson(item)]));
  return value as Json;
}

function fromJson(value: Json): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]: [string, Json]) => [key, fromJson(item)]));
  return Array.isArray(value) ? value.map(fromJson) : value;
}

type Given = Readonly<Record<string, unknown>>;
const text = (given: Given, key: string): string => String(given[key] ?? "");
const log = (given: Given): Uint8Array => decodeUuid(text(given, "file"));
const record = (given: Given): Uint8Array => decodeUuid(text(given, "record"));

function edits(given: Given): readonly Edit[] {
  const type = own().schemas.types.get(text(given, "type"));
  return Object.entries((given["values"] ?? {}) as Given).flatMap(([field, value]): readonly Edit[] => {
    const merge = type?.fields.get(field)?.merge;
    if (merge === "set" || merge === "append") return (value as unknown[]).map((one) => ({ act: "add", field, value: toJson(one) }));
    return [{ act: "set", field, value: toJson(value) }];
  });
}

function fileRow(key: Uint8Array): unknown {
  const open = own().file(key);
  const { file } = open.reading;
  return {
    file: encodeUuid(key), kind: file.kind, epoch: file.epoch, seq: file.log.chains.length - 1, stopped: open.stopped, pending: open.pending.length,
    state_hash: hex(stateHash(open.folded)), records: open.folded.records.size,
  };
}

const DOES: { readonly [name: string]: (given: Given) => Promise<unknown> } = {
  enrol: async (given) => {
    session = await enrol(rows, readCode(text(given, "code")), server, text(given, "label"), transport, schemas, now);
    return { device: encodeUuid(session.identity.device), user: encodeUuid(session.identity.user) };
  },
  /** As after the process has ended: everything from the rows, and what that is beside what was in memory. */
  reopen: async () => {
    const before = snapshot(own());
    session = await Session.open(rows, own().identity, schemas, now);
    return { differs: differing(before, snapshot(session)) };
  },
  /** The transaction after `after` others fails; `kept`: it became true all the same. */
  cut: async (given) => {
    rows.cut = { after: Number(given["after"]), kept: given["kept"] === true };
    return {};
  },
  uncut: async () => {
    const was = rows.cut !== null;
    rows.cut = null;
    return { was };
  },
  /** The answers to so many requests from now on are lost on their way. */
  lose: async (given) => {
    online.lose = Number(given["answers"]);
    return {};
  },
  online: async (given) => {
    online.is = given["is"] === true;
    return {};
  },
  clock: async (given) => {
    clock.offset = Number(given["offset_ms"]);
    return {};
  },
  sync: async () => {
    const report = await sync(own(), transport);
    const refused = report.refused.map(({ code, message, final }) => ({ code, message, final }));
    return { ...report, refused, contradictions: report.contradictions.map(({ log: of, message }) => ({ log: encodeUuid(of), message })) };
  },
  files: async () => [...own().files.values()].map((open) => fileRow(open.log)),
  records: async (given) =>
    [...own().recordsOf(log(given)).records.values()].filter(({ hidden }) => !hidden).map((one) => ({
      record: encodeUuid(one.id), type: one.type, signed: one.signatures.length, void: one.isVoid, conflicts: conflicts(one),
      fields: Object.fromEntries([...one.fields.values()].flatMap(({ field }) => (typeof field === "string" ? [[field, fromJson(shown(one, field).value)]] : []))),
    })),
  add: async (given) => ({ record: encodeUuid(await writing.add(own(), log(given), text(given, "type"), edits(given))) }),
  edit: async (given) => writing.edit(own(), log(given), record(given), edits(given)),
  sign: async (given) => writing.sign(own(), log(given), record(given)),
  void: async (given) => writing.makeVoid(own(), log(given), record(given), text(given, "reason")),
  undo: async (given) => writing.undo(own(), log(given), record(given)),
  addend: async (given) => writing.addend(own(), log(given), record(given), text(given, "text"), text(given, "reason")),
  resolve: async (given) => writing.resolve(own(), log(given), record(given), text(given, "field"), toJson(given["chosen"]), text(given, "reason")),
  status: async () => ({
    standing: own().standing, unsent: [...own().files.values()].reduce((sum, { pending }) => sum + pending.length, 0),
    outbox: own().waiting().map(({ code, message, final, statement }) => ({ code, message, final, statement })),
    alarms: [...own().alarms.values()].map(({ code, text: words }) => ({ code, text: words })), due: own().due.size, state: own().state.turned_away,
  }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const given = JSON.parse(line) as Given;
  try {
    const does = DOES[text(given, "do")];
    if (does === undefined) throw new Refused("bad-value", "no such command");
    process.stdout.write(`${JSON.stringify({ ok: (await does(given)) ?? {} })}\n`);
  } catch (error) {
    const said = error instanceof Cut ? { code: "cut", message: "" } : error instanceof Refused ? { code: error.code, message: error.message } : { code: "crash", message: error instanceof Error ? (error.stack ?? "") : String(error) };
    process.stdout.write(`${JSON.stringify({ error: said })}\n`);
  }
}
