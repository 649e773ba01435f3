/** Rows as a table that other programs read (RFC 4180). Pure. */
import type { Row } from "./oversight";

/** A cell that a spreadsheet would take for a formula is put in words. */
function cell(value: string | number): string {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csvOf(rows: readonly Row[]): string {
  const head = ["row", "time", "time_is_own", "person", "device", "act", "file", "detail"];
  const lines = rows.map(({ n, ms, timed, person, device, act, file, detail }) =>
    [n, new Date(ms).toISOString(), timed ? "yes" : "no", person, device, act, file, detail].map(cell).join(","),
  );
  return `${[head.join(","), ...lines].join("\r\n")}\r\n`;
}
