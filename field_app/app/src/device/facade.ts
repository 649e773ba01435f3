/**
 * What screens know of the device: the one interface between what is shown and what is true.
 *
 * Everything that comes from here was opened and judged on this phone. Nothing here waits for the network but `sync`, and `picture` of what is not here yet: what is
 * asked is answered from the store, and what is written is on disk when the promise is kept ("saved on this phone"). What
 * is refused is raised as `Trouble`, in words for whoever holds the phone. Whoever is handed content has read it: the
 * device remembers the look before it answers (docs/spec.md §16.1).
 */
import type { Size } from "../components/picture";
import type { Oversight } from "../console/oversight";
import type { Choice } from "../forms/context";
import type { Edit } from "../forms/edits";
import type { Field } from "../forms/schema";
import type { Value } from "../forms/values";
import type {
  Across,
  Asking,
  AskingWords,
  CallMade,
  Colleague,
  Conflict,
  Decision,
  Declining,
  DeviceView,
  DueCount,
  DueItem,
  FileSummary,
  FundView,
  Handover,
  Held,
  HeldRefusal,
  HelpAsked,
  HistoryItem,
  Item,
  LostAnswers,
  Me,
  NewChange,
  OnDevice,
  Opened,
  OrderRuns,
  Pack,
  PartLine,
  Query,
  RecordSummary,
  RecordView,
  RecoveryView,
  Referral,
  Status,
  UrgentAlert,
  UrgentNumber,
  VisitBrief,
  Visiting,
  WordsAsked,
  Written,
} from "./views";

export { Trouble } from "./trouble";
export type * from "./views";

export interface Device {
  readonly me: Me;
  /** Of a supervisor's device, which has no files: what it may see of the side that it audits. */
  readonly oversight?: Oversight | undefined;
  /** Told whenever anything below may say something else. Gives back how to stop. */
  subscribe(listener: () => void): () => void;

  files(): Promise<readonly FileSummary[]>;
  file(file: string): Promise<FileSummary>;
  /** What the whole file comes to, without what is not sent: two devices that show the same have the same. Sixteen characters. */
  stateOf(file: string): Promise<string>;
  /** Newest event first. */
  records(file: string, query?: Query): Promise<readonly RecordSummary[]>;
  record(file: string, record: string): Promise<RecordView>;
  history(file: string, record: string): Promise<readonly HistoryItem[]>;
  /** In all files of this phone; works offline. */
  search(words: string): Promise<readonly RecordSummary[]>;

  /** What fields of a type may name in that file. */
  choices(file: string, type: string): Promise<(field: Field) => readonly Choice[]>;
  /** Names of people, records and devices for reading values. */
  names(file: string): Promise<(id: string) => string | undefined>;
  /** Keeps a picture for a record that is being written: the place, the camera and the date are taken out of it. It goes out when that record is written. */
  attach(file: string, content: File, kind: "photo" | "receipt"): Promise<Choice>;
  /** Of a picture that was kept for a record and is not to go out after all; of one that has gone nothing is done. */
  takeBack(file: string, record: string): Promise<void>;
  /** A picture, from this phone, or fetched: then it waits for the network. Nothing where there is no small one. */
  picture(file: string, record: string, size: Size): Promise<Blob | undefined>;
  /** Values that a new record begins with, by rule: the way used last time, who is writing. */
  startWith(file: string, type: string): Promise<Readonly<Record<string, Value>>>;
  /** What the other side will be told when this is written: a line each, and none where nothing is told. */
  willTell(file: string, change: NewChange): Promise<readonly string[]>;
  /** All of them or none, in one file; of a new `spend` also its line in the fund. On disk when the promise is kept. */
  write(file: string, changes: readonly NewChange[]): Promise<readonly Written[]>;
  addAddendum(file: string, record: string, text: string, reason: string): Promise<void>;
  makeVoid(file: string, record: string, reason: string): Promise<void>;

  status(): Promise<Status>;
  items(): Promise<readonly Item[]>;
  retry(item: string): Promise<void>;
  /** A person decides, and says why; it is kept. */
  discard(item: string, reason: string): Promise<void>;
  /** The only one that uses the network. Raises Trouble; offline is none. */
  sync(): Promise<void>;
  readAlarm(code: string): Promise<void>;

  conflicts(): Promise<readonly Conflict[]>;
  decide(conflict: Conflict, decision: Decision): Promise<void>;

  funds(): Promise<readonly FundView[]>;
  /** A record in the case and a line in the fund, under one id; `edits` are those of a `spend`. */
  spend(file: string, edits: readonly Edit[]): Promise<Written>;
  reverse(fund: string, spend: string, pence: number, why: string): Promise<void>;

  visit(file: string): Promise<VisitBrief>;
  /** Of this person's files: visits of today, and those from which somebody is not back. The overdue first. */
  visits(): Promise<readonly Visiting[]>;
  /** How much of this person's own is overdue and due today, without a word of what it is (docs/spec.md §5.10). */
  dueCount(): Promise<DueCount>;
  /** What is due up to a month ahead, the earliest first: this person's own, or everybody's in their files. */
  due(everybodys: boolean): Promise<readonly DueItem[]>;
  /** Orders that have not ended, and how long they run: the one that ends next first. */
  orders(): Promise<readonly OrderRuns[]>;
  acknowledge(file: string, instruction: string, how: string): Promise<void>;
  /** On the side of partner support alone. */
  across(file: string): Promise<Across>;
  /** Asks something of a case of the other side, from today. Gives back the last day on which it holds. */
  instruct(file: string, asking: Asking): Promise<string>;
  /** Asks for words of one's own: nothing goes until a second person has read exactly these. Gives back the last day. Raises Trouble. */
  askWords(file: string, asking: AskingWords): Promise<string>;
  /** What colleagues ask this person to read, and to agree to. */
  wordsWaiting(): Promise<readonly WordsAsked[]>;
  /** Sends exactly these words. Raises Trouble. */
  agreeTo(file: string, record: string): Promise<void>;
  /** Takes one's own request back, while it has not gone. */
  withdrawWords(file: string, record: string, why: string): Promise<void>;

  /** Whole referrals at a desk of partner support, the newest first. */
  packs(): Promise<readonly Pack[]>;
  /** Looks for its people in the desk's other referrals; what was found is kept with it. */
  matchPack(file: string, record: string): Promise<void>;
  /** Codes of the list `completeness_item`. It becomes this person's task to ask for them. */
  packIncomplete(file: string, record: string, missing: readonly string[], due: string): Promise<void>;
  /** Exactly what would go to the other side. Raises Trouble where it repeats a detail of the people harmed. */
  partOf(file: string, record: string, values: Readonly<Record<string, Value>>): Promise<readonly PartLine[]>;
  /** Gives the other side its part; `kept` are items that were looked at and stay. Raises Trouble. */
  split(file: string, record: string, values: Readonly<Record<string, Value>>, kept: readonly string[]): Promise<void>;
  /** On the other side: parts that came to the desk, and that nobody has decided on. */
  referrals(): Promise<readonly Referral[]>;
  /** Who may be let into a case. */
  colleagues(): Promise<readonly Colleague[]>;
  /** Begins a case from a referral; gives back the case. */
  beginFrom(file: string, record: string, members: readonly Colleague[]): Promise<string>;
  declineReferral(file: string, record: string, declining: Declining): Promise<void>;

  urgentNumbers(): Promise<readonly UrgentNumber[]>;
  /** Alerts that nobody has stood down. */
  urgent(): Promise<readonly UrgentAlert[]>;
  /** `how` is a code of the list `ack`. It is sent at once where there is a signal. */
  acknowledgeAlert(file: string, record: string, how: string): Promise<void>;
  /** Raises Trouble for whoever raised the alert. */
  standDown(file: string, record: string, why: string): Promise<void>;
  recordCall(file: string, record: string, made: CallMade): Promise<void>;

  /** Who can help should the passphrase of this phone be forgotten. */
  whoCanHelp(): Promise<readonly string[]>;
  /** Whose locked phone asks, and six digits to read out to them. Asks the service for news first: offline is Trouble. */
  askedToHelp(request: string, withShares?: boolean): Promise<HelpAsked>;
  /** The answer, once what was read back is right. Right or wrong, the digits are used up. With `shares` where no colleague can help. Raises Trouble. */
  help(request: string, readBack: string, shares?: readonly string[]): Promise<string>;

  recovery(): Promise<RecoveryView>;
  /** Proves that these shares come to the key in force; it is left on record. The words of each share as they were typed. Raises Trouble. */
  drill(shares: readonly string[]): Promise<readonly Opened[]>;
  /** Brings back what nobody holds any more and these shares open; then the permit ends, when nothing is left. Raises Trouble. */
  bringBack(shares: readonly string[]): Promise<readonly Opened[]>;
  /** Grants the recovery key all keys of a file once more. */
  regrant(file: string): Promise<void>;

  devices(): Promise<readonly DeviceView[]>;
  onDevice(device: string): Promise<OnDevice>;
  suspend(device: string, answers: LostAnswers): Promise<void>;

  handovers(): Promise<readonly Handover[]>;
  acceptHandover(file: string, record: string): Promise<void>;

  /** None for those who may not decide. What was fetched with the last sync, so that it works offline. */
  held(file: string): Promise<readonly Held[]>;
  admit(file: string, held: string): Promise<void>;
  refuse(file: string, held: string, reason: HeldRefusal): Promise<void>;
}
