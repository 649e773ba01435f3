/** The device behind the screens: what they ask, answered from this phone; what they write, kept on it before the promise is. */
import { equal, hex } from "@fieldkeep/core/bytes";
import type { Json } from "@fieldkeep/core/change";
import { Refused } from "@fieldkeep/core/errors";
import type { Folded } from "@fieldkeep/core/fold/fold";
import type { FoldedRecord } from "@fieldkeep/core/fold/model";
import { stateHash } from "@fieldkeep/core/fold/state_hash";
import { release, takeBack } from "@fieldkeep/device/attachments";
import { agree, type AskedWords, withdraw, wordsAsked } from "@fieldkeep/device/agreeing";
import { tendBoxes, type Vault, whoCanHelp } from "@fieldkeep/device/boxes";
import { admit, type Held as DeviceHeld, heldOf, letBegin, refuseHeld } from "@fieldkeep/device/held";
import { answer, answerWithShares, challenge, judge, requestIn } from "@fieldkeep/device/helping";
import { type How, looked, type Shown } from "@fieldkeep/device/reading";
import { suspend } from "@fieldkeep/device/lost_phones";
import type { Edit as DeviceEdit } from "@fieldkeep/device/ops";
import type { Transaction } from "@fieldkeep/device/rows";
import { drill, regrant } from "@fieldkeep/device/recovery";
import * as referring from "@fieldkeep/device/referrals";
import { ROLES } from "@fieldkeep/core/roles";
import type { Session } from "@fieldkeep/device/session";
import { sync } from "@fieldkeep/device/sync";
import { acknowledgeAlert, type Alert, raiseAlert, recordCall, standDown } from "@fieldkeep/device/urgent";
import { ownFund, reverse, spendIn } from "@fieldkeep/device/spending";
import type { Transport } from "@fieldkeep/device/transport";
import * as writing from "@fieldkeep/device/writing";
import type { Size } from "../../components/picture";
import type { Oversight } from "../../console/oversight";
import { auditedSide } from "../../console/side";
import type { Choice } from "../../forms/context";
import type { Field } from "../../forms/schema";
import type { Value } from "../../forms/values";
import type { Edit } from "../../forms/edits";
import { StoreRefusal } from "../../store/refusal";
import type {
  Across, Asking, AskingWords, CallMade, Colleague, Conflict, Decision, Declining, Device, DeviceView, FileSummary, FundView, Handover, Held, HeldRefusal, HelpAsked, HistoryItem, Item, LostAnswers, Me, NewChange, OnDevice, Opened, Pack, PartLine, Query, RecordSummary, RecordView, RecoveryView, Referral,
  Status, UrgentAlert, UrgentNumber, VisitBrief, Visiting, WordsAsked, Written,
} from "../facade";
import { acrossOf, ask, askWords, wordsWaiting } from "./across";
import { alertIn, openAlerts } from "./alerts";
import { choicesIn, startsWith } from "./choices";
import { idBytes, idText, toEdit, toJson } from "./convert";
import { allConflicts, fieldOf } from "./deciding";
import { fileSummary, historyOf, inOrder, recordSummary, recordView } from "./lists";
import { heldName, heldView } from "./holding";
import { devices, findSpend, fundView, handovers, onDevice, putOnRecord } from "./others";
import { nameOf, wordsIn } from "./people";
import { bodyOf, colleagues, packs, partLines, referrals } from "./referring";
import { bringBack, keysOf, openedView, recoveryView } from "./recovering";
import { remembered } from "./remember";
import { items, status } from "./sending";
import { toldOf } from "./telling";
import { attachPicture, PICTURE_WORDS, pictureOf } from "./pictures";
import { inWords } from "./trouble";
import { liaisonOf, readRow, urgentNumbers, visitBrief, when } from "./visit";
import { visitsOf } from "./visiting";

const MOST_FOUND = 200;
const stateOf = remembered((folded: Folded): string => hex(stateHash(folded)).slice(0, 16));

export class LiveDevice implements Device {
  readonly me: Me;
  readonly oversight: Oversight | undefined;
  readonly #session: Session;
  readonly #transport: Transport;
  readonly #vault: Vault;
  readonly #listeners = new Set<() => void>();
  readonly #words = new Map<string, { readonly of: object; readonly words: string }>();
  readonly #held = new Map<string, readonly DeviceHeld[]>();
  #syncing: Promise<void> | undefined;

  constructor(session: Session, transport: Transport, vault: Vault, oversight: Oversight | undefined) {
    [this.#session, this.#transport, this.#vault] = [session, transport, vault];
    this.oversight = oversight;
    const { user, name, device, side, roles } = session.identity;
    this.me = { id: idText(user), name, device: idText(device), side: side === "victim" ? "victim" : "perpetrator", roles, practice: false };
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  async #doing<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await inWords(work);
    } finally {
      this.#tell();
    }
  }

  // --- files and records -------------------------------------------------------------------------------------------------

  files(): Promise<readonly FileSummary[]> {
    const all = this.#session.ownFiles.map((open) => fileSummary(this.#session, open));
    return Promise.resolve([...all].sort((a, b) => (b.lastEventMs ?? 0) - (a.lastEventMs ?? 0)));
  }

  file(file: string): Promise<FileSummary> {
    return inWords(async () => fileSummary(this.#session, this.#session.file(idBytes(file))));
  }

  stateOf(file: string): Promise<string> {
    return inWords(async () => stateOf(this.#session.file(idBytes(file)).folded));
  }

  records(file: string, query: Query = {}): Promise<readonly RecordSummary[]> {
    return inWords(async () => {
      const log = idBytes(file);
      const words = wordsOf(query.words ?? "");
      const wanted = inOrder(this.#session, log).filter(
        (record) => (query.types === undefined || query.types.includes(record.type)) && this.#says(record, words),
      );
      const some = wanted.slice(0, query.limit ?? wanted.length);
      await this.#looked(log, some.length < wanted.length || words.length > 0 ? byRecord(some) : byType(some), words.length > 0 ? "searched" : "opened");
      return some.map((record) => recordSummary(this.#session, log, record));
    });
  }

  record(file: string, record: string): Promise<RecordView> {
    return inWords(async () => {
      const log = idBytes(file);
      const found = writing.recordIn(this.#session, log, idBytes(record));
      await this.#looked(log, byRecord([found]));
      return recordView(this.#session, log, found);
    });
  }

  history(file: string, record: string): Promise<readonly HistoryItem[]> {
    return inWords(async () => {
      const log = idBytes(file);
      const found = writing.recordIn(this.#session, log, idBytes(record));
      await this.#looked(log, byRecord([found]));
      return historyOf(this.#session, log, found);
    });
  }

  search(words: string): Promise<readonly RecordSummary[]> {
    const wanted = wordsOf(words);
    if (wanted.length === 0) return Promise.resolve([]);
    return inWords(async () => {
      const found: RecordSummary[] = [];
      for (const { log } of this.#session.ownFiles) {
        const there = inOrder(this.#session, log).filter((record) => this.#says(record, wanted)).slice(0, MOST_FOUND - found.length);
        if (there.length === 0) continue;
        await this.#looked(log, byRecord(there), "searched");
        found.push(...there.map((record) => recordSummary(this.#session, log, record)));
      }
      return found;
    });
  }

  /** Before anything is shown. On a full phone it is not remembered, and what was asked for is shown all the same. */
  async #looked(log: Uint8Array, shown: readonly Shown[], how: How = "opened"): Promise<void> {
    try {
      await looked(this.#session, log, shown, how);
    } catch (error) {
      if (!(error instanceof StoreRefusal && error.why === "full")) throw error;
    }
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
    return inWords(async () => choicesIn(this.#session, idBytes(file), type));
  }

  names(file: string): Promise<(id: string) => string | undefined> {
    return inWords(async () => nameOf(this.#session, idBytes(file)));
  }

  startWith(file: string, type: string): Promise<Readonly<Record<string, Value>>> {
    return inWords(async () => startsWith(this.#session, idBytes(file), type));
  }

  // --- writing -----------------------------------------------------------------------------------------------------------

  write(file: string, changes: readonly NewChange[]): Promise<readonly Written[]> {
    const session = this.#session;
    const log = idBytes(file);
    const [first] = changes;
    if (first?.type === "urgent_alert" && first.record === undefined && changes.length === 1) return this.#doing(() => this.#raise(log, first));
    return this.#doing(() =>
      session.change(async (transaction) => {
        const written: Written[] = [];
        for (const change of changes) written.push({ record: idText(this.#writeOne(transaction, log, change, written)) });
        return written;
      }),
    );
  }

  /** One change of several; `before` are those that this write has made already. */
  #writeOne(transaction: Transaction, log: Uint8Array, { type, record, edits, act, refers = {} }: NewChange, before: readonly Written[]): Uint8Array {
    const session = this.#session;
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
    const record = await raiseAlert(this.#session, log, values);
    void this.sync().catch(() => undefined); // it waits, and goes first
    return [{ record: idText(record) }];
  }

  addAddendum(file: string, record: string, text: string, reason: string): Promise<void> {
    return this.#doing(() => writing.addend(this.#session, idBytes(file), idBytes(record), text, reason));
  }

  makeVoid(file: string, record: string, reason: string): Promise<void> {
    return this.#doing(() => writing.makeVoid(this.#session, idBytes(file), idBytes(record), reason));
  }

  // --- sending -----------------------------------------------------------------------------------------------------------

  status(): Promise<Status> {
    return Promise.resolve(status(this.#session, this.#syncing !== undefined));
  }

  items(): Promise<readonly Item[]> {
    return Promise.resolve(items(this.#session));
  }

  retry(_item: string): Promise<void> {
    return this.sync();
  }

  discard(item: string, reason: string): Promise<void> {
    const [file = "", c = ""] = item.split(" ");
    return this.#doing(async () => {
      if (reason.trim() === "") throw new Refused("bad-value", "say in a few words why it is thrown away");
      const open = this.#session.files.get(file);
      const change = open?.pending.find((one) => one.change.c === Number(c));
      if (open === undefined || change === undefined) throw new Refused("not-found", "it is not on this phone any more");
      await writing.discard(this.#session, open.log, change.change.r, reason);
    });
  }

  /** One at a time; whoever asks while one is under way waits for that one. */
  sync(): Promise<void> {
    this.#syncing ??= this.#sync().finally(() => {
      this.#syncing = undefined;
      this.#tell();
    });
    this.#tell();
    return this.#syncing;
  }

  async #sync(): Promise<void> {
    try {
      await inWords(async () => {
        await sync(this.#session, this.#transport, () => this.#tell());
        await this.#fetchHeld();
        await tendBoxes(this.#session, this.#vault);
      });
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "offline") return;
      throw error;
    }
  }

  readAlarm(code: string): Promise<void> {
    return this.#doing(async () => {
      const alarm = this.#session.alarms.get(Number(code));
      if (alarm !== undefined) await this.#session.change(async (transaction) => this.#session.putAlarm(transaction, { ...alarm, seen: true }));
    });
  }

  // --- deciding ----------------------------------------------------------------------------------------------------------

  conflicts(): Promise<readonly Conflict[]> {
    return inWords(async () => {
      const found = allConflicts(this.#session);
      for (const file of new Set(found.map((one) => one.file)))
        await this.#looked(idBytes(file), found.filter((one) => one.file === file).map(({ record }) => ({ record: idBytes(record) })));
      return found;
    });
  }

  decide(conflict: Conflict, { value, reason }: Decision): Promise<void> {
    const [log, record, chosen] = [idBytes(conflict.file), idBytes(conflict.record), toJson(value)];
    return this.#doing(async () => {
      if (conflict.kind === "conflict") return writing.resolve(this.#session, log, record, fieldOf(conflict), chosen, reason);
      return this.#weigh(conflict, log, record, chosen, reason);
    });
  }

  /** Of a proposal: the author signs that it was read; what they take from it goes in as an addendum, for what is signed stays. */
  async #weigh(conflict: Conflict, log: Uint8Array, record: Uint8Array, chosen: Json, reason: string): Promise<void> {
    const [own] = conflict.values;
    const taken = own === undefined || !equal(new TextEncoder().encode(JSON.stringify(own.value)), new TextEncoder().encode(JSON.stringify(chosen)));
    if (taken) await writing.addend(this.#session, log, record, typeof chosen === "string" ? chosen : JSON.stringify(chosen), reason);
    await writing.sign(this.#session, log, record);
  }

  // --- money -------------------------------------------------------------------------------------------------------------

  funds(): Promise<readonly FundView[]> {
    const funds = this.#session.ownFiles.filter(({ reading }) => reading.file.kind === "fund");
    return inWords(async () => {
      for (const { log } of funds) await this.#looked(log, [{ kind: "fund_line" }]);
      return funds.map((open) => fundView(this.#session, open));
    });
  }

  spend(file: string, edits: readonly Edit[]): Promise<Written> {
    const [session, log] = [this.#session, idBytes(file)];
    return this.#doing(() => session.change(async (transaction) => ({ record: idText(this.#writeOne(transaction, log, { type: "spend", record: undefined, edits, act: "save" }, [])) })));
  }

  reverse(fund: string, spend: string, pence: number, why: string): Promise<void> {
    return this.#doing(async () => {
      const found = findSpend(this.#session, spend);
      if (found === undefined) throw new Refused("not-found", "the record of that spend is not on this phone");
      await reverse(this.#session, found.log, idBytes(fund), found.record, pence, why);
    });
  }

  // --- visits, danger ----------------------------------------------------------------------------------------------------

  visit(file: string): Promise<VisitBrief> {
    return inWords(async () => {
      const log = idBytes(file);
      const liaison = liaisonOf(this.#session, log);
      await this.#looked(log, BEFORE_A_VISIT);
      if (liaison !== undefined) await this.#looked(liaison, [{ kind: "instruction" }]);
      return visitBrief(this.#session, log);
    });
  }

  visits(): Promise<readonly Visiting[]> {
    return this.#read(visitsOf(this.#session));
  }

  across(file: string): Promise<Across> {
    return inWords(async () => acrossOf(this.#session, idBytes(file)));
  }

  instruct(file: string, asking: Asking): Promise<string> {
    return this.#doing(() => ask(this.#session, idBytes(file), asking));
  }

  askWords(file: string, asking: AskingWords): Promise<string> {
    return this.#doing(() => askWords(this.#session, idBytes(file), asking));
  }

  wordsWaiting(): Promise<readonly WordsAsked[]> {
    return this.#read(wordsWaiting(this.#session));
  }

  agreeTo(file: string, record: string): Promise<void> {
    return this.#inWordsAsked(file, record, async (one) => void (await agree(this.#session, one)));
  }

  withdrawWords(file: string, record: string, why: string): Promise<void> {
    return this.#inWordsAsked(file, record, (one) => withdraw(this.#session, one, why));
  }

  /** It goes with the sync that is asked for at once: what was taken back must not be sent elsewhere meanwhile. */
  #inWordsAsked(file: string, record: string, act: (one: AskedWords) => Promise<void>): Promise<void> {
    return this.#doing(async () => {
      const one = wordsAsked(this.#session, idBytes(file)).find((other) => idText(other.record) === record);
      if (one === undefined) throw new Refused("not-found", "that request is not on this phone any more");
      await act(one);
      void this.sync().catch(() => undefined);
    });
  }

  // --- referrals ---------------------------------------------------------------------------------------------------------

  packs(): Promise<readonly Pack[]> {
    return this.#read(packs(this.#session));
  }

  matchPack(file: string, record: string): Promise<void> {
    return this.#doing(async () => void (await referring.match(this.#session, idBytes(file), idBytes(record))));
  }

  packIncomplete(file: string, record: string, missing: readonly string[], due: string): Promise<void> {
    return this.#doing(async () => void (await referring.sayIncomplete(this.#session, idBytes(file), idBytes(record), missing, due)));
  }

  partOf(file: string, record: string, values: Readonly<Record<string, Value>>): Promise<readonly PartLine[]> {
    return inWords(async () => {
      const pack = referring.packsIn(this.#session).find((one) => idText(one.log) === file && idText(one.record.id) === record);
      if (pack === undefined) throw new Refused("not-found", "that referral is not on this phone");
      return partLines(this.#session, pack, values);
    });
  }

  split(file: string, record: string, values: Readonly<Record<string, Value>>, kept: readonly string[]): Promise<void> {
    return this.#doing(async () => void (await referring.split(this.#session, idBytes(file), idBytes(record), bodyOf(values), kept)));
  }

  referrals(): Promise<readonly Referral[]> {
    return this.#read(referrals(this.#session));
  }

  colleagues(): Promise<readonly Colleague[]> {
    return Promise.resolve(colleagues(this.#session));
  }

  beginFrom(file: string, record: string, members: readonly Colleague[]): Promise<string> {
    const named = members.flatMap(({ id, role: word }) => {
      const role = ROLES.find((one) => one === word);
      return role === undefined ? [] : [{ user: idBytes(id), role }];
    });
    return this.#doing(async () => idText(await referring.beginFrom(this.#session, idBytes(file), idBytes(record), named)));
  }

  declineReferral(file: string, record: string, declining: Declining): Promise<void> {
    return this.#doing(async () => void (await referring.decline(this.#session, idBytes(file), idBytes(record), declining)));
  }

  /** Records that are about to be shown, each by itself. */
  #read<T extends { readonly file: string; readonly record: string }>(found: readonly T[]): Promise<readonly T[]> {
    return inWords(async () => {
      for (const { file, record } of found) await this.#looked(idBytes(file), [{ record: idBytes(record) }]);
      return found;
    });
  }

  acknowledge(file: string, instruction: string, _how: string): Promise<void> {
    return this.#doing(async () => {
      const liaison = liaisonOf(this.#session, idBytes(file));
      if (liaison === undefined) throw new Refused("not-found", "words from partner support are not on this phone");
      await writing.edit(this.#session, liaison, idBytes(instruction), [{ act: "add", field: "read_by", value: toJson(readRow(this.#session)) }]);
    });
  }

  willTell(file: string, change: NewChange): Promise<readonly string[]> {
    return inWords(async () => toldOf(this.#session, idBytes(file), change));
  }

  urgentNumbers(): Promise<readonly UrgentNumber[]> {
    return Promise.resolve(urgentNumbers(this.#session));
  }

  urgent(): Promise<readonly UrgentAlert[]> {
    return this.#read(openAlerts(this.#session));
  }

  acknowledgeAlert(file: string, record: string, how: string): Promise<void> {
    return this.#inAlert(file, record, (alert) => acknowledgeAlert(this.#session, alert, how));
  }

  standDown(file: string, record: string, why: string): Promise<void> {
    return this.#inAlert(file, record, (alert) => standDown(this.#session, alert, why));
  }

  recordCall(file: string, record: string, { call, spokeTo, readBack }: CallMade): Promise<void> {
    const said = new Map<string, Json>([["call", call]]);
    if (spokeTo.trim() !== "") said.set("spoke_to", spokeTo.trim());
    if (readBack) said.set("read_back", "yes");
    return this.#inAlert(file, record, (alert) => recordCall(this.#session, alert, said));
  }

  #inAlert(file: string, record: string, act: (alert: Alert) => Promise<void>): Promise<void> {
    return this.#doing(async () => {
      const alert = alertIn(this.#session, file, record);
      if (alert === undefined) throw new Refused("not-found", "that alert is not on this phone any more");
      await act(alert);
      void this.sync().catch(() => undefined);
    });
  }

  attach(file: string, content: File, kind: "photo" | "receipt"): Promise<Choice> {
    return this.#doing(async () => ({ id: idText(await attachPicture(this.#session, idBytes(file), content, kind)), label: PICTURE_WORDS[kind] }));
  }

  takeBack(file: string, record: string): Promise<void> {
    return this.#doing(() => takeBack(this.#session, idBytes(file), idBytes(record)));
  }

  picture(file: string, record: string, size: Size): Promise<Blob | undefined> {
    return inWords(() => pictureOf(this.#session, this.#transport, idBytes(file), idBytes(record), size));
  }

  // --- colleagues --------------------------------------------------------------------------------------------------------

  whoCanHelp(): Promise<readonly string[]> {
    return Promise.resolve(whoCanHelp(this.#session, this.#vault));
  }

  /** The server is asked for news first: who was kept out an hour ago may be the one who asks. */
  askedToHelp(request: string, withShares = false): Promise<HelpAsked> {
    return this.#doing(async () => {
      const bytes = requestIn(request);
      await sync(this.#session, this.#transport, () => this.#tell());
      const { device: { name, label, roles }, warnings } = judge(this.#session, bytes, withShares);
      return { name, label, roles, warnings, readOut: await challenge(this.#session, bytes) };
    });
  }

  help(request: string, readBack: string, shares?: readonly string[]): Promise<string> {
    return this.#doing(async () => {
      const bytes = requestIn(request);
      if (shares === undefined) return answer(this.#session, bytes, readBack);
      return answerWithShares(this.#session, bytes, readBack, await keysOf(shares)); // a share that is wrong uses up no digits
    });
  }

  recovery(): Promise<RecoveryView> {
    return Promise.resolve(recoveryView(this.#session));
  }

  drill(shares: readonly string[]): Promise<readonly Opened[]> {
    return this.#doing(async () => {
      const tried = await drill(this.#session, await keysOf(shares));
      void this.sync().catch(() => undefined);
      return tried.map((one) => openedView(this.#session, one));
    });
  }

  /** News first: what somebody holds by now is not brought back. */
  bringBack(shares: readonly string[]): Promise<readonly Opened[]> {
    return this.#doing(async () => {
      const keys = await keysOf(shares);
      await sync(this.#session, this.#transport, () => this.#tell());
      return bringBack(this.#session, keys, async () => void (await sync(this.#session, this.#transport, () => this.#tell())));
    });
  }

  regrant(file: string): Promise<void> {
    return this.#doing(() => regrant(this.#session, idBytes(file)));
  }

  devices(): Promise<readonly DeviceView[]> {
    return Promise.resolve(devices(this.#session));
  }

  onDevice(device: string): Promise<OnDevice> {
    return inWords(async () => onDevice(this.#session, idBytes(device)));
  }

  handovers(): Promise<readonly Handover[]> {
    return this.#read(handovers(this.#session));
  }

  acceptHandover(file: string, record: string): Promise<void> {
    const row = toJson({ by: this.me.id, at: when(this.#session.now()) });
    return this.#doing(() => writing.edit(this.#session, idBytes(file), idBytes(record), [{ act: "add", field: "accepted", value: row }]));
  }

  /** Kept out at the next sync, which is asked for at once. What was said goes on the desk's record, or stays on this phone for who reports it. */
  suspend(device: string, answers: LostAnswers): Promise<void> {
    return this.#doing(async () => {
      await suspend(this.#session, idBytes(device), answers.how);
      await putOnRecord(this.#session, device, answers);
      await this.sync();
    });
  }

  // --- held work ---------------------------------------------------------------------------------------------------------

  held(file: string): Promise<readonly Held[]> {
    return Promise.resolve((this.#held.get(file) ?? []).map((one) => heldView(this.#session, file, one)));
  }

  admit(file: string, held: string): Promise<void> {
    return this.#decideHeld(file, held, (one) => (one.begins === null ? admit(this.#session, one) : letBegin(this.#session, this.#transport, one)));
  }

  refuse(file: string, held: string, reason: HeldRefusal): Promise<void> {
    return this.#decideHeld(file, held, (one) => refuseHeld(this.#session, one, reason));
  }

  #decideHeld(file: string, held: string, decide: (one: DeviceHeld) => Promise<void>): Promise<void> {
    return this.#doing(async () => {
      const one = this.#held.get(file)?.find(({ entry }) => heldName(entry.id) === held);
      if (one === undefined) throw new Refused("not-found", "it was decided meanwhile");
      await decide(one);
      this.#held.set(file, (this.#held.get(file) ?? []).filter((other) => other !== one));
      await this.sync();
    });
  }

  /** What waits for this person's decision, fetched with the sync: so it can be read without a signal. */
  async #fetchHeld(): Promise<void> {
    const waiting = new Map(this.#session.state.held.map(({ log }) => [idText(log), log] as const));
    for (const file of [...this.#held.keys()]) if (!waiting.has(file)) this.#held.delete(file);
    for (const [file, log] of waiting) this.#held.set(file, await heldOf(this.#session, this.#transport, log));
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
