/** What is in the files of a device in memory: records, drafts, conflicts, money, visits, what is due. Its people are made up. */
import { hoursLeft, orderClock } from "@fieldkeep/core/due/clocks";
import { dateOf, DAY_MS, local, minuteOf } from "@fieldkeep/core/due/days";
import { due, groupOf, type Said } from "@fieldkeep/core/due/due";
import { requestStands } from "@fieldkeep/core/due/requests";
import { decodeUuid, encodeUuid } from "@fieldkeep/core/ids";
import {
  type Asking,
  type Conflict,
  type Device,
  type DueCount,
  type DueItem,
  type FileSummary,
  type FundView,
  type HistoryItem,
  type Item,
  type NewChange,
  type OrderRuns,
  type RecordSummary,
  type RecordView,
  Trouble,
  type VisitBrief,
  type Visiting,
} from "../../src/device/facade";
import type { Choice } from "../../src/forms/context";
import type { Before, Edit, Row } from "../../src/forms/edits";
import { toJson } from "../../src/device/live/convert";
import { type Field, recordType, terms } from "../../src/forms/schema";
import { showValue } from "../../src/forms/show";
import { type Value, type When, isList, isMap, isWhen } from "../../src/forms/values";
export const NOW = Date.UTC(2026, 10, 23, 14, 30);
export const HOUR = 3_600_000;

export const PEOPLE: ReadonlyMap<string, string> = new Map([
  ["11111111-1111-4111-8111-111111111111", "Sam Pike"],
  ["22222222-2222-4222-8222-222222222222", "Priya Nair"],
  ["33333333-3333-4333-8333-333333333333", "Jo Baker"],
]);
export const ME = "11111111-1111-4111-8111-111111111111";

interface Kept {
  readonly id: string;
  readonly file: string;
  readonly type: string;
  readonly by: string;
  readonly atMs: number;
  readonly received: boolean;
  readonly state: "draft" | "signed" | "void";
  readonly fields: ReadonlyMap<string, Value>;
  readonly rows: ReadonlyMap<string, readonly Row[]>;
  readonly history: readonly HistoryItem[];
}

export const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
export class MemoryWork {
  readonly me: Device["me"];
  /** What was written, in the order in which it was: for tests to look at. */
  readonly wrote: { readonly file: string; readonly changes: readonly NewChange[] }[] = [];
  readonly asked: Asking[] = [];
  readonly decided: { readonly field: string; readonly value: Value; readonly reason: string }[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #files: readonly FileSummary[];
  protected kept: readonly Kept[] = [];
  #conflicts: readonly Conflict[];
  #items: readonly Item[];
  #count = 100;
  #alarm: readonly Trouble[] = [];
  offline = false;

  constructor(practice: boolean, side: Device["me"]["side"] = "perpetrator", desk = false) {
    const role = desk ? "coordinator" : side === "victim" ? "link_worker" : "navigator";
    this.me = { id: ME, name: "Sam Pike", device: "Sam’s phone", side, roles: [role], practice };
    const file = (n: number, kind: string, title: string, needsYou: number): FileSummary => ({
      id: uuid(n),
      kind,
      title,
      role: "navigator",
      lastEventMs: NOW - n * 5 * HOUR,
      needsYou,
      members: [...PEOPLE.values()],
      open: true,
    });
    this.#files = [file(1, "case", "J.T. · 0417", 1), file(2, "case", "M.O. · 0422", 0), file(3, "shared_care", "J.T. · 0417 shared care", 0)];
    this.#begin();
    const note = this.kept.find((one) => one.type === "contact_point");
    this.#conflicts = [
      {
        file: uuid(1),
        record: note?.id ?? "",
        type: "contact_point",
        field: "may_leave_message",
        row: undefined,
        cell: undefined,
        kind: "conflict",
        values: [
          { id: "a", value: "yes", by: "Priya Nair", device: "Priya’s phone", atMs: NOW - 30 * HOUR, receivedMs: NOW - 29 * HOUR, seq: 41 },
          { id: "b", value: "no", by: "Sam Pike", device: "Sam’s phone", atMs: NOW - 28 * HOUR, receivedMs: undefined, seq: undefined },
        ],
        base: undefined,
        owner: "Sam Pike",
        mine: true,
        sinceMs: NOW - 28 * HOUR,
        stop: true,
      },
      {
        file: uuid(1),
        record: note?.id ?? "",
        type: "hazard",
        field: "detail",
        row: undefined,
        cell: undefined,
        kind: "conflict",
        values: [
          { id: "a", value: "A dog in the yard, loose after ten. Ring before you open the side gate. Park in the road.", by: "Priya Nair", device: "Priya’s phone", atMs: NOW - 3 * HOUR, receivedMs: NOW - 3 * HOUR, seq: 44 },
          { id: "b", value: "A dog in the yard, loose after eight. Ring before you open the gate. Park in the road, not in the drive.", by: "Sam Pike", device: "Sam’s phone", atMs: NOW - 2 * HOUR, receivedMs: undefined, seq: undefined },
        ],
        base: "A dog in the yard, loose after nine. Ring before you open the gate. Park in the road.",
        owner: "Sam Pike",
        mine: true,
        sinceMs: NOW - 2 * HOUR,
        stop: false,
      },
    ];
    this.#items = [
      { id: "i1", file: uuid(1), record: undefined, title: "Contact, J.T.", sending: "saved", sinceMs: NOW - HOUR, trouble: undefined },
      { id: "i2", file: uuid(2), record: undefined, title: "Note, M.O.", sending: "held", sinceMs: NOW - 50 * HOUR, trouble: new Trouble("held", "Your note is kept aside.", "You were out of the file when it was sent.", "Priya Nair decides about it.", false) },
      { id: "i3", file: uuid(1), record: undefined, title: "Status, J.T.", sending: "needs-you", sinceMs: NOW - 3 * HOUR, trouble: new Trouble("not-permitted", "This could not be sent.", "Only a coordinator may close a case.", "Ask Priya Nair, then discard it.", false) },
    ];
  }

  #begin(): void {
    const plain = (type: string, by: string, hoursAgo: number, values: Readonly<Record<string, Value>>, state: Kept["state"] = "signed"): Kept => {
      const atMs = NOW - hoursAgo * HOUR;
      this.#count += 1;
      const entries = Object.entries(values).filter(([, value]) => !(isList(value) && value.some(isMap)));
      const lists = Object.entries(values).filter(([, value]) => isList(value) && value.some(isMap));
      return {
        id: uuid(this.#count),
        file: uuid(1),
        type,
        by,
        atMs,
        received: true,
        state,
        fields: new Map(entries),
        rows: new Map(lists.map(([name, value]) => [name, (isList(value) ? value.filter(isMap) : []).map((cells, i) => ({ id: `row${i}`, cells }))])),
        history: [
          {
            seq: 10,
            by,
            device: `${by.split(" ")[0] ?? by}’s phone`,
            atMs,
            receivedMs: atMs + 60_000,
            late: false,
            clockUnsure: false,
            signed: state === "signed",
            edits: Object.entries(values).map(([field, value]) => ({ field, cell: undefined, value, act: "set" })),
          },
        ],
      };
    };
    const at = (when: string): Value => ({ at: when, precision: "minute" });
    this.kept = [
      plain("contact", "Sam Pike", 5, { event_at: at("2026-11-23T09:30"), mode: "home_visit", direction: "to_them", with: ["client"], result: "spoke", workers: [ME], minutes: 45 }),
      plain("case_note", "Sam Pike", 4, { event_at: at("2026-11-23T09:30"), body: "He was calm and had thought about the tenancy.\n\nHe asked about the group on Thursdays.", suicide_or_self_harm: "nothing_noted", threat_to_someone: "not_discussed", child_concern: "nothing_noted" }),
      plain("contact_point", "Priya Nair", 60, { kind: "phone", value: "07700 900123", in_use: "current", belongs_to: "self", may_leave_message: "yes" }),
      plain("hazard", "Priya Nair", 300, { kind: "dog", level: "two_workers", detail: "Large dog, loose in the yard.", two_workers: "yes", seen_on: { at: "2026-10", precision: "month" } }),
      plain("legal_order", "Priya Nair", 500, { kind: "non_molestation_order", order_state: "in_force", ends: "2027-03-01", conditions: [{ condition: "no_contact", text: "No contact by any means" }], served_on_him: "yes", do_not_raise: "yes" }),
      plain("own_safety_plan", "Sam Pike", 700, { warning_signs: [{ words: "Pacing, not sleeping", order: 1 }], means_discussed: "yes", where_kept: "With him", copy_given: "yes", review_on: "2026-12-20" }),
    ];
    const task = (what: string, due: string, owner: string): Kept => ({ ...plain("task", "Priya Nair", 400, { what, due, owner, task_state: "open" }), file: uuid(2) });
    this.kept = [
      ...this.kept,
      task("Ring the food bank", "2026-11-20", ME),
      task("Write to the court", "2026-11-23", ME),
      task("Ask about the keys", "2026-11-26", ME),
      task("Book the room", "2026-12-10", ME),
      task("Thank the school", "2026-11-23", "22222222-2222-4222-8222-222222222222"),
      { ...plain("information_request", "Sam Pike", 500, { direction: "we_asked", agency: "Police", due_on: "2026-11-18" }), file: uuid(2) },
    ];
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  protected tell(): void {
    for (const listener of this.#listeners) listener();
  }

  async files(): Promise<readonly FileSummary[]> {
    return this.#files;
  }

  async file(file: string): Promise<FileSummary> {
    const found = this.#files.find((one) => one.id === file);
    if (found === undefined) throw new Trouble("no-such-file", "There is no such file.", "It may have been removed.", "Go back.", false);
    return found;
  }

  #summary(kept: Kept): RecordSummary {
    const type = recordType(kept.type);
    const [line] = [...kept.fields].flatMap(([name, value]) => {
      const field = type?.fields.find((one) => one.name === name);
      return field === undefined || name === "event_at" ? [] : [showValue(field, value, (id) => PEOPLE.get(id))];
    });
    const event = kept.fields.get("event_at");
    return {
      file: kept.file,
      id: kept.id,
      type: kept.type,
      line: line ?? "",
      author: kept.by,
      event: isWhen(event) ? event : undefined,
      recordedMs: kept.atMs,
      receivedMs: kept.received ? kept.atMs + 60_000 : undefined,
      state: kept.state,
      late: kept.type === "hazard",
      clockUnsure: kept.type === "contact_point",
      doNotRaise: kept.fields.get("do_not_raise") === "yes",
      sending: kept.received ? "received" : "saved",
      inConflict: this.#conflicts?.some((one) => one.record === kept.id) ?? false,
    };
  }

  async stateOf(file: string): Promise<string> {
    return `${this.kept.filter((one) => one.file === file).length}`.padStart(16, "0");
  }

  async records(file: string): Promise<readonly RecordSummary[]> {
    return this.kept.filter((one) => one.file === file).map((one) => this.#summary(one)).sort((a, b) => b.recordedMs - a.recordedMs);
  }

  #find(record: string): Kept {
    const found = this.kept.find((one) => one.id === record);
    if (found === undefined) throw new Trouble("no-such-record", "There is no such record.", "It may have been removed.", "Go back.", false);
    return found;
  }

  async record(_file: string, record: string): Promise<RecordView> {
    const kept = this.#find(record);
    const type = recordType(kept.type);
    const before: Before = { values: Object.fromEntries(kept.fields), rows: Object.fromEntries(kept.rows) };
    const rows = [...kept.rows].map(([field, its]) => [field, its.map((row) => row.cells)] as const);
    const frozen = kept.state === "signed" && type?.weight !== "living";
    return {
      ...this.#summary(kept),
      version: 1,
      fields: [...kept.fields, ...rows].map(([field, value]) => {
        const inConflict = this.#conflicts.some((one) => one.record === kept.id && one.field === field);
        return { field, value: inConflict ? undefined : value, inConflict, proposals: 0, removed: undefined };
      }),
      before,
      signatures: kept.state === "signed" ? [{ by: kept.by, atMs: kept.atMs }] : [],
      mine: kept.by === this.me.name,
      may: kept.state === "void" ? [] : frozen ? ["addendum", "void"] : ["edit", "void"],
      lacking: [],
    };
  }

  async history(_file: string, record: string): Promise<readonly HistoryItem[]> {
    return this.#find(record).history;
  }

  async search(words: string): Promise<readonly RecordSummary[]> {
    const all = words.toLowerCase().split(" ");
    return this.kept
      .filter((one) => all.every((word) => JSON.stringify([...one.fields.values()]).toLowerCase().includes(word)))
      .map((one) => this.#summary(one));
  }

  async choices(file: string): Promise<(field: Field) => readonly Choice[]> {
    return (field) => {
      if (field.kind === "user" || field.kind === "users") return [...PEOPLE].map(([id, label]) => ({ id, label }));
      if (field.kind !== "ref" && field.kind !== "refs") return [];
      return this.kept
        .filter((one) => one.file === file && (field.refs.length === 0 || field.refs.includes(one.type)))
        .map((one) => ({ id: one.id, label: `${recordType(one.type)?.title ?? one.type}: ${this.#summary(one).line}` }));
    };
  }

  async names(): Promise<(id: string) => string | undefined> {
    return (id) => PEOPLE.get(id);
  }

  async attach(_file: string, content: File): Promise<Choice> {
    this.#count += 1;
    return { id: uuid(this.#count), label: content.name };
  }

  async takeBack(): Promise<void> {}

  async picture(): Promise<Blob | undefined> {
    return undefined;
  }

  async startWith(_file: string, type: string): Promise<Readonly<Record<string, Value>>> {
    const event_at = { at: "2026-11-23T14:30", precision: "minute" };
    if (type === "task") return { owner: ME, task_state: "open" };
    return type === "contact" ? { event_at, mode: "telephone", direction: "to_them", with: ["client"], workers: [ME] } : { event_at };
  }

  async willTell(_file: string, change: NewChange): Promise<readonly string[]> {
    const result = change.edits.find((edit) => edit.act === "set" && edit.field === "result");
    return change.type === "contact" && result?.value === "spoke" ? ["Partner support will be told: contact made"] : [];
  }

  async write(file: string, changes: readonly NewChange[]): Promise<readonly { readonly record: string }[]> {
    this.wrote.push({ file, changes });
    const written = changes.map((change) => this.#apply(file, change));
    this.tell();
    return written.map((record) => ({ record }));
  }

  #apply(file: string, change: NewChange): string {
    const was = this.kept.find((one) => one.id === change.record);
    this.#count += 1;
    const id = was?.id ?? uuid(this.#count);
    const fields = new Map(was?.fields ?? []);
    const rows = new Map(was?.rows ?? []);
    for (const edit of change.edits) applyEdit(recordType(change.type)?.fields.find((one) => one.name === edit.field), edit, fields, rows);
    const weight = recordType(change.type)?.weight;
    const state = change.act === "sign" || weight === "living" ? "signed" : "draft";
    const item: HistoryItem = {
      seq: undefined,
      by: this.me.name,
      device: this.me.device,
      atMs: NOW,
      receivedMs: undefined,
      late: false,
      clockUnsure: false,
      signed: change.act === "sign",
      edits: change.edits.map((edit) => ({ field: edit.field, cell: edit.act === "cell" ? edit.cell : undefined, value: edit.value, act: edit.act })),
    };
    const kept: Kept = { id, file, type: change.type, by: was?.by ?? this.me.name, atMs: was?.atMs ?? NOW, received: false, state, fields, rows, history: [...(was?.history ?? []), item] };
    this.kept = [...this.kept.filter((one) => one.id !== id), kept];
    return id;
  }

  async addAddendum(_file: string, record: string, text: string, reason: string): Promise<void> {
    const kept = this.#find(record);
    const rows = new Map(kept.rows).set("addenda", [...(kept.rows.get("addenda") ?? []), { id: `a${this.#count}`, cells: { text, reason } }]);
    this.kept = this.kept.map((one) => (one.id === record ? { ...kept, rows } : one));
    this.tell();
  }

  async makeVoid(_file: string, record: string): Promise<void> {
    this.kept = this.kept.map((one) => (one.id === record ? { ...one, state: "void" } : one));
    this.tell();
  }

  async status(): Promise<Awaited<ReturnType<Device["status"]>>> {
    const unsent = this.#items.filter((one) => one.sending === "saved").length;
    return {
      unsent,
      oldestUnsentMs: unsent === 0 ? undefined : NOW - HOUR,
      lastSentMs: NOW - 28 * 60_000,
      lastHeardMs: NOW - 28 * 60_000,
      needsYou: this.#items.filter((one) => one.sending === "needs-you").length,
      held: this.#items.filter((one) => one.sending === "held").length,
      conflicts: this.#conflicts.length,
      syncing: false,
      nudge: false,
      alarms: this.#alarm,
    };
  }

  async items(): Promise<readonly Item[]> {
    return this.#items;
  }

  async retry(item: string): Promise<void> {
    this.#items = this.#items.map((one) => (one.id === item ? { ...one, sending: "sending", trouble: undefined } : one));
    this.tell();
  }

  async discard(item: string): Promise<void> {
    this.#items = this.#items.filter((one) => one.id !== item);
    this.tell();
  }

  async sync(): Promise<void> {
    if (this.offline) throw new Trouble("offline", "Nothing was sent.", "The service cannot be reached.", "It is tried again by itself.", true);
    this.#items = this.#items.filter((one) => one.sending !== "saved");
    this.tell();
  }

  async readAlarm(): Promise<void> {
    this.#alarm = [];
    this.tell();
  }

  async conflicts(): Promise<readonly Conflict[]> {
    return this.#conflicts;
  }

  async decide(conflict: Conflict, { value, reason }: { readonly value: Value; readonly reason: string }): Promise<void> {
    this.decided.push({ field: conflict.field, value, reason });
    this.#conflicts = this.#conflicts.filter((one) => one !== conflict);
    this.tell();
  }

  async funds(): Promise<readonly FundView[]> {
    return [
      {
        file: uuid(9),
        title: "Personalisation fund",
        mayStillSpend: 21_450,
        spent: 3_550,
        disputed: 1_000,
        until: "2026-12-31",
        lines: [
          { spend: "s1", amount: 3_550, counts: 3_550, disputed: 0, by: "Sam Pike", atMs: NOW - 30 * HOUR, item: "Rail ticket", mine: true, noEffect: undefined },
          { spend: "s2", amount: 1_000, counts: 0, disputed: 1_000, by: "Sam Pike", atMs: NOW - 90 * HOUR, item: "Food parcel", mine: true, noEffect: "More than your allowance at that time" },
        ],
      },
    ];
  }

  async spend(file: string, edits: readonly Edit[]): Promise<{ readonly record: string }> {
    const [written] = await this.write(file, [{ type: "spend", record: undefined, edits, act: "sign" }]);
    return written ?? { record: "" };
  }

  async reverse(): Promise<void> {
    this.tell();
  }

  async visit(file: string): Promise<VisitBrief> {
    const records = await this.records(file);
    const known = file === uuid(1);
    return {
      gate: known ? "ring_first" : "hold",
      gateKnown: known,
      inForce: known
        ? [{ record: uuid(50), says: ["Ring before any contact", "Two workers only"], freeText: undefined, from: "2026-11-20", until: "2026-12-10", ringFirst: "Coordinator", acknowledged: false }]
        : [],
      hazards: records.filter((one) => one.type === "hazard"),
      livesWith: known ? ["His brother"] : [],
      orders: records.filter((one) => one.type === "legal_order"),
      plan: known ? { by: "Sam Pike", here: true, record: uuid(60), buddy: "Priya Nair", dueBack: { at: "2026-11-23T16:00", precision: "minute" } } : undefined,
      asOfMs: NOW - 28 * 60_000,
    };
  }

  async visits(): Promise<readonly Visiting[]> {
    const minute = (at: string): When => ({ at: `2026-11-23T${at}`, precision: "minute" });
    const plan = { by: "Sam Pike", here: true, mine: true, iAmBuddy: false, overdue: false, visitors: ["Sam Pike"] };
    return [
      { ...plan, file: uuid(2), record: uuid(61), title: "M.O. · 0422", mine: false, here: false, by: "Jo Baker", iAmBuddy: true, buddy: "Sam Pike", visitors: ["Jo Baker"], start: minute("12:30"), dueBack: minute("13:30"), overdue: true },
      { ...plan, file: uuid(1), record: uuid(60), title: "J.T. · 0417", buddy: "Priya Nair", start: minute("15:00"), dueBack: minute("16:00") },
    ];
  }

  #due(ahead: number, everybodys: boolean): ReturnType<typeof due> {
    const said = this.#standing().map(({ id, file, type, by, fields, rows }): Said => {
      const lists = [...rows].map(([name, its]) => [name, toJson(its.map(({ cells }) => cells))] as const);
      const values = new Map([...[...fields].map(([name, value]) => [name, toJson(value)] as const), ...lists]);
      return { file: decodeUuid(file), record: decodeUuid(id), type, author: [...PEOPLE].find(([, name]) => name === by)?.[0] ?? "", values };
    });
    const today = Math.floor(local(NOW) / DAY_MS) * DAY_MS;
    return due(said, { leads: new Map(), today, ahead, whose: everybodys ? "" : ME });
  }

  #standing(): readonly Kept[] {
    return this.kept.filter(({ state }) => state !== "void");
  }

  async dueCount(): Promise<DueCount> {
    const found = this.#due(0, false);
    return { overdue: found.filter(({ days }) => days < 0).length, today: found.filter(({ days }) => days === 0).length };
  }

  async due(everybodys: boolean): Promise<readonly DueItem[]> {
    return this.#due(31, everybodys).map((one) => {
      const kept = this.#find(encodeUuid(one.record));
      const state = kept.fields.get("task_state");
      const stands = requestStands(new Map([...kept.fields].map(([name, value]) => [name, toJson(value)])), Math.floor(local(NOW) / DAY_MS) * DAY_MS);
      return {
        file: kept.file, record: kept.id, title: this.#files.find(({ id }) => id === kept.file)?.title ?? "", rule: one.rule, what: one.what, day: dateOf(one.day),
        days: one.days, group: groupOf(one), mine: one.owner === ME, owner: PEOPLE.get(one.owner) ?? "", doNotRaise: kept.fields.get("do_not_raise") === "yes",
        task: kept.type === "task" && typeof state === "string" ? state : undefined,
        request: kept.type === "information_request" ? { ...stands, on: stands.on === null ? undefined : dateOf(stands.on) } : undefined,
      };
    });
  }

  async orders(): Promise<readonly OrderRuns[]> {
    return this.#standing().filter(({ type }) => type === "legal_order").map(({ id, file, fields }) => {
      const clock = orderClock(new Map([...fields].map(([name, value]) => [name, toJson(value)])), local(NOW), false);
      return {
        file, record: id, title: this.#files.find((one) => one.id === file)?.title ?? "", state: clock.state, unsure: clock.unsure,
        kind: terms("order_kind").find(({ code }) => code === fields.get("kind"))?.label ?? "Order", hoursLeft: hoursLeft(clock, local(NOW)) ?? undefined,
        earliest: clock.ends === undefined ? undefined : minuteOf(clock.ends.earliest), latest: clock.ends === undefined ? undefined : minuteOf(clock.ends.latest),
        doNotRaise: fields.get("do_not_raise") === "yes",
      };
    });
  }
}

function applyEdit(field: Field | undefined, edit: Edit, fields: Map<string, Value>, rows: Map<string, readonly Row[]>): void {
  const list = field?.kind === "list";
  const values = fields.get(edit.field);
  const members = isList(values) ? values : [];
  const there = rows.get(edit.field) ?? [];
  if (edit.act === "set") fields.set(edit.field, edit.value);
  else if (edit.act === "add" && list) rows.set(edit.field, [...there, { id: `row${there.length}`, cells: isMap(edit.value) ? edit.value : {} }]);
  else if (edit.act === "add") fields.set(edit.field, [...members, edit.value]);
  else if (edit.act === "remove") fields.set(edit.field, members.filter((one) => one !== edit.value));
  else rows.set(edit.field, there.map((row) => (row.id === edit.row ? { ...row, cells: { ...row.cells, [edit.cell]: edit.value } } : row)));
}
