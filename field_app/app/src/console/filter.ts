/** Picks rows of the audit table. Pure. */
import type { Row } from "./oversight";

export interface Filter {
  readonly person: string;
  readonly device: string;
  readonly file: string;
  readonly act: string;
  /** Days as the browser's date box has them, "" for none; both are included. */
  readonly from: string;
  readonly to: string;
}

export const EVERYTHING: Filter = { person: "", device: "", file: "", act: "", from: "", to: "" };

const DAY = 86_400_000;

function midnight(day: string): number | undefined {
  const [year, month, date] = day.split("-").map(Number);
  if (year === undefined || month === undefined || date === undefined || Number.isNaN(year + month + date)) return undefined;
  return new Date(year, month - 1, date).getTime();
}

export function picked(rows: readonly Row[], { person, device, file, act, from, to }: Filter): readonly Row[] {
  const first = midnight(from) ?? Number.NEGATIVE_INFINITY;
  const last = midnight(to);
  const end = last === undefined ? Number.POSITIVE_INFINITY : (midnight(nextDay(to)) ?? last + DAY);
  return rows.filter(
    (row) =>
      (person === "" || row.person === person) &&
      (device === "" || row.device === device) &&
      (file === "" || row.file === file) &&
      (act === "" || row.act === act) &&
      row.ms >= first &&
      row.ms < end,
  );
}

/** The clocks may change in between. */
function nextDay(day: string): string {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  const next = new Date(year, month - 1, date + 1);
  return `${next.getFullYear()}-${next.getMonth() + 1}-${next.getDate()}`;
}

export interface Choices {
  readonly persons: readonly string[];
  readonly devices: readonly string[];
  readonly files: readonly string[];
  readonly acts: readonly string[];
}

export function choicesOf(rows: readonly Row[]): Choices {
  const all = (of: (row: Row) => string): readonly string[] =>
    [...new Set(rows.map(of))].filter((one) => one !== "").sort((a, b) => a.localeCompare(b));
  return { persons: all(({ person }) => person), devices: all(({ device }) => device), files: all(({ file }) => file), acts: all(({ act }) => act) };
}
