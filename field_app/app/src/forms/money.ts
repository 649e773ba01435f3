/** Pounds on screen, whole pence everywhere else. No amount is ever a fraction, not even on the way. */

const MOST_PENCE = 1_000_000_000;

/** Pence of "12", "12.5", "£1,234.50"; undefined for what is no amount above 0 and up to ten million pounds. */
export function readPounds(text: string): number | undefined {
  const found = /^£?\s*([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,8})(?:\.([0-9]{1,2}))?$/.exec(text.trim());
  if (found === null) return undefined;
  const pounds = Number((found[1] ?? "").replaceAll(",", ""));
  const pence = pounds * 100 + Number((found[2] ?? "").padEnd(2, "0"));
  return pence >= 1 && pence <= MOST_PENCE ? pence : undefined;
}

/** For a box: "1234.50". */
export function poundsBox(pence: number): string {
  const rest = String(Math.abs(pence) % 100).padStart(2, "0");
  return `${pence < 0 ? "-" : ""}${Math.trunc(Math.abs(pence) / 100)}.${rest}`;
}

/** To read: "£1,234.50", and "£12" where there are no pence. */
export function pounds(pence: number): string {
  const [whole = "", rest = ""] = poundsBox(Math.abs(pence)).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return `${pence < 0 ? "−" : ""}£${grouped}${rest === "00" ? "" : `.${rest}`}`;
}
