/** The fund: what was allotted, set aside, spent, disputed, in log order. Spec 8. Vectors: ledger. */
import { equal, hex } from "./bytes";
import { changeKey, type Json, type Op } from "./change";
import { isMap } from "./fold/markers";
import type { Placed } from "./fold/model";
import { encodeUuid, recordId } from "./ids";

const MOST_PENCE = 1_000_000_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export interface Spend {
  readonly id: string;
  readonly device: string;
  readonly user: Uint8Array;
  /** It was more than its allowance. */
  readonly beyond: boolean;
  readonly counted: number;
  readonly disputed: number;
  readonly refused: number;
  /** What of that is to be paid back. */
  readonly owed: number;
}

/** Where a spend stands, a term of `spend_state`. What still waits for somebody comes first. */
export function standing({ beyond, counted, disputed, refused, owed }: Spend): string {
  if (disputed > 0) return "claimed";
  if (owed > 0) return "refused_repay";
  if (counted > 0) return beyond ? "approved" : "posted";
  return refused > 0 ? "refused" : "reversed";
}

/** Why a line moved nothing. */
export type Because =
  | "no-amount"
  | "no-device"
  | "no-spend-id"
  | "kind-not-known"
  | "not-the-fund-holder"
  | "not-the-spender"
  | "own-claim"
  | "not-that-device"
  | "beyond-unallocated"
  | "beyond-remaining"
  | "beyond-disputed"
  | "beyond-counted"
  | "beyond-owed"
  | "spend-id-used"
  | "no-such-spend"
  | "no-such-allowance";

export interface Ignored {
  readonly seq: number;
  readonly record: Uint8Array;
  readonly because: Because;
}

/** At every prefix: allotted = unallocated + all that remains + spent, and none is negative. */
export interface Fund {
  readonly allotted: number;
  readonly unallocated: number;
  readonly spent: number;
  readonly disputed: number;
  /** By device as UUID text, zeros too. */
  readonly remaining: ReadonlyMap<string, number>;
  readonly spends: ReadonlyMap<string, Spend>;
  readonly ignored: readonly Ignored[];
}

interface Line {
  readonly by: Placed;
  readonly values: ReadonlyMap<string, Json>;
  readonly amount: number;
}

type Moved = Partial<Omit<Fund, "ignored">> | Because;

const isHolder = ({ role }: Placed): boolean => role === "fund_holder";
const isAmount = (value: Json | undefined): value is number =>
  typeof value === "number" && value >= 1 && value <= MOST_PENCE;
const idOf = (value: Json | undefined): string | null => (typeof value === "string" && UUID.test(value) ? value : null);
const remainingOf = (fund: Fund, device: string): number => fund.remaining.get(device) ?? 0;

/** What the creating change sets: a later change to a line moves nothing. */
function valuesOf(ops: readonly Op[]): ReadonlyMap<string, Json> {
  const values = new Map<string, Json>();
  for (const { field, action, value } of ops)
    if (typeof field === "string" && action === "set") values.set(field, value);
  return values;
}

function withRemaining(fund: Fund, device: string, pence: number): ReadonlyMap<string, number> {
  return new Map(fund.remaining).set(device, remainingOf(fund, device) + pence);
}

function withSpend(fund: Fund, spend: Spend): ReadonlyMap<string, Spend> {
  return new Map(fund.spends).set(spend.id, spend);
}

// --- the lines -------------------------------------------------------------------------------------------------------

function allotment(fund: Fund, { by, amount }: Line): Moved {
  if (!isHolder(by)) return "not-the-fund-holder";
  return { allotted: fund.allotted + amount, unallocated: fund.unallocated + amount };
}

function allowance(fund: Fund, { by, values, amount }: Line): Moved {
  const device = idOf(values.get("device"));
  if (!isHolder(by)) return "not-the-fund-holder";
  if (device === null) return "no-device";
  if (amount > fund.unallocated) return "beyond-unallocated";
  return { unallocated: fund.unallocated - amount, remaining: withRemaining(fund, device, amount) };
}

function spend(fund: Fund, { by, values, amount }: Line): Moved {
  const id = idOf(values.get("spend_id"));
  if (id === null) return "no-spend-id";
  if (fund.spends.has(id)) return "spend-id-used";
  const device = encodeUuid(by.device);
  if (amount > remainingOf(fund, device)) {
    const disputed = { id, device, user: by.user, beyond: true, counted: 0, disputed: amount, refused: 0, owed: 0 };
    return { disputed: fund.disputed + amount, spends: withSpend(fund, disputed) };
  }
  const counted = { id, device, user: by.user, beyond: false, counted: amount, disputed: 0, refused: 0, owed: 0 };
  return {
    spent: fund.spent + amount,
    remaining: withRemaining(fund, device, -amount),
    spends: withSpend(fund, counted),
  };
}

function against(fund: Fund, values: ReadonlyMap<string, Json>): Spend | undefined {
  return fund.spends.get(idOf(values.get("against")) ?? "");
}

/** The spend on whose claim this person may decide; nobody decides on their own. */
function decided(fund: Fund, { by, values }: Line): Spend | Because {
  const of = against(fund, values);
  if (!isHolder(by)) return "not-the-fund-holder";
  if (of === undefined) return "no-such-spend";
  return equal(by.user, of.user) ? "own-claim" : of;
}

/** Nothing leaves the pot for what is refused, now or later. */
function refusal(fund: Fund, line: Line): Moved {
  const { amount } = line;
  const of = decided(fund, line);
  if (typeof of === "string") return of;
  if (amount > of.disputed) return "beyond-disputed";
  const owed = line.values.get("kind") === "refusal_repay" ? of.owed + amount : of.owed;
  return {
    disputed: fund.disputed - amount,
    spends: withSpend(fund, { ...of, disputed: of.disputed - amount, refused: of.refused + amount, owed }),
  };
}

function repaid(fund: Fund, line: Line): Moved {
  const of = decided(fund, line);
  if (typeof of === "string") return of;
  if (line.amount > of.owed) return "beyond-owed";
  return { spends: withSpend(fund, { ...of, owed: of.owed - line.amount }) };
}

function cover(fund: Fund, line: Line): Moved {
  const { amount } = line;
  const of = decided(fund, line);
  if (typeof of === "string") return of;
  if (amount > of.disputed) return "beyond-disputed";
  if (amount > fund.unallocated) return "beyond-unallocated";
  return {
    unallocated: fund.unallocated - amount,
    spent: fund.spent + amount,
    disputed: fund.disputed - amount,
    spends: withSpend(fund, { ...of, counted: of.counted + amount, disputed: of.disputed - amount }),
  };
}

function reversal(fund: Fund, { by, values, amount }: Line): Moved {
  const of = against(fund, values);
  if (of === undefined) return "no-such-spend";
  if (!isHolder(by) && !equal(by.user, of.user)) return "not-the-spender";
  if (amount > of.disputed + of.counted) return "beyond-counted";
  const undisputed = Math.min(amount, of.disputed);
  const back = amount - undisputed;
  return {
    unallocated: fund.unallocated + back,
    spent: fund.spent - back,
    disputed: fund.disputed - undisputed,
    spends: withSpend(fund, { ...of, counted: of.counted - back, disputed: of.disputed - undisputed }),
  };
}

function reclaim(fund: Fund, { by, values, amount }: Line): Moved {
  const device = idOf(values.get("device"));
  if (!isHolder(by)) return "not-the-fund-holder";
  if (device === null) return "no-device";
  if (amount > remainingOf(fund, device)) return "beyond-remaining";
  return { unallocated: fund.unallocated + amount, remaining: withRemaining(fund, device, -amount) };
}

function returned(fund: Fund, by: Placed, row: Json, device: string | undefined): Moved {
  const amount = isMap(row) ? row.get("amount") : undefined;
  if (device === undefined) return "no-such-allowance";
  if (device !== encodeUuid(by.device)) return "not-that-device";
  if (!isAmount(amount)) return "no-amount";
  if (amount > remainingOf(fund, device)) return "beyond-remaining";
  return { unallocated: fund.unallocated + amount, remaining: withRemaining(fund, device, -amount) };
}

const LINES: ReadonlyMap<Json, (fund: Fund, line: Line) => Moved> = new Map([
  ["allotment", allotment],
  ["spend", spend],
  ["cover", cover],
  ["refusal", refusal],
  ["refusal_repay", refusal],
  ["repaid", repaid],
  ["reversal", reversal],
  ["reclaim", reclaim],
]);

// --- the log ---------------------------------------------------------------------------------------------------------

const EMPTY: Fund = {
  allotted: 0,
  unallocated: 0,
  spent: 0,
  disputed: 0,
  remaining: new Map(),
  spends: new Map(),
  ignored: [],
};

function created(fund: Fund, by: Placed): Moved {
  const values = valuesOf(by.change.ops);
  const amount = values.get("amount");
  const line = by.change.t === "allowance" ? allowance : LINES.get(values.get("kind") ?? null);
  if (line === undefined) return "kind-not-known";
  return isAmount(amount) ? line(fund, { by, values, amount }) : "no-amount";
}

const begins = (log: Uint8Array, { device, change }: Placed, type: string): boolean =>
  change.t === type && equal(recordId(log, device, change.c), change.r);

/** `changes` are the fund's, in log order; pending ones may follow, to show what this device may still spend. */
export function foldFund(log: Uint8Array, changes: readonly Placed[]): Fund {
  let fund = EMPTY;
  const ignored: Ignored[] = [];
  const taken = new Set<string>();
  /** Of each allowance that had effect, the device. */
  const devices = new Map<string, string>();
  const step = (by: Placed, moved: Moved): boolean => {
    if (typeof moved !== "string") fund = { ...fund, ...moved };
    else ignored.push({ seq: by.seq, record: by.change.r, because: moved });
    return typeof moved !== "string";
  };
  for (const by of changes) {
    const number = changeKey(by.device, by.change.c);
    if (taken.has(number)) continue;
    taken.add(number);
    const record = hex(by.change.r);
    if (begins(log, by, "fund_line")) step(by, created(fund, by));
    const begun = begins(log, by, "allowance");
    if (begun && step(by, created(fund, by))) {
      devices.set(record, idOf(valuesOf(by.change.ops).get("device")) ?? "");
    }
    // Told of a record that calls itself an allowance, or is one: what comes later in the log decides nothing here.
    const isOne = begun || (!equal(recordId(log, by.device, by.change.c), by.change.r) && by.change.t === "allowance");
    if (!isOne && !devices.has(record)) continue;
    for (const { field, action, value } of by.change.ops) {
      if (field === "returned" && action === "add") step(by, returned(fund, by, value, devices.get(record)));
    }
  }
  return { ...fund, ignored };
}
