/** What a field may name in a file, and what a new record begins with. Reading of the session. */
import { equal } from "@fieldkeep/core/bytes";
import type { FoldedRecord } from "@fieldkeep/core/fold/model";
import type { Session } from "@fieldkeep/device/session";
import type { Choice } from "../../forms/context";
import type { Field } from "../../forms/schema";
import type { Value } from "../../forms/values";
import { idText } from "./convert";
import { fieldsIn, inOrder } from "./lists";
import { lineOf, personName, valueOf } from "./people";
import { when } from "./visit";

/** People of the file, devices of its people, or its records of the types that the field may name, the newest first. */
export function choicesIn(session: Session, log: Uint8Array, _type: string): (field: Field) => readonly Choice[] {
  const { file } = session.file(log).reading;
  const users = [...file.members.values()].map(({ user }) => ({ id: idText(user), label: personName(session, user) }));
  const records = inOrder(session, log);
  const choice = (record: FoldedRecord): Choice => ({ id: idText(record.id), label: lineOf(record) || record.type.replaceAll("_", " ") });
  return (field) => {
    switch (field.kind) {
      case "user":
      case "users":
        return users;
      case "ref":
      case "refs":
        return records.filter(({ type }) => field.refs.length === 0 || field.refs.includes(type)).map(choice);
      default:
        return [];
    }
  };
}

/** Whose last answer is the likeliest next one: how somebody was reached, and who was there. */
const REMEMBERED = new Set(["mode", "direction", "with", "place"]);
/** What is usual where nothing was written yet: a knock on the door. */
const USUAL: Readonly<Record<string, Readonly<Record<string, Value>>>> = {
  contact: { mode: "home_visit", direction: "to_them", with: ["client"] },
  task: { task_state: "open" },
};

/** What a new record begins with: now, whoever writes, and what was said the last time in this file. */
export function startsWith(session: Session, log: Uint8Array, type: string): Readonly<Record<string, Value>> {
  const last = inOrder(session, log).find((record) => record.type === type && record.created !== null && equal(record.created.user, session.identity.user));
  const values: Record<string, Value> = { ...USUAL[type] };
  for (const field of fieldsIn(session, log, type)) {
    if (field.name === "workers" || field.name === "visitors") values[field.name] = [idText(session.identity.user)];
    if (type === "task" && field.name === "owner") values[field.name] = idText(session.identity.user);
    if (field.name === "event_at") values[field.name] = when(session.now());
    const before = last === undefined || !REMEMBERED.has(field.name) ? undefined : valueOf(last, field.name);
    if (before !== undefined) values[field.name] = before;
  }
  return values;
}
