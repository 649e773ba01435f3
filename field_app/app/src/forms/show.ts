/** Values in words, for whoever reads them. Pure. */
import { pounds } from "./money";
import { type Field, MISSING, YES_NO } from "./schema";
import { type Value, type When, isList, isMap, isWhen, missingReason } from "./values";

const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/** "3 March 2026", "March 2026", "2026". What is no date is shown as it is. */
export function showDate(date: string): string {
  const [year = "", month, day] = date.split("-");
  const name = month === undefined ? "" : (MONTHS[Number(month) - 1] ?? month);
  return [day === undefined ? "" : String(Number(day)), name, year].filter((part) => part !== "").join(" ");
}

/** "3 March 2026 at 14:05", "about 14:00 on 3 March 2026". */
export function showWhen(when: When): string {
  const [date = "", time] = when.at.split("T");
  const clock = time === undefined ? "" : ` at ${time.includes(":") ? time : `${time}:00`}`;
  const about = when.precision === "about" || when.precision === "hour" ? "about " : "";
  return `${about}${showDate(date)}${clock}`;
}

/** The name of a record, a person or a device, where it is known here. */
export type NameOf = (id: string) => string | undefined;

const label = (field: Field, code: string): string =>
  (field.kind === "yn" ? YES_NO : field.terms).find((term) => term.code === code)?.label ?? code.replaceAll("_", " ");

export function showValue(field: Field, value: Value, nameOf: NameOf): string {
  const reason = missingReason(value);
  if (reason !== undefined) return MISSING.find((one) => one.code === reason)?.label ?? reason;
  if (field.kind === "list" && isList(value)) return value.map((row) => showRow(field, row, nameOf)).join("; ");
  if (isList(value)) return value.map((one) => showOne(field, one, nameOf)).join(", ");
  return showOne(field, value, nameOf);
}

function showOne(field: Field, value: Value, nameOf: NameOf): string {
  if (typeof value === "string") {
    switch (field.kind) {
      case "code":
      case "codes":
      case "yn":
        return label(field, value);
      case "date":
        return showDate(value);
      case "ref":
      case "refs":
      case "user":
      case "users":
      case "attachments":
      case "random_id":
        return nameOf(value) ?? "Something that is not on this phone";
      default:
        return value;
    }
  }
  if (field.kind === "att" && isMap(value)) return "A picture or document"; // the key in it is shown to nobody
  if (typeof value === "number") return field.kind === "pence" ? pounds(value) : field.kind === "minutes" ? `${value} minutes` : String(value);
  if (isWhen(value)) return showWhen(value);
  return value === null ? "" : JSON.stringify(value);
}

/** A row's cells, each after its label; words alone where a row has nothing but words. */
export function showRow(field: Field, row: Value, nameOf: NameOf): string {
  if (!isMap(row)) return JSON.stringify(row);
  const said = field.cells.filter((cell) => row[cell.name] !== undefined);
  return said
    .map((cell) => {
      const text = showValue(cell, row[cell.name] ?? null, nameOf);
      return said.length === 1 ? text : `${cell.label}: ${text}`;
    })
    .join(", ");
}
