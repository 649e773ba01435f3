/** Visits of today in all files, and those from which somebody is not back. Reading of the session. */
import { equal } from "@fieldkeep/core/bytes";
import type { FoldedRecord } from "@fieldkeep/core/fold/model";
import type { Session } from "@fieldkeep/device/session";
import { type When, isList, isWhen } from "../../forms/values";
import type { Visiting } from "../facade";
import { idBytes, idText } from "./convert";
import { fileTitle, personName, textOf, valueOf } from "./people";
import { planned } from "./visit";

function timeOf(record: FoldedRecord, field: string): When | undefined {
  const value = valueOf(record, field);
  return isWhen(value) ? value : undefined;
}

/** Times of plans are this phone's own, as people say them. */
const msOf = (time: When | undefined): number => (time === undefined ? Number.NaN : new Date(time.at.length === 10 ? `${time.at}T23:59` : time.at).getTime());

const isSameDay = (ms: number, now: Date): boolean => new Date(ms).toDateString() === now.toDateString();

export function visitsOf(session: Session): readonly Visiting[] {
  const now = new Date(session.now());
  const me = idText(session.identity.user);
  const found = session.ownFiles.flatMap((open) =>
    [...session.recordsOf(open.log).records.values()].flatMap((record): readonly Visiting[] => {
      if (record.type !== "visit_plan" || record.hidden || record.isVoid || valueOf(record, "checked_out") !== undefined) return [];
      const [start, dueBack, buddy] = [timeOf(record, "start"), timeOf(record, "due_back"), textOf(record, "buddy")];
      const overdue = msOf(dueBack) < now.getTime();
      if (!overdue && !isSameDay(msOf(start), now) && !isSameDay(msOf(dueBack), now)) return [];
      const going = valueOf(record, "visitors");
      const visitors = isList(going) ? going.filter((one) => typeof one === "string") : [];
      const written = record.created !== null && equal(record.created.user, session.identity.user);
      return [{
        file: idText(open.log), record: idText(record.id), title: fileTitle(session, open), mine: visitors.length === 0 ? written : visitors.includes(me), start, dueBack,
        buddy: buddy === undefined ? undefined : personName(session, idBytes(buddy)), iAmBuddy: buddy === me,
        visitors: visitors.map((one) => personName(session, idBytes(one))), overdue, ...planned(session, record),
      }];
    }),
  );
  const mine = found.filter((visit) => visit.mine || visit.iAmBuddy || visit.overdue);
  return mine.sort((a, b) => Number(b.overdue) - Number(a.overdue) || (msOf(a.start) || 0) - (msOf(b.start) || 0));
}
