/**
 * A device as a process, for tests beside devices of another kind: commands as lines of JSON in, answers as lines of
 * JSON out.
 *
 * `{"do": "enrol", …}`. An answer is `{"ok": …}` or `{"error": {code, message}}`. Its rows are in memory, and go with
 * it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { hex } from "@fieldkeep/core/bytes";
import type { Json } from "@fieldkeep/core/change";
import { Refused } from "@fieldkeep/core/errors";
import { dateOf } from "@fieldkeep/core/due/days";
import { conflicts, shown } from "@fieldkeep/core/fold/show";
import { stateHash } from "@fieldkeep/core/fold/state_hash";
import { decodeUuid, encodeUuid } from "@fieldkeep/core/ids";
import { foldFund } from "@fieldkeep/core/ledger";
import { FILE_KINDS, type FileKind, type Role, ROLES } from "@fieldkeep/core/roles";
import { look, seenWords } from "@fieldkeep/core/parcel/wording";
import { combineShares, parseShare } from "@fieldkeep/core/recovery_shares";
import { recoveryKeys, type RecoveryKeys } from "@fieldkeep/core/registry/recovery";
import { readSchemas } from "@fieldkeep/core/schemas";
import type { Member } from "@fieldkeep/core/statement";
import { dueItems } from "../src/agenda";
import { agree, askFor, type AskedWords, seenIn, withdraw, wordsAsked } from "../src/agreeing";
import { attach, contentOf, thumbnailOf } from "../src/attachments";
import { awaiting } from "../src/chunks";
import { enrol, readCode } from "../src/enrol";
import type { Edit } from "../src/ops";
import { openCase } from "../src/cases";
import { nextCoverMs, waitingForCover } from "../src/covering";
import * as files from "../src/files";
import { discardAndWipe } from "../src/handing_in";
import { admit, type Held, heldOf, letBegin, type RefusedBecause, refuseHeld } from "../src/held";
import { inForce, instruct } from "../src/instructions";
import * as lost from "../src/lost_phones";
import { looked } from "../src/reading";
import { answer, answerWithShares, challenge, judge, requestIn } from "../src/helping";
import * as recovery from "../src/recovery";
import * as referrals from "../src/referrals";
import { Session } from "../src/session";
import * as spending from "../src/spending";
import {
  acknowledgeAlert,
  type Alert,
  alertsIn,
  isOpen,
  isUnanswered,
  raiseAlert,
  recordCall,
  standDown,
} from "../src/urgent";
import type { Values } from "../src/values_in";
import { WIPED } from "../src/wiping";
import { sync } from "../src/sync";
import { Transport } from "../src/transport";
import * as writing from "../src/writing";
import { Cut, MemoryRows } from "../test/memory_rows";
import { differing, snapshot } from "../test/snapshot";

const [, , schemaFolder = "", server = ""] = process.argv;
const read = (folder: string): unknown[] =>
  readdirSync(`${schemaFolder}/${folder}`)
    .filter((name) => name.endsWith(".json"))
    .map((name): unknown => JSON.parse(readFileSync(`${schemaFolder}/${folder}/${name}`, "utf8")));
const schemas = readSchemas(read("records"), read("codes"));
const rows = new MemoryRows();
const online = { is: true, lose: 0, chunks: Number.POSITIVE_INFINITY };
const transport = new Transport(server, async (url, init) => {
  if (!online.is) throw new Error("offline");
  if (init?.method === "PUT" && --online.chunks < 0) throw new Error("the line broke");
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
  if (typeof value === "object" && value !== null)
    return new Map(Object.entries(value).map(([key, item]) => [key, toJson(item)]));
  return value as Json;
}

function fromJson(value: Json): unknown {
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, item]: [string, Json]) => [key, fromJson(item)]));
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
    if (merge === "set" || merge === "append")
      return (value as unknown[]).map((one) => ({ act: "add", field, value: toJson(one) }));
    return [{ act: "set", field, value: toJson(value) }];
  });
}

function fileRow(key: Uint8Array): unknown {
  const open = own().file(key);
  const { file } = open.reading;
  return {
    file: encodeUuid(key),
    kind: file.kind,
    epoch: file.epoch,
    seq: file.log.chains.length - 1,
    stopped: open.stopped,
    pending: open.pending.length,
    state_hash: hex(stateHash(open.folded)),
    records: open.folded.records.size,
  };
}

const id = (given: Given, key: string): Uint8Array => decodeUuid(text(given, key));
const person = (given: Given): Uint8Array => id(given, "user");
const roleOf = (word: string): Role => ROLES.find((one) => one === word) ?? fail(`no role ${word}`);
const kindOf = (given: Given): FileKind =>
  FILE_KINDS.find((one) => one === text(given, "kind")) ?? fail(`no kind of file ${text(given, "kind")}`);
const membersIn = (given: Given): readonly Member[] =>
  Object.entries((given["members"] ?? {}) as Given).map(([user, role]) => ({
    user: decodeUuid(user),
    role: roleOf(String(role)),
  }));
const values = (given: Given): Values =>
  new Map(Object.entries((given["values"] ?? {}) as Given).map(([key, value]) => [key, toJson(value)]));

function fail(message: string): never {
  throw new Refused("bad-value", message);
}

const heldRow = ({ entry, records, trouble, begins }: Held): unknown => ({
  id: hex(entry.id),
  trouble,
  begins,
  records: records.map(({ id: one, type }) => ({ record: encodeUuid(one), type })),
});

async function heldAt(given: Given): Promise<Held> {
  const all = await heldOf(own(), transport, log(given));
  return all.find(({ entry }) => hex(entry.id) === text(given, "id")) ?? fail("nothing held of that id");
}

function alertAt(given: Given): Alert {
  const found = alertsIn(own()).find((one) => encodeUuid(one.record.id) === text(given, "record"));
  return found ?? fail("no such alert");
}

const packRow = ({ log: file, record: { id: of }, values: has }: referrals.Pack): unknown => ({
  file: encodeUuid(file),
  record: encodeUuid(of),
  values: fromJson(has),
});

const keysIn = (given: Given): Promise<RecoveryKeys> =>
  recoveryKeys(
    combineShares((given["shares"] as readonly string[]).map((words, at) => parseShare(words, `share ${at + 1}`))),
  );

function wordsAt(given: Given): AskedWords {
  const found = wordsAsked(own()).find((one) => encodeUuid(one.record) === text(given, "request"));
  return found ?? fail("no such request");
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
  sync: async (given) => {
    const report = await sync(own(), transport, undefined, { atOnce: given["now"] === true });
    const refused = report.refused.map(({ code, message, final }) => ({ code, message, final }));
    return {
      ...report,
      refused,
      contradictions: report.contradictions.map(({ log: of, message }) => ({ log: encodeUuid(of), message })),
    };
  },
  files: async () => [...own().files.values()].map((open) => fileRow(open.log)),
  records: async (given) =>
    [...own().recordsOf(log(given)).records.values()]
      .filter(({ hidden }) => !hidden)
      .map((one) => ({
        record: encodeUuid(one.id),
        type: one.type,
        signed: one.signatures.length,
        void: one.isVoid,
        conflicts: conflicts(one),
        fields: Object.fromEntries(
          [...one.fields.values()].flatMap(({ field }) =>
            typeof field === "string" ? [[field, fromJson(shown(one, field).value)]] : [],
          ),
        ),
      })),
  due: async (given) =>
    dueItems(own(), Number(given["ahead"]), given["everybodys"] === true).map((one) => ({
      day: dateOf(one.day),
      file: encodeUuid(one.file),
      record: encodeUuid(one.record),
      type: one.rule.split(".")[0],
      what: one.what,
      owner: one.owner,
      days: one.days,
    })),
  remove: async (given) => writing.remove(own(), log(given), record(given)),
  add: async (given) => ({
    record: encodeUuid(await writing.add(own(), log(given), text(given, "type"), edits(given))),
  }),
  edit: async (given) => writing.edit(own(), log(given), record(given), edits(given)),
  sign: async (given) => writing.sign(own(), log(given), record(given)),
  void: async (given) => writing.makeVoid(own(), log(given), record(given), text(given, "reason")),
  undo: async (given) => writing.undo(own(), log(given), record(given)),
  addend: async (given) => writing.addend(own(), log(given), record(given), text(given, "text"), text(given, "reason")),
  resolve: async (given) =>
    writing.resolve(
      own(),
      log(given),
      record(given),
      text(given, "field"),
      toJson(given["chosen"]),
      text(given, "reason"),
    ),
  begin: async (given) => ({ file: encodeUuid(await files.begin(own(), kindOf(given), membersIn(given))) }),
  openCase: async (given) => ({ file: encodeUuid(await openCase(own(), membersIn(given))) }),
  addMember: async (given) =>
    void (await files.addMember(own(), log(given), person(given), roleOf(text(given, "role")))),
  removeMember: async (given) => void (await files.removeMember(own(), log(given), person(given))),
  grantAgain: async (given) => void (await files.grantAgain(own(), log(given), person(given))),
  people: async () =>
    [...own().registry.devices.values()].map((one) => ({
      device: encodeUuid(one.device),
      user: encodeUuid(one.user),
      name: one.name,
      roles: one.roles,
      revoked: one.revoked !== null,
      suspended: one.suspended !== null,
    })),
  suspend: async (given) => lost.suspend(own(), id(given, "device"), text(given, "reason") as lost.LostBecause),
  reinstate: async (given) => lost.reinstate(own(), id(given, "device")),
  lost: async (given) => ({
    ring: lost.whomToRing(own()).map(({ name }) => name),
    files: lost.wasOn(own(), id(given, "device")).files.map((one) => encodeUuid(one.log)),
  }),
  held: async (given) => (await heldOf(own(), transport, log(given))).map(heldRow),
  admit: async (given) => admit(own(), await heldAt(given)),
  refuse: async (given) => refuseHeld(own(), await heldAt(given), text(given, "reason") as RefusedBecause),
  letBegin: async (given) => letBegin(own(), transport, await heldAt(given)),
  discard: async () => ({ wiped: await discardAndWipe(own(), transport) }),
  find: async (given) => ({ in: rows.find(new TextEncoder().encode(text(given, "text"))) }),
  rows: async () => ({ rows: rows.size, wiped: own().fact(WIPED) !== undefined }),
  attach: async (given) => {
    const content = Buffer.from(text(given, "content"), "base64");
    const thumbnail = new Uint8Array(Buffer.from(text(given, "thumbnail"), "base64"));
    const said = edits({ ...given, type: "attachment" });
    return { record: encodeUuid(await attach(own(), log(given), { form: "jpeg", content, thumbnail }, said)) };
  },
  picture: async (given) => {
    const look = given["small"] === true ? thumbnailOf : contentOf;
    return { content: Buffer.from(await look(own(), transport, log(given), record(given))).toString("base64") };
  },
  awaiting: async () => ({
    awaiting: awaiting(own()).map(({ record: of, unsent, chunks, code }) => ({
      record: encodeUuid(of),
      unsent: unsent.length,
      chunks,
      code,
    })),
    kept: own().memory.kept.size,
  }),
  /** Whatever brings chunks fails after so many. */
  cutChunks: async (given) => {
    online.chunks = Number(given["after"]);
    return {};
  },
  spend: async (given) => ({
    record: encodeUuid(await spending.spend(own(), log(given), id(given, "fund"), edits({ ...given, type: "spend" }))),
  }),
  reverse: async (given) => ({
    back: await spending.reverse(
      own(),
      log(given),
      id(given, "fund"),
      record(given),
      Number(given["amount"]) || null,
      "returned",
    ),
  }),
  fund: async (given) => {
    const { remaining, spends } = foldFund(log(given), own().recordsOf(log(given)).changes);
    const device = encodeUuid(own().identity.device);
    return {
      left: remaining.get(device) ?? 0,
      spends: [...spends.values()].map(({ counted, disputed }) => ({ counted, disputed })),
    };
  },
  alert: async (given) => ({ record: encodeUuid(await raiseAlert(own(), log(given), values(given))) }),
  alerts: async () =>
    alertsIn(own()).map((one) => ({
      file: encodeUuid(one.log),
      record: encodeUuid(one.record.id),
      open: isOpen(one),
      unanswered: isUnanswered(one, own().serverNow()),
      acknowledged: one.acknowledged.map(fromJson),
      calls: one.calls.map(fromJson),
    })),
  acknowledge: async (given) => acknowledgeAlert(own(), alertAt(given), text(given, "how")),
  standDown: async (given) => standDown(own(), alertAt(given), text(given, "why")),
  call: async (given) => recordCall(own(), alertAt(given), values(given)),
  look: async (given) => {
    const shown = given["record"] === undefined ? { kind: text(given, "kind") } : { record: record(given) };
    await looked(own(), log(given), [shown], given["how"] === "searched" ? "searched" : "opened");
  },
  inForce: async (given) => {
    const { gate, letters } = inForce(own(), log(given));
    return { gate, letters: letters.map(fromJson) };
  },
  instruct: async (given) => ({
    until: await instruct(own(), log(given), id(given, "address"), {
      weeks: Number(given["weeks"]),
      say: (given["say"] ?? []) as readonly string[],
      ...(given["gate"] === undefined ? {} : { gate: text(given, "gate") }),
    }),
  }),
  lookAt: async (given) => ({ seen: look(text(given, "text")).map((one) => [seenWords(one), one.stops]) }),
  askFor: async (given) => ({
    request: encodeUuid(
      await askFor(own(), log(given), id(given, "address"), {
        text: text(given, "text"),
        weeks: Number(given["weeks"] ?? 1),
        basedOn: (given["based_on"] ?? []) as readonly string[],
        say: (given["say"] ?? []) as readonly string[],
      }),
    ),
  }),
  wordsAsked: async () =>
    wordsAsked(own()).map((one) => ({
      request: encodeUuid(one.record),
      by: encodeUuid(one.by),
      state: one.state,
      body: fromJson(one.body),
      about: fromJson(one.about),
      seen: seenIn(one).map(seenWords),
    })),
  agree: async (given) => ({ letter: encodeUuid(await agree(own(), wordsAt(given))) }),
  withdraw: async (given) => withdraw(own(), wordsAt(given), text(given, "why")),
  packs: async () => referrals.packsIn(own()).map(packRow),
  match: async (given) =>
    Object.fromEntries(
      (await referrals.match(own(), log(given), record(given))).map(([check, found]) => [check, found.map(encodeUuid)]),
    ),
  incomplete: async (given) => ({
    task: encodeUuid(
      await referrals.sayIncomplete(
        own(),
        log(given),
        record(given),
        (given["missing"] ?? []) as string[],
        text(given, "due"),
      ),
    ),
  }),
  split: async (given) => ({
    letter: encodeUuid(
      await referrals.split(own(), log(given), record(given), values(given), (given["kept"] ?? []) as string[]),
    ),
  }),
  referrals: async () => referrals.referralsWaiting(own()).map(packRow),
  beginFrom: async (given) => ({
    file: encodeUuid(await referrals.beginFrom(own(), log(given), record(given), membersIn(given))),
  }),
  decline: async (given) => ({
    task: encodeUuid(
      await referrals.decline(own(), log(given), record(given), {
        decision: text(given, "decision"),
        reason: text(given, "reason"),
        due: text(given, "due"),
      }),
    ),
  }),
  shares: async (given) => ({ key: hex((await keysIn(given)).id) }),
  survey: async () => recovery.survey(own()).map(({ log: of, state }) => ({ file: encodeUuid(of), state })),
  bringBack: async (given) => ({ closed: await recovery.bringBack(own(), log(given), await keysIn(given)) }),
  closePermit: async () => recovery.closePermit(own()),
  drill: async (given) =>
    (await recovery.drill(own(), await keysIn(given))).map(({ log: of, closed }) => ({ file: encodeUuid(of), closed })),
  regrant: async (given) => recovery.regrant(own(), log(given)),
  askedToHelp: async (given) => {
    const request = requestIn(text(given, "request"));
    const { device, warnings } = judge(own(), request, given["shares"] === true);
    return { name: device.name, warnings, readOut: await challenge(own(), request) };
  },
  help: async (given) => {
    const request = requestIn(text(given, "request"));
    if (given["shares"] === undefined) return { answer: await answer(own(), request, text(given, "digits")) };
    return { answer: await answerWithShares(own(), request, text(given, "digits"), await keysIn(given)) };
  },
  letters: async () => own().letters.map(({ kind, code, message }) => ({ kind, code, message })),
  cover: async () => ({ waits: waitingForCover(own()), next: nextCoverMs(own()) }),
  status: async () => ({
    standing: own().standing,
    unsent: [...own().files.values()].reduce((sum, { pending }) => sum + pending.length, 0),
    outbox: own()
      .waiting()
      .map(({ code, message, final, statement }) => ({ code, message, final, statement })),
    alarms: [...own().alarms.values()].map(({ code, text: words }) => ({ code, text: words })),
    due: own().due.size,
    state: own().state.turned_away,
  }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const given = JSON.parse(line) as Given;
  try {
    const does = DOES[text(given, "do")];
    if (does === undefined) throw new Refused("bad-value", "no such command");
    process.stdout.write(`${JSON.stringify({ ok: (await does(given)) ?? {} })}\n`);
  } catch (error) {
    const said =
      error instanceof Cut
        ? { code: "cut", message: "" }
        : error instanceof Refused
          ? { code: error.code, message: error.message }
          : { code: "crash", message: error instanceof Error ? (error.stack ?? "") : String(error) };
    process.stdout.write(`${JSON.stringify({ error: said })}\n`);
  }
}
