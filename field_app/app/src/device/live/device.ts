/** The device behind the screens: what they ask, answered from this phone; what they write, kept on it before the promise is. */
import { equal, hex } from "@fieldkeep/core/bytes";
import type { Json } from "@fieldkeep/core/change";
import { Refused } from "@fieldkeep/core/errors";
import type { Folded } from "@fieldkeep/core/fold/fold";
import type { FoldedRecord } from "@fieldkeep/core/fold/model";
import { stateHash } from "@fieldkeep/core/fold/state_hash";
import { dueItems } from "@fieldkeep/device/agenda";
import { release, takeBack } from "@fieldkeep/device/attachments";
import type { Vault } from "@fieldkeep/device/boxes";
import type { Shown } from "@fieldkeep/device/reading";
import type { Edit as DeviceEdit } from "@fieldkeep/device/ops";
import type { Transaction } from "@fieldkeep/device/rows";
import type { Session } from "@fieldkeep/device/session";
import { raiseAlert } from "@fieldkeep/device/urgent";
import { ownFund, reverse, spendIn } from "@fieldkeep/device/spending";
import type { Transport } from "@fieldkeep/device/transport";
import * as writing from "@fieldkeep/device/writing";
import type { Size } from "../../components/picture";
import { auditedSide } from "../../console/side";
import type { Choice } from "../../forms/context";
import type { Field } from "../../forms/schema";
import type { Value } from "../../forms/values";
import type { Edit } from "../../forms/edits";
import type { Conflict, Decision, Device, DueCount, DueItem, FileSummary, FundView, HistoryItem, Item, NewChange, OrderRuns, Query, RecordSummary, RecordView, Status, VisitBrief, Visiting, Written } from "../facade";
import { dueView, ordersView } from "./agenda";
import { choicesIn, startsWith } from "./choices";
import { idBytes, idText, toEdit, toJson } from "./convert";
import { allConflicts, fieldOf } from "./deciding";
import { fileSummary, historyOf, inOrder, recordSummary, recordView } from "./lists";
import { findSpend, fundView } from "./others";
import { nameOf, wordsIn } from "./people";
import { remembered } from "./remember";
import { items, status } from "./sending";
import { attachPicture, PICTURE_WORDS, pictureOf } from "./pictures";
import { inWords } from "./trouble";
import { liaisonOf, visitBrief } from "./visit";
import { visitsOf } from "./visiting";
import { Together } from "./together";

const MOST_FOUND = 200;
const stateOf = remembered((folded: Folded): string => hex(stateHash(folded)).slice(0, 16));

export class LiveDevice extends Together implements Device {
  readonly #words = new Map<string, { readonly of: object; readonly words: string }>();

  // --- files and records ---------------------------------------------------------------------------------------------

  files(): Promise<readonly FileSummary[]> {
    const all = this.session.ownFiles.map((open) => fileSummary(this.session, open));
    return Promise.resolve([...all].sort((a, b) => (b.lastEventMs ?? 0) - (a.lastEventMs ?? 0)));
  }

  file(file: string): Promise<FileSummary> {
    return inWords(async () => fileSummary(this.session, this.session.file(idBytes(file))));
  }

  stateOf(file: string): Promise<string> {
    return inWords(async () => stateOf(this.session.file(idBytes(file)).folded));
  }

  records(file: string, query: Query = {}): Promise<readonly RecordSummary[]> {
    return inWords(async () => {
      const log = idBytes(file);
      const words = wordsOf(query.words ?? "");
      const wanted = inOrder(this.session, log).filter(
        (record) => (query.types === undefined || query.types.includes(record.type)) && this.#says(record, words),
      );
      const some = wanted.slice(0, query.limit ?? wanted.length);
      await this.looked(log, some.length < wanted.length || words.length > 0 ? byRecord(some) : byType(some), words.length > 0 ? "searched" : "opened");
      return some.map((record) => recordSummary(this.session, log, record));
    });
  }

  record(file: string, record: string): Promise<RecordView> {
    return inWords(async () => {
      const log = idBytes(file);
      const found = writing.recordIn(this.session, log, idBytes(record));
      await this.looked(log, byRecord([found]));
      return recordView(this.session, log, found);
    });
  }

  history(file: string, record: string): Promise<readonly HistoryItem[]> {
    return inWords(async () => {
      const log = idBytes(file);
      const found = writing.recordIn(this.session, log, idBytes(record));
      await this.looked(log, byRecord([found]));
      return historyOf(this.session, log, found);
    });
  }

  search(words: string): Promise<readonly RecordSummary[]> {
    const wanted = wordsOf(words);
    if (wanted.length === 0) return Promise.resolve([]);
    return inWords(async () => {
      const found: RecordSummary[] = [];
      for (const { log } of this.session.ownFiles) {
        const there = inOrder(this.session, log).filter((record) => this.#says(record, wanted)).slice(0, MOST_FOUND - found.length);
        if (there.length === 0) continue;
        await this.looked(log, byRecord(there), "searched");
        found.push(...there.map((record) => recordSummary(this.session, log, record)));
      }
      return found;
    });
  }

  /** What a record says is put in lower case once, and again when it has changed. */
  #says(record: Parameters<typeof wordsIn>[0], words: readonly string[]): boolean {
    if (words.length === 0) return true;
    const key = hex(record.id);
    const known = this.#words.get(key);
    const said = known?.of === record ? known.words : wordsIn(record);
    if (known?.of !== record) this.#words.set(key, { of: record, words: said });
    return words.every((word) => said.includes(word));
  }

  choices(file: string, type: string): Promise<(field: Field) => readonly Choice[]> {
    return inWords(async () => choicesIn(this.session, idBytes(file), type));
  }

  names(file: string): Promise<(id: string) => string | undefined> {
    return inWords(async () => nameOf(this.session, idBytes(file)));
  }

  startWith(file: string, type: string): Promise<Readonly<Record<string, Value>>> {
    return inWords(async () => startsWith(this.session, idBytes(file), type));
  }

  // --- writing -------------------------------------------------------------------------------------------------------

  write(file: string, changes: readonly NewChange[]): Promise<readonly Written[]> {
    const session = this.session;
    const log = idBytes(file);
    const [first] = changes;
    if (first?.type === "urgent_alert" && first.record === undefined && changes.length === 1) return this.doing(() => this.#raise(log, first));
    return this.doing(() =>
      session.change(async (transaction) => {
        const written: Written[] = [];
        for (const change of changes) written.push({ record: idText(this.#writeOne(transaction, log, change, written)) });
        return written;
      }),
    );
  }

  /** One change of several; `before` are those that this write has made already. */
  #writeOne(transaction: Transaction, log: Uint8Array, { type, record, edits, act, refers = {} }: NewChange, before: readonly Written[]): Uint8Array {
    const session = this.session;
    const made = [...edits.map(toEdit), ...Object.entries(refers).map(([field, at]): DeviceEdit => ({ act: "set", field, value: before[at]?.record ?? null }))];
    release(session, transaction, log, made);
    if (type === "spend" && record === undefined) return spendIn(session, transaction, log, ownFund(session).log, made); // and its line in the fund
    const id = record === undefined ? writing.addIn(session, transaction, log, writing.typeIn(session, log, type), made) : idBytes(record);
    if (record !== undefined && made.length > 0) writing.editIn(session, transaction, log, id, made);
    if (act === "sign" && writing.recordIn(session, log, id).signatures.length === 0) writing.signIn(session, transaction, log, id);
    return id;
  }

  /** Danger: the record, and the letter to the other side's desk, ahead of every queue; sent at once where there is a signal. */
  async #raise(log: Uint8Array, { edits }: NewChange): Promise<readonly Written[]> {
    const values = new Map<string, Json>();
    for (const edit of edits) {
      if (edit.act === "set") values.set(edit.field, toJson(edit.value));
      else if (edit.act === "add") values.set(edit.field, [...listOf(values.get(edit.field)), toJson(edit.value)]);
    }
    const record = await raiseAlert(this.session, log, values);
    void this.sync().catch(() => undefined); // it waits, and goes first
    return [{ record: idText(record) }];
  }

  addAddendum(file: string, record: string, text: string, reason: string): Promise<void> {
    return this.doing(() => writing.addend(this.session, idBytes(file), idBytes(record), text, reason));
  }

  makeVoid(file: string, record: string, reason: string): Promise<void> {
    return this.doing(() => writing.makeVoid(this.session, idBytes(file), idBytes(record), reason));
  }

  // --- sending -------------------------------------------------------------------------------------------------------

  status(): Promise<Status> {
    return Promise.resolve(status(this.session, this.syncing !== undefined));
  }

  items(): Promise<readonly Item[]> {
    return Promise.resolve(items(this.session));
  }

  retry(_item: string): Promise<void> {
    return this.sync();
  }

  discard(item: string, reason: string): Promise<void> {
    const [file = "", c = ""] = item.split(" ");
    return this.doing(async () => {
      if (reason.trim() === "") throw new Refused("bad-value", "say in a few words why it is thrown away");
      const open = this.session.files.get(file);
      const change = open?.pending.find((one) => one.change.c === Number(c));
      if (open === undefined || change === undefined) throw new Refused("not-found", "it is not on this phone any more");
      await writing.discard(this.session, open.log, change.change.r, reason);
    });
  }

  readAlarm(code: string): Promise<void> {
    return this.doing(async () => {
      const alarm = this.session.alarms.get(Number(code));
      if (alarm !== undefined) await this.session.change(async (transaction) => this.session.putAlarm(transaction, { ...alarm, seen: true }));
    });
  }

  // --- deciding ------------------------------------------------------------------------------------------------------

  conflicts(): Promise<readonly Conflict[]> {
    return inWords(async () => {
      const found = allConflicts(this.session);
      for (const file of new Set(found.map((one) => one.file)))
        await this.looked(idBytes(file), found.filter((one) => one.file === file).map(({ record }) => ({ record: idBytes(record) })));
      return found;
    });
  }

  decide(conflict: Conflict, { value, reason }: Decision): Promise<void> {
    const [log, record, chosen] = [idBytes(conflict.file), idBytes(conflict.record), toJson(value)];
    return this.doing(async () => {
      if (conflict.kind === "conflict") return writing.resolve(this.session, log, record, fieldOf(conflict), chosen, reason);
      return this.#weigh(conflict, log, record, chosen, reason);
    });
  }

  /** Of a proposal: the author signs that it was read; what they take from it goes in as an addendum, for what is signed stays. */
  async #weigh(conflict: Conflict, log: Uint8Array, record: Uint8Array, chosen: Json, reason: string): Promise<void> {
    const [own] = conflict.values;
    const taken = own === undefined || !equal(new TextEncoder().encode(JSON.stringify(own.value)), new TextEncoder().encode(JSON.stringify(chosen)));
    if (taken) await writing.addend(this.session, log, record, typeof chosen === "string" ? chosen : JSON.stringify(chosen), reason);
    await writing.sign(this.session, log, record);
  }

  // --- money ---------------------------------------------------------------------------------------------------------

  funds(): Promise<readonly FundView[]> {
    const funds = this.session.ownFiles.filter(({ reading }) => reading.file.kind === "fund");
    return inWords(async () => {
      for (const { log } of funds) await this.looked(log, [{ kind: "fund_line" }]);
      return funds.map((open) => fundView(this.session, open));
    });
  }

  spend(file: string, edits: readonly Edit[]): Promise<Written> {
    const [session, log] = [this.session, idBytes(file)];
    return this.doing(() => session.change(async (transaction) => ({ record: idText(this.#writeOne(transaction, log, { type: "spend", record: undefined, edits, act: "save" }, [])) })));
  }

  reverse(fund: string, spend: string, pence: number, why: string): Promise<void> {
    return this.doing(async () => {
      const found = findSpend(this.session, spend);
      if (found === undefined) throw new Refused("not-found", "the record of that spend is not on this phone");
      await reverse(this.session, found.log, idBytes(fund), found.record, pence, why);
    });
  }

  // --- visits, pictures ----------------------------------------------------------------------------------------------

  visit(file: string): Promise<VisitBrief> {
    return inWords(async () => {
      const log = idBytes(file);
      const liaison = liaisonOf(this.session, log);
      await this.looked(log, BEFORE_A_VISIT);
      if (liaison !== undefined) await this.looked(liaison, [{ kind: "instruction" }]);
      return visitBrief(this.session, log);
    });
  }

  visits(): Promise<readonly Visiting[]> {
    return this.read(visitsOf(this.session));
  }

  dueCount(): Promise<DueCount> {
    return inWords(async () => {
      const days = dueItems(this.session, 0, false).map((one) => one.days);
      return { overdue: days.filter((left) => left < 0).length, today: days.filter((left) => left === 0).length };
    });
  }

  due(everybodys: boolean): Promise<readonly DueItem[]> {
    return this.read(dueView(this.session, everybodys), ({ what }) => what !== "");
  }

  orders(): Promise<readonly OrderRuns[]> {
    return this.read(ordersView(this.session));
  }

  attach(file: string, content: File, kind: "photo" | "receipt"): Promise<Choice> {
    return this.doing(async () => ({ id: idText(await attachPicture(this.session, idBytes(file), content, kind)), label: PICTURE_WORDS[kind] }));
  }

  takeBack(file: string, record: string): Promise<void> {
    return this.doing(() => takeBack(this.session, idBytes(file), idBytes(record)));
  }

  picture(file: string, record: string, size: Size): Promise<Blob | undefined> {
    return inWords(() => pictureOf(this.session, this.transport, idBytes(file), idBytes(record), size));
  }
}

/** The device of a session; a supervisor's with what it audits by. */
export async function liveDevice(session: Session, transport: Transport, vault: Vault): Promise<LiveDevice> {
  const side = auditedSide(session);
  const oversight = side === undefined ? undefined : (await import("../../console/live")).oversightOf(session, transport, side);
  return new LiveDevice(session, transport, vault, oversight);
}

/** What "Before you knock" says comes from these. */
const BEFORE_A_VISIT: readonly Shown[] = ["hazard", "linked_person", "legal_order", "visit_plan"].map((kind) => ({ kind }));
const byRecord = (records: readonly FoldedRecord[]): readonly Shown[] => records.map(({ id }) => ({ record: id }));
const byType = (records: readonly FoldedRecord[]): readonly Shown[] => [...new Set(records.map(({ type }) => type))].map((kind) => ({ kind }));
const wordsOf = (words: string): readonly string[] => words.toLowerCase().split(/\s+/).filter((word) => word !== "");
const listOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : []);
