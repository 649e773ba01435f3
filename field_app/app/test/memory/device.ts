/**
 * A device that keeps everything in memory: for tests of screens alone, never shipped. Its people are made up.
 *
 * It has no keys, no log and no service. It takes what is written, and answers as a device would.
 */
import {
  type Across,
  type Asking,
  type AskingWords,
  type CallMade,
  type Colleague,
  type Declining,
  type Device,
  type Handover,
  type Held,
  type HelpAsked,
  type Opened,
  type Pack,
  type PartLine,
  type RecoveryView,
  type Referral,
  Trouble,
  type UrgentAlert,
  type WordsAsked,
} from "../../src/device/facade";
import { type Value } from "../../src/forms/values";
import { HOUR, ME, MemoryWork, NOW, PEOPLE, uuid } from "./work";

export class MemoryDevice extends MemoryWork implements Device {
  #held: readonly Held[] = [
    { file: uuid(2), id: "h1", by: "Jo Baker", device: "Jo’s old phone", heldMs: NOW - 20 * HOUR, records: [{ type: "case_note", line: "Met at the library." }] },
  ];

  async across(): Promise<Across> {
    const ends = ["2026-11-29", "2026-12-06", "2026-12-13", "2026-12-20", "2026-12-27", "2027-01-03"].map((until, index) => ({ weeks: index + 1, until, refused: index === 1 }));
    return {
      cases: [
        { id: uuid(71), label: "Jack (0000)" },
        { id: uuid(72), label: "Case 4f1a" },
      ],
      ends,
      words: this.#words.filter(({ state }) => state === "open" || state === "agreed"),
      asked: this.asked.map((one, index) => ({ record: uuid(80 + index), says: one.gate === undefined ? one.say : [one.gate], until: ends[one.weeks - 1]?.until ?? "", sent: false })),
    };
  }

  async instruct(_file: string, asking: Asking): Promise<string> {
    this.asked.push(asking);
    this.tell();
    return "2026-11-29";
  }

  #words: readonly WordsAsked[] = [];
  /** What was done about words and referrals: for tests to look at. */
  readonly done: unknown[] = [];

  /** A colleague asks for these. */
  asks(text: string): void {
    this.#words = [...this.#words, this.#asked("Priya Nair", text, ["Police"])];
    this.tell();
  }

  #asked(by: string, text: string, basedOn: readonly string[]): WordsAsked {
    const at = { file: uuid(2), record: uuid(950 + this.#words.length), title: "M.O. · 0422", to: "Jack (0000)", by, mine: by === "Sam Pike", text };
    const days = { from: "2026-11-23", until: "2026-12-06", ringFirst: "Duty desk" };
    return { ...at, ...days, says: ["No home visits"], why: "He was seen near her work.", basedOn, herView: "She agreed", state: "open", endsMs: NOW + 7 * 24 * HOUR };
  }

  async askWords(_file: string, asking: AskingWords): Promise<string> {
    this.done.push(["ask", asking]);
    this.#words = [...this.#words, this.#asked("Sam Pike", asking.text, asking.basedOn)];
    this.tell();
    return "2026-12-06";
  }

  async wordsWaiting(): Promise<readonly WordsAsked[]> {
    return this.#words.filter(({ mine, state }) => !mine && state === "open");
  }

  #decideWords(record: string, state: WordsAsked["state"]): void {
    this.done.push([state, record]);
    this.#words = this.#words.map((one) => (one.record === record ? { ...one, state } : one));
    this.tell();
  }

  async agreeTo(_file: string, record: string): Promise<void> {
    this.#decideWords(record, "agreed");
  }

  async withdrawWords(_file: string, record: string): Promise<void> {
    this.#decideWords(record, "withdrawn");
  }

  #packs: readonly Pack[] = [
    {
      file: uuid(2), record: uuid(970), who: "Jack Ames", receivedOn: "2026-11-20", source: "MATAC", harmed: 1, state: "to look at", missing: [], matches: [], given: [],
      items: [{ id: "person_using_abuse: history", label: "Person who uses abuse: history" }, { id: "words", label: "In their words" }], startWith: { names: "Jack Ames" },
    },
  ];

  async packs(): Promise<readonly Pack[]> {
    return this.#packs;
  }

  #change(record: string, more: Partial<Pack>): void {
    this.#packs = this.#packs.map((one) => (one.record === record ? { ...one, ...more } : one));
    this.tell();
  }

  async matchPack(_file: string, record: string): Promise<void> {
    this.#change(record, { matches: [{ label: "A couple", found: true, note: "6f1c2d3e" }, { label: "Both roles", found: false, note: undefined }] });
  }

  async packIncomplete(_file: string, record: string, missing: readonly string[], due: string): Promise<void> {
    this.done.push(["incomplete", missing, due]);
    this.#change(record, { state: "incomplete", missing });
  }

  async partOf(_file: string, _record: string, values: Readonly<Record<string, Value>>): Promise<readonly PartLine[]> {
    if (JSON.stringify(values).includes("Cheryl Marr")) throw new Trouble("not-permitted", "That is not for you to do.", "It repeats what is known of somebody who is harmed.", "Take it out.", false);
    return Object.entries(values).map(([label, value]) => ({ label, value: typeof value === "string" ? value : JSON.stringify(value) }));
  }

  async split(_file: string, record: string, values: Readonly<Record<string, Value>>, kept: readonly string[]): Promise<void> {
    this.done.push(["split", values, kept]);
    this.#change(record, { state: "given", given: Object.keys(values) });
  }

  #referrals: readonly Referral[] = ["Jack", "Dan"].map((who, index) => ({
    file: uuid(2), record: uuid(980 + index), who, receivedOn: "2026-11-20", lines: [{ label: "Source", value: "MATAC" }, { label: "People whom he knows", value: "Cheryl, partner, lives together" }],
  }));

  async referrals(): Promise<readonly Referral[]> {
    return this.#referrals;
  }

  async colleagues(): Promise<readonly Colleague[]> {
    return [...PEOPLE].filter(([id]) => id !== ME).map(([id, name]) => ({ id, name, role: "navigator" }));
  }

  async beginFrom(_file: string, record: string, members: readonly Colleague[]): Promise<string> {
    this.done.push(["begin", members.map(({ name }) => name)]);
    this.#referrals = this.#referrals.filter((one) => one.record !== record);
    this.tell();
    return uuid(1);
  }

  async declineReferral(_file: string, record: string, declining: Declining): Promise<void> {
    this.done.push(["decline", declining]);
    this.#referrals = this.#referrals.filter((one) => one.record !== record);
    this.tell();
  }

  async acknowledge(): Promise<void> {
    this.tell();
  }

  async urgentNumbers(): Promise<readonly { readonly label: string; readonly number: string }[]> {
    return [
      { label: "Duty desk", number: "01632 960101" },
      { label: "Coordinator, Priya Nair", number: "01632 960102" },
    ];
  }

  readonly #alerts: UrgentAlert[] = [
    {
      file: uuid(1), record: uuid(901), title: "J.T. · 0417", what: "Says he will go to her", atRisk: ["Partner"], words: "Rang from the bus.", by: "Sam Pike", mine: true,
      sinceMs: NOW - 12 * 60_000, acknowledged: [], calls: [{ to: "999", spokeTo: "control room", atMs: NOW - 11 * 60_000 }], unanswered: true,
      next: { label: "Duty desk", number: "01632 960101", call: "duty_desk" },
    },
    {
      file: uuid(2), record: uuid(902), title: "M.O. · 0422", what: "Weapon", atRisk: ["Partner", "A child"], words: undefined, by: "Jo Baker", mine: false, sinceMs: NOW - 4 * 60_000,
      acknowledged: [{ by: "Priya Nair", says: "Acting on it", atMs: NOW - 2 * 60_000 }], calls: [], unanswered: false, next: { label: "Police, fire or ambulance", number: "999", call: "emergency_999" },
    },
  ];
  /** What was done about alerts: for tests to look at. */
  readonly alerted: (readonly [string, string, string])[] = [];

  async urgent(): Promise<readonly UrgentAlert[]> {
    return this.alertsOn ? [...this.#alerts] : [];
  }

  alertsOn = false;

  async acknowledgeAlert(_file: string, record: string, how: string): Promise<void> {
    this.alerted.push(["acknowledge", record, how]);
    const at = this.#alerts.findIndex((one) => one.record === record);
    const one = this.#alerts[at];
    if (one !== undefined) this.#alerts[at] = { ...one, unanswered: false, acknowledged: [...one.acknowledged, { by: "Sam Pike", says: how, atMs: NOW }] };
    this.tell();
  }

  async standDown(_file: string, record: string, why: string): Promise<void> {
    this.alerted.push(["stand down", record, why]);
    this.#alerts.splice(this.#alerts.findIndex((one) => one.record === record), 1);
    this.tell();
  }

  async recordCall(_file: string, record: string, made: CallMade): Promise<void> {
    this.alerted.push(["call", record, made.call]);
    this.tell();
  }

  async devices(): Promise<Awaited<ReturnType<Device["devices"]>>> {
    return [
      { id: "d1", label: "Sam’s phone", person: "Sam Pike", mine: true, standing: "in use", lastSeenMs: NOW },
      { id: "d2", label: "Jo’s phone", person: "Jo Baker", mine: false, standing: "in use", lastSeenMs: NOW - 3 * HOUR },
    ];
  }

  async onDevice(): Promise<Awaited<ReturnType<Device["onDevice"]>>> {
    return { files: [{ id: uuid(2), title: "M.O. · 0422" }], unsent: undefined, ring: await this.urgentNumbers() };
  }

  async suspend(): Promise<void> {
    this.tell();
  }

  async whoCanHelp(): Promise<readonly string[]> {
    return ["Ruth", "whoever holds the recovery shares"];
  }

  async askedToHelp(request: string): Promise<HelpAsked> {
    if (!request.startsWith("fieldkeep-help1:")) throw new Trouble("malformed", "That is not what was wanted.", "It is no request for help.", "Check that it was copied whole and try again.", true);
    return { name: "Sam", label: "phone", roles: ["navigator"], warnings: ["device-lost-lately"], readOut: "042917" };
  }

  #checkShares(shares: readonly string[]): void {
    if (shares.length < 2) throw new Trouble("too-few-shares", "More shares are needed.", `${shares.length} share(s) were given, want 2 of this set.`, "Type another one.", true);
  }

  permitted = false;

  async recovery(): Promise<RecoveryView> {
    const files = [{ file: uuid(1), title: "J.T. · 0417", state: "ready" as const }, { file: uuid(2), title: "M.O. · 0422", state: "held" as const }];
    return {
      holders: ["Ada Moss", "Bo Lind", "Cy Hart"], threshold: 2, drilled: false, granted: [{ file: uuid(2), title: "M.O. · 0422" }], owed: [{ file: uuid(1), title: "J.T. · 0417" }],
      permit: this.permitted ? { untilMs: NOW + 24 * HOUR, files } : undefined,
    };
  }

  async drill(shares: readonly string[]): Promise<readonly Opened[]> {
    this.#checkShares(shares);
    this.done.push(["drill", shares.length]);
    return [{ file: uuid(1), title: "J.T. · 0417", closed: 0 }, { file: uuid(2), title: "M.O. · 0422", closed: 1 }];
  }

  async bringBack(shares: readonly string[]): Promise<readonly Opened[]> {
    this.#checkShares(shares);
    this.done.push(["bring back", shares.length]);
    return [{ file: uuid(1), title: "J.T. · 0417", closed: 0 }];
  }

  async regrant(file: string): Promise<void> {
    this.done.push(["regrant", file]);
  }

  async help(_request: string, readBack: string, shares?: readonly string[]): Promise<string> {
    if (shares !== undefined) this.#checkShares(shares);
    if (readBack.replaceAll(" ", "") !== "123456") throw new Trouble("wrong-digits", "Those are not the digits of this request.", "They differ.", "Begin again, and read out fresh ones.", false);
    return "fieldkeep-answer1:AAAA";
  }

  async handovers(): Promise<readonly Handover[]> {
    const left = [
      { kind: "tasks", label: "Tasks", count: 2, explained: undefined },
      { kind: "drafts", label: "Drafts", count: 0, explained: undefined },
      { kind: "conflicts", label: "Decisions", count: 1, explained: "Priya decides on Monday" },
    ];
    return [{ file: uuid(2), record: this.kept[0]?.id ?? "", from: "Jo Baker", to: "Sam Pike", mine: true, accepted: false, left }];
  }

  async acceptHandover(): Promise<void> {
    this.tell();
  }

  async held(file: string): Promise<readonly Held[]> {
    return file === uuid(2) ? this.#held : [];
  }

  async admit(): Promise<void> {
    this.#held = [];
    this.tell();
  }

  async refuse(): Promise<void> {
    this.#held = [];
    this.tell();
  }
}
