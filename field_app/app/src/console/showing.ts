/** What was verified, in words: rows, devices, findings and charts. Pure, but for reading the audit. */
import { type Delay, delaysOf } from "@fieldkeep/core/audit/delays";
import { healthOf } from "@fieldkeep/core/audit/health";
import type { Audit, Finding as CoreFinding } from "@fieldkeep/core/audit/state";
import { type AuditRow, rowsFrom } from "@fieldkeep/core/audit/table";
import { hex } from "@fieldkeep/core/bytes";
import type { Known } from "@fieldkeep/device/auditing/auditing";
import type { HeardKept, LookedDay } from "@fieldkeep/device/auditing/heard";
import { kindWords } from "../screens/words";
import { actWords } from "./acts";
import type { Chart, DeviceRow, Finding, HeldRow, Overview, Row, Said } from "./oversight";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const WEEKS = 12;

interface Names {
  /** Who fetches is of another side; nobody else is. */
  readonly person: (device: string, fetched?: boolean) => string;
  readonly device: (device: string) => string;
  readonly file: (log: string | null) => string;
}

/** `own` is this computer's device: what a supervisor fetched is told too. */
function namesOf({ audit, moment }: Known, own: Uint8Array): Names {
  const kinds = new Map((moment?.logs ?? []).map(({ log, kind }) => [hex(log), kind] as const));
  const labels = new Map<string, string>();
  const taken = new Set<string>();
  for (const [id, { name, label }] of audit.registry.devices) {
    const plain = label.includes(name) ? label : `${name}: ${label}`;
    const unlike = taken.has(plain) ? `${plain} (${id.slice(0, 4)})` : plain;
    taken.add(unlike);
    labels.set(id, unlike);
  }
  const self = hex(own);
  const supervisor = (device: string): string => (device === self ? "You" : `A supervisor (${device.slice(0, 4)})`);
  return {
    person: (device, fetched = false) => {
      const known = audit.registry.devices.get(device)?.name;
      if (known !== undefined) return known;
      return isAuthority(audit, device) ? "The authority" : fetched ? supervisor(device) : "Nobody of this side";
    },
    device: (device) => labels.get(device) ?? (device === self ? "This computer" : device.slice(0, 8)),
    file: (log) => (log === null ? "" : kinds.get(log) === "registry" ? "Register of devices" : `${kindWords(kinds.get(log) ?? "file")} ${log.slice(0, 8)}`),
  };
}

function isAuthority({ logs, registry }: Audit, author: string): boolean {
  const first = logs.get(hex(registry.log.log))?.items.at(0)?.author;
  return first != null && hex(first) === author;
}

function rowOf({ n, ms, timed, act, device, log, from, to, code, void: counts }: AuditRow, names: Names): Row {
  const places = to === 0 ? "" : from === to ? `entry ${to}` : `entries ${from} to ${to}`;
  const why = code === null || code === "held" ? "" : code;
  const detail = [places, why, counts ? "counts for nothing" : ""].filter((one) => one !== "").join(", ");
  return {
    n, ms, timed, act: actWords(act), file: names.file(log), detail,
    person: device === null ? "" : names.person(device, act === "export"),
    device: device === null ? "" : names.device(device),
  };
}

// --- what is wrong -------------------------------------------------------------------------------------------------------

function rowsByPlace(audit: Audit): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  for (let n = 0; n < audit.events.length; n++) {
    const event = audit.events.at(n)?.event;
    if (event?.e === "accepted" && !places.has(`${hex(event.log)} ${event.seq}`)) places.set(`${hex(event.log)} ${event.seq}`, n);
  }
  return places;
}

/** What is found twice of one row is said once, in the first words. */
function findingsOf(found: readonly CoreFinding[], names: Names, rows: readonly Row[], places: ReadonlyMap<string, number>): readonly Finding[] {
  const seen = new Set<number>();
  return found.flatMap(({ log, seq, event, text }): readonly Finding[] => {
    const row = event ?? (log === null ? undefined : places.get(`${hex(log)} ${seq}`));
    const known = row === undefined || row >= rows.length ? undefined : row;
    if (known !== undefined && seen.has(known)) return [];
    if (known !== undefined) seen.add(known);
    const where = known !== undefined ? `Row ${known}: ` : log === null ? "" : `${names.file(hex(log))}, entry ${seq}: `;
    return [{ text: capital(`${where}${text}.`), row: known }];
  });
}

const capital = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);

// --- charts --------------------------------------------------------------------------------------------------------------

const STEPS: readonly (readonly [string, number])[] = [
  ["Within an hour", HOUR],
  ["Within a day", DAY],
  ["Within 2 days", 2 * DAY],
  ["Within a week", 7 * DAY],
  ["Longer", Number.POSITIVE_INFINITY],
];

function bars(values: readonly (number | null)[], none: string): Chart["bars"] {
  const counts = STEPS.map(([label, most], i) => {
    const least = STEPS[i - 1]?.[1] ?? -1;
    return { label, count: values.filter((ms) => ms !== null && ms > least && ms <= most).length };
  });
  return [...counts, { label: none, count: values.filter((ms) => ms === null).length }];
}

const two = (n: number): string => String(n).padStart(2, "0");

interface Week {
  readonly label: string;
  readonly from: number;
  readonly to: number;
}

function lastWeeks(nowMs: number): readonly Week[] {
  const today = new Date(nowMs);
  return Array.from({ length: WEEKS }, (_, i) => {
    const back = WEEKS - 1 - i;
    const monday = today.getDate() - ((today.getDay() + 6) % 7);
    const from = new Date(today.getFullYear(), today.getMonth(), monday - 7 * back);
    const to = new Date(today.getFullYear(), today.getMonth(), monday - 7 * back + 7).getTime();
    return { label: `${two(from.getDate())}/${two(from.getMonth() + 1)}`, from: from.getTime(), to };
  });
}

function byWeek(delays: readonly Delay[], nowMs: number): Chart["bars"] {
  return lastWeeks(nowMs).map(({ label, from, to }) => ({ label, count: delays.filter(({ receivedMs }) => receivedMs >= from && receivedMs < to).length }));
}

/** The newest figure of each week in which this computer asked: of a week in which it did not, nothing is known, which is not nought. */
function conflictsByWeek(days: readonly LookedDay[], nowMs: number): Chart["bars"] {
  return lastWeeks(nowMs).flatMap(({ label, from, to }) => {
    const newest = days.filter(({ at_ms }) => at_ms >= from && at_ms < to).at(-1);
    return newest === undefined ? [] : [{ label, count: newest.conflicts }];
  });
}

function chartsOf(delays: readonly Delay[], days: readonly LookedDay[], nowMs: number): readonly Chart[] {
  return [
    {
      title: "Written, by week",
      says: "Entries that came in each of the last twelve weeks, by the Monday on which it began.",
      of: "Week from",
      bars: byWeek(delays, nowMs),
    },
    {
      title: "How late it may have come",
      says: "The longest that each entry can have waited on its device: since the newest audit event that the device had seen. When it was typed is sealed, so it may have been less.",
      of: "At most",
      bars: bars(delays.map(({ atMostMs }) => atMostMs), "Not known"),
    },
    {
      title: "Until a colleague had it",
      says: "From when an entry came to when the first device of somebody else fetched it.",
      of: "Time",
      bars: bars(delays.map(({ reachedMs }) => reachedMs), "Not yet"),
    },
    {
      title: "Conflicts open",
      says: "Fields that waited for a decision on the device that had most, by its own word, when this computer last asked in that week. Weeks in which it did not ask are left out. What was opened and closed in between is sealed, so no one can count it here.",
      of: "Week from",
      what: "Conflicts",
      bars: conflictsByWeek(days, nowMs),
    },
  ];
}

// --- all of it -----------------------------------------------------------------------------------------------------------

function saidOf(heard: HeardKept | null): ReadonlyMap<string, Said> {
  return new Map(
    (heard?.answer.devices ?? []).map(({ device, heard_ms, status }) => {
      const clockMs = status.claimed_ms === 0 ? undefined : status.claimed_ms - heard_ms;
      return [hex(device), { heardMs: heard_ms, unsent: status.unsent, conflicts: status.conflicts, oldestConflictDays: status.oldest_conflict_days, clockMs, app: status.app }] as const;
    }),
  );
}

export function overviewOf(known: Known, heardKept: HeardKept | null, side: Overview["side"], own: Uint8Array, nowMs: number): Omit<Overview, "checking"> {
  const { audit, concluded, last, verified } = known;
  const names = namesOf(known, own);
  const rows = rowsFrom(audit, 0, 0).map((row) => rowOf(row, names));
  const places = rowsByPlace(audit);
  const { devices, held, rotations } = healthOf(audit);
  const heldRows: readonly HeldRow[] = held.map(({ author, log, n }) => ({
    person: names.person(hex(author)), device: names.device(hex(author)), file: log === null ? "A file that has not begun" : names.file(hex(log)), sinceMs: rows[n]?.ms ?? 0, row: n,
  }));
  const said = saidOf(heardKept);
  const deviceRows: readonly DeviceRow[] = devices.map((one) => ({
    id: hex(one.device.device), person: one.device.name, device: names.device(hex(one.device.device)), roles: one.device.roles, standing: one.standing, untilMs: one.device.until,
    heardMs: one.heardMs ?? undefined, wroteMs: one.wroteMs ?? undefined, waiting: one.waiting, waitingSinceMs: one.waitingSinceMs ?? undefined, held: one.held, refused: one.refused,
    said: said.get(hex(one.device.device)),
    treeSeen: concluded?.witnesses.get(hex(one.device.device)),
  }));
  const wrong = last !== null && last.findings.length > 0;
  return {
    side,
    state: last === null ? "never" : wrong ? "wrong" : "verified",
    checkedMs: last?.atMs,
    size: verified?.size ?? 0,
    verifiedMs: verified?.atMs,
    witnesses: concluded?.witnesses.size ?? 0,
    logs: audit.logs.size,
    entries: [...audit.logs.values()].reduce((sum, { items }) => sum + items.length, 0),
    findings: findingsOf(last?.findings ?? [], names, rows, places),
    notices: findingsOf(concluded?.notices ?? [], names, rows, places),
    devices: deviceRows,
    held: heldRows,
    rotations: rotations.map((log) => names.file(hex(log))),
    rows,
    charts: chartsOf(delaysOf(audit), heardKept?.days ?? [], nowMs),
    saidMs: heardKept?.at_ms,
  };
}

